use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use networkpype_core::{Backoff, Clock, Secret, SystemClock, Ticker, Ticks, TokioTicker};

use super::{
    MemoryTokenStore, ObtainedToken, StoredToken, Token, TokenError, TokenErrorKind, TokenKey,
    TokenSource, TokenStore,
    flight::{Flight, Ticket},
    life::{Life, Policy, Verdict},
};

/// How long to wait before a young token is tried once more.
const SETTLING_WAIT: Duration = Duration::from_secs(1);

/// How often somebody starts over whose request for a token was given up with the runtime that it was on, or panicked.
const TRIES: usize = 2;

/// Gives out tokens that may be used, and has each renewed once for all who need it.
///
/// - **One request at a time** per [`TokenKey`]: callers at the same time share it, and none who gives up ends it.
/// - **Renewed early**: within the last minute of its life, or the last quarter where that is shorter, a token is given out
///   while the next one is had in the background. When that fails, the old one goes on being used until its end, and the
///   next try waits a while.
/// - **Two clocks**: a lifetime counts from the instant at which the token was asked for, and on the monotonic clock; an end
///   given as a date counts by the wall clock. A token may be used while both say so. One that lived through a suspended
///   machine or a stepped clock is renewed.
/// - **Kept before it is used**: a new token is saved in the store before anybody gets it, and read from there where another
///   process was faster.
///
/// It needs a tokio runtime.
pub struct TokenCache {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn TokenSource>,
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
    ticker: Arc<dyn Ticker>,
    policy: Policy,
    backoff: Backoff,
    entries: Mutex<BTreeMap<TokenKey, Arc<Entry>>>,
    /// The number of the last token that was held.
    generation: AtomicU64,
}

/// The tokens of one key.
struct Entry {
    key: TokenKey,
    state: Mutex<State>,
    flight: Flight<Result<Token, TokenError>>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// Failures in a row, the last of them, and when the next try may be made.
    failures: u32,
    failed: Option<(TokenError, Ticks)>,
    /// Had, and not saved yet: it must not be used before that.
    unsaved: Option<Held>,
    /// The refresh token that the issuer takes no more: it need not be asked again.
    used_up: Option<Secret>,
}

#[derive(Clone)]
struct Held {
    token: Token,
    refresh: Option<Secret>,
    life: Life,
}

/// Options of a [`TokenCache`]. Made by [`TokenCache::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TokenCacheBuilder {
    source: Arc<dyn TokenSource>,
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
    ticker: Arc<dyn Ticker>,
    policy: Policy,
}

impl TokenCache {
    /// A cache of what `source` gives out.
    pub fn builder(source: impl TokenSource + 'static) -> TokenCacheBuilder {
        TokenCacheBuilder {
            source: Arc::new(source),
            store: Arc::new(MemoryTokenStore::new()),
            clock: Arc::new(SystemClock),
            ticker: Arc::new(TokioTicker::new()),
            policy: Policy {
                early: Duration::from_secs(60),
                unknown: Duration::from_secs(600),
                shortest: Duration::from_secs(10),
            },
        }
    }

    /// A token of `key` that may be used now.
    ///
    /// # Errors
    /// When there is none and none can be had. While the issuer is in trouble, callers are told the last failure until the
    /// next try may be made.
    ///
    /// # Cancellation
    /// Dropping the future harms nobody: what is under way goes on for whoever asks next.
    pub async fn token(&self, key: &TokenKey) -> Result<Token, TokenError> {
        let entry = self.shared.entry(key);
        for _ in 0..TRIES {
            match self.shared.look(&entry) {
                Look::Use(token) => return Ok(token),
                Look::UseAndRenew(token) => {
                    // Nobody waits for this one, and while it fails the old one will do.
                    let _ = self.shared.renew(&entry, Wanted::Newer);
                    return Ok(token);
                }
                Look::Failed(error) => return Err(error),
                Look::Renew => {}
            }
            if let Some(result) = self.shared.renew(&entry, Wanted::Usable)?.result().await {
                return result;
            }
        }
        Err(given_up())
    }

