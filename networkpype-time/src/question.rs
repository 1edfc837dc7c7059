use std::sync::Arc;

use async_trait::async_trait;
use networkpype_core::{BoxError, Resync};

use crate::{
    error::TimeError,
    provider::TimeProvider,
    sample::Sample,
    synchronizer::TimeSynchronizer,
    task::{as_provider_of, in_a_task, is_provider_of},
    window::Verdict,
    within::within,
};

/// How often one question is asked when the machine's clock steps while the server answers.
const ATTEMPTS: usize = 2;

impl TimeSynchronizer {
    /// Asks `provider`, which may be a reference, adds its answer as a sample, and says what became of that: it may be
    /// ignored where better ones are kept. Callers at the same time each ask.
    ///
    /// # Errors
    /// When the provider fails, takes longer than the [`timeout`](crate::TimeSynchronizerBuilder::timeout), or this
    /// machine's clock steps twice while it is asked. Samples stay as they were then.
    ///
    /// # Panics
    /// With the default ticker, outside a tokio runtime with its timer enabled; and where the provider panics.
    pub async fn update_server_time_offset_with_time_provider(
        &self,
        provider: impl TimeProvider,
    ) -> Result<Verdict, TimeError> {
        as_provider_of(self.id(), self.ask(&provider)).await
    }

    /// Asks the synchronizer's own provider where there is no sample yet, as
    /// [`update_server_time_if_not_initialized`](Self::update_server_time_if_not_initialized) does. Samples that were
    /// added by hand do without a provider.
    ///
    /// # Errors
    /// As there, and when there is neither a sample nor a provider.
    ///
    /// # Panics
    /// As there.
    pub async fn ensure_initialized(&self) -> Result<(), TimeError> {
        match self.time_provider() {
            Ok(provider) => self.update_server_time_if_not_initialized(provider).await,
            Err(missing) => {
                self.check_local_clock();
                if self.is_initialized() { Ok(()) } else { Err(missing) }
            }
        }
    }

    /// Asks `provider` where there is no sample yet; callers at the same time share one question, to the provider of
    /// the first.
    ///
    /// Looks for a step of this machine's clock first, which leaves no samples. The question is asked in a task, so it
    /// gets on whether or not the one who began it is polled. A caller that is cancelled while it asks leaves the
    /// asking to another, and a failure is told to those who waited for it and not remembered. Called by the provider
    /// itself, it does nothing.
    ///
    /// # Errors
    /// As [`update_server_time_offset_with_time_provider`](Self::update_server_time_offset_with_time_provider), and
    /// where the provider panics.
    ///
    /// # Panics
    /// Outside a tokio runtime, where it has to ask; with the default ticker that needs a timer.
    pub async fn update_server_time_if_not_initialized(
        &self,
        provider: impl TimeProvider + 'static,
    ) -> Result<(), TimeError> {
        self.check_local_clock();
        if self.is_initialized() || is_provider_of(self.id()) {
            return Ok(());
        }
        self.share(Arc::new(provider), Need::First).await.map(drop)
    }

    /// Asks `provider` in any case; callers at the same time share one question.
    pub(crate) async fn refresh(
        &self,
        provider: Arc<dyn TimeProvider>,
    ) -> Result<Verdict, TimeError> {
        // Now, and not with the sample: there may be none, and samples of before a sleep would stay.
        self.check_local_clock();
        if is_provider_of(self.id()) {
            return Err(TimeError::REENTRANT);
        }
        loop {
            // `None` comes from a flight for the first sample that found one: it asked nobody.
            if let Some(verdict) = self.share(provider.clone(), Need::Any).await? {
                return Ok(verdict);
            }
        }
    }

    /// Each caller waits for a task. If it took part in the flight itself and led it, all others would wait until
    /// somebody polls it, and its timeout with it.
    async fn share(
        &self,
        provider: Arc<dyn TimeProvider>,
        need: Need,
    ) -> Result<Option<Verdict>, TimeError> {
        let this = self.clone();
        in_a_task(async move { this.inner.flight.run(|| this.fly(provider, need)).await }).await?
    }

    async fn fly(
        &self,
        provider: Arc<dyn TimeProvider>,
        need: Need,
    ) -> Result<Option<Verdict>, TimeError> {
        // Another may have landed between the caller's look and this flight's start.
        if need == Need::First && self.is_initialized() {
            return Ok(None);
        }
        let this = self.clone();
        // In one more task, so that a panic is a failure like any other: told to all, and not met by each in turn.
        in_a_task(async move { this.update_server_time_offset_with_time_provider(provider).await })
            .await?
            .map(Some)
    }

    async fn ask(&self, provider: &dyn TimeProvider) -> Result<Verdict, TimeError> {
        let inner = &*self.inner;
        for _ in 0..ATTEMPTS {
            let asked = self.reading();
            let answer = within(&*inner.ticker, inner.timeout, provider.server_time())
                .await
                .ok_or_else(|| TimeError::timeout(inner.timeout))?
                .map_err(TimeError::provider)?;
            let returned = self.reading();
            // The monotonic clock may have stood still meanwhile, and the round trip be longer than it looks.
            if returned.stepped_since(&asked) {
                continue;
            }
            let elapsed = returned.before.saturating_since(asked.after);
            let sample = Sample::new(&answer, returned.before, Some(elapsed));
            match inner.add(returned, sample) {
                Verdict::IgnoredStepped => {}
                verdict => return Ok(verdict),
            }
        }
        Err(TimeError::STEPPED)
    }

    fn id(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }
}

/// What a flight is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A sample where there is none.
    First,
    /// A sample in any case.
    Any,
}

#[async_trait]
impl Resync for TimeSynchronizer {
    /// Asks the provider given to the builder or to [`set_time_provider`](TimeSynchronizer::set_time_provider).
    ///
    /// The server has just refused the time that is known, so that is doubted: an answer that lies outside the errors
    /// of all samples takes effect at once and alone, with no margin and however slow it was. A slow answer that lies
    /// within them confirms them.
    ///
    /// # Errors
    /// When there is no provider, when it fails, when the provider's own request asks for this, or when a cache
    /// answered and nothing was learnt.
    async fn resync(&self) -> Result<(), BoxError> {
        let provider = self.time_provider()?;
        self.inner.doubt();
        match self.refresh(provider).await? {
            Verdict::IgnoredCached => Err(TimeError::CACHED.into()),
            _ => Ok(()),
        }
    }
}
