use std::sync::Arc;

use async_trait::async_trait;
use networkpype_core::{BoxError, Resync};

use crate::{
    error::TimeError, provider::TimeProvider, sample::Sample, synchronizer::TimeSynchronizer,
    within::within,
};

/// How often one question is asked when the machine's clock steps while the server answers.
const ATTEMPTS: usize = 2;

tokio::task_local! {
    /// Which synchronizer is asking, inside its provider: the address of its shared state.
    static ASKING: usize;
}

impl TimeSynchronizer {
    /// Asks `provider` and adds its answer as a sample. Callers at the same time each ask.
    ///
    /// # Errors
    /// When the provider fails, takes longer than the [`timeout`](crate::TimeSynchronizerBuilder::timeout), or this
    /// machine's clock steps twice while it is asked. Samples stay as they were then.
    ///
    /// # Panics
    /// With the default ticker, outside a tokio runtime with its timer enabled.
    pub async fn update_server_time_offset_with_time_provider(
        &self,
        provider: &dyn TimeProvider,
    ) -> Result<(), TimeError> {
        ASKING.scope(self.id(), self.ask(provider)).await
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
            Ok(provider) => self.update_server_time_if_not_initialized(&*provider).await,
            Err(missing) => {
                self.check_local_clock();
                if self.is_initialized() { Ok(()) } else { Err(missing) }
            }
        }
    }

    /// Asks `provider` where there is no sample yet; callers at the same time share one question, to the provider of
    /// the first.
    ///
    /// Looks for a step of this machine's clock first, which leaves no samples. A caller that is cancelled while it
    /// asks leaves the asking to another, and a failure is told to those who waited for it and not remembered. Called
    /// by the provider itself, it does nothing.
    ///
    /// # Errors
    /// As [`update_server_time_offset_with_time_provider`](Self::update_server_time_offset_with_time_provider).
    ///
    /// # Panics
    /// Likewise, where it has to ask.
    pub async fn update_server_time_if_not_initialized(
        &self,
        provider: &dyn TimeProvider,
    ) -> Result<(), TimeError> {
        self.check_local_clock();
        if self.is_initialized() || self.is_being_asked_by_this_task() {
            return Ok(());
        }
        self.share(|| async {
            // Another may have landed between the look above and this flight's start.
            if self.is_initialized() {
                return Ok(());
            }
            self.update_server_time_offset_with_time_provider(provider).await
        })
        .await
    }

    /// Asks `provider` in any case; callers at the same time share one question.
    pub(crate) async fn refresh(&self, provider: &dyn TimeProvider) -> Result<(), TimeError> {
        if self.is_being_asked_by_this_task() {
            return Err(TimeError::REENTRANT);
        }
        self.share(|| self.update_server_time_offset_with_time_provider(provider)).await
    }

    async fn share<F>(&self, ask: impl FnOnce() -> F) -> Result<(), TimeError>
    where
        F: Future<Output = Result<(), TimeError>>,
    {
        self.inner.flight.run(ask).await
    }

    async fn ask(&self, provider: &dyn TimeProvider) -> Result<(), TimeError> {
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
            inner.add(returned, Sample::new(&answer, returned.before, Some(elapsed)));
            return Ok(());
        }
        Err(TimeError::STEPPED)
    }

    /// A provider whose own request comes back here would wait for itself.
    fn is_being_asked_by_this_task(&self) -> bool {
        ASKING.try_with(|asking| *asking == self.id()).unwrap_or(false)
    }

    fn id(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }
}

#[async_trait]
impl Resync for TimeSynchronizer {
    /// Asks the provider given to the builder or to [`set_time_provider`](TimeSynchronizer::set_time_provider).
    ///
    /// An answer that contradicts all samples takes effect at once, and alone.
    ///
    /// # Errors
    /// When there is no provider, when it fails, or when the provider's own request asks for this.
    async fn resync(&self) -> Result<(), BoxError> {
        let provider = self.time_provider()?;
        Ok(self.refresh(&*provider).await?)
    }
}
