//! A static key in a header, the query or a cookie.

use std::borrow::Cow;

use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Pair, RestRequest, Secret, WebSocketHandshake,
    WebSocketRequest, async_trait,
};

mod check;
mod cookie;

/// A key that is sent as it is, in every authenticated request and WebSocket handshake.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::ApiKey;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), networkpype_core::AuthError> {
/// let auth = ApiKey::header("X-API-KEY", "my-key")?;
///
/// let request = auth.rest_authenticate(RestRequest::get("https://api.example.com/account")).await?;
/// assert_eq!(request.headers()["x-api-key"], "my-key");
/// # Ok(())
/// # }
/// ```
///
/// A header of this name is replaced. A query parameter or cookie of this name that is there already is an error.
#[derive(Clone, Debug)]
pub struct ApiKey {
    place: Place,
    name: Cow<'static, str>,
    value: Secret,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Header,
    Query,
    Cookie,
}

impl ApiKey {
    /// The key in a header: `X-API-KEY: key`. See [`with_prefix`](Self::with_prefix) for `Authorization: Token key`.
    ///
    /// # Errors
    /// When `name` is not a header name, or that of a header that follows from the connection or the body (`Host`,
    /// `Content-Length`, `Connection`, `Sec-WebSocket-Key` and their like), or `key` is empty or holds what a header
    /// cannot: a line end, say, or a space at an end.
    pub fn header(
        name: impl Into<Cow<'static, str>>,
        key: impl Into<Secret>,
    ) -> Result<Self, AuthError> {
        let name = name.into();
        check::header_name(&name)?;
        Ok(Self { place: Place::Header, name, value: check::header_value(key.into())? })
    }

    /// The key in the query: `?api_key=key`, percent-encoded, behind the request's own parameters.
    ///
    /// # Errors
    /// When `name` or `key` is empty, or `key` is not UTF-8.
    pub fn query(
        name: impl Into<Cow<'static, str>>,
        key: impl Into<Secret>,
    ) -> Result<Self, AuthError> {
        let name = name.into();
        check::parameter_name(&name)?;
        Ok(Self { place: Place::Query, name, value: check::parameter_value(key.into())? })
    }

    /// The key in a cookie: `Cookie: session=key`, behind the cookies that the request has already.
    ///
    /// # Errors
    /// When `name` is not a cookie name, or `key` is empty or holds what a cookie cannot (RFC 6265, section 4.1.1): a
    /// space, a comma, a semicolon, a quote, a backslash, a control character, or anything that is not ASCII.
    pub fn cookie(
        name: impl Into<Cow<'static, str>>,
        key: impl Into<Secret>,
    ) -> Result<Self, AuthError> {
        let name = name.into();
        check::cookie_name(&name)?;
        Ok(Self { place: Place::Cookie, name, value: check::cookie_value(key.into())? })
    }

    /// The same with `prefix` before the key, written out with its space: `Token `.
    ///
    /// # Errors
    /// When the key may not be where it is with this prefix.
    ///
    /// ```
    /// # use networkpype_schemes::ApiKey;
    /// let auth = ApiKey::header("Authorization", "my-key")?.with_prefix("Token ")?;
    /// # Ok::<(), networkpype_core::AuthError>(())
    /// ```
    pub fn with_prefix(self, prefix: &str) -> Result<Self, AuthError> {
        let mut value = Vec::with_capacity(prefix.len() + self.value.expose_bytes().len());
        value.extend_from_slice(prefix.as_bytes());
        value.extend_from_slice(self.value.expose_bytes());
        match self.place {
            Place::Header => Self::header(self.name, value),
            Place::Query => Self::query(self.name, value),
            Place::Cookie => Self::cookie(self.name, value),
        }
    }

    fn put(&self, request: &mut RestRequest) -> Result<(), AuthError> {
        match self.place {
            Place::Header => {
                request.insert_sensitive_header(self.name.as_ref(), self.value.expose_bytes())?;
            }
            Place::Query => {
                if request.params().get(&self.name).is_some() {
                    return Err(self.there_already("query parameter"));
                }
                // Checked when it was made, so nothing is lost.
                let value = self.value.expose_str().unwrap_or_default();
                request.append_query(Pair::new(&*self.name, value));
            }
            Place::Cookie => {
                let cookies = cookie::with(request.headers(), &self.name, &self.value)
                    .ok_or_else(|| self.there_already("cookie"))?;
                request.insert_sensitive_header(http::header::COOKIE, cookies.expose_bytes())?;
            }
        }
        Ok(())
    }

    fn there_already(&self, what: &str) -> AuthError {
        AuthError::new(
            AuthErrorKind::Request,
            format!("the scheme sets the {what} {:?}, and the request has one already", self.name),
        )
    }
}

#[async_trait]
impl Auth for ApiKey {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        self.put(&mut request)?;
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported(
            "an API key does not sign messages: ask for authentication of the handshake instead, with \
             `WebSocketHandshake::auth_required`",
        ))
    }

    async fn ws_handshake(
        &self,
        mut handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        self.put(handshake.request_mut())?;
        Ok(handshake)
    }
}
