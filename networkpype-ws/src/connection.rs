use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use networkpype_core::{
    BoxError, Progress, ProxyOptions, Ticker, TlsOptions, TokioTicker, TransportError,
    TransportErrorKind, WebSocketChannel, WebSocketHandshake, WebSocketTransport,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};

use crate::{
    connect_proxy::ConnectProxy,
    dial::{self, Deadline},
    http_head::{Head, read_body},
    io::Io,
    socket,
    upgrade::Upgrade,
};

/// How long the body of a refusal is waited for.
const BODY_TIME: Duration = Duration::from_secs(2);

/// Opens real WebSockets: TCP, through a proxy where one is set, TLS for `wss`, and tokio-tungstenite on top.
///
/// Cheap to clone. Each connect is a new connection.
///
/// - The request-target goes out byte for byte as it was signed, and headers with their values untouched. The fields
///   of the upgrade itself (`Connection`, `Upgrade`, `Sec-WebSocket-Key`, `-Version` and `-Extensions`) are refused
///   in a handshake; `Host` is the URL's host and port unless the handshake sets it.
/// - No redirect is followed and no proxy is taken from the environment. No extension is offered, so nothing is
///   compressed.
/// - A server's ping is handed out and answered with its own payload, exactly once: tungstenite queues the pong, and
///   it leaves with the next flush or read. A pong that the holder of the channel sends for the same ping is that
///   same pong. Closes are answered in the same way.
/// - A message above the size limit ends the connection with 1009, text that is not UTF-8 with 1007, and any other
///   breach of the protocol with 1002; the close frame is sent before the error is handed out.
/// - Closing the sink sends a close if none was sent, ends our direction and reads until the server ends its own, so
///   that the close is not lost in a reset. Give it a deadline.
///
/// Tungstenite writes messages to the `log` crate at level `trace`, those that log in among them, and close reasons at
/// `debug`: keep those levels off for the target `tungstenite`. Handshakes and their headers reach no log.
#[derive(Clone)]
pub struct WebSocketConnection {
    #[cfg(feature = "rustls")]
    tls: Arc<Tls>,
    proxy: Option<ConnectProxy>,
    connect_timeout: Duration,
    config: WebSocketConfig,
    ticker: Arc<dyn Ticker>,
}

impl WebSocketConnection {
    /// With the defaults.
    ///
    /// # Errors
    /// None with the defaults: the platform's roots are read at the first `wss` connect.
    pub fn new() -> Result<Self, ConnectionError> {
        Self::builder().build()
    }

    /// Sets options.
    pub fn builder() -> WebSocketConnectionBuilder {
        WebSocketConnectionBuilder {
            tls: None,
            proxy: None,
            connect_timeout: Duration::from_secs(10),
            max_message_size: 16 * 1024 * 1024,
            read_buffer_size: 16 * 1024,
            ticker: None,
        }
    }

    async fn refused(&self, io: &mut Io, head: Head) -> TransportError {
        let deadline = self.ticker.now() + BODY_TIME;
        let mut body = Vec::new();
        // What has arrived by then is enough for an excerpt.
        let _ = crate::timer::until(&self.ticker, deadline, read_body(io, &head, &mut body)).await;
        TransportError::new(
            TransportErrorKind::Handshake,
            Progress::Answered(head.status),
            "the server did not upgrade the connection",
        )
        .with_response(head.headers, body)
    }
}

#[async_trait]
impl WebSocketTransport for WebSocketConnection {
    async fn connect(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketChannel, TransportError> {
        let not_sent = |error: BoxError| {
            TransportError::new(
                TransportErrorKind::WouldAlter,
                Progress::NotSent,
                "the handshake cannot be sent as it is",
            )
            .with_source(error)
        };
        let mut request = handshake.into_request();
        request.freeze().map_err(|error| not_sent(error.into()))?;
        let Some(origin) = request.origin().cloned() else {
            return Err(not_sent("its URL is relative".into()));
        };
        if origin.is_secure() && cfg!(not(feature = "rustls")) {
            return Err(TransportError::new(
                TransportErrorKind::Tls,
                Progress::NotSent,
                "wss needs the feature `rustls` of networkpype-ws",
            ));
        }
        let upgrade = Upgrade::new(&origin, &request.target(), request.headers())?;
        let deadline = Deadline {
            at: self.ticker.now() + self.connect_timeout,
            ticker: Arc::clone(&self.ticker),
            timeout: self.connect_timeout,
        };
        let proxy = self.proxy.as_ref().filter(|_| !ProxyOptions::bypasses(&origin));
        let stream = dial::tcp(&origin, proxy, &deadline).await?;
        #[cfg(feature = "rustls")]
        let mut io = dial::encrypt(stream, &origin, || self.tls.config(), &deadline).await?;
        #[cfg(not(feature = "rustls"))]
        let mut io = Io::Plain(stream);
        let head = deadline
            .bound(TransportErrorKind::Timeout, Progress::Sent, "", upgrade.ask(&mut io))
            .await?;
        if head.status != http::StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.refused(&mut io, head).await);
        }
        upgrade.verify(&head)?;
        let config = Some(self.config);
        let stream =
            WebSocketStream::from_partially_read(io, head.rest, Role::Client, config).await;
        Ok(socket::channel(stream).with_headers(head.headers))
    }
}

