use std::fmt;

use crate::{LimitId, Origin, RestRequest};

/// The request that opens a WebSocket: its URL and headers, before the connection exists.
///
/// A handshake is a GET request, so a scheme signs it with the same calls as any other.
///
/// ```
/// use networkpype_core::WebSocketHandshake;
///
/// let handshake = WebSocketHandshake::new("wss://stream.example.com/ws")
///     .param("streams", "btcusdt@trade")
///     .header("X-Client", "docs");
/// # assert!(handshake.request().problem().is_none());
/// ```
#[derive(Clone)]
#[must_use = "a handshake does nothing until a manager connects with it"]
pub struct WebSocketHandshake(RestRequest);

impl WebSocketHandshake {
    /// A handshake with `url`: absolute, or relative to the manager's base URL.
    pub fn new(url: impl AsRef<str>) -> Self {
        Self(RestRequest::get(url))
    }

    /// A handshake made of `request`, whose method and body are not sent.
    pub fn from_request(request: RestRequest) -> Self {
        Self(request)
    }

    /// Adds a query parameter.
    pub fn param(self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        Self(self.0.param(name, value))
    }

    /// Sets a header, in place of any of the same name.
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, value))
    }

    /// Has `Auth::ws_handshake` sign the URL and headers. Not needed for a login by message.
    pub fn auth_required(self) -> Self {
        Self(self.0.auth_required())
    }

    /// Charges the handshake to this limit. Default: the manager's `connect_limit`, else its `default_limit`.
    pub fn limit(self, limit: impl Into<LimitId>) -> Self {
        Self(self.0.limit(limit))
    }

    /// Charges `weight` instead of the limit's own.
    pub fn weight(self, weight: u32) -> Self {
        Self(self.0.weight(weight))
    }

    /// Charges the handshake to no limit, although there are some.
    pub fn unlimited(self) -> Self {
        Self(self.0.unlimited())
    }

    /// Scheme, host and port; `None` until a relative URL was joined to the base URL.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin()
    }

    /// The request that it is.
    pub fn request(&self) -> &RestRequest {
        &self.0
    }

    /// The request that it is, to change.
    pub fn request_mut(&mut self) -> &mut RestRequest {
        &mut self.0
    }

    /// The request that it is.
    pub fn into_request(self) -> RestRequest {
        self.0
    }
}

impl fmt::Debug for WebSocketHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocketHandshake").field(&self.0).finish()
    }
}

impl<S: AsRef<str>> From<S> for WebSocketHandshake {
    fn from(url: S) -> Self {
        Self::new(url)
    }
}
