use std::{
    fmt,
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use networkpype_core::{Sleep, Ticker, Ticks, TokioTicker};

/// A [`Ticker`] that reads the processor's own counter: about 10 ns where the system's clock takes 25 and more.
///
/// Worth it where a throttler is asked millions of times a second. Sleeping is left to another ticker.
///
/// **It runs slow rather than fast.** The counter is compared with the system's clock once, over ten milliseconds, and
/// of all rates that would explain what was seen this takes the slowest: a few millionths below the true one, more where
/// the thread was interrupted. So windows last that much longer than they should, never shorter. (`quanta`'s own rate is
/// off by up to some hundred-thousandths, in either direction.)
///
/// Not for every machine:
/// - Without an invariant counter (old or emulated processors, those that `quanta` does not know), it falls back to the
///   system's clock, and is as slow as that.
/// - While a machine is suspended, the counter may stand still, go on, or begin anew. In the last case time stands still
///   until it has caught up, and nothing is granted meanwhile. A virtual machine that is moved to another host may find
///   a counter of another speed there. On laptops, and wherever that happens, use the default.
/// - Threads on different cores may read a few nanoseconds apart, also in the wrong order. A
///   [`Throttler`](crate::Throttler) never goes back.
/// - It does not follow `tokio::time::pause`.
///
/// ```
/// use networkpype_throttle::{FastTicker, RateLimit, Throttler};
/// use std::{sync::Arc, time::Duration};
///
/// let throttler = Throttler::builder()
///     .limit(RateLimit::new("quotes", 100_000, Duration::from_secs(1)))
///     .ticker(Arc::new(FastTicker::new()))
///     .build()?;
/// # Ok::<(), networkpype_throttle::LimitError>(())
/// ```
#[derive(Clone)]
pub struct FastTicker {
    counter: quanta::Clock,
    /// What the counter said at the start.
    start: u64,
    rate: Rate,
    sleeper: Arc<dyn Ticker>,
}

impl FastTicker {
    /// A ticker that starts now and sleeps as [`TokioTicker`] does.
    ///
    /// Takes about ten milliseconds, and up to 200 more for the first of a program: make one and clone it.
    pub fn new() -> Self {
        Self::sleeping_with(TokioTicker::new())
    }

    /// The same, sleeping as `sleeper` does: a [`PreciseTicker`](crate::PreciseTicker), say.
    pub fn sleeping_with(sleeper: impl Ticker + 'static) -> Self {
        let counter = quanta::Clock::new();
        let first = Sample::take(&counter);
        std::thread::sleep(MEASURED);
        let last = Sample::take(&counter);
        Self {
            start: last.count,
            rate: Rate::slowest(first, last),
            counter,
            sleeper: Arc::new(sleeper),
        }
    }
}

impl Default for FastTicker {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FastTicker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastTicker").finish_non_exhaustive()
    }
}

impl Ticker for FastTicker {
    fn now(&self) -> Ticks {
        Ticks::from_nanos(self.rate.nanos(self.counter.raw().saturating_sub(self.start)))
    }

    fn sleep_until(&self, deadline: Ticks) -> Sleep {
        let ticker = self.clone();
        Box::pin(async move {
            if deadline == Ticks::MAX {
                pending::<()>().await;
            }
            loop {
                let left = deadline.saturating_since(ticker.now());
                if left.is_zero() {
                    return;
                }
                // The two clocks drift apart, so the end of this may be a little early here.
                ticker.sleeper.sleep_until(ticker.sleeper.now() + left).await;
            }
        })
    }
}

/// What the counter said between two readings of the system's clock.
#[derive(Clone, Copy)]
struct Sample {
    before: Instant,
    count: u64,
    after: Instant,
}

impl Sample {
    /// The best of a few, since the thread may be interrupted half way.
    fn take(counter: &quanta::Clock) -> Self {
        let once = |_| Self { before: instant_now(), count: counter.raw(), after: instant_now() };
        (0..TRIES)
            .map(once)
            .min_by_key(|sample| sample.after.saturating_duration_since(sample.before))
            .unwrap_or_else(|| once(0))
    }
}

