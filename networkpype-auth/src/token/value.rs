//! Tokens, and where they come from.

use std::{fmt, sync::Arc, time::Duration};

use networkpype_core::{Secret, Timestamp, async_trait};

use super::TokenError;

/// What a token is for: whose it is, and what it permits. Tokens of different keys never stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TokenKey {
    identity: String,
    scope: String,
    audience: String,
}

impl TokenKey {
    /// The tokens of this identity, such as a client id or an account.
    pub fn new(identity: impl Into<String>) -> Self {
        Self { identity: identity.into(), ..Self::default() }
    }

    /// The same for this scope (RFC 6749, section 3.3). The order of its words does not matter.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        let mut words: Vec<&str> = scope.split_ascii_whitespace().collect();
        words.sort_unstable();
        words.dedup();
        self.scope = words.join(" ");
        self
    }

    /// The same for this audience or resource.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// A text that no other key has, for names of files and entries.
    pub fn to_text(&self) -> String {
        let quoted = |text: &str| text.replace('%', "%25").replace('|', "%7C");
        format!("{}|{}|{}", quoted(&self.identity), quoted(&self.scope), quoted(&self.audience))
    }
}

/// How long a token may be used, as far as its issuer says.
///
/// The default is that the issuer does not say; see
/// [`TokenCacheBuilder::unknown_life`](super::TokenCacheBuilder::unknown_life).
///
/// ```
/// use std::time::Duration;
/// use networkpype_auth::token::Lifetime;
/// use networkpype_core::Timestamp;
///
/// let an_hour = Lifetime::of(Duration::from_secs(3600));
/// let both = an_hour.and_until(Timestamp::from_secs(1_700_000_000));
/// assert_eq!(both.relative, an_hour.relative);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Lifetime {
    /// From the instant at which it was asked for: `expires_in`. Zero and less mean that it is used up at once, which is
    /// not believed; see [`TokenCacheBuilder::shortest_life`](super::TokenCacheBuilder::shortest_life).
    pub relative: Option<Duration>,
    /// Until this instant, such as a JWT's `exp`.
    pub until: Option<Timestamp>,
}

impl Lifetime {
    /// This long, from the instant at which the token was asked for.
    pub fn of(length: Duration) -> Self {
        Self { relative: Some(length), until: None }
    }

    /// Until this instant of the wall clock.
    pub fn until(end: Timestamp) -> Self {
        Self { relative: None, until: Some(end) }
    }

    /// The same, and no longer than until this instant.
    #[must_use]
    pub fn and_until(mut self, end: Timestamp) -> Self {
        self.until = Some(end);
        self
    }
}

/// A token as its issuer gave it out.
#[derive(Clone)]
#[non_exhaustive]
pub struct ObtainedToken {
    /// What is sent.
    pub access: Secret,
    /// How long it may be used.
    pub lifetime: Lifetime,
    /// What gets the next one, where the issuer gave one out. `None` keeps the one there is.
    pub refresh: Option<Secret>,
    /// The scope that was granted, where the issuer says it.
    pub scope: Option<String>,
}

impl ObtainedToken {
    /// A token that may be used for as long as its issuer says, which it does not.
    pub fn new(access: impl Into<Secret>) -> Self {
        Self { access: access.into(), lifetime: Lifetime::default(), refresh: None, scope: None }
    }

    /// The same for this long.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The same with what gets the next one.
    #[must_use]
    pub fn refresh(mut self, refresh: Option<Secret>) -> Self {
        self.refresh = refresh;
        self
    }

    /// The same with the scope that was granted.
    #[must_use]
    pub fn scope(mut self, scope: Option<String>) -> Self {
        self.scope = scope;
        self
    }
}

impl fmt::Debug for ObtainedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObtainedToken")
            .field("lifetime", &self.lifetime)
            .field("has_refresh", &self.refresh.is_some())
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Gets tokens from their issuer.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Gets a token, with the refresh token of the one before where there is one.
    ///
    /// It is run to its end even when nobody waits for it any more: a refresh token that was used and whose answer is not
    /// read would be lost.
    ///
    /// # Errors
    /// When the issuer gives none out. [`TokenErrorKind::InvalidGrant`](super::TokenErrorKind::InvalidGrant) says that the
    /// refresh token is used up or revoked.
    async fn obtain(
        &self,
        key: &TokenKey,
        refresh: Option<&Secret>,
    ) -> Result<ObtainedToken, TokenError>;

    /// How long [`obtain`](Self::obtain) may take. Then it is given up, which may lose a refresh token that was used; who waits
    /// is told, and the next try may be made. Default: [`TOKEN_TIME_LIMIT`]. `None` where it ends by itself and may take long,
    /// such as a login that a person is waited for. It is given up when somebody logs in or out by other means.
    fn time_limit(&self, key: &TokenKey, refresh: Option<&Secret>) -> Option<Duration> {
        let _ = (key, refresh);
        Some(TOKEN_TIME_LIMIT)
    }
}

/// How long a source of tokens may take, unless it says otherwise: two minutes. That is beyond what a request waits for capacity
/// and its answer by default, and no reason to hang.
pub const TOKEN_TIME_LIMIT: Duration = Duration::from_secs(120);

#[async_trait]
impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    async fn obtain(
        &self,
        key: &TokenKey,
        refresh: Option<&Secret>,
    ) -> Result<ObtainedToken, TokenError> {
        (**self).obtain(key, refresh).await
    }

    fn time_limit(&self, key: &TokenKey, refresh: Option<&Secret>) -> Option<Duration> {
        (**self).time_limit(key, refresh)
    }
}

/// A token that may be used now.
#[derive(Clone)]
pub struct Token {
    pub(super) access: Secret,
    pub(super) generation: u64,
    pub(super) scope: Option<String>,
}

impl Token {
    /// What is sent.
    pub fn access(&self) -> &Secret {
        &self.access
    }

    /// Which of the tokens of its key it is. A later one has a greater number, so who was refused with this one can tell
    /// whether it has been renewed since.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The scope that was granted, where the issuer said it.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("generation", &self.generation)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// A token as a store keeps it.
#[derive(Clone)]
#[non_exhaustive]
pub struct StoredToken {
    /// What is sent.
    pub access: Secret,
    /// What gets the next one.
    pub refresh: Option<Secret>,
    /// Until when it may be used, by the wall clock; `None` where that is not known.
    pub until: Option<Timestamp>,
    /// When it was asked for, by the wall clock; `None` where that is not known. One that a server refuses moments later may
    /// not have reached it yet, and is tried once more; any other is renewed.
    pub issued: Option<Timestamp>,
    /// The scope that was granted.
    pub scope: Option<String>,
}

impl StoredToken {
    /// A token that an earlier login gave out, to begin with.
    pub fn new(access: impl Into<Secret>, refresh: Option<Secret>) -> Self {
        Self { access: access.into(), refresh, until: None, issued: None, scope: None }
    }

    /// The same until this instant.
    #[must_use]
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// The same, asked for at this instant.
    #[must_use]
    pub fn issued(mut self, issued: Timestamp) -> Self {
        self.issued = Some(issued);
        self
    }
}

impl fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredToken")
            .field("has_refresh", &self.refresh.is_some())
            .field("until", &self.until)
            .field("issued", &self.issued)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
