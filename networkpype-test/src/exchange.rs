//! The handle of a running exchange.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::builder::ExchangeBuilder;
use crate::host::Host;
use crate::record::{MessageKind, ReceivedMessage, Recorded};
use crate::state::State;

/// A running local exchange.
///
/// It has its own thread and runtime. Dropping it closes every connection and joins the thread; if
/// a handler panicked, the drop panics with the handler's message, so that the test fails.
pub struct Exchange {
    host: Host,
    state: Arc<State>,
    ca_pem: Option<String>,
    tls: bool,
}

impl Exchange {
    /// Starts an exchange with default settings; it listens when this returns.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Settings first.
    pub fn builder() -> ExchangeBuilder {
        ExchangeBuilder::default()
    }

    pub(crate) fn new(host: Host, state: Arc<State>, ca_pem: Option<String>, tls: bool) -> Self {
        Self { host, state, ca_pem, tls }
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.host.addr()
    }

    /// `http://127.0.0.1:PORT`, or `https` with TLS.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.addr())
    }

    /// `ws://127.0.0.1:PORT` and this path, or `wss` with TLS.
    pub fn ws_url(&self, path: &str) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{path}", self.addr())
    }

    /// The certificate of the test CA, when TLS is on and the CA is known.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What the exchange's clock says, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.state.clock.now_ms()
    }

    /// Sets how far ahead (or, negative, behind) the exchange's clock is from now on.
    pub fn set_clock_skew_ms(&self, skew_ms: i64) {
        self.state.clock.set_skew_ms(skew_ms);
    }

    /// Everything received so far, handshakes included, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.journal.read(|entries| entries.requests.clone())
    }

    /// How many TCP connections were accepted.
    pub fn connections(&self) -> usize {
        self.state.journal.read(|entries| entries.connections)
    }

    /// Why TLS handshakes failed, one text per failure.
    pub fn tls_failures(&self) -> Vec<String> {
        self.state.journal.read(|entries| entries.tls_failures.clone())
    }

    /// How many requests were answered with 429 by the limiter.
    pub fn rate_limited(&self) -> usize {
        let refused = self.state.limits(|limiter| limiter.refused());
        refused.unwrap_or(0)
    }

    /// The most requests that were let through in any window.
    pub fn max_in_window(&self) -> usize {
        let most = self.state.limits(|limiter| limiter.most());
        most.unwrap_or(0)
    }

    /// Lets this many gated answers go, now or when they are asked for.
    pub fn open_gate(&self, answers: usize) {
        self.state.gate.add_permits(answers);
    }

    /// WebSocket messages and control frames received so far, in order.
    pub fn ws_received(&self) -> Vec<ReceivedMessage> {
        self.state.journal.read(|entries| entries.messages.clone())
    }

    /// The payloads of the pongs received so far.
    pub fn pongs(&self) -> Vec<Bytes> {
        let mut received = self.ws_received();
        received.retain(|message| message.kind == MessageKind::Pong);
        received.into_iter().map(|message| message.data).collect()
    }

    /// How many WebSocket connections were ever upgraded.
    pub fn ws_connections(&self) -> usize {
        self.state.journal.read(|entries| entries.ws_connections)
    }

    /// How many of them are open now.
    pub fn ws_open(&self) -> usize {
        self.state.journal.read(|entries| entries.ws_open)
    }

    /// Drops every WebSocket connection without a close frame. Those that come later live.
    pub fn kick_ws_clients(&self) {
        self.state.kick.send_replace(());
    }

    /// Waits, without polling, until the exchange has seen what the condition asks for. Works on
    /// any runtime.
    ///
    /// # Panics
    ///
    /// After 20 s of real time.
    pub async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        self.host.wait_until(self.state.journal.changed(), || condition(self)).await;
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("url", &self.url())
            .field("requests", &self.requests().len())
            .field("connections", &self.connections())
            .field("ws_connections", &self.ws_connections())
            .field("ws_open", &self.ws_open())
            .finish_non_exhaustive()
    }
}
