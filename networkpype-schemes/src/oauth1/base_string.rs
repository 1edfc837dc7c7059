//! What is signed (RFC 5849, section 3.4.1)?

use http::{
    HeaderMap,
    header::{CONTENT_TYPE, HOST},
};
use networkpype_core::{AuthError, AuthErrorKind, ExplanationBuilder, Origin, RestRequest};

use super::parameters::{Parameter, encode, of_text};

const FORM: &str = "application/x-www-form-urlencoded";

/// What a server sees of a request: a handshake is a GET without a body, whatever it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Handshake,
}

/// The signature base string, in its pieces.
pub(super) struct BaseString {
    method: String,
    uri: String,
    parameters: Vec<Parameter>,
}

impl BaseString {
    /// Of `request` as it will be sent. `beside` are the parameters that stand neither in its query nor in its form: those in
    /// the header. The query is frozen, and a form too.
    pub(super) fn new(
        request: &mut RestRequest,
        kind: Kind,
        beside: impl IntoIterator<Item = Parameter>,
    ) -> Result<Self, AuthError> {
        let mut parameters = parameters(request, kind)?;
        parameters.retain(|parameter| parameter.name != "oauth_signature");
        parameters.extend(beside);
        parameters.sort();
        let method = match kind {
            Kind::Call => request.method().as_str().to_ascii_uppercase(),
            Kind::Handshake => "GET".to_owned(),
        };
        Ok(Self { method, uri: uri(request)?, parameters })
    }

    pub(super) fn text(&self) -> String {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|Parameter { name, value }| format!("{name}={value}"))
            .collect();
        let [method, uri] = [&self.method, &self.uri].map(|part| encode(part.as_bytes()));
        format!("{method}&{uri}&{}", encode(parameters.join("&").as_bytes()))
    }

    /// The same part by part. The values of these parameters are not shown.
    pub(super) fn explain(
        &self,
        mut builder: ExplanationBuilder,
        hidden: &[&str],
    ) -> ExplanationBuilder {
        builder = builder
            .part("method", encode(self.method.as_bytes()), false)
            .part("text", "&", false)
            .part("base string URI", encode(self.uri.as_bytes()), false)
            .part("text", "&", false);
        for (index, Parameter { name, value }) in self.parameters.iter().enumerate() {
            let start = if index == 0 { "" } else { "%26" };
            let start = format!("{start}{}%3D", encode(name.as_bytes()));
            let value = encode(value.as_bytes());
            builder = match hidden.contains(&name.as_str()) {
                true => builder.part("text", start, false).part(name.clone(), value, true),
                false => builder.part(name.clone(), format!("{start}{value}"), false),
            };
        }
        builder
    }
}

/// The parameters of the query, and those of the body where it is a form.
pub(super) fn parameters(
    request: &mut RestRequest,
    kind: Kind,
) -> Result<Vec<Parameter>, AuthError> {
    let mut parameters: Vec<_> = of_text(request.query_string().as_bytes()).collect();
    if kind == Kind::Call && has_form(request.headers())? {
        parameters.extend(of_text(&request.body_bytes()?));
    }
    Ok(parameters)
}

/// Whether the body's parameters are signed: whether it says that it is a form, with whatever parameters of its own behind
/// that (RFC 5849, section 3.4.1.3.1).
pub(super) fn has_form(headers: &HeaderMap) -> Result<bool, AuthError> {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let first = kinds.next();
    if kinds.next().is_some() {
        let message = "there are several `Content-Type` headers: which of them a server believes decides what is signed";
        return Err(AuthError::new(AuthErrorKind::Request, message));
    }
    let media_type = first.and_then(|kind| kind.as_bytes().split(|byte| *byte == b';').next());
    Ok(media_type.is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(FORM.as_bytes())))
}

/// Scheme, host and path, as a server puts them together from the request (RFC 5849, section 3.4.1.2). A WebSocket's handshake
/// reaches it as a request of `http` or `https`.
fn uri(request: &RestRequest) -> Result<String, AuthError> {
    let Some(origin) = request.origin() else {
        let message = "the URL is relative, and its host is signed: give it in full, or to a manager with a base URL";
        return Err(AuthError::new(AuthErrorKind::Request, message));
    };
    let authority = match request.headers().get(HOST) {
        None => origin.authority(),
        Some(host) => authority(origin, host.as_bytes())?,
    };
    let scheme = if origin.is_secure() { "https" } else { "http" };
    let path = if request.path().is_empty() { "/" } else { request.path() };
    Ok(format!("{scheme}://{authority}{path}"))
}

