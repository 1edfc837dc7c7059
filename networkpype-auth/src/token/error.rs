use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use networkpype_core::{AuthError, AuthErrorKind, BoxError};

/// Why there is no token. Cheap to clone: all who wait for a token are told the same.
#[derive(Clone)]
pub struct TokenError {
    kind: TokenErrorKind,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What kind of failure a [`TokenError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The issuer cannot be reached, or is in trouble. It may work later.
    Unavailable,
    /// The issuer does not take the refresh token or the grant.
    InvalidGrant,
    /// Somebody has to log in again: there is no refresh token, or none that the issuer takes.
    ReauthenticationRequired,
    /// The issuer refuses the client or what it asks for.
    Refused,
    /// The issuer does not do that with tokens of this kind, such as taking back one that is checked without it (RFC 7009,
    /// section 2.2.1).
    UnsupportedTokenType,
    /// The issuer's answer is not one.
    Malformed,
    /// The store cannot keep or find tokens.
    Store,
}

impl TokenError {
    /// A failure of this kind. The message must hold no secret.
    pub fn new(kind: TokenErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), retry_after: None, source: None }
    }

    /// The same with its cause, whose text must hold no secret either.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// The same with how long the issuer asks to be left alone, from now. A
    /// [`TokenCache`](super::TokenCache) does not ask it before that.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// How long the issuer asked to be left alone (`Retry-After`; RFC 9110, section 10.2.3), from when it was asked.
    /// Who is told of a failure later has less to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> TokenErrorKind {
        self.kind
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("retry_after", &self.retry_after)
            .field("source", &self.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl StdError for TokenError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<TokenError> for AuthError {
    fn from(error: TokenError) -> Self {
        let message = match error.kind {
            TokenErrorKind::ReauthenticationRequired => "there is no token: a new login is needed",
            _ => "there is no token",
        };
        Self::new(AuthErrorKind::Credentials, message)
            .with_retry_after(error.retry_after)
            .with_source(error)
    }
}
