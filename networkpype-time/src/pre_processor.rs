use std::{fmt, sync::Arc};

use async_trait::async_trait;
use networkpype_core::{BoxError, RestPreProcessor, RestRequest};

use crate::{
    error::TimeError, provider::TimeProvider, rest_provider::TimeRequest,
    synchronizer::TimeSynchronizer,
};

/// Sees to it that the server's time is known before a request is signed.
///
/// For each request that asks for authentication it looks for a step of this machine's clock, and where there are no
/// samples, it waits until the server's time is learnt; a hundred first requests ask once. Other requests, and the
/// one that asks for the time, pass as they are.
///
/// Where the time cannot be learnt the call fails with what went wrong, and nothing was sent: a request that is signed
/// with the wrong time is refused by the server for a reason that nobody would look for in a time endpoint. See
/// [`lenient`](Self::lenient).
#[doc(alias = "TimeSynchronizerRESTPreProcessor")]
#[derive(Clone)]
pub struct TimeSynchronizerRestPreProcessor {
    synchronizer: TimeSynchronizer,
    provider: Option<Arc<dyn TimeProvider>>,
    lenient: bool,
    every_request: bool,
}

impl TimeSynchronizerRestPreProcessor {
    /// Asks the synchronizer's own provider.
    pub fn new(synchronizer: TimeSynchronizer) -> Self {
        Self { synchronizer, provider: None, lenient: false, every_request: false }
    }

    /// Asks `provider` instead of the synchronizer's own.
    #[must_use]
    pub fn time_provider(mut self, provider: impl TimeProvider + 'static) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// Lets requests go on with this machine's time where the server's cannot be learnt, with a warning in the trace.
    /// Default: they fail. For servers that are content with any clock that is about right.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Has requests without authentication wait too. Default: they do not. For an API whose public requests carry a
    /// timestamp.
    #[must_use]
    pub fn every_request(mut self) -> Self {
        self.every_request = true;
        self
    }

    async fn synchronize(&self) -> Result<(), TimeError> {
        match &self.provider {
            Some(provider) => {
                self.synchronizer.update_server_time_if_not_initialized(provider.clone()).await
            }
            None => self.synchronizer.ensure_initialized().await,
        }
    }
}

#[async_trait]
impl RestPreProcessor for TimeSynchronizerRestPreProcessor {
    async fn pre_process(&self, request: RestRequest) -> Result<RestRequest, BoxError> {
        let concerned = self.every_request || request.is_auth_required();
        if !concerned || request.extensions().get::<TimeRequest>().is_some() {
            return Ok(request);
        }
        match self.synchronize().await {
            Ok(()) => Ok(request),
            Err(_) if self.lenient => {
                tracing::warn!("the server's time is not known: signing with this machine's");
                Ok(request)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl fmt::Debug for TimeSynchronizerRestPreProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeSynchronizerRestPreProcessor")
            .field("synchronizer", &self.synchronizer)
            .field("provider", &self.provider.is_some())
            .field("lenient", &self.lenient)
            .field("every_request", &self.every_request)
            .finish()
    }
}
