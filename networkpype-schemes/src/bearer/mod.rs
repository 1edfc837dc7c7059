//! A token in the `Authorization` header (RFC 6750).

use std::{fmt, sync::Arc};

use networkpype_core::{
    Auth, AuthError, AuthErrorKind, RestRequest, Secret, WebSocketHandshake, WebSocketRequest,
    async_trait,
};

/// Sends a token with every authenticated request and WebSocket handshake: `Authorization: Bearer token`.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::Bearer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), networkpype_core::AuthError> {
/// let auth = Bearer::new("my-token")?;
/// let request = auth.rest_authenticate(RestRequest::get("https://api.example.com/account")).await?;
/// assert_eq!(request.headers()["authorization"], "Bearer my-token");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Bearer(Source);

#[derive(Clone)]
enum Source {
    Fixed(Secret),
    Provided(Arc<dyn BearerProvider>),
}

/// Gives out a token. It is asked for each request, so it should hand out what it has until that changes.
#[async_trait]
pub trait BearerProvider: Send + Sync {
    /// The token.
    ///
    /// # Errors
    /// When it cannot be had. Nothing is sent then.
    async fn token(&self) -> Result<Secret, AuthError>;
}

impl Bearer {
    /// This token.
    ///
    /// # Errors
    /// When it is empty, or holds what a token cannot: a space, a control character, or anything that is not ASCII.
    pub fn new(token: impl Into<Secret>) -> Result<Self, AuthError> {
        let token = token.into();
        check(&token)?;
        Ok(Self(Source::Fixed(token)))
    }

    /// A token from elsewhere, asked for with each request.
    pub fn from_provider(provider: impl BearerProvider + 'static) -> Self {
        Self(Source::Provided(Arc::new(provider)))
    }

    async fn put(&self, request: &mut RestRequest) -> Result<(), AuthError> {
        let token = match &self.0 {
            Source::Fixed(token) => token.clone(),
            Source::Provided(provider) => {
                let token = provider.token().await?;
                check(&token)?;
                token
            }
        };
        let value = Secret::from([b"Bearer ", token.expose_bytes()].concat());
        request.insert_sensitive_header("authorization", value.expose_bytes())?;
        Ok(())
    }
}

/// RFC 6750 allows fewer characters still; servers give out others, and take them back.
fn check(token: &Secret) -> Result<(), AuthError> {
    let bytes = token.expose_bytes();
    if bytes.is_empty() {
        return Err(AuthError::new(AuthErrorKind::Credentials, "the token is empty"));
    }
    if bytes.iter().all(u8::is_ascii_graphic) {
        return Ok(());
    }
    if bytes.get(..7).is_some_and(|before| before.eq_ignore_ascii_case(b"bearer ")) {
        return Err(AuthError::new(
            AuthErrorKind::Credentials,
            "the token has `Bearer ` before it, which the scheme writes itself: give it the token alone",
        ));
    }
    Err(AuthError::new(
        AuthErrorKind::Credentials,
        "the token holds a space, a line end or another character that no token has",
    ))
}

#[async_trait]
impl Auth for Bearer {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        self.put(&mut request).await?;
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported(
            "a token does not sign messages: ask for authentication of the handshake instead, with \
             `WebSocketHandshake::auth_required`",
        ))
    }

    async fn ws_handshake(
        &self,
        mut handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        self.put(handshake.request_mut()).await?;
        Ok(handshake)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").finish_non_exhaustive()
    }
}
