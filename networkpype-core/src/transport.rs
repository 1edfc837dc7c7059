use std::{borrow::Cow, error::Error as StdError, fmt, pin::Pin};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use http::{HeaderMap, StatusCode};

use crate::{
    BoxError, CloseFrame, RestRequest, RestResponse, SendProgress, WebSocketHandshake, show::Size,
};

/// Sends REST requests: a real connection, or a test's own.
#[async_trait]
pub trait RestTransport: Send + Sync {
    /// Sends a frozen `request` byte for byte and reads the whole response. Follows no redirect.
    ///
    /// Asks `progress` before the first byte is written, and tells it when the head of the response has arrived. A
    /// caller that is cut off in between knows from it what became of the request.
    ///
    /// # Errors
    /// When no whole response was received. The error says how far the request came.
    async fn send(
        &self,
        request: RestRequest,
        progress: &SendProgress,
    ) -> Result<RestResponse, TransportError>;
}

/// Opens WebSockets: real connections, or a test's own.
#[async_trait]
pub trait WebSocketTransport: Send + Sync {
    /// Connects with a frozen `handshake`, byte for byte. Follows no redirect.
    ///
    /// # Errors
    /// When the connection was not upgraded.
    async fn connect(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketChannel, TransportError>;
}

/// The frames that come in.
pub type FrameStream = Pin<Box<dyn Stream<Item = Result<Frame, TransportError>> + Send>>;

/// Where frames go out.
pub type FrameSink = Pin<Box<dyn Sink<Frame, Error = TransportError> + Send>>;

/// An open WebSocket, as a transport hands it over. It answers neither pings nor closes by itself.
#[non_exhaustive]
pub struct WebSocketChannel {
    /// Where frames go out.
    pub sink: FrameSink,
    /// The frames that come in; ends when the connection does.
    pub stream: FrameStream,
    /// The headers of the upgrade response.
    pub headers: HeaderMap,
}

impl WebSocketChannel {
    /// A channel made of its two directions.
    pub fn new(sink: FrameSink, stream: FrameStream) -> Self {
        Self { sink, stream, headers: HeaderMap::new() }
    }

    /// The same with the upgrade response's headers.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }
}

impl fmt::Debug for WebSocketChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketChannel")
            .field("headers", &crate::show::HeaderNames(&self.headers))
            .finish_non_exhaustive()
    }
}

/// One WebSocket frame or whole message (RFC 6455).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// A text message, which is UTF-8.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping with its payload.
    Ping(Bytes),
    /// A pong with its payload.
    Pong(Bytes),
    /// The end, with code and reason where they were given.
    Close(Option<CloseFrame>),
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Self::Text(bytes) => ("Text", bytes),
            Self::Binary(bytes) => ("Binary", bytes),
            Self::Ping(bytes) => ("Ping", bytes),
            Self::Pong(bytes) => ("Pong", bytes),
            Self::Close(close) => return f.debug_tuple("Close").field(close).finish(),
        };
        f.debug_tuple(name).field(&Size(bytes.len())).finish()
    }
}

/// Where in its life a request or connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The transport would have changed the request's bytes, and refused to.
    WouldAlter,
    /// The host's name was not found, or its address refused or timed out.
    Connect,
    /// The TLS handshake failed: an untrusted, expired or wrong certificate, or no common version.
    Tls,
    /// The proxy refused.
    Proxy,
    /// Nothing arrived for too long.
    Timeout,
    /// The connection broke.
    Io,
    /// The peer did not keep to HTTP or the WebSocket protocol.
    Protocol,
    /// The response or message is above the size limit.
    TooLarge,
    /// A WebSocket handshake was answered with something other than an upgrade.
    Handshake,
}

/// How far a request came before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Progress {
    /// Not one byte was written.
    NotSent,
    /// Some or all of it may have been written; no status line came back.
    Sent,
    /// A status line came back.
    Answered(StatusCode),
}

/// Why a transport has no whole response.
pub struct TransportError(Box<Inner>);

struct Inner {
    kind: TransportErrorKind,
    progress: Progress,
    message: Cow<'static, str>,
    headers: HeaderMap,
    body: Bytes,
    close: Option<CloseFrame>,
    source: Option<BoxError>,
}

impl TransportError {
    /// A failure of this kind. The message must not quote what was sent or received.
    pub fn new(
        kind: TransportErrorKind,
        progress: Progress,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            progress,
            message: message.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            close: None,
            source: None,
        }))
    }

    /// The same with its cause, whose text must not quote a URL's query or a body either.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same with what was read of the response.
    #[must_use]
    pub fn with_response(mut self, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        self.0.headers = headers;
        self.0.body = body.into();
        self
    }

    /// The same with the close code that goes to the peer, such as 1009 for a message that is too large.
    #[must_use]
    pub fn with_close(mut self, close: CloseFrame) -> Self {
        self.0.close = Some(close);
        self
    }

    /// What failed.
    pub fn kind(&self) -> TransportErrorKind {
        self.0.kind
    }

    /// Whether this is about time.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == TransportErrorKind::Timeout
    }

    /// How far the request came.
    pub fn progress(&self) -> Progress {
        self.0.progress
    }

    /// The headers of the response, where one began to arrive.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// What was read of the response's body.
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// The close code that goes to the peer.
    pub fn close(&self) -> Option<&CloseFrame> {
        self.0.close.as_ref()
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("kind", &self.0.kind)
            .field("progress", &self.0.progress)
            .field("message", &self.0.message)
            .field("source", &crate::show::Causes(StdError::source(self)))
            .finish()
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
