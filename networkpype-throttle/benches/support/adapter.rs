//! The one place that knows how a throttler is asked.

use std::{sync::Arc, time::Duration};

use networkpype_core::{ThrottleError, Ticker};
use networkpype_throttle::{RateLimit, StartedPermit, Throttler};

/// As callers hold the name of a limit.
pub(crate) type Name = &'static str;

pub(crate) fn name(id: &'static str) -> Name {
    id
}

/// One grant that has started, now or not at all.
#[inline]
pub(crate) fn take<'a>(throttler: &'a Throttler, limit: &Name) -> Option<StartedPermit<'a>> {
    throttler.try_acquire(limit).ok()
}

/// One grant that has started, as soon as it can be had.
#[inline]
pub(crate) fn wait<'a>(
    throttler: &'a Throttler,
    limit: &Name,
) -> impl Future<Output = Result<StartedPermit<'a>, ThrottleError>> + Send {
    throttler.acquire(limit)
}

/// Nothing was sent.
#[inline]
pub(crate) fn give_back(permit: StartedPermit<'_>) {
    permit.refund();
}

/// More than anybody asks for.
pub(crate) const PLENTY: u32 = 1_000_000_000;

/// A throttler with the limits `one`; `three`, which is linked to two others; and `full`, which holds nothing more. All
/// but the last hold [`PLENTY`] in `interval`.
pub(crate) fn throttler(interval: Duration, ticker: Arc<dyn Ticker>) -> Throttler {
    let plenty = |id: &str| RateLimit::new(id, PLENTY, interval);
    let throttler = Throttler::builder()
        .limit(plenty("one"))
        .limit(plenty("three").linked("second", 1).linked("third", 1))
        .limit(plenty("second"))
        .limit(plenty("third"))
        .limit(RateLimit::new("full", 1, Duration::from_secs(100_000)))
        .safety_margin(0.0)
        .ticker(ticker)
        .build()
        .unwrap();
    drop(take(&throttler, &name("full")).unwrap());
    throttler
}

/// A throttler with one limit, `one`.
pub(crate) fn limited(limit: u32, interval: Duration, ticker: Arc<dyn Ticker>) -> Throttler {
    Throttler::builder()
        .limit(RateLimit::new("one", limit, interval))
        .safety_margin(0.0)
        .ticker(ticker)
        .build()
        .unwrap()
}

/// The same with a limit that keeps to a bounded amount of memory.
pub(crate) fn bounded(limit: u32, interval: Duration, ticker: Arc<dyn Ticker>) -> Throttler {
    Throttler::builder()
        .limit(RateLimit::new("one", limit, interval).bounded())
        .safety_margin(0.0)
        .ticker(ticker)
        .build()
        .unwrap()
}
