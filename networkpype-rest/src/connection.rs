use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, header::CONTENT_LENGTH};
use networkpype_core::{
    BoxError, Origin, Progress, ProxyOptions, RestRequest, RestResponse, RestTransport,
    SendProgress, Ticker, Timing, TlsOptions, TokioTicker, TransportError, TransportErrorKind,
};

use crate::{exact_url::exact_url, failure, watched_body::WatchedBody};

/// The HTTP client adds timeouts to instants, which panics beyond what an instant can hold.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A pool of HTTP/1.1 connections over reqwest: sends frozen requests byte for byte and reads bounded responses.
///
/// Cheap to clone; clones share the pool. What reqwest would do by itself is switched off, whatever other crates
/// enable: it follows no redirect, sends no `Referer`, takes no proxy from the environment, decompresses nothing,
/// retries nothing and keeps no cookies. One thing cannot be switched off: when a pooled connection turns out to be
/// closed before anything was written to it, the request is written to a new one.
#[doc(alias = "RESTConnection")]
#[derive(Clone)]
pub struct RestConnection {
    client: reqwest::Client,
    max_response_bytes: usize,
    /// Why `https` is not to be had.
    no_tls: Option<&'static str>,
    ticker: Arc<dyn Ticker>,
}

impl RestConnection {
    /// A connection pool with the defaults.
    ///
    /// # Errors
    /// When TLS cannot be set up, such as on a machine without any trusted certificates.
    pub fn new() -> Result<Self, ConnectionError> {
        Self::builder().build()
    }

    /// Sets options.
    pub fn builder() -> RestConnectionBuilder {
        RestConnectionBuilder {
            tls: TlsOptions::new(),
            proxy: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            pool_idle_timeout: Duration::from_secs(90),
            max_response_bytes: 32 * 1024 * 1024,
            ticker: None,
        }
    }

    async fn read_body(&self, response: &mut reqwest::Response) -> Result<Bytes, TransportError> {
        let status = Progress::Answered(response.status());
        let headers = response.headers().clone();
        let too_large = |body: BytesMut| {
            TransportError::new(
                TransportErrorKind::TooLarge,
                status,
                format!("the body is larger than {} bytes", self.max_response_bytes),
            )
            .with_response(headers.clone(), excerpt_of(body))
        };
        // A body that declares itself too large is not read at all.
        let declared = response.content_length().unwrap_or(0);
        if usize::try_from(declared).map_or(true, |declared| declared > self.max_response_bytes) {
            return Err(too_large(BytesMut::new()));
        }
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body.freeze()),
                Ok(Some(chunk)) if body.len() + chunk.len() > self.max_response_bytes => {
                    return Err(too_large(body));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) => {
                    return Err(failure::while_reading(error, status)
                        .with_response(headers, excerpt_of(body)));
                }
            }
        }
    }
}

#[async_trait]
impl RestTransport for RestConnection {
    async fn send(
        &self,
        mut request: RestRequest,
        progress: &SendProgress,
    ) -> Result<RestResponse, TransportError> {
        let not_sent = |error: BoxError| {
            TransportError::new(
                TransportErrorKind::WouldAlter,
                Progress::NotSent,
                "the request cannot be sent as it is",
            )
            .with_source(error)
        };
        request.freeze().map_err(|error| not_sent(error.into()))?;
        let Some(origin) = request.origin().cloned() else {
            return Err(not_sent("its URL is relative".into()));
        };
        if let (true, Some(why)) = (origin.is_secure(), self.no_tls) {
            return Err(TransportError::new(TransportErrorKind::Tls, Progress::NotSent, why));
        }
        let url = exact_url(&origin, &request.target())?;
        let mut outgoing = reqwest::Request::new(request.method().clone(), url);
        *outgoing.headers_mut() = request.headers().clone();
        let method = request.method().clone();
        let body = match request.streamed_body() {
            Some(body) if body.length() == Some(0) => {
                WatchedBody::bytes(Bytes::new(), &method, progress)
            }
            Some(body) => {
                match body.length() {
                    Some(length) => {
                        outgoing.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
                    }
                    // The HTTP client would leave the body out.
                    None if [Method::GET, Method::HEAD].contains(&method) => {
                        return Err(not_sent(
                            "a body of GET or HEAD needs a declared length".into(),
                        ));
                    }
                    None => {}
                }
                WatchedBody::stream(body.stream(), body.length(), progress)
            }
            None => {
                let bytes = request.body_bytes().map_err(|error| not_sent(error.into()))?;
                WatchedBody::bytes(bytes, &method, progress)
            }
        };
        *outgoing.body_mut() = Some(reqwest::Body::wrap(body));

        let started = self.ticker.now();
        let mut response = self
            .client
            .execute(outgoing)
            .await
            .map_err(|error| failure::before_the_head(error, progress.cut()))?;
        progress.answered(response.status(), response.headers());
        let answered = self.ticker.now();
        let body = self.read_body(&mut response).await?;
        let timing = Timing::new(Arc::clone(&self.ticker), started, answered);
        Ok(RestResponse::new(response.status())
            .with_headers(std::mem::take(response.headers_mut()))
            .with_body(body)
            .with_timing(timing)
            .answering(request.method().clone(), &origin, request.path()))
    }
}

