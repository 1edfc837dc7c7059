//! What do all connections of one exchange share?

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::clock::ServerClock;
use crate::digest::DigestRealm;
use crate::issuer::TokenIssuer;
use crate::jws::PublicKey;
use crate::limiter::{Limiter, Verdict};
use crate::path::SlowPath;
use crate::record::{Journal, Recorded};
use crate::wire::Reply;

pub(crate) type Handler = Arc<dyn Fn(&Recorded) -> Reply + Send + Sync>;

pub(crate) struct Config {
    pub(crate) api_key: String,
    pub(crate) api_secret: String,
    pub(crate) receive_window: Duration,
    pub(crate) replays_allowed: bool,
    pub(crate) ticks: u64,
    pub(crate) tick_interval: Duration,
    pub(crate) digest: Option<DigestRealm>,
    /// User name and password.
    pub(crate) basic: Option<(String, String)>,
    /// The key's name and the key.
    pub(crate) jwt_key: Option<(String, PublicKey)>,
    pub(crate) issuer: Option<TokenIssuer>,
    pub(crate) is_tls: bool,
    pub(crate) handlers: Vec<(String, Handler)>,
}

pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) clock: ServerClock,
    pub(crate) journal: Journal,
    /// Every change drops all WebSocket connections.
    pub(crate) kick: watch::Sender<()>,
    pub(crate) gate: Semaphore,
    limiter: Option<Mutex<Limiter>>,
    path: Option<Mutex<SlowPath>>,
    signatures: Mutex<HashSet<String>>,
    nonces: Mutex<HashMap<String, u128>>,
    orders: AtomicU64,
}

impl State {
    pub(crate) fn new(
        config: Config,
        clock: ServerClock,
        limiter: Option<Limiter>,
        path: Option<SlowPath>,
    ) -> Self {
        Self {
            config,
            clock,
            journal: Journal::new(),
            kick: watch::Sender::new(()),
            gate: Semaphore::new(0),
            limiter: limiter.map(Mutex::new),
            path: path.map(Mutex::new),
            signatures: Mutex::default(),
            nonces: Mutex::default(),
            orders: AtomicU64::new(0),
        }
    }

    /// None without a limiter.
    pub(crate) fn admit(&self) -> Option<Verdict> {
        let mut limiter = lock(self.limiter.as_ref()?);
        // Read under the lock, so that instants are recorded in their order.
        let verdict = limiter.admit(self.clock.elapsed());
        drop(limiter);
        self.journal.write(|_| ());
        Some(verdict)
    }

    /// Lets the time pass that a request or an answer is on its way.
    pub(crate) async fn travel(&self) {
        let Some(path) = &self.path else { return };
        let time = lock(path).next();
        tokio::time::sleep(time).await;
    }

    pub(crate) fn limits<T>(&self, view: impl FnOnce(&Limiter) -> T) -> Option<T> {
        self.limiter.as_ref().map(|limiter| view(&lock(limiter)))
    }

    /// True the first time a valid signature is seen.
    pub(crate) fn is_first_use(&self, signature: &str) -> bool {
        lock(&self.signatures).insert(signature.to_owned()) || self.config.replays_allowed
    }

    /// True when the nonce is greater than every earlier one of this key.
    pub(crate) fn nonce_increases(&self, key: &str, nonce: u128) -> bool {
        let mut nonces = lock(&self.nonces);
        let increases = nonces.get(key).is_none_or(|last| nonce > *last);
        if increases {
            nonces.insert(key.to_owned(), nonce);
        }
        increases
    }

    pub(crate) fn next_order_id(&self) -> u64 {
        self.orders.fetch_add(1, Ordering::SeqCst) + 1
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
