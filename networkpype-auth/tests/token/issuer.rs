//! An issuer in memory, which does as it is told and counts what it is asked.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use networkpype_auth::token::{
    Lifetime, ObtainedToken, TokenCache, TokenCacheBuilder, TokenError, TokenErrorKind, TokenKey,
    TokenSource,
};
use networkpype_core::{Clock, Secret, Ticker, Timestamp, TokioTicker, async_trait};

/// What the issuer does when it is asked.
pub(crate) enum Answer {
    /// A token that lives that long, with or without the next refresh token.
    Token {
        life: Option<u64>,
        refresh: Option<&'static str>,
    },
    Fails(TokenErrorKind),
    /// It asks to be left alone for so many seconds.
    Busy(u64),
}

#[derive(Clone, Default)]
pub(crate) struct Issuer(Arc<Inner>);

#[derive(Default)]
struct Inner {
    answers: Mutex<VecDeque<Answer>>,
    asked: AtomicUsize,
    /// With which refresh token each time.
    refreshes: Mutex<Vec<Option<String>>>,
    slow: Mutex<Duration>,
}

impl Issuer {
    pub(crate) fn answers(answers: impl IntoIterator<Item = Answer>) -> Self {
        let issuer = Self::default();
        issuer.0.answers.lock().expect("lock").extend(answers);
        issuer
    }

    /// Gives out tokens of this life for ever.
    pub(crate) fn of_life(secs: u64) -> Self {
        Self::answers((0..10_000).map(|_| Answer::Token { life: Some(secs), refresh: None }))
    }

    pub(crate) fn slow(self, delay: Duration) -> Self {
        *self.0.slow.lock().expect("lock") = delay;
        self
    }

    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn refreshes(&self) -> Vec<Option<String>> {
        self.0.refreshes.lock().expect("lock").clone()
    }
}

#[async_trait]
impl TokenSource for Issuer {
    async fn obtain(
        &self,
        key: &TokenKey,
        refresh: Option<&Secret>,
    ) -> Result<ObtainedToken, TokenError> {
        let number = self.0.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let used = refresh.and_then(Secret::expose_str).map(str::to_owned);
        self.0.refreshes.lock().expect("lock").push(used);
        let slow = *self.0.slow.lock().expect("lock");
        tokio::time::sleep(slow).await;
        let answer = self.0.answers.lock().expect("lock").pop_front();
        match answer.expect("the issuer was asked more often than expected") {
            Answer::Fails(kind) => Err(TokenError::new(kind, "told to")),
            Answer::Busy(secs) => Err(TokenError::new(TokenErrorKind::Unavailable, "busy")
                .with_retry_after(Duration::from_secs(secs))),
            Answer::Token { life, refresh } => {
                let lifetime = life.map(Duration::from_secs).map(Lifetime::of).unwrap_or_default();
                Ok(ObtainedToken::new(format!("{}#{number}", key.to_text()))
                    .lifetime(lifetime)
                    .refresh(refresh.map(Secret::from)))
            }
        }
    }
}

/// A wall clock that goes with tokio's, and may be set.
#[derive(Clone)]
pub(crate) struct Wall {
    ticker: TokioTicker,
    offset: Arc<Mutex<i64>>,
}

impl Wall {
    pub(crate) fn new() -> Self {
        Self { ticker: TokioTicker::new(), offset: Arc::default() }
    }

    /// Sets it that much ahead.
    pub(crate) fn step(&self, secs: i64) {
        *self.offset.lock().expect("lock") += secs * 1_000_000_000;
    }
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.ticker.now().as_nanos()).expect("not that long");
        Timestamp::from_nanos(
            1_700_000_000_000_000_000 + elapsed + *self.offset.lock().expect("lock"),
        )
    }
}

pub(crate) fn cache(issuer: &Issuer) -> TokenCacheBuilder {
    TokenCache::builder(issuer.clone()).clock(Wall::new())
}

pub(crate) fn key() -> TokenKey {
    TokenKey::new("me")
}

pub(crate) async fn pass(secs: u64) {
    tokio::time::sleep(Duration::from_secs(secs)).await;
}