impl fmt::Debug for RestConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestConnection")
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// As much of a body that was not read whole as an error keeps.
fn excerpt_of(mut body: BytesMut) -> Bytes {
    body.truncate(64 * 1024);
    // A copy, so that the rest is not kept beside it.
    Bytes::copy_from_slice(&body)
}

/// Options of a [`RestConnection`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct RestConnectionBuilder {
    tls: TlsOptions,
    proxy: Option<ProxyOptions>,
    connect_timeout: Duration,
    read_timeout: Duration,
    pool_idle_timeout: Duration,
    max_response_bytes: usize,
    ticker: Option<Arc<dyn Ticker>>,
}

impl RestConnectionBuilder {
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

    /// How long name lookup, connecting and the TLS handshake may take together. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long nothing may arrive, before the head or between two parts of the body. Default: 30 s.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How long an unused connection is kept. Default: 90 s. Less than the server's own idle timeout saves
    /// requests from meeting a connection that is being closed.
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// The largest body that is accepted. Default: 32 MiB. A larger one fails the call with
    /// [`ErrorKind::TooLarge`](networkpype_core::ErrorKind::TooLarge) before it is read whole.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// What [`RestResponse::timing`] is measured with. Default: tokio's clock.
    pub fn ticker(mut self, ticker: impl Ticker + 'static) -> Self {
        self.ticker = Some(Arc::new(ticker));
        self
    }

    /// Makes the connection pool; nothing is connected yet.
    ///
    /// # Errors
    /// When the TLS or proxy options cannot be used.
    pub fn build(self) -> Result<RestConnection, ConnectionError> {
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(32)
            .connect_timeout(self.connect_timeout.min(LONGEST))
            .read_timeout(self.read_timeout.min(LONGEST))
            .pool_idle_timeout(self.pool_idle_timeout.min(LONGEST));
        #[cfg(feature = "rustls")]
        let tls = {
            let refused = |error| ConnectionError::new("tls").with_source(error);
            let (config, no_tls) = match networkpype_tls::client_config(&self.tls, &[b"http/1.1"]) {
                Ok(config) => (config, None),
                // A machine without trusted certificates can still talk plain HTTP to itself.
                Err(error) if error.option() == networkpype_tls::TlsOption::RootCertificates => (
                    networkpype_tls::refusing_everyone().map_err(refused)?,
                    Some("the platform trusts no certificates, and none were given"),
                ),
                Err(error) => return Err(refused(error)),
            };
            builder = builder.tls_backend_preconfigured((*config).clone());
            no_tls
        };
        #[cfg(not(feature = "rustls"))]
        let tls = Some("https needs the feature `rustls` of networkpype-rest");
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(to_reqwest_proxy(proxy)?);
        }
        let client = builder
            .build()
            .map_err(|error| ConnectionError::new("client").with_source(error.without_url()))?;
        Ok(RestConnection {
            client,
            max_response_bytes: self.max_response_bytes,
            no_tls: tls,
            ticker: self.ticker.unwrap_or_else(|| Arc::new(TokioTicker::new())),
        })
    }
}

impl fmt::Debug for RestConnectionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestConnectionBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("pool_idle_timeout", &self.pool_idle_timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

fn to_reqwest_proxy(options: &ProxyOptions) -> Result<reqwest::Proxy, ConnectionError> {
    let address = reqwest::Url::parse(&options.url().to_string())
        .map_err(|error| ConnectionError::new("proxy").with_source(error))?;
    let proxy = reqwest::Proxy::custom(move |url| {
        let target = format!("{}://{}", url.scheme(), url.authority()).parse::<Origin>();
        let past = target.is_ok_and(|target| ProxyOptions::bypasses(&target));
        (!past).then(|| address.clone())
    });
    let Some((user, password)) = options.credentials() else { return Ok(proxy) };
    let password =
        password.expose_str().ok_or(ConnectionError::new("proxy password, which is not text"))?;
    if user.contains(':') {
        return Err(ConnectionError::new("proxy user, which holds a colon"));
    }
    Ok(proxy.basic_auth(user, password))
}

/// The options of a [`RestConnection`] cannot be used.
pub struct ConnectionError {
    option: &'static str,
    source: Option<BoxError>,
}

impl ConnectionError {
    fn new(option: &'static str) -> Self {
        Self { option, source: None }
    }

    fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Debug for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionError")
            .field("option", &self.option)
            .field("source", &self.source.as_ref().map(ToString::to_string))
            .finish()
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
