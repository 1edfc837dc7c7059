use base64::{Engine, engine::general_purpose::STANDARD};
use networkpype_core::{Origin, Progress, ProxyOptions, TransportError, TransportErrorKind};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    connection::ConnectionError,
    http_head::{HeadError, read_head},
};

/// A proxy that is asked for a tunnel (RFC 9110, section 9.3.6), for `ws` and `wss` alike.
#[derive(Clone)]
pub(crate) struct ConnectProxy {
    origin: Origin,
    /// The whole `Proxy-Authorization` field.
    credentials: Option<String>,
}

impl ConnectProxy {
    pub(crate) fn new(options: &ProxyOptions) -> Result<Self, ConnectionError> {
        let origin = options.url().clone();
        let credentials = match options.credentials() {
            None => None,
            // RFC 7617, section 2: the first colon ends the user.
            Some((user, _)) if user.contains(':') => {
                return Err(ConnectionError::new("proxy user, which holds a colon"));
            }
            Some((user, password)) => {
                let mut pair = format!("{user}:").into_bytes();
                pair.extend_from_slice(password.expose_bytes());
                Some(format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair)))
            }
        };
        Ok(Self { origin, credentials })
    }

    /// Where the proxy itself is.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Has the proxy connect `stream` to `origin`. Errors quote nothing that was sent.
    pub(crate) async fn tunnel(
        &self,
        stream: &mut TcpStream,
        origin: &Origin,
    ) -> Result<(), TransportError> {
        let to = format!("{}:{}", origin.host(), origin.port());
        let credentials = self.credentials.as_deref().unwrap_or_default();
        let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{credentials}\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .map_err(|error| failed("the connection to the proxy broke").with_source(error))?;
        let head = read_head(stream).await.map_err(|error| match error {
            HeadError::Io(error) => failed("the connection to the proxy broke").with_source(error),
            HeadError::Ended => failed("the proxy closed the connection"),
            HeadError::TooLarge | HeadError::NotHttp => failed("the proxy's answer is not HTTP"),
        })?;
        if !head.status.is_success() {
            return Err(failed(format!("the proxy refused with status {}", head.status.as_u16())));
        }
        if !head.rest.is_empty() {
            // The origin speaks only when spoken to, so this is not from there.
            return Err(failed("the proxy sent bytes of its own into the tunnel"));
        }
        Ok(())
    }
}

fn failed(message: impl Into<std::borrow::Cow<'static, str>>) -> TransportError {
    TransportError::new(TransportErrorKind::Proxy, Progress::NotSent, message)
}