/// Nanoseconds per step of the counter, in units of 2⁻³².
#[derive(Clone, Copy)]
struct Rate(u64);

impl Rate {
    /// The slowest clock that agrees with both samples.
    fn slowest(first: Sample, last: Sample) -> Self {
        let at_least = last.before.saturating_duration_since(first.after);
        Self::of(at_least, last.count.saturating_sub(first.count))
    }

    fn of(time: Duration, steps: u64) -> Self {
        let rate = (time.as_nanos() << 32) / u128::from(steps.max(1));
        Self(u64::try_from(rate).unwrap_or(u64::MAX))
    }

    fn nanos(self, steps: u64) -> u64 {
        let nanos = (u128::from(steps) * u128::from(self.0)) >> 32;
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is a clock module: every other place takes a `Ticker`"
)]
fn instant_now() -> Instant {
    Instant::now()
}

/// How long the counter is compared with the system's clock. An error of a hundred nanoseconds is a hundred-thousandth.
const MEASURED: Duration = Duration::from_millis(10);

const TRIES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_turns_steps_into_nanoseconds() {
        let of = |nanos, steps| Rate::of(Duration::from_nanos(nanos), steps);
        for (rate, steps, nanos) in [
            (of(10_000_000, 10_000_000), 12_345, 12_345),
            (of(10_000_000, 24_500_000), 2_450_000_000, 999_999_999),
            (of(10_000_000, 10_000), 7, 7_000),
            (of(10_000_000, 0), 0, 0),
            (of(0, 5), 5, 0),
            (of(u64::MAX, 1), u64::MAX, u64::MAX),
        ] {
            assert_eq!(rate.nanos(steps), nanos);
        }
    }

    #[test]
    fn the_slowest_rate_leaves_out_the_time_that_reading_took() {
        let start = instant_now();
        let at = |nanos| start + Duration::from_nanos(nanos);
        let first = Sample { before: at(0), count: 1_000, after: at(100) };
        let last = Sample { before: at(1_000), count: 2_000, after: at(1_100) };
        assert_eq!(Rate::slowest(first, last).nanos(10_000), 8_999);
    }

    #[test]
    fn it_is_not_faster_than_the_systems_clock() {
        let ticker = FastTicker::new();
        let system = instant_now();
        let before = ticker.now();
        std::thread::sleep(Duration::from_millis(20));
        let passed = ticker.now().saturating_since(before);
        assert!(passed <= system.elapsed());
        assert!(passed >= Duration::from_millis(19), "{passed:?}");
    }

    #[tokio::test]
    async fn a_sleep_ends_and_never_early() {
        for ticker in [FastTicker::new(), FastTicker::sleeping_with(crate::PreciseTicker::new())] {
            for micros in [0, 1, 900, 4_100] {
                let deadline = ticker.now() + Duration::from_micros(micros);
                ticker.sleep_until(deadline).await;
                assert!(ticker.now() >= deadline, "{micros}");
            }
        }
    }

    #[tokio::test]
    async fn a_sleeper_whose_clock_runs_fast_does_not_end_a_sleep_early() {
        let ticker = FastTicker::sleeping_with(Fast(TokioTicker::new()));
        let deadline = ticker.now() + Duration::from_millis(20);
        ticker.sleep_until(deadline).await;
        assert!(ticker.now() >= deadline);
    }

    /// Twice as fast as time.
    struct Fast(TokioTicker);

    impl Ticker for Fast {
        fn now(&self) -> Ticks {
            Ticks::from_nanos(self.0.now().as_nanos() * 2)
        }

        fn sleep_until(&self, deadline: Ticks) -> Sleep {
            self.0.sleep_until(Ticks::from_nanos(deadline.as_nanos() / 2))
        }
    }
}
