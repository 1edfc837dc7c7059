use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use networkpype_core::{Clock, SingleFlight, Ticker, Timestamp};

use crate::{
    builder::TimeSynchronizerBuilder,
    error::TimeError,
    provider::{ServerTime, TimeProvider},
    sample::{Sample, clamp},
    state::State,
    step::Reading,
    window::Verdict,
};

/// What `base` holds while there are no samples. No sample comes to it.
pub(crate) const UNKNOWN: i64 = i64::MIN;

/// The server's clock, learnt from its time endpoint: a [`Clock`] to sign by.
///
/// Clones share everything. Without samples it tells the time of this machine.
///
/// # What the time is made of
///
/// Each sample is the difference between the server's clock and this machine's *monotonic* one, at the middle of the
/// round trip, with half the round trip as its error. The time is the monotonic clock plus the estimate over the kept
/// samples: one atomic load and one clock read, and a wall clock that somebody sets does not move it.
///
/// # Steps and sleep
///
/// A monotonic clock stands still while the machine sleeps. One clock read cannot show that, so wall and monotonic
/// time are compared whenever the time is *asked for*: before each request that the
/// [pre-processor](crate::TimeSynchronizerRestPreProcessor) sees, with each sample, and by
/// [`check_local_clock`](Self::check_local_clock). Where they have drifted apart by more than a second since the last
/// comparison, all samples are dropped. Until that comparison the time is right after a step of the wall clock, and
/// behind by the length of the sleep after a sleep.
///
/// # Example
///
/// ```
/// use networkpype_time::{Clock, TimeSynchronizer, Timestamp, from_fn};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let server_time = from_fn(|| async { Ok(Timestamp::from_secs(4_000_000_000)) });
/// let synchronizer = TimeSynchronizer::new();
/// synchronizer.update_server_time_if_not_initialized(server_time).await?;
/// assert_eq!(synchronizer.now().as_secs(), 4_000_000_000);
/// # Ok::<(), networkpype_time::TimeError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TimeSynchronizer {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    /// Server time less monotonic time in nanoseconds, or [`UNKNOWN`].
    base: AtomicI64,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ticker: Arc<dyn Ticker>,
    pub(crate) timeout: Duration,
    /// Carries what became of the sample, or `None` where it turned out that nobody had to ask.
    pub(crate) flight: SingleFlight<Result<Option<Verdict>, TimeError>>,
    provider: Mutex<Option<Arc<dyn TimeProvider>>>,
    state: Mutex<State>,
}

impl TimeSynchronizer {
    /// A synchronizer with the defaults of [`builder`](Self::builder), that has learnt nothing yet.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts one with other options.
    pub fn builder() -> TimeSynchronizerBuilder {
        TimeSynchronizerBuilder::new()
    }

    pub(crate) fn from_parts(builder: TimeSynchronizerBuilder) -> Self {
        let compared = Reading::take(&*builder.clock, &*builder.ticker);
        Self {
            inner: Arc::new(Inner {
                base: AtomicI64::new(UNKNOWN),
                clock: builder.clock,
                ticker: builder.ticker,
                timeout: builder.timeout,
                flight: SingleFlight::new(),
                provider: Mutex::new(builder.provider),
                state: Mutex::new(State::new(builder.window, compared)),
            }),
        }
    }

    /// The server's time, as far as it is known; else this machine's.
    ///
    /// The same as [`Clock::now`]. It may step in either direction when a sample comes in.
    pub fn time(&self) -> Timestamp {
        self.inner.now()
    }

