//! What has the exchange received?

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use crate::wire::Head;

/// One request, byte for byte as it arrived. WebSocket handshakes are recorded too.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// The method's text.
    pub method: String,
    /// The request target as sent: never decoded, never normalised.
    pub target: String,
    /// Header names and values in the order sent, the names in the case sent.
    pub headers: Vec<(String, Bytes)>,
    /// The raw head, from the request line to the blank line.
    pub head: Bytes,
    /// The body, without its chunk framing.
    pub body: Bytes,
    /// False when the request was cut off or refused before the end of its body.
    pub complete: bool,
    /// The client's end of the connection.
    pub peer: SocketAddr,
    /// The connection's number, from 1: equal numbers mean that a connection was reused.
    pub connection: usize,
    /// When the head had arrived, as time since the exchange started.
    pub at: Duration,
}

impl Recorded {
    pub(crate) fn new(
        head: Head,
        raw: Bytes,
        peer: SocketAddr,
        connection: usize,
        at: Duration,
    ) -> Self {
        Self {
            method: head.method,
            target: head.target,
            headers: head.headers,
            head: raw,
            body: Bytes::new(),
            complete: false,
            peer,
            connection,
            at,
        }
    }

    /// The path as sent, also when the target is in absolute form.
    pub fn path(&self) -> &str {
        let origin_form = ["http://", "https://"]
            .iter()
            .find_map(|scheme| self.target.strip_prefix(scheme))
            .map_or(self.target.as_str(), |rest| rest.find('/').map_or("/", |at| &rest[at..]));
        origin_form.split_once('?').map_or(origin_form, |(path, _)| path)
    }

    /// What follows the first `?`, as sent; empty when there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first value of a header, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(sent, _)| sent.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The value of a header that is there once: of two nobody can say which counts.
    pub(crate) fn only_header(&self, name: &str) -> Option<&str> {
        let mut sent = self.headers.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(name));
        match (sent.next(), sent.next()) {
            (Some((_, value)), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// What follows this scheme, in any case, in the one `Authorization` header.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (sent, value) = self.only_header("authorization")?.split_once(' ')?;
        sent.eq_ignore_ascii_case(scheme).then_some(value)
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    pub fn body_text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the recorded body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the recorded body is JSON")
    }
}

/// One WebSocket message or control frame from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedMessage {
    /// The WebSocket connection's number, from 1, in the order of the upgrades.
    pub connection: usize,
    /// What kind of message it was.
    pub kind: MessageKind,
    /// The payload; for a close frame its reason.
    pub data: Bytes,
}

impl ReceivedMessage {
    pub(crate) fn new(connection: usize, kind: MessageKind, data: impl Into<Bytes>) -> Self {
        Self { connection, kind, data: data.into() }
    }

    /// The payload of a text message.
    pub fn text(&self) -> Option<&str> {
        match self.kind {
            MessageKind::Text => std::str::from_utf8(&self.data).ok(),
            _ => None,
        }
    }
}

/// The kinds of WebSocket messages a client can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageKind {
    /// A text message.
    Text,
    /// A binary message.
    Binary,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// A close frame, with its code if it had one.
    Close(Option<u16>),
}

/// The record, and a signal that it has grown.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) requests: Vec<Recorded>,
    pub(crate) messages: Vec<ReceivedMessage>,
    pub(crate) tls_failures: Vec<String>,
    pub(crate) connections: usize,
    pub(crate) ws_connections: usize,
    pub(crate) ws_open: usize,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::default(), changed: watch::Sender::new(()) }
    }

    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        let result = change(&mut self.entries());
        self.changed.send_replace(());
        result
    }

    pub(crate) fn read<T>(&self, view: impl FnOnce(&Entries) -> T) -> T {
        view(&self.entries())
    }

    /// Signals every change.
    pub(crate) fn changed(&self) -> &watch::Sender<()> {
        &self.changed
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
