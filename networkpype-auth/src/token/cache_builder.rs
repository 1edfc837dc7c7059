use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use networkpype_core::{Backoff, Clock, SystemClock, Ticker, TokioTicker};

use super::{
    MemoryTokenStore, TokenCache, TokenSource, TokenStore, cache::Shared, entry::Entries,
    life::Policy,
};

/// Options of a [`TokenCache`]. Made by [`TokenCache::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TokenCacheBuilder {
    source: Arc<dyn TokenSource>,
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
    ticker: Arc<dyn Ticker>,
    policy: Policy,
}

impl TokenCacheBuilder {
    pub(super) fn new(source: Arc<dyn TokenSource>) -> Self {
        Self {
            source,
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
        TokenCache {
            shared: Arc::new(Shared {
                source,
                store,
                clock,
                ticker,
                policy,
                backoff,
                entries: Entries::new(),
                generation: AtomicU64::new(0),
            }),
        }
    }
}

impl fmt::Debug for TokenCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCacheBuilder").field("policy", &self.policy).finish_non_exhaustive()
    }
}
