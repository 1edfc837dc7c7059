//! A user name and a password (RFC 7617).

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, RestRequest, Secret, WebSocketHandshake, WebSocketRequest,
    async_trait,
};

use crate::password;

pub use crate::password::PasswordProvider;

/// Sends a user name and a password with every authenticated request and WebSocket handshake, as UTF-8.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::Basic;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), networkpype_core::AuthError> {
/// let auth = Basic::new("Aladdin", "open sesame")?;
/// let request = auth.rest_authenticate(RestRequest::get("https://api.example.com/account")).await?;
/// assert_eq!(request.headers()["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
/// # Ok(())
/// # }
/// ```
///
/// It speaks to the server that the request is for. A proxy's user name and password belong into the proxy's options, and
/// are never sent to a server, nor these to a proxy.
#[derive(Clone)]
pub struct Basic(Source);

#[derive(Clone)]
enum Source {
    Fixed(Secret),
    Provided(Arc<dyn PasswordProvider>),
}

impl Basic {
    /// This user name and this password.
    ///
    /// # Errors
    /// When the user name holds a colon, which would end it (RFC 7617, section 2), or one of both holds a control character
    /// or is not UTF-8.
    pub fn new(user: impl AsRef<str>, password: impl Into<Secret>) -> Result<Self, AuthError> {
        Ok(Self(Source::Fixed(header(user.as_ref(), &password.into())?)))
    }

    /// User name and password from elsewhere, asked for with each request.
    pub fn from_provider(provider: impl PasswordProvider + 'static) -> Self {
        Self(Source::Provided(Arc::new(provider)))
    }

    async fn put(&self, request: &mut RestRequest) -> Result<(), AuthError> {
        let value = match &self.0 {
            Source::Fixed(value) => value.clone(),
            Source::Provided(provider) => {
                let (user, password) = provider.user_and_password().await?;
                header(&user, &password)?
            }
        };
        request.insert_sensitive_header("authorization", value.expose_bytes())?;
        Ok(())
    }
}

fn header(user: &str, password: &Secret) -> Result<Secret, AuthError> {
    let text = password::text_of(user, password)?;
    if user.contains(':') {
        return Err(AuthError::new(
            AuthErrorKind::Credentials,
            "the user name holds a colon, which ends it: no server could tell the rest from the password",
        ));
    }
    let pair = Secret::from(format!("{user}:{text}"));
    Ok(format!("Basic {}", STANDARD.encode(pair.expose_bytes())).into())
}

#[async_trait]
impl Auth for Basic {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        self.put(&mut request).await?;
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported(
            "a password does not sign messages: ask for authentication of the handshake instead, with \
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

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").finish_non_exhaustive()
    }
}
