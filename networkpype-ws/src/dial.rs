use std::{sync::Arc, time::Duration};

use networkpype_core::{Origin, Progress, Ticker, Ticks, TransportError, TransportErrorKind};
use tokio::net::TcpStream;

#[cfg(feature = "rustls")]
use crate::io::Io;
use crate::{connect_proxy::ConnectProxy, timer::until};

/// How long a dial may take in all, and how long it may take to read the body of a refusal.
#[derive(Clone)]
pub(crate) struct Deadline {
    pub(crate) ticker: Arc<dyn Ticker>,
    pub(crate) at: Ticks,
    pub(crate) timeout: Duration,
}

impl Deadline {
    /// What `work` gives, or an error of this kind once the time is over.
    pub(crate) async fn bound<T>(
        &self,
        kind: TransportErrorKind,
        progress: Progress,
        doing: &'static str,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let timed_out = || {
            let cause = TransportError::new(
                TransportErrorKind::Timeout,
                progress,
                format!("timed out after {:?}", self.timeout),
            );
            match kind {
                TransportErrorKind::Timeout => cause,
                kind => TransportError::new(kind, progress, doing).with_source(cause),
            }
        };
        until(&self.ticker, self.at, work).await.unwrap_or_else(|| Err(timed_out()))
    }
}

/// Connects to `origin`, through `proxy` where there is one. Nothing of the handshake is written yet.
pub(crate) async fn tcp(
    origin: &Origin,
    proxy: Option<&ConnectProxy>,
    deadline: &Deadline,
) -> Result<TcpStream, TransportError> {
    use TransportErrorKind::{Connect, Proxy};
    let (first, kind, doing) = match proxy {
        None => (origin, Connect, "cannot connect"),
        Some(proxy) => (proxy.origin(), Proxy, "cannot connect to the proxy"),
    };
    let connecting = async {
        let connected = TcpStream::connect((bare(first.host()), first.port())).await;
        connected
            .map_err(|error| TransportError::new(kind, Progress::NotSent, doing).with_source(error))
    };
    let mut stream = deadline.bound(kind, Progress::NotSent, doing, connecting).await?;
    // Small messages must not wait for each other. It fails only on a socket that is gone, and then the next write
    // says so.
    let _ = stream.set_nodelay(true);
    if let Some(proxy) = proxy {
        let tunnel = proxy.tunnel(&mut stream, origin);
        deadline.bound(Proxy, Progress::NotSent, "the proxy did not answer", tunnel).await?;
    }
    Ok(stream)
}

/// Encrypts `stream` where the origin asks for it.
#[cfg(feature = "rustls")]
pub(crate) async fn encrypt(
    stream: TcpStream,
    origin: &Origin,
    config: impl FnOnce() -> Result<Arc<tokio_rustls::rustls::ClientConfig>, networkpype_tls::TlsError>,
    deadline: &Deadline,
) -> Result<Io, TransportError> {
    use tokio_rustls::rustls::pki_types::ServerName;

    if !origin.is_secure() {
        return Ok(Io::Plain(stream));
    }
    let failed = |message| TransportError::new(TransportErrorKind::Tls, Progress::NotSent, message);
    let config = config().map_err(|error| failed("TLS cannot be set up").with_source(error))?;
    let name = ServerName::try_from(bare(origin.host()).to_owned())
        .map_err(|error| failed("the host cannot be in a certificate").with_source(error))?;
    let handshake = async {
        let connected = tokio_rustls::TlsConnector::from(config).connect(name, stream).await;
        connected
            .map_err(|error: std::io::Error| failed("the TLS handshake failed").with_source(error))
    };
    let stream = deadline
        .bound(TransportErrorKind::Tls, Progress::NotSent, "the TLS handshake failed", handshake)
        .await?;
    Ok(Io::Tls(Box::new(stream)))
}

/// An IPv6 address without the brackets that it has in a URL.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