    /// This synchronizer as a clock to hand over: the same `Arc` each time, so that two holders can be seen to sign by
    /// one clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clone()
    }

    /// Whether any sample is kept.
    pub fn is_initialized(&self) -> bool {
        self.inner.base() != UNKNOWN
    }

    /// How many samples are kept.
    pub fn sample_count(&self) -> usize {
        self.inner.state().window.len()
    }

    /// How far the server's clock is ahead of this machine's wall clock, in nanoseconds; negative where it is behind.
    /// `None` without samples.
    #[doc(alias = "time_offset_ms")]
    pub fn offset_nanos(&self) -> Option<i64> {
        let server = self.inner.server_time()?;
        Some(server.signed_nanos_since(self.inner.clock.now()))
    }

    /// How far the time may be off: the error of the worst sample kept, and 0.1 ms more for each second of its age,
    /// since clocks drift apart. `None` without samples, and where nobody measured their round trips.
    pub fn error_bound(&self) -> Option<Duration> {
        // Before the lock, under which no code of the user runs.
        let now = self.inner.ticker.now();
        self.inner.state().window.error(now)
    }

    /// Adds what is known about the server's time now, from wherever: a message of a stream, say, or a `Date` header.
    ///
    /// Without a [round trip](ServerTime::with_round_trip) its error is not known. Such samples count while there are
    /// none with one. Those they can only drop when they contradict all of them by more than a second.
    pub fn add_sample(&self, server_time: ServerTime) -> Verdict {
        let now = self.reading();
        let sample = Sample::new(&server_time, now.before, None);
        self.inner.add(now, sample)
    }

    /// Adds a sample by how many nanoseconds the server's clock is ahead of this machine's wall clock: one without a
    /// round trip, see [`add_sample`](Self::add_sample).
    #[doc(alias = "add_time_offset_ms_sample")]
    pub fn add_time_offset_nanos_sample(&self, offset_nanos: i64) -> Verdict {
        let now = self.reading();
        let server_time = ServerTime::new(now.wall.offset_by_nanos(offset_nanos));
        self.inner.add(now, Sample::new(&server_time, now.before, None))
    }

    /// Forgets all samples: the time is that of this machine until there is a new one.
    #[doc(alias = "clear_time_offset_ms_samples")]
    pub fn clear_time_offset_samples(&self) {
        let mut state = self.inner.state();
        state.window.clear();
        self.inner.publish(&state);
    }

    /// Compares wall and monotonic time, drops all samples where they have drifted apart by more than a second since
    /// this was last done, and says whether they have.
    ///
    /// Whatever asks for the time does this. Call it before signing something by other ways than a request, such as a
    /// WebSocket login, where a sleep of the machine should show at once.
    pub fn check_local_clock(&self) -> bool {
        self.inner.compare(self.reading())
    }

    /// Says whom [`resync`](networkpype_core::Resync::resync) asks, in place of anyone named before.
    ///
    /// Apart from the builder's, because a provider often needs a manager that needs this clock.
    pub fn set_time_provider(&self, provider: impl TimeProvider + 'static) {
        let before = self.inner.provider_slot().replace(Arc::new(provider));
        // After the lock: dropping it runs code of the user.
        drop(before);
    }

    /// Forgets whom to ask, and gives it back. Samples stay.
    pub fn remove_time_provider(&self) -> Option<Arc<dyn TimeProvider>> {
        self.inner.provider_slot().take()
    }

    pub(crate) fn time_provider(&self) -> Result<Arc<dyn TimeProvider>, TimeError> {
        self.inner.provider_slot().clone().ok_or(TimeError::NO_PROVIDER)
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading::take(&*self.inner.clock, &*self.inner.ticker)
    }
}

impl Inner {
    fn base(&self) -> i64 {
        // One number on its own: no other memory is published with it.
        self.base.load(Ordering::Relaxed)
    }

    fn server_time(&self) -> Option<Timestamp> {
        match self.base() {
            UNKNOWN => None,
            base => {
                let nanos = i128::from(base) + i128::from(self.ticker.now().as_nanos());
                Some(Timestamp::from_nanos(clamp(nanos)))
            }
        }
    }

    /// Compares the clocks at `now`, then adds `sample`.
    pub(crate) fn add(&self, now: Reading, sample: Sample) -> Verdict {
        let mut state = self.state();
        let verdict = state.add(now, sample);
        self.publish(&state);
        drop(state);
        if verdict == Verdict::NewEpoch {
            tracing::info!("the server's clock has jumped: older samples of its time are dropped");
        }
        verdict
    }

    pub(crate) fn compare(&self, now: Reading) -> bool {
        let mut state = self.state();
        let stepped = state.compare(now);
        if stepped {
            self.publish(&state);
            drop(state);
            tracing::info!(
                "the local clock was set, or the machine slept: samples of the server's time are dropped"
            );
        }
        stepped
    }

    /// Judges the next sample strictly: see [`Window::doubt`](crate::window::Window::doubt).
    pub(crate) fn doubt(&self) {
        self.state().window.doubt();
    }

    /// Under the lock, so that the last one to change the samples is the last one to publish.
    fn publish(&self, state: &State) {
        self.base.store(state.window.estimate().unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code of the user runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn provider_slot(&self) -> MutexGuard<'_, Option<Arc<dyn TimeProvider>>> {
        // Nor under this one.
        self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Inner {
    fn now(&self) -> Timestamp {
        self.server_time().unwrap_or_else(|| self.clock.now())
    }
}

impl Clock for TimeSynchronizer {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    /// That of [`clock`](Self::clock): clones are one clock.
    fn identity(&self) -> usize {
        self.inner.identity()
    }
}

impl Default for TimeSynchronizer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TimeSynchronizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeSynchronizer")
            .field("offset_nanos", &self.offset_nanos())
            .field("error_bound", &self.error_bound())
            .field("samples", &self.sample_count())
            .finish_non_exhaustive()
    }
}