    /// Another token than the one of this generation, which a server has refused: the one that somebody else has had
    /// meanwhile, or a new one. A token that was had moments ago may not have reached all servers yet: it is given out
    /// once more after a second.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn token_after_refusal(
        &self,
        key: &TokenKey,
        refused: u64,
    ) -> Result<Token, TokenError> {
        let entry = self.shared.entry(key);
        for _ in 0..TRIES {
            let now = self.shared.ticker.now();
            let held = entry.lock().held.clone();
            match held {
                Some(held) if held.token.generation != refused => return self.token(key).await,
                Some(held) if held.life.is_settling(now) => {
                    self.shared.ticker.sleep_until(now + SETTLING_WAIT).await;
                    return Ok(held.token);
                }
                _ => {}
            }
            if let Look::Failed(error) = self.shared.failed(&entry) {
                return Err(error);
            }
            if let Some(result) = self.shared.renew(&entry, Wanted::Newer)?.result().await {
                return result;
            }
        }
        Err(given_up())
    }

    /// The token that comes after the one of this generation, once it is time for it: for whoever has shown that one for
    /// longer than a request, as when a WebSocket logs in.
    ///
    /// # Errors
    /// When that one has ended, or was [forgotten](Self::forget), and no other can be had.
    ///
    /// # Cancellation
    /// As [`token`](Self::token).
    pub async fn token_after(&self, key: &TokenKey, generation: u64) -> Result<Token, TokenError> {
        let shared = &self.shared;
        loop {
            let entry = shared.entry(key);
            let wake_at = match shared.successor(&entry, generation) {
                Successor::Ready => return self.token(key).await,
                Successor::Renew => {
                    // Where it fails, the state says when the next try may be made, and who has ended by then.
                    let renewed = shared.renew(&entry, Wanted::Newer)?.result().await;
                    renewed.is_none().then(given_up).map_or(Ok(()), Err)?;
                    continue;
                }
                Successor::NotBefore(at) => at,
            };
            shared.ticker.sleep_until(wake_at).await;
        }
    }

    /// Lets go of what is held for `key`, after a logout or a new login. The store keeps what it has.
    pub fn forget(&self, key: &TokenKey) {
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

enum Look {
    Use(Token),
    UseAndRenew(Token),
    Renew,
    Failed(TokenError),
}

/// Whether it is time for another token than a certain one.
enum Successor {
    /// There is another, or the certain one has ended.
    Ready,
    Renew,
    NotBefore(Ticks),
}

/// What a renewal is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// A token that may be used: one that another process has saved will do.
    Usable,
    /// One that is newer than the one that is held.
    Newer,
}

