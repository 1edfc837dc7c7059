//! How does a WebSocket carry the token: in its handshake, a login message, or a message of the user's?

use std::{future::Future, sync::Arc};

use networkpype_auth::{
    Login, MessageText, Part, Values,
    token::{Token, TokenError},
};
use networkpype_core::{
    AuthError, AuthErrorKind, LimitChoice, LoginStep, Secret, WebSocketRequest, WebSocketResponse,
};

/// What stands for the token in a message.
const IN_BRACES: &str = "{token}";

/// The same without braces, and what the pieces that messages are made of call it.
const NAME: (&str, Part) = ("token", Part::Key);

/// The generation of the token that a request or a handshake was sent with.
#[derive(Clone, Copy)]
pub(super) struct Sent(pub(super) u64);

/// Where a handshake carries the token.
#[derive(Clone, Debug)]
pub(super) enum CarriedIn {
    Header,
    Query(String),
}

/// What was said of WebSockets.
pub(super) struct OnWebSocket {
    pub(super) handshake: CarriedIn,
    pub(super) login: Option<Login>,
    pub(super) renewal: Option<Login>,
}

/// The token that a connection has shown in a message, and in which.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) token: Arc<Token>,
    pub(super) is_renewal: bool,
}

/// A login message with `{token}` where the token belongs, inside of quotes. All other braces are sent as they are written. Say
/// with [`accepted_when`](Login::accepted_when) how the server's answer is recognised.
///
/// ```
/// use networkpype_schemes::oauth2::{fields_are, token_login};
///
/// let login = token_login(r#"{"op":"auth","token":"{token}"}"#)
///     .accepted_when(fields_are([("event", "authenticated")]))
///     .refused_when(fields_are([("event", "error"), ("op", "auth")]));
/// assert!(login.check().is_ok());
/// ```
pub fn token_login(text: &str) -> Login {
    Login::with_names(text, &[NAME])
}

impl OnWebSocket {
    pub(super) fn message(
        &self,
        login: &Login,
        token: &Secret,
    ) -> Result<WebSocketRequest, AuthError> {
        login.message(Values::new().key(token), |_| {
            Err(AuthError::unsupported("a token signs no login"))
        })
    }

    pub(super) fn judge(
        &self,
        login: &Login,
        received: &WebSocketResponse,
        token: &Secret,
    ) -> LoginStep {
        login.judge(received, &Values::new().key(token))
    }

    /// A message of the user's, with the token where `{token}` stands.
    pub(super) async fn fill<F: Future<Output = Result<Token, TokenError>>>(
        &self,
        mut request: WebSocketRequest,
        token: impl FnOnce() -> F,
    ) -> Result<WebSocketRequest, AuthError> {
        let bytes = request.bytes()?;
        let text = std::str::from_utf8(&bytes).ok().filter(|text| text.contains(IN_BRACES));
        let Some(text) = text else {
            return Err(AuthError::unsupported(
                "a token does not sign messages: write `{token}` where the message is to hold it, or ask for \
                 authentication of the handshake instead, with `WebSocketHandshake::auth_required`",
            ));
        };
        let text = MessageText::parse_names(text, &[NAME]).map_err(|error| {
            let message = "the token cannot be put into the message";
            AuthError::new(AuthErrorKind::Request, message).with_source(error)
        })?;
        let token = token().await?;
        let mut filled = text.message(&Values::new().key(token.access()))?;
        filled = match request.limit_choice() {
            LimitChoice::Named(limit) => filled.limit(limit.clone()),
            LimitChoice::Unlimited => filled.unlimited(),
            _ => filled,
        };
        if let Some(weight) = request.limit_weight() {
            filled = filled.weight(weight);
        }
        if request.is_auth_required() {
            filled = filled.auth_required();
        }
        *filled.extensions_mut() = request.extensions().clone();
        filled.extensions_mut().insert(Sent(token.generation()));
        Ok(filled)
    }
}
