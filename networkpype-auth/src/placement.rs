use std::borrow::Cow;

use networkpype_core::{
    AuthError, AuthErrorKind, Encoding, JsonMembers, Pair, RestRequest, Secret,
};

/// Where a value goes: a key, a timestamp, a signature.
///
/// Parameters and JSON fields are added behind those of the request; see [`first`](Self::first). One that the request
/// has already is an error, not a duplicate. Headers replace, and are marked sensitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    kind: Kind,
    name: Cow<'static, str>,
    first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Header,
    Query,
    Form,
    Params,
    Json,
    JsonNumber,
}

impl Placement {
    /// A header.
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Header, name)
    }

    /// A parameter of the query, percent-encoded.
    pub fn query(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Query, name)
    }

    /// A parameter of the form body, which an empty body becomes.
    pub fn form(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Form, name)
    }

    /// A parameter where the request's own are: of the form body where it has one, of the query otherwise.
    pub fn params(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Params, name)
    }

    /// A field of a JSON object, as a string: of the body, which an empty body becomes, or of a WebSocket message.
    pub fn json(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Json, name)
    }

    /// A field of a JSON object, as an integer.
    pub fn json_number(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::JsonNumber, name)
    }

    /// Before the request's own parameters or fields instead of behind them. Says nothing about headers.
    #[must_use]
    pub fn first(mut self) -> Self {
        self.first = true;
        self
    }

    fn new(kind: Kind, name: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, name: name.into(), first: false }
    }

    pub(crate) fn is_first(&self) -> bool {
        self.first
    }

    /// Whether a WebSocket handshake, which has no body, can carry it.
    pub(crate) fn fits_handshake(&self) -> bool {
        matches!(self.kind, Kind::Header | Kind::Query | Kind::Params)
    }

    /// Whether a WebSocket message can carry it.
    pub(crate) fn fits_message(&self) -> bool {
        matches!(self.kind, Kind::Json | Kind::JsonNumber)
    }

    /// The mistake in its name, if there is one.
    pub(crate) fn check(&self) -> Result<(), AuthError> {
        let usable = match self.kind {
            Kind::Header => http::HeaderName::try_from(self.name.as_ref()).is_ok(),
            _ => !self.name.is_empty(),
        };
        if usable {
            return Ok(());
        }
        Err(AuthError::new(
            AuthErrorKind::Configuration,
            format!("{:?} cannot be the name of a {}", self.name, self.what()),
        ))
    }

    /// Has the body be a form or an object while it is open, where the value goes there: an empty body that was
    /// signed, and so is frozen, could not become one.
    pub(crate) fn prepare(&self, request: &mut RestRequest) -> Result<(), AuthError> {
        match self.kind {
            Kind::Form if request.form_params().is_none() => {
                request.form_params_mut()?;
            }
            Kind::Json | Kind::JsonNumber if request.json_members().is_none() => {
                request.json_members_mut()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Puts `value` into `request`.
    pub(crate) fn put(&self, request: &mut RestRequest, value: &Secret) -> Result<(), AuthError> {
        match self.kind {
            Kind::Header => {
                request.insert_sensitive_header(self.name.as_ref(), value.expose_bytes())?;
                Ok(())
            }
            Kind::Query => self.put_in_query(request, value),
            Kind::Form => self.put_in_form(request, value),
            Kind::Params if request.form_params().is_some() => {
                self.check_free(request.params().get(&self.name).is_none())?;
                self.put_in_form(request, value)
            }
            Kind::Params => self.put_in_query(request, value),
            Kind::Json | Kind::JsonNumber => self.put_in_json(request, value),
        }
    }

    /// Puts `value` among the fields of a WebSocket message.
    pub(crate) fn put_field(
        &self,
        fields: &mut JsonMembers,
        value: &Secret,
    ) -> Result<(), AuthError> {
        self.check_free(fields.get(&self.name).is_none())?;
        match (self.kind, self.first) {
            (Kind::JsonNumber, true) => fields.prepend(&*self.name, &self.integer(value)?)?,
            (Kind::JsonNumber, false) => fields.push(&*self.name, &self.integer(value)?)?,
            (_, true) => fields.prepend(&*self.name, &self.text(value)?)?,
            (_, false) => fields.push(&*self.name, &self.text(value)?)?,
        }
        Ok(())
    }

    fn put_in_query(&self, request: &mut RestRequest, value: &Secret) -> Result<(), AuthError> {
        self.check_free(request.params().get(&self.name).is_none())?;
        let pair = Pair::new(&*self.name, self.text(value)?);
        if self.first {
            request.params_mut()?.prepend(pair);
        } else {
            request.append_query(pair);
        }
        Ok(())
    }

    fn put_in_form(&self, request: &mut RestRequest, value: &Secret) -> Result<(), AuthError> {
        self.check_free(request.form_params().is_none_or(|form| form.get(&self.name).is_none()))?;
        let pair = Pair::encoded_as(Encoding::Form, &*self.name, self.text(value)?);
        if self.first {
            request.form_params_mut()?.prepend(pair);
        } else {
            request.append_form(pair)?;
        }
        Ok(())
    }

    fn put_in_json(&self, request: &mut RestRequest, value: &Secret) -> Result<(), AuthError> {
        if self.first {
            return self.put_field(request.json_members_mut()?, value);
        }
        let members = request.json_members();
        self.check_free(members.is_none_or(|members| members.get(&self.name).is_none()))?;
        if self.kind == Kind::JsonNumber {
            request.append_json(&self.name, &self.integer(value)?)?;
        } else {
            request.append_json(&self.name, &self.text(value)?)?;
        }
        Ok(())
    }

    fn check_free(&self, free: bool) -> Result<(), AuthError> {
        if free {
            return Ok(());
        }
        Err(AuthError::new(
            AuthErrorKind::Request,
            format!(
                "the scheme sets the {} {:?}, and the request has one already",
                self.what(),
                self.name
            ),
        ))
    }

    fn text<'v>(&self, value: &'v Secret) -> Result<&'v str, AuthError> {
        value.expose_str().ok_or_else(|| self.unfit("is not UTF-8 text"))
    }

    fn integer(&self, value: &Secret) -> Result<i64, AuthError> {
        self.text(value)?.parse().map_err(|_| self.unfit("is not an integer"))
    }

    fn unfit(&self, why: &str) -> AuthError {
        AuthError::new(
            AuthErrorKind::Request,
            format!("the value for the {} {:?} {why}", self.what(), self.name),
        )
    }

    fn what(&self) -> &'static str {
        match self.kind {
            Kind::Header => "header",
            Kind::Query => "query parameter",
            Kind::Form => "form parameter",
            Kind::Params => "parameter",
            Kind::Json | Kind::JsonNumber => "JSON field",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(
        placement: &Placement,
        mut request: RestRequest,
        value: &str,
    ) -> Result<String, AuthError> {
        placement.put(&mut request, &value.into())?;
        let body = request.body_bytes()?;
        Ok(format!("{} {}", request.target(), String::from_utf8_lossy(&body)).trim_end().to_owned())
    }

    #[test]
    fn a_value_goes_where_the_placement_says() {
        let form = || RestRequest::post("https://h/p?q=1").form_param("a", "x y");
        let json = || RestRequest::post("https://h/p").json_text("{\"n\": 219.0}");
        for (placement, request, expected) in [
            (Placement::query("s"), form(), "/p?q=1&s=1%2B%20 a=x+y"),
            (Placement::query("s").first(), form(), "/p?s=1%2B%20&q=1 a=x+y"),
            (Placement::form("s"), form(), "/p?q=1 a=x+y&s=1%2B+"),
            (Placement::form("s").first(), form(), "/p?q=1 s=1%2B+&a=x+y"),
            (Placement::params("s"), form(), "/p?q=1 a=x+y&s=1%2B+"),
            (Placement::params("s"), json(), "/p?s=1%2B%20 {\"n\": 219.0}"),
            (Placement::form("s"), RestRequest::post("https://h/p"), "/p s=1%2B+"),
            (Placement::json("s"), json(), "/p {\"n\": 219.0,\"s\":\"1+ \"}"),
            (Placement::json("s").first(), json(), "/p {\"s\":\"1+ \",\"n\":219.0}"),
            (Placement::json("s"), RestRequest::post("https://h/p"), "/p {\"s\":\"1+ \"}"),
        ] {
            assert_eq!(put(&placement, request, "1+ ").expect("fits"), expected, "{placement:?}");
        }
        let number = put(&Placement::json_number("t"), json(), "17").expect("fits");
        assert_eq!(number, "/p {\"n\": 219.0,\"t\":17}");
    }

    #[test]
    fn what_the_request_has_already_is_not_sent_twice() {
        for (placement, request) in [
            (Placement::query("s"), RestRequest::get("https://h/p?s=1")),
            (Placement::form("s"), RestRequest::post("https://h/p").form_param("s", "1")),
            (Placement::params("s"), RestRequest::post("https://h/p?s=1").form_param("a", "1")),
            (Placement::json("s"), RestRequest::post("https://h/p").json_text("{\"s\":1}")),
            (Placement::json("s").first(), RestRequest::post("https://h/p").json_text("{\"s\":1}")),
        ] {
            let error = put(&placement, request, "hunter2").expect_err("it is there already");
            assert_eq!(error.kind(), AuthErrorKind::Request);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_an_error() {
        let post = || RestRequest::post("https://h/p");
        for (placement, request, value) in [
            (Placement::header("x"), post(), "a\nb"),
            (Placement::json_number("t"), post(), "2023-11-14T22:13:20Z"),
            (Placement::form("s"), post().json_text("{}"), "1"),
            (Placement::json("s"), post().form_param("a", "1"), "1"),
            (Placement::json("s"), post().json_text("[]"), "1"),
        ] {
            assert!(put(&placement, request, value).is_err(), "{placement:?}");
        }
    }

    #[test]
    fn headers_are_marked_sensitive() {
        let mut request = RestRequest::get("https://h/p");
        Placement::header("X-Key").put(&mut request, &"k".into()).expect("fits");
        assert!(request.headers()["x-key"].is_sensitive());
    }

    #[test]
    fn names_are_checked() {
        assert!(Placement::header("a b").check().is_err());
        assert!(Placement::query("").check().is_err());
        assert!(Placement::header("X-Key").check().is_ok());
    }
}
