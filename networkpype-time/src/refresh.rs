use std::{sync::Arc, time::Duration};

use networkpype_core::Backoff;
use tokio::task::JoinHandle;

use crate::{provider::TimeProvider, synchronizer::TimeSynchronizer, window::Verdict};

/// After a failure the next question comes sooner than the interval says, beginning with this.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// An interval of nothing would be a loop without pause.
const LEAST_INTERVAL: Duration = Duration::from_millis(1);

impl TimeSynchronizer {
    /// Asks `provider` now and then every `interval`, in a task of its own, until the returned guard is dropped or
    /// nobody holds the synchronizer any more.
    ///
    /// A question that fails is repeated after half a second to a second, then at growing intervals up to `interval`,
    /// and each failure is traced as a warning; a panic of the provider is one. The samples learnt before stay, unless
    /// this machine's clock has stepped meanwhile, which is looked for each time. Every ten minutes is plenty for most
    /// servers: clocks drift apart by a few seconds a day.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn refresh_every(
        &self,
        interval: Duration,
        provider: impl TimeProvider + 'static,
    ) -> RefreshTask {
        let interval = interval.max(LEAST_INTERVAL);
        let provider: Arc<dyn TimeProvider> = Arc::new(provider);
        let weak = Arc::downgrade(&self.inner);
        let ticker = self.inner.ticker.clone();
        RefreshTask(tokio::spawn(async move {
            let backoff = Backoff::new(FIRST_RETRY.min(interval), interval);
            let mut failures = 0;
            loop {
                // Held while asking and not while waiting, so that the task ends when all other holders are gone.
                let Some(inner) = weak.upgrade() else { return };
                let outcome = TimeSynchronizer { inner }.refresh(provider.clone()).await;
                let pause = match outcome {
                    Ok(verdict) => {
                        if verdict == Verdict::IgnoredCached {
                            tracing::warn!("a cache answers in place of the time endpoint");
                        }
                        failures = 0;
                        interval
                    }
                    Err(_) => {
                        // Half the jitter, so that a server in trouble is never asked again at once.
                        let pause = backoff.delay(failures, 0.5 + fastrand::f64() / 2.0);
                        failures = failures.saturating_add(1);
                        // The cause is not traced: a provider of somebody's own may put anything into it.
                        tracing::warn!(failures, "the server's time could not be refreshed");
                        pause
                    }
                };
                ticker.sleep_until(ticker.now() + pause).await;
            }
        }))
    }
}

/// Keeps a synchronizer refreshed, and stops when dropped: see [`refresh_every`](TimeSynchronizer::refresh_every).
#[derive(Debug)]
#[must_use = "the task stops when this is dropped"]
pub struct RefreshTask(JoinHandle<()>);

impl RefreshTask {
    /// Whether the task is still there: it ends by itself when nobody holds the synchronizer any more.
    pub fn is_running(&self) -> bool {
        !self.0.is_finished()
    }
}

impl Drop for RefreshTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}