impl fmt::Debug for WebSocketConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketConnection")
            .field("proxy", &self.proxy.as_ref().map(|proxy| proxy.origin().to_string()))
            .field("connect_timeout", &self.connect_timeout)
            .field("max_message_size", &self.config.max_message_size)
            .finish_non_exhaustive()
    }
}

/// The TLS configuration: the default one is made when it is needed, since it reads the platform's roots.
#[cfg(feature = "rustls")]
#[derive(Default)]
struct Tls(
    std::sync::OnceLock<Result<Arc<tokio_rustls::rustls::ClientConfig>, networkpype_tls::TlsError>>,
);

#[cfg(feature = "rustls")]
impl Tls {
    fn given(options: &TlsOptions) -> Result<Self, networkpype_tls::TlsError> {
        let tls = Self::default();
        let config = networkpype_tls::client_config(options, ALPN)?;
        // A lock that was made just now is empty.
        let _ = tls.0.set(Ok(config));
        Ok(tls)
    }

    fn config(&self) -> Result<Arc<tokio_rustls::rustls::ClientConfig>, networkpype_tls::TlsError> {
        self.0.get_or_init(|| networkpype_tls::client_config(&TlsOptions::new(), ALPN)).clone()
    }
}

/// A WebSocket is upgraded from HTTP/1.1.
#[cfg(feature = "rustls")]
const ALPN: &[&[u8]] = &[b"http/1.1"];

/// Options of a [`WebSocketConnection`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct WebSocketConnectionBuilder {
    tls: Option<TlsOptions>,
    proxy: Option<ProxyOptions>,
    connect_timeout: Duration,
    max_message_size: usize,
    read_buffer_size: usize,
    ticker: Option<Arc<dyn Ticker>>,
}

impl WebSocketConnectionBuilder {
    /// Which servers to trust and who to be. Default: the platform's roots and no client certificate.
    pub fn tls(mut self, tls: TlsOptions) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Goes through this proxy, with CONNECT for `ws` and `wss` alike. Default: none, whatever the environment says.
    pub fn proxy(mut self, proxy: ProxyOptions) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// How long a connect may take: name lookup, connecting, the proxy, TLS and the answer to the handshake together.
    /// Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The largest message, whole or in fragments, that is accepted, in bytes. Default: 16 MiB. A larger one ends the
    /// connection with 1009 before memory is taken for it.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// How much is read from the socket at once, in bytes. Default: 16 KiB. Tungstenite fills the buffer with zeros
    /// before each read, so a larger one makes a quiet feed slow, and helps only one that is always behind.
    pub fn read_buffer_size(mut self, bytes: usize) -> Self {
        self.read_buffer_size = bytes;
        self
    }

    /// What the connect timeout is measured with. Default: tokio's clock.
    pub fn ticker(mut self, ticker: impl Ticker + 'static) -> Self {
        self.ticker = Some(Arc::new(ticker));
        self
    }

    /// Checks the options; nothing is connected yet.
    ///
    /// # Errors
    /// When the TLS or proxy options cannot be used.
    pub fn build(self) -> Result<WebSocketConnection, ConnectionError> {
        #[cfg(feature = "rustls")]
        let tls = match &self.tls {
            None => Tls::default(),
            Some(options) => Tls::given(options)
                .map_err(|error| ConnectionError::new("tls").with_source(error))?,
        };
        #[cfg(not(feature = "rustls"))]
        if self.tls.is_some() {
            return Err(ConnectionError::new("tls, which needs the feature `rustls`"));
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(self.read_buffer_size)
            .max_message_size(Some(self.max_message_size))
            .max_frame_size(Some(self.max_message_size));
        Ok(WebSocketConnection {
            #[cfg(feature = "rustls")]
            tls: Arc::new(tls),
            proxy: self.proxy.as_ref().map(ConnectProxy::new).transpose()?,
            connect_timeout: self.connect_timeout,
            config,
            ticker: self.ticker.unwrap_or_else(|| Arc::new(TokioTicker::new())),
        })
    }
}

impl fmt::Debug for WebSocketConnectionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketConnectionBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("max_message_size", &self.max_message_size)
            .field("read_buffer_size", &self.read_buffer_size)
            .finish_non_exhaustive()
    }
}

/// The options of a [`WebSocketConnection`] cannot be used. Shows nothing of what was in them.
#[derive(Debug)]
pub struct ConnectionError {
    option: &'static str,
    source: Option<BoxError>,
}

impl ConnectionError {
    pub(crate) fn new(option: &'static str) -> Self {
        Self { option, source: None }
    }

    #[cfg(feature = "rustls")]
    fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the option {}", self.option)
    }
}

impl std::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
