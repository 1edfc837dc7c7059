use std::{fmt, sync::Arc, time::Duration};

use networkpype_core::{Clock, SystemClock, Ticker, TokioTicker};

use crate::{provider::TimeProvider, synchronizer::TimeSynchronizer};

/// As long as an attempt of a manager may take by default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// No estimate gets better by more, and each sample costs a little at every update.
const LARGEST_WINDOW: usize = 1_000;

/// Options of a [`TimeSynchronizer`].
#[must_use = "nothing is built until `build`"]
pub struct TimeSynchronizerBuilder {
    pub(crate) window: usize,
    pub(crate) timeout: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ticker: Arc<dyn Ticker>,
    pub(crate) provider: Option<Arc<dyn TimeProvider>>,
}

impl TimeSynchronizerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            window: 5,
            timeout: DEFAULT_TIMEOUT,
            clock: Arc::new(SystemClock),
            ticker: Arc::new(TokioTicker::new()),
            provider: None,
        }
    }

    /// How many samples are kept, from 1 to 1,000; what lies outside counts as the nearest end. Default: 5.
    ///
    /// More smooth out the jitter of a poor connection, fewer follow a drifting server sooner.
    #[doc(alias = "max_samples")]
    pub fn window(mut self, samples: usize) -> Self {
        self.window = samples.clamp(1, LARGEST_WINDOW);
        self
    }

    /// How long one question to the server may take, waiting for capacity included. Default: 30 s.
    ///
    /// Calls that wait for the first answer wait no longer than this.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whom [`resync`](networkpype_core::Resync::resync) asks. Default: nobody, and resyncing fails until
    /// [`set_time_provider`](TimeSynchronizer::set_time_provider).
    #[doc(alias = "time_provider")]
    pub fn provider(mut self, provider: impl TimeProvider + 'static) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// This machine's wall clock: what is told without samples, and where steps are seen. Default: [`SystemClock`].
    ///
    /// It has to run as fast as the ticker. In a test that pauses tokio's time, give a
    /// [`ManualClock`](networkpype_core::ManualClock) and advance it together with that time, else every second that
    /// was skipped looks like a step.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// This machine's monotonic clock. Default: a [`TokioTicker`].
    pub fn ticker(mut self, ticker: Arc<dyn Ticker>) -> Self {
        self.ticker = ticker;
        self
    }

    /// The synchronizer. It asks nobody yet.
    pub fn build(self) -> TimeSynchronizer {
        TimeSynchronizer::from_parts(self)
    }
}

impl fmt::Debug for TimeSynchronizerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeSynchronizerBuilder")
            .field("window", &self.window)
            .field("timeout", &self.timeout)
            .field("provider", &self.provider.is_some())
            .finish_non_exhaustive()
    }
}
