//! One token for another (RFC 8693): which is given, and which is wanted?

use std::{fmt, sync::Arc};

use networkpype_auth::token::TokenError;
use networkpype_core::{Secret, async_trait};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Has one token and wants another: for another service, or for acting in somebody's name (RFC 8693).
///
/// Where one store holds the tokens of several subjects, say whose they are with
/// [`account`](super::OAuth2Builder::account).
///
/// ```
/// use networkpype_core::Secret;
/// use networkpype_schemes::oauth2::{Grant, TokenExchange};
///
/// let grant = Grant::token_exchange(
///     TokenExchange::new(Secret::new("the token of a user"))
///         .requested_type("urn:ietf:params:oauth:token-type:access_token"),
/// );
/// # let _ = grant;
/// ```
#[derive(Clone)]
#[must_use = "an exchange does nothing until a grant is given it"]
pub struct TokenExchange {
    subject: Arc<dyn SubjectToken>,
    subject_type: String,
    actor: Option<(Arc<dyn SubjectToken>, String)>,
    requested: Option<String>,
}

/// Gives out the token that is exchanged. It is asked each time: tokens that are exchanged are short-lived themselves.
#[async_trait]
pub trait SubjectToken: Send + Sync {
    /// The token.
    ///
    /// # Errors
    /// When it cannot be had. Nothing is asked for then.
    async fn token(&self) -> Result<Secret, TokenError>;
}

#[async_trait]
impl SubjectToken for Secret {
    async fn token(&self) -> Result<Secret, TokenError> {
        Ok(self.clone())
    }
}

impl TokenExchange {
    /// Gives this token, an access token unless [`subject_type`](Self::subject_type) says otherwise.
    pub fn new(subject: impl SubjectToken + 'static) -> Self {
        Self {
            subject: Arc::new(subject),
            subject_type: ACCESS_TOKEN.to_owned(),
            actor: None,
            requested: None,
        }
    }

    /// What the given token is (RFC 8693, section 3). Default: `urn:ietf:params:oauth:token-type:access_token`.
    pub fn subject_type(mut self, of_type: impl Into<String>) -> Self {
        self.subject_type = of_type.into();
        self
    }

    /// The token of who acts in the subject's name, and what it is.
    pub fn actor(mut self, actor: impl SubjectToken + 'static, of_type: impl Into<String>) -> Self {
        self.actor = Some((Arc::new(actor), of_type.into()));
        self
    }

    /// What the wanted token is to be. Default: what the server decides.
    pub fn requested_type(mut self, of_type: impl Into<String>) -> Self {
        self.requested = Some(of_type.into());
        self
    }

    /// The token of the subject, and that of the actor with its type.
    pub(super) async fn tokens(&self) -> Result<(Secret, Option<(Secret, String)>), TokenError> {
        let actor = match &self.actor {
            None => None,
            Some((actor, of_type)) => Some((actor.token().await?, of_type.clone())),
        };
        Ok((self.subject.token().await?, actor))
    }

    pub(super) fn subject_type_pair(&self) -> (&str, &str) {
        ("subject_token_type", &self.subject_type)
    }

    pub(super) fn requested_type_pair(&self) -> Option<(&str, &str)> {
        self.requested.as_deref().map(|of_type| ("requested_token_type", of_type))
    }
}

impl fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenExchange").finish_non_exhaustive()
    }
}
