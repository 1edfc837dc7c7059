use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{
        CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use networkpype_core::{Origin, Progress, TransportError, TransportErrorKind};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use crate::http_head::{Head, HeadError, read_head};

/// Headers that are the upgrade itself.
const OURS: [HeaderName; 5] =
    [CONNECTION, UPGRADE, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_EXTENSIONS];

/// The HTTP request that turns a connection into a WebSocket (RFC 6455, section 4.1).
///
/// It is written here and not by tungstenite, so that the request-target goes out byte for byte, credentials in it
/// reach no log, and the body of a refusal can be read.
pub(crate) struct Upgrade {
    head: Vec<u8>,
    accept: String,
    offered: Vec<String>,
}

impl Upgrade {
    pub(crate) fn new(
        origin: &Origin,
        target: &str,
        headers: &HeaderMap,
    ) -> Result<Self, TransportError> {
        if let Some(name) = OURS.iter().find(|name| headers.contains_key(*name)) {
            return Err(TransportError::new(
                TransportErrorKind::WouldAlter,
                Progress::NotSent,
                format!("header {name}: it belongs to the upgrade and cannot be set"),
            ));
        }
        let key = generate_key();
        let mut head = format!("GET {target} HTTP/1.1\r\n").into_bytes();
        if !headers.contains_key(HOST) {
            head.extend_from_slice(format!("Host: {}\r\n", origin.authority()).as_bytes());
        }
        head.extend_from_slice(
            format!(
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            )
            .as_bytes(),
        );
        for (name, value) in headers {
            head.extend_from_slice(spelled(name).as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        let offered = headers
            .get_all(SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_owned())
            .collect();
        Ok(Self { head, accept: derive_accept_key(key.as_bytes()), offered })
    }

    /// Writes the request and reads the head of its answer.
    pub(crate) async fn ask(
        &self,
        io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> Result<Head, TransportError> {
        let written = async {
            io.write_all(&self.head).await?;
            io.flush().await
        };
        written
            .await
            .map_err(|error| broken(error, "the connection broke during the handshake"))?;
        read_head(io).await.map_err(|error| match error {
            HeadError::Io(error) => {
                broken(error, "the connection broke before the handshake was answered")
            }
            HeadError::Ended => TransportError::new(
                TransportErrorKind::Io,
                Progress::Sent,
                "the connection was closed before the handshake was answered",
            ),
            HeadError::TooLarge => TransportError::new(
                TransportErrorKind::TooLarge,
                Progress::Sent,
                "the head of the answer is too large",
            ),
            HeadError::NotHttp => TransportError::new(
                TransportErrorKind::Protocol,
                Progress::Sent,
                "the answer to the handshake is not HTTP",
            ),
        })
    }

    /// Whether a 101 is the answer to this very request (RFC 6455, section 4.1, the client's requirements).
    pub(crate) fn verify(&self, head: &Head) -> Result<(), TransportError> {
        let field = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let problem = if !head.is_http_11 {
            "the upgrade was accepted in HTTP/1.0"
        } else if !field(UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
            "the answer upgrades to something other than a websocket"
        } else if !has_token(&head.headers, CONNECTION, "upgrade") {
            "the answer lacks `Connection: Upgrade`"
        } else if field(SEC_WEBSOCKET_ACCEPT) != Some(&self.accept) {
            "the answer's `Sec-WebSocket-Accept` belongs to another handshake"
        } else if head.headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            "the server chose an extension that was not offered"
        } else if !self.accepts_protocol(&head.headers) {
            "the server chose a subprotocol that was not offered"
        } else {
            return Ok(());
        };
        Err(TransportError::new(
            TransportErrorKind::Protocol,
            Progress::Answered(StatusCode::SWITCHING_PROTOCOLS),
            problem,
        )
        .with_response(head.headers.clone(), Vec::new()))
    }

    fn accepts_protocol(&self, headers: &HeaderMap) -> bool {
        headers.get(SEC_WEBSOCKET_PROTOCOL).is_none_or(|chosen| {
            self.offered.iter().any(|offered| offered.as_bytes() == chosen.as_bytes())
        })
    }
}

/// Names are lower case, as HTTP allows, but for two that some servers compare by case.
fn spelled(name: &HeaderName) -> &str {
    match name.as_str() {
        "sec-websocket-protocol" => "Sec-WebSocket-Protocol",
        "origin" => "Origin",
        "host" => "Host",
        name => name,
    }
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn broken(error: std::io::Error, message: &'static str) -> TransportError {
    // In TLS 1.3 the server's refusal of a client certificate comes with the first read.
    #[cfg(feature = "rustls")]
    if networkpype_tls::is_tls_failure(&error) {
        return TransportError::new(TransportErrorKind::Tls, Progress::Sent, "TLS failed")
            .with_source(error);
    }
    TransportError::new(TransportErrorKind::Io, Progress::Sent, message).with_source(error)
}