impl Shared {
    fn entry(&self, key: &TokenKey) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(key.clone()).or_insert_with(|| {
            Arc::new(Entry { key: key.clone(), state: Mutex::default(), flight: Flight::new() })
        });
        Arc::clone(entry)
    }

    fn look(&self, entry: &Entry) -> Look {
        let (now, wall) = (self.ticker.now(), self.clock.now());
        let state = entry.lock();
        let may_try = state.failed.as_ref().is_none_or(|(_, next)| *next <= now);
        if let Some(held) = &state.held {
            match held.life.verdict(now, wall) {
                Verdict::Usable => return Look::Use(held.token.clone()),
                Verdict::Due if may_try => return Look::UseAndRenew(held.token.clone()),
                Verdict::Due => return Look::Use(held.token.clone()),
                Verdict::Ended => {}
            }
        }
        match &state.failed {
            Some((error, _)) if !may_try => Look::Failed(error.clone()),
            _ => Look::Renew,
        }
    }

    fn successor(&self, entry: &Entry, generation: u64) -> Successor {
        let (now, wall) = (self.ticker.now(), self.clock.now());
        let state = entry.lock();
        let Some(held) = state.held.as_ref().filter(|held| held.token.generation == generation)
        else {
            return Successor::Ready;
        };
        match held.life.verdict(now, wall) {
            Verdict::Ended => Successor::Ready,
            Verdict::Usable => Successor::NotBefore(now + held.life.usable_for(now, wall)),
            Verdict::Due => match &state.failed {
                Some((_, next)) if *next > now => {
                    Successor::NotBefore((*next).min(now + held.life.left(now, wall)))
                }
                _ => Successor::Renew,
            },
        }
    }

    /// The last failure, where it is too early for another try.
    fn failed(&self, entry: &Entry) -> Look {
        let now = self.ticker.now();
        match &entry.lock().failed {
            Some((error, next)) if *next > now => Look::Failed(error.clone()),
            _ => Look::Renew,
        }
    }

    fn renew(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        wanted: Wanted,
    ) -> Result<Ticket<Result<Token, TokenError>>, TokenError> {
        let started = entry.flight.start(|| {
            let (shared, entry) = (Arc::clone(self), Arc::clone(entry));
            async move {
                let result = shared.renew_now(&entry, wanted).await;
                let now = shared.ticker.now();
                let mut state = entry.lock();
                match &result {
                    Ok(_) => (state.failures, state.failed) = (0, None),
                    Err(error) => {
                        let wait = shared.backoff.delay(state.failures, fastrand::f64());
                        state.failures = state.failures.saturating_add(1);
                        state.failed = Some((error.clone(), now + wait));
                    }
                }
                drop(state);
                result
            }
        });
        started.ok_or_else(|| {
            TokenError::new(TokenErrorKind::Unavailable, "tokens are had on a tokio runtime")
        })
    }

    async fn renew_now(&self, entry: &Entry, wanted: Wanted) -> Result<Token, TokenError> {
        // Also for what was not saved: a store may write the tokens of several keys at once.
        let lock = self.store.lock(&entry.key).await?;
        // Taken out of the state first: nothing is locked while something is awaited.
        let unsaved = entry.lock().unsaved.clone();
        if let Some(held) = unsaved {
            let verdict = held.life.verdict(self.ticker.now(), self.clock.now());
            let token = self.keep(entry, held).await?;
            // One that has ended while it could not be saved is good for its refresh token alone.
            if verdict != Verdict::Ended {
                return Ok(token);
            }
        }
        let held = entry.lock().held.clone();
        let stored = self.store.load(&entry.key).await?;
        if let Some(token) = self.adopt(entry, held.as_ref(), stored.as_ref(), wanted) {
            return Ok(token);
        }
        // What another process has saved is newer than what this one remembers.
        let refresh = match (&stored, &held) {
            (Some(stored), _) => stored.refresh.clone(),
            (None, held) => held.as_ref().and_then(|held| held.refresh.clone()),
        };
        let is_used_up = |refresh: &Secret| {
            let used_up = entry.lock().used_up.clone();
            used_up.is_some_and(|used_up| used_up.expose_bytes() == refresh.expose_bytes())
        };
        if refresh.as_ref().is_some_and(is_used_up) {
            return Err(login_again());
        }
        let obtained = match self.obtain(entry, refresh.clone()).await {
            Err(error) if error.kind() == TokenErrorKind::InvalidGrant => {
                self.after_invalid_grant(entry, refresh.as_ref(), error).await?
            }
            result => result?,
        };
        let token = self.keep(entry, obtained).await;
        drop(lock);
        token
    }

    /// What the store holds, where that is another token than the one that is held, and will do.
    fn adopt(
        &self,
        entry: &Entry,
        held: Option<&Held>,
        stored: Option<&StoredToken>,
        wanted: Wanted,
    ) -> Option<Token> {
        let stored = stored?;
        let is_held = held
            .is_some_and(|held| held.token.access.expose_bytes() == stored.access.expose_bytes());
        // Without a known end it may be of yesterday.
        let until = stored.until.filter(|_| !is_held)?;
        let (now, wall) = (self.ticker.now(), self.clock.now());
        if until <= wall || wanted == Wanted::Newer && held.is_none() {
            return None;
        }
        let lifetime = super::Lifetime { relative: None, until: Some(until) };
        let life = Life::new(lifetime, now, wall, self.policy, fastrand::f64());
        let (access, refresh) = (stored.access.clone(), stored.refresh.clone());
        Some(self.hold(entry, access, refresh, stored.scope.clone(), life))
    }

    async fn obtain(&self, entry: &Entry, refresh: Option<Secret>) -> Result<Held, TokenError> {
        let (asked, asked_wall) = (self.ticker.now(), self.clock.now());
        let obtained = self.source.obtain(&entry.key, refresh.as_ref()).await?;
        let ObtainedToken { access, lifetime, refresh: rotated, scope } = obtained;
        let life = Life::new(lifetime, asked, asked_wall, self.policy, fastrand::f64());
        let token = Token { access, generation: 0, scope };
        // An issuer that gives out no new refresh token means the old one to be kept.
        Ok(Held { token, refresh: rotated.or(refresh), life })
    }

    /// Another process may have used the refresh token up and saved the next one: that is tried once.
    async fn after_invalid_grant(
        &self,
        entry: &Entry,
        used: Option<&Secret>,
        error: TokenError,
    ) -> Result<Held, TokenError> {
        let stored = self.store.load(&entry.key).await?;
        let other = stored.and_then(|stored| stored.refresh).filter(|refresh| {
            used.is_none_or(|used| used.expose_bytes() != refresh.expose_bytes())
        });
        let (last, used) = match other {
            None => (error, used.cloned()),
            Some(other) => match self.obtain(entry, Some(other.clone())).await {
                Err(error) if error.kind() == TokenErrorKind::InvalidGrant => (error, Some(other)),
                result => return result,
            },
        };
        entry.lock().used_up = used;
        Err(login_again().with_source(last))
    }

    /// Saves a token, and only then has it used.
    async fn keep(&self, entry: &Entry, held: Held) -> Result<Token, TokenError> {
        let Held { token, refresh, life } = &held;
        let stored = StoredToken {
            access: token.access.clone(),
            refresh: refresh.clone(),
            until: life.until(),
            scope: token.scope.clone(),
        };
        entry.lock().unsaved = Some(held.clone());
        self.store.save(&entry.key, &stored).await?;
        let Held { token, refresh, life } = held;
        Ok(self.hold(entry, token.access, refresh, token.scope, life))
    }

    fn hold(
        &self,
        entry: &Entry,
        access: Secret,
        refresh: Option<Secret>,
        scope: Option<String>,
        life: Life,
    ) -> Token {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let token = Token { access, generation, scope };
        let mut state = entry.lock();
        state.held = Some(Held { token: token.clone(), refresh, life });
        state.unsaved = None;
        token
    }
}