/// A `Host` header of the request's own, which is what the server sees, in the one way in which it is signed.
fn authority(origin: &Origin, host: &[u8]) -> Result<String, AuthError> {
    let scheme = if origin.is_secure() { "https" } else { "http" };
    let parsed = std::str::from_utf8(host).ok().map(|host| format!("{scheme}://{host}"));
    let parsed: Option<Origin> = parsed.and_then(|origin| origin.parse().ok());
    parsed.map(|origin| origin.authority()).ok_or_else(|| {
        AuthError::new(AuthErrorKind::Request, "the `Host` header is not a host, or host and port")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(mut request: RestRequest) -> String {
        BaseString::new(&mut request, Kind::Call, []).expect("signable").text()
    }

    fn uri_of(request: RestRequest) -> String {
        let text = base(request);
        let uri = text.split('&').nth(1).expect("a URI").to_owned();
        String::from_utf8(super::super::parameters::decode(uri.as_bytes())).expect("text")
    }

    #[test]
    fn scheme_and_host_are_in_lower_case_and_ports_by_default_are_dropped() {
        for (url, expected) in [
            ("HTTP://EXAMPLE.COM:80/r%20v/X?id=123", "http://example.com/r%20v/X"),
            ("https://www.example.net:8080/?q=1", "https://www.example.net:8080/"),
            ("https://example.com:443/a", "https://example.com/a"),
            ("https://example.com:80/a", "https://example.com:80/a"),
            ("http://example.com", "http://example.com/"),
            ("http://example.com?a=1", "http://example.com/"),
            ("http://example.com/a/../b//;c", "http://example.com/a/../b//;c"),
            ("https://[::1]:9/", "https://[::1]:9/"),
            ("wss://example.com/ws", "https://example.com/ws"),
            ("ws://example.com:80/ws", "http://example.com/ws"),
        ] {
            assert_eq!(uri_of(RestRequest::get(url)), expected, "{url}");
        }
    }

    #[test]
    fn the_host_that_the_server_sees_is_signed() {
        let request = || RestRequest::get("https://10.0.0.1:8443/a");
        for (host, expected) in [
            ("API.example.com:443", "https://api.example.com/a"),
            ("api.example.com:8443", "https://api.example.com:8443/a"),
        ] {
            assert_eq!(uri_of(request().header("host", host)), expected);
        }
        for host in ["a/b", "", "u@h"] {
            let mut request = request().header("host", host);
            assert!(BaseString::new(&mut request, Kind::Call, []).is_err(), "{host}");
        }
    }

    #[test]
    fn a_body_is_signed_where_it_says_that_it_is_a_form_and_nowhere_else() {
        let post = |kind: &str| {
            base(RestRequest::post("http://h/").body("a=1").header("content-type", kind))
        };
        for (kind, signed) in [
            ("application/x-www-form-urlencoded", true),
            ("Application/X-WWW-Form-UrlEncoded ; charset=UTF-8", true),
            ("application/x-www-form-urlencoded-not", false),
            ("multipart/form-data; boundary=application/x-www-form-urlencoded", false),
            ("text/plain", false),
        ] {
            assert_eq!(post(kind).ends_with("&a%3D1"), signed, "{kind}");
        }
        assert!(!base(RestRequest::post("http://h/").body("a=1")).contains("a%3D1"));
        let mut twice = RestRequest::post("http://h/")
            .form_param("a", 1)
            .append_header("content-type", "text/plain");
        assert!(BaseString::new(&mut twice, Kind::Call, []).is_err());
    }

    #[test]
    fn a_body_that_is_no_form_stays_open() {
        let mut request = RestRequest::post("http://h/").json_object([("a", 1)]);
        BaseString::new(&mut request, Kind::Call, []).expect("signable");
        assert!(request.json_members_mut().is_ok());
    }

    #[test]
    fn a_handshake_is_a_get_without_a_body() {
        let mut request = RestRequest::post("wss://h/ws?a=1").form_param("b", 2);
        let base = BaseString::new(&mut request, Kind::Handshake, []).expect("signable");
        assert_eq!(base.text(), "GET&https%3A%2F%2Fh%2Fws&a%3D1");
    }

    #[test]
    fn an_explanation_has_the_text_that_was_signed() {
        let mut request = RestRequest::get("http://h/a?b=1&a=x+y&a=");
        let base = BaseString::new(&mut request, Kind::Call, []).expect("signable");
        let builder = networkpype_core::Explanation::builder("oauth1", "");
        let explanation = base.explain(builder, &[]).build(&[]);
        assert_eq!(explanation.signed_text(), base.text());
        assert_eq!(explanation.first_difference(&base.text()), None);
    }
}
