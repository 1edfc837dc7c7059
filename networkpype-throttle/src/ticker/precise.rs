use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use networkpype_core::{Sleep, Ticker, Ticks};
use tokio::runtime::Handle;

/// A [`Ticker`] whose sleeps end about a tenth of a millisecond late, where tokio's end one to two milliseconds late.
///
/// For limits of many requests in short windows, where a millisecond per window is a share of the throughput that
/// matters. Each sleep costs some tens of microseconds of processor time more than tokio's.
///
/// Tokio's timer counts whole milliseconds and rounds up. So this sleeps there until three milliseconds before the
/// instant, and for the rest occupies a thread of the runtime's pool for blocking work. Where that pool has no thread to
/// spare, or on systems whose threads wake late, it is no later than tokio. A [`Throttler`](crate::Throttler) has one
/// sleep at a time, however many wait, and so occupies one such thread at most.
///
/// Needs a tokio runtime with its timer enabled, as [`TokioTicker`](networkpype_core::TokioTicker) does; its I/O driver
/// is not needed. Reads the system's monotonic clock, and does not follow `tokio::time::pause`. A machine that is
/// suspended stops that clock on Linux and macOS, and does not on Windows.
///
/// ```
/// use networkpype_throttle::{PreciseTicker, RateLimit, Throttler};
/// use std::{sync::Arc, time::Duration};
///
/// let throttler = Throttler::builder()
///     .limit(RateLimit::new("quotes", 100, Duration::from_millis(50)))
///     .ticker(Arc::new(PreciseTicker::new()))
///     .build()?;
/// # Ok::<(), networkpype_throttle::LimitError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PreciseTicker {
    start: Instant,
}

impl PreciseTicker {
    /// A ticker that starts now. Clones share its start.
    pub fn new() -> Self {
        Self { start: instant_now() }
    }
}

impl Default for PreciseTicker {
    fn default() -> Self {
        Self::new()
    }
}

impl Ticker for PreciseTicker {
    fn now(&self) -> Ticks {
        Ticks::ZERO + instant_now().saturating_duration_since(self.start)
    }

    fn sleep_until(&self, deadline: Ticks) -> Sleep {
        match self.start.checked_add(Duration::from_nanos(deadline.as_nanos())) {
            Some(instant) => Box::pin(sleep_until(instant)),
            // An instant that the system cannot represent lies beyond any program's life.
            None => Box::pin(pending()),
        }
    }
}

async fn sleep_until(instant: Instant) {
    if instant.saturating_duration_since(instant_now()) > LEAD {
        tokio::time::sleep_until((instant - LEAD).into()).await;
    }
    // More than once only if a system ends sleeps early.
    while instant > instant_now() {
        let mut exact = Handle::try_current().ok().map(|runtime| {
            // What is left is worked out there, since the pool may take its time; it may be nothing by then.
            runtime.spawn_blocking(move || {
                std::thread::sleep(instant.saturating_duration_since(instant_now()));
            })
        });
        let mut coarse = pin!(tokio::time::sleep_until(instant.into()));
        poll_fn(|cx| {
            if let Some(blocking) = &mut exact {
                match pin!(blocking).poll(cx) {
                    Poll::Ready(Ok(())) => return Poll::Ready(()),
                    // The runtime shuts down.
                    Poll::Ready(Err(_)) => exact = None,
                    Poll::Pending => {}
                }
            }
            coarse.as_mut().poll(cx)
        })
        .await;
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is a clock module: every other place takes a `Ticker`"
)]
fn instant_now() -> Instant {
    Instant::now()
}

/// How long a thread waits for the end. More than tokio's timer is late by, unless the machine is overloaded.
const LEAD: Duration = Duration::from_millis(3);

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    /// None of them with an I/O driver.
    fn runtimes() -> [Runtime; 2] {
        [Builder::new_current_thread(), Builder::new_multi_thread()]
            .map(|mut builder| builder.enable_time().build().unwrap())
    }

    #[test]
    fn a_sleep_ends_and_never_early() {
        for runtime in runtimes() {
            runtime.block_on(async {
                let ticker = PreciseTicker::new();
                for micros in [0, 1, 700, 2_900, 3_100, 7_300] {
                    let deadline = ticker.now() + Duration::from_micros(micros);
                    ticker.sleep_until(deadline).await;
                    assert!(ticker.now() >= deadline, "{micros}");
                }
                ticker.sleep_until(Ticks::ZERO).await;
            });
        }
    }

    #[test]
    fn many_sleep_at_once() {
        for runtime in runtimes() {
            runtime.block_on(async {
                let ticker = PreciseTicker::new();
                let deadline = |step: u64| ticker.now() + Duration::from_micros(step * 100);
                let sleeps: Vec<_> = (0..100).map(deadline).collect();
                let tasks: Vec<_> =
                    sleeps.iter().map(|at| tokio::spawn(ticker.sleep_until(*at))).collect();
                for (task, at) in tasks.into_iter().zip(sleeps) {
                    task.await.unwrap();
                    assert!(ticker.now() >= at);
                }
            });
        }
    }

    #[test]
    fn a_sleep_that_is_dropped_occupies_nothing_for_long() {
        for runtime in runtimes() {
            let ticker = PreciseTicker::new();
            runtime.block_on(async {
                for millis in [2, 3_600_000] {
                    let mut sleep =
                        ticker.sleep_until(ticker.now() + Duration::from_millis(millis));
                    assert!(poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending());
                }
            });
            // Waits for the threads of the pool; it would not end if one of them slept for an hour.
            drop(runtime);
        }
    }

    #[test]
    fn an_instant_beyond_all_time_is_not_reached() {
        for runtime in runtimes() {
            runtime.block_on(async {
                let ticker = PreciseTicker::new();
                let mut sleep = ticker.sleep_until(Ticks::MAX);
                assert!(poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending());
            });
        }
    }

    #[test]
    fn a_pool_without_a_free_thread_makes_it_late_and_not_stuck() {
        let runtime =
            Builder::new_current_thread().enable_time().max_blocking_threads(1).build().unwrap();
        let (release, released) = std::sync::mpsc::channel::<()>();
        runtime.block_on(async {
            let occupied = tokio::task::spawn_blocking(move || released.recv());
            let ticker = PreciseTicker::new();
            let deadline = ticker.now() + Duration::from_millis(5);
            ticker.sleep_until(deadline).await;
            assert!(ticker.now() >= deadline);
            drop(release);
            occupied.await.unwrap().unwrap_err();
        });
    }
}
