use std::{
    future::Future,
    ops::{Add, Sub},
    pin::Pin,
    time::Duration,
};

/// An instant on a [`Ticker`]: nanoseconds since that ticker's own, arbitrary start.
///
/// Comparable only with instants of the same ticker. Arithmetic saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks(u64);

impl Ticks {
    /// The ticker's start.
    pub const ZERO: Self = Self(0);

    /// The last instant there is: a wait until then does not end.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the ticker's start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the ticker's start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`, zero when `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Ticks {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }
}

impl Sub<Duration> for Ticks {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(by)))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A boxed future that ends at an instant.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Monotonic time: what limits, timeouts and backoff are measured with. A step of the wall clock does not move it.
pub trait Ticker: Send + Sync {
    /// The present instant.
    fn now(&self) -> Ticks;

    /// Ends at `deadline`, at once when that has passed. May end late, never early.
    fn sleep_until(&self, deadline: Ticks) -> Sleep;
}

impl<T: Ticker + ?Sized> Ticker for std::sync::Arc<T> {
    fn now(&self) -> Ticks {
        (**self).now()
    }

    fn sleep_until(&self, deadline: Ticks) -> Sleep {
        (**self).sleep_until(deadline)
    }
}

/// The [`Ticker`] over tokio's clock, and so over `tokio::time::pause` in tests.
///
/// Clones share their start. Sleeping needs a tokio runtime with its timer enabled; reading the time does not.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy)]
pub struct TokioTicker {
    start: tokio::time::Instant,
}

#[cfg(feature = "tokio")]
impl TokioTicker {
    /// A ticker that starts now.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the clock module: every other place takes a `Ticker`"
    )]
    pub fn new() -> Self {
        Self { start: tokio::time::Instant::now() }
    }
}

#[cfg(feature = "tokio")]
impl Default for TokioTicker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "tokio")]
impl std::fmt::Debug for TokioTicker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokioTicker").finish_non_exhaustive()
    }
}

#[cfg(feature = "tokio")]
impl Ticker for TokioTicker {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the clock module: every other place takes a `Ticker`"
    )]
    fn now(&self) -> Ticks {
        Ticks::ZERO + tokio::time::Instant::now().saturating_duration_since(self.start)
    }

    fn sleep_until(&self, deadline: Ticks) -> Sleep {
        // An instant that tokio cannot represent lies beyond any program's life.
        match self.start.checked_add(Duration::from_nanos(deadline.as_nanos())) {
            Some(instant) => Box::pin(tokio::time::sleep_until(instant)),
            None => Box::pin(std::future::pending()),
        }
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_tokio_ticker_follows_a_paused_clock() {
        let ticker = TokioTicker::new();
        let before = ticker.now();
        ticker.sleep_until(before + Duration::from_secs(3600)).await;
        assert_eq!(ticker.now().saturating_since(before), Duration::from_secs(3600));
    }

    #[test]
    fn ticks_saturate() {
        assert_eq!(Ticks::MAX + Duration::MAX, Ticks::MAX);
        assert_eq!(Ticks::ZERO - Duration::from_secs(1), Ticks::ZERO);
    }
}