fn given_up() -> TokenError {
    TokenError::new(TokenErrorKind::Unavailable, "the request for a token ended without an answer")
}

fn login_again() -> TokenError {
    let message = "the issuer takes the refresh token no more: somebody has to log in again";
    TokenError::new(TokenErrorKind::ReauthenticationRequired, message)
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No foreign code runs under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenCacheBuilder {
    /// Where tokens are kept. Default: in memory.
    pub fn store(mut self, store: impl TokenStore + 'static) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// The wall clock, which ends given as dates are compared with. Default: the machine's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Monotonic time, which lifetimes count on. Default: tokio's.
    pub fn ticker(mut self, ticker: impl Ticker + 'static) -> Self {
        self.ticker = Arc::new(ticker);
        self
    }

    /// How long before its end a token is renewed; a quarter of its life where that is less. Each renewal comes up to a
    /// quarter of that later, at random, so that many programs do not come at once. Default: a minute.
    pub fn renew_before_end(mut self, early: Duration) -> Self {
        self.policy.early = early;
        self
    }

    /// How long a token is used whose issuer does not say. Default: ten minutes.
    pub fn unknown_life(mut self, life: Duration) -> Self {
        self.policy.unknown = life;
        self
    }

    /// How long a token is used whose issuer gives it less than a second to live, which it would not outlive its way: it
    /// would be renewed without end. Default: ten seconds.
    pub fn shortest_life(mut self, life: Duration) -> Self {
        self.policy.shortest = life;
        self
    }

    /// The cache.
    pub fn build(self) -> TokenCache {
        let Self { source, store, clock, ticker, policy } = self;
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let entries = Mutex::default();
        TokenCache {
            shared: Arc::new(Shared {
                source,
                store,
                clock,
                ticker,
                policy,
                backoff,
                entries,
                generation: AtomicU64::new(0),
            }),
        }
    }
}

impl Clone for TokenCache {
    /// Both share one state.
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCacheBuilder").field("policy", &self.policy).finish_non_exhaustive()
    }
}
