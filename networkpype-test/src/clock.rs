//! What time does the exchange think it is?

#![allow(
    clippy::disallowed_methods,
    reason = "this is the exchange's clock module: the only place that reads the machine's clocks"
)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The exchange's wall clock, which may be wrong on purpose, and its monotonic clock, which never is.
#[derive(Debug)]
pub(crate) struct ServerClock {
    skew_ms: AtomicI64,
    frozen_ms: Option<i64>,
    started: Instant,
}

impl ServerClock {
    pub(crate) fn new(skew_ms: i64, frozen_ms: Option<i64>) -> Self {
        Self { skew_ms: AtomicI64::new(skew_ms), frozen_ms, started: Instant::now() }
    }

    /// Milliseconds since the Unix epoch, skew included.
    pub(crate) fn now_ms(&self) -> i64 {
        self.frozen_ms.unwrap_or_else(machine_ms) + self.skew_ms.load(Ordering::SeqCst)
    }

    /// The same instant for a `Date` header.
    pub(crate) fn now(&self) -> SystemTime {
        let since_epoch = Duration::from_millis(u64::try_from(self.now_ms()).unwrap_or(0));
        UNIX_EPOCH + since_epoch
    }

    /// Time since the exchange started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn set_skew_ms(&self, skew_ms: i64) {
        self.skew_ms.store(skew_ms, Ordering::SeqCst);
    }
}

fn machine_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
