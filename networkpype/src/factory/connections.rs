use std::time::Duration;

use networkpype_core::{ProxyOptions, TlsOptions};
use networkpype_rest::RestConnection;
#[cfg(feature = "ws")]
use networkpype_ws::WebSocketConnection;

use super::FactoryError;

/// Makes connections for REST and WebSocket with the same TLS and proxy options.
///
/// Cheap to clone. All REST connections it gives are one pool.
#[derive(Clone, Debug)]
pub struct ConnectionsFactory {
    rest: RestConnection,
    #[cfg(feature = "ws")]
    ws: WebSocketConnection,
}

impl ConnectionsFactory {
    /// Connections with the defaults.
    ///
    /// # Errors
    /// When TLS cannot be set up, such as on a machine without any trusted certificates.
    pub fn new() -> Result<Self, FactoryError> {
        Self::builder().build()
    }

    /// Sets options.
    pub fn builder() -> ConnectionsFactoryBuilder {
        ConnectionsFactoryBuilder::default()
    }

    /// What sends REST requests: always the same pool.
    #[doc(alias = "get_rest_connection")]
    pub fn rest_connection(&self) -> RestConnection {
        self.rest.clone()
    }

    /// What opens WebSockets.
    #[cfg(feature = "ws")]
    #[doc(alias = "get_ws_connection")]
    pub fn ws_connection(&self) -> WebSocketConnection {
        self.ws.clone()
    }
}

/// Options of a [`ConnectionsFactory`]. What concerns REST or WebSocket alone is set on
/// [`RestConnection::builder`] and `WebSocketConnection::builder`.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct ConnectionsFactoryBuilder {
    tls: TlsOptions,
    proxy: Option<ProxyOptions>,
    connect_timeout: Option<Duration>,
}

impl ConnectionsFactoryBuilder {
    /// Which servers to trust and who to be. Default: the platform's roots and no client certificate.
    pub fn tls(mut self, tls: TlsOptions) -> Self {
        self.tls = tls;
        self
    }

    /// Goes through this proxy. Default: none, whatever the environment says.
    pub fn proxy(mut self, proxy: ProxyOptions) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// How long connecting may take. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Makes the factory; nothing is connected yet.
    ///
    /// # Errors
    /// When the TLS or proxy options cannot be used.
    pub fn build(self) -> Result<ConnectionsFactory, FactoryError> {
        let mut rest = RestConnection::builder().tls(self.tls.clone());
        if let Some(proxy) = self.proxy.clone() {
            rest = rest.proxy(proxy);
        }
        if let Some(timeout) = self.connect_timeout {
            rest = rest.connect_timeout(timeout);
        }
        #[cfg(feature = "ws")]
        let ws = {
            let mut ws = WebSocketConnection::builder().tls(self.tls);
            if let Some(proxy) = self.proxy {
                ws = ws.proxy(proxy);
            }
            if let Some(timeout) = self.connect_timeout {
                ws = ws.connect_timeout(timeout);
            }
            ws
        };
        Ok(ConnectionsFactory {
            rest: rest.build().map_err(FactoryError::connection)?,
            #[cfg(feature = "ws")]
            ws: ws.build().map_err(FactoryError::connection)?,
        })
    }
}
