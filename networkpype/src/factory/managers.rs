use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::join;
use networkpype_rest::RestManager;
use networkpype_time::TimeSynchronizer;
#[cfg(feature = "ws")]
use networkpype_ws::WebSocketManager;

use super::ConnectionManagersFactoryBuilder;

/// Makes the managers for one API: they share connections, limits, credentials and the clock.
///
/// Cheap to clone. [`close`](Self::close) ends all of them.
#[derive(Clone)]
pub struct ConnectionManagersFactory(Arc<Parts>);

pub(super) struct Parts {
    pub(super) rest: RestManager,
    /// What time providers and schemes call the API with: no credentials, no processors.
    pub(super) anonymous: RestManager,
    pub(super) synchronizer: Option<TimeSynchronizer>,
    pub(super) grace: Duration,
    #[cfg(feature = "ws")]
    pub(super) ws: WebSocketManager,
}

impl ConnectionManagersFactory {
    /// Sets options.
    pub fn builder() -> ConnectionManagersFactoryBuilder {
        ConnectionManagersFactoryBuilder::new()
    }

    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Sends REST requests: always the same manager.
    #[doc(alias = "get_rest_manager")]
    pub fn rest_manager(&self) -> RestManager {
        self.0.rest.clone()
    }

    /// A WebSocket manager of its own, not connected yet: one for each stream.
    #[cfg(feature = "ws")]
    #[doc(alias = "get_ws_manager")]
    pub fn ws_manager(&self) -> WebSocketManager {
        self.0.ws.sibling()
    }

    /// The server's clock, where the factory has a time provider or synchronizer.
    pub fn time_synchronizer(&self) -> Option<&TimeSynchronizer> {
        self.0.synchronizer.as_ref()
    }

    /// Refuses new calls and connects, closes the WebSockets, lets running calls end for the grace time, and then
    /// cancels them. Safe to call again: a second caller waits until it is done.
    pub async fn close(&self) {
        let parts = &*self.0;
        let rest = join(parts.rest.close(parts.grace), parts.anonymous.close(parts.grace));
        #[cfg(feature = "ws")]
        join(rest, parts.ws.close()).await;
        #[cfg(not(feature = "ws"))]
        rest.await;
    }
}

impl fmt::Debug for ConnectionManagersFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionManagersFactory")
            .field("rest", &self.0.rest)
            .field("synchronizer", &self.0.synchronizer)
            .finish_non_exhaustive()
    }
}
