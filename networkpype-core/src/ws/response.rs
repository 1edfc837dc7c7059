use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{DecodeError, show::Size};

/// A message received over a WebSocket. JSON is parsed when it is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct WebSocketResponse {
    bytes: Bytes,
    binary: bool,
}

impl WebSocketResponse {
    /// A text message. Transports and tests make them.
    pub fn from_text(text: impl Into<Bytes>) -> Self {
        Self { bytes: text.into(), binary: false }
    }

    /// A binary message.
    pub fn from_binary(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), binary: true }
    }

    /// Whether it came as a binary message.
    pub fn is_binary(&self) -> bool {
        self.binary
    }

    /// The message's bytes.
    #[doc(alias = "data")]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The message as text; what is not UTF-8, which only a binary message can hold, is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The message as JSON.
    ///
    /// # Errors
    /// When it is not JSON, or not of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        DecodeError::json(&self.bytes)
    }
}

impl fmt::Debug for WebSocketResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketResponse")
            .field("binary", &self.binary)
            .field("bytes", &Size(self.bytes.len()))
            .finish()
    }
}

/// Why a WebSocket was closed (RFC 6455, section 7.4).
#[derive(Clone, PartialEq, Eq)]
pub struct CloseFrame {
    code: u16,
    reason: String,
}

impl CloseFrame {
    /// A close with this code and reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// The code: 1000 for a normal end, 4000 to 4999 for an API's own.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason as the server gave it. Not part of `Debug`: a server may quote what it was sent.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Debug for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloseFrame")
            .field("code", &self.code)
            .field("reason", &Size(self.reason.len()))
            .finish()
    }
}

/// What a stream of messages yields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSocketEvent {
    /// A message.
    Message(WebSocketResponse),
    /// The connection was closed in order; nothing follows. `None` where the peer gave no code.
    Closed(Option<CloseFrame>),
}
