//! A clock that costs next to nothing, and moves when it is told to.

use std::{
    future::pending,
    sync::atomic::{AtomicU64, Ordering},
};

use networkpype_core::{Sleep, Ticker, Ticks};

#[derive(Default)]
pub(crate) struct ManualTicker {
    now: AtomicU64,
}

impl ManualTicker {
    /// A microsecond later. Only one thread may do that.
    #[inline]
    pub(crate) fn step(&self) {
        // Not `fetch_add`, which would cost as much as a lock.
        let now = self.now.load(Ordering::Relaxed) + STEP_NANOS;
        self.now.store(now, Ordering::Relaxed);
    }
}

impl Ticker for ManualTicker {
    #[inline]
    fn now(&self) -> Ticks {
        Ticks::from_nanos(self.now.load(Ordering::Relaxed))
    }

    fn sleep_until(&self, _deadline: Ticks) -> Sleep {
        Box::pin(pending())
    }
}

const STEP_NANOS: u64 = 1_000;
