//! Where do the protocol parameters stand (RFC 5849, section 3.5)?

use networkpype_core::{AuthError, AuthErrorKind, Encoding, Pair, RestRequest, Secret};

use super::{
    base_string::{Kind, has_form},
    parameters::encode,
    sign::Own,
};

/// Where the `oauth_` parameters are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ParameterPlacement {
    /// In the `Authorization` header (RFC 5849, section 3.5.1). The default, and what servers prefer.
    #[default]
    Header,
    /// At the end of the form (RFC 5849, section 3.5.2). The request has to carry a form, or an empty body that becomes one. A
    /// body of bytes is a form where its `Content-Type` says so, and stays as it is up to where it ends.
    Body,
    /// At the end of the query (RFC 5849, section 3.5.3). They show in the logs of servers and proxies.
    ///
    /// **With [`plaintext`](super::ClientCredentials::plaintext) both secrets stand in the URL**, as they are: whoever reads such a
    /// log can do whatever the program can, for as long as the secrets last.
    Query,
}

impl ParameterPlacement {
    /// Puts everything but the signature where it is signed: into the query or the form. In the header it stands beside what is
    /// signed of the request, and goes in with the signature.
    pub(super) fn put_parameters(
        self,
        request: &mut RestRequest,
        kind: Kind,
        own: &[Own],
    ) -> Result<(), AuthError> {
        if self == Self::Body {
            check_body(request, kind)?;
            if has_form(request.headers())? {
                request.read_body_as_form();
            }
        }
        own.iter().try_for_each(|own| self.put(request, &own.name, &own.value))?;
        if self == Self::Body && !has_form(request.headers())? {
            return refused("the form is sent with another `Content-Type` than that of a form");
        }
        Ok(())
    }

    /// Puts the signature in.
    pub(super) fn put_signature(
        self,
        request: &mut RestRequest,
        realm: Option<&str>,
        own: &[Own],
        signature: &Secret,
    ) -> Result<(), AuthError> {
        // A signature is base64, or secrets that were encoded: text in any case.
        let signature = signature.expose_str().unwrap_or_default();
        if self != Self::Header {
            return self.put(request, "oauth_signature", signature);
        }
        let mut header = "OAuth ".to_owned();
        if let Some(realm) = realm {
            header.push_str(&format!("realm=\"{}\", ", quoted(realm)));
        }
        for Own { name, value } in own {
            let [name, value] = [name.as_bytes(), value.as_bytes()].map(encode);
            header.push_str(&format!("{name}=\"{value}\", "));
        }
        let signature = Secret::from(encode(signature.as_bytes()));
        let header = [header.as_bytes(), b"oauth_signature=\"", signature.expose_bytes(), b"\""];
        let header = Secret::from(header.concat());
        Ok(request.insert_sensitive_header("authorization", header.expose_bytes())?)
    }

    fn put(self, request: &mut RestRequest, name: &str, value: &str) -> Result<(), AuthError> {
        // Not as a form would write a space: that is read as a plus by servers that decode as they do URLs.
        let pair = Pair::encoded_as(Encoding::Rfc3986, name, value);
        match self {
            Self::Header => {}
            Self::Query => request.append_query(pair),
            Self::Body => request.append_form(pair)?,
        }
        Ok(())
    }

    /// What an explanation calls it.
    pub(super) fn place(self) -> &'static str {
        match self {
            Self::Header => "header \"authorization\"",
            Self::Query => "the query",
            Self::Body => "the form",
        }
    }
}

fn check_body(request: &RestRequest, kind: Kind) -> Result<(), AuthError> {
    if kind == Kind::Handshake {
        return refused(
            "a WebSocket's handshake has no body for the parameters: place them in the header or the query",
        );
    }
    if matches!(request.method().as_str(), "GET" | "HEAD" | "TRACE") {
        return refused(
            "a request without a body has no place for the parameters in it: place them in the header or the query",
        );
    }
    Ok(())
}

fn refused(message: &'static str) -> Result<(), AuthError> {
    Err(AuthError::new(AuthErrorKind::Request, message))
}

/// The inside of a quoted string (RFC 9110, section 5.6.4).
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
