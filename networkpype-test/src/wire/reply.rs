//! What the exchange answers, and how it gets onto the wire.

use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;

/// An HTTP response, for handlers given to [`ExchangeBuilder::handler`](crate::ExchangeBuilder::handler).
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    chunked: bool,
    gated: bool,
    before_head: Duration,
    within_body: Duration,
}

#[derive(Clone, Debug)]
enum Body {
    Bytes(Bytes),
    /// So many `x`, made while writing.
    Filler(u64),
}

impl Reply {
    /// A response with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, body.to_string()).header("content-type", "application/json")
    }

    /// A response with a plain text body.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::bytes(status, body.into()).header("content-type", "text/plain; charset=utf-8")
    }

    /// A response with these bytes and no content type.
    pub fn bytes(status: u16, body: impl Into<Bytes>) -> Self {
        Self::with_body(status, Body::Bytes(body.into()))
    }

    /// The error form of the signed endpoints: `{"code":..,"msg":..}`.
    pub(crate) fn error(status: u16, code: i64, msg: &str) -> Self {
        Self::json(status, &serde_json::json!({ "code": code, "msg": msg }))
    }

    pub(crate) fn filler(bytes: u64) -> Self {
        Self::with_body(200, Body::Filler(bytes))
    }

    /// Adds a header line; a name may be sent several times.
    ///
    /// # Panics
    ///
    /// If the name or the value holds a line break: that would be another response.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        assert!(
            !name.contains(['\r', '\n', ':']) && !value.contains(['\r', '\n']),
            "header {name:?} would split the response"
        );
        self.headers.push((name, value));
        self
    }

    /// Sends the body in chunks instead of with a length.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Waits before the first byte of the head.
    #[must_use]
    pub fn wait_before_head(mut self, wait: Duration) -> Self {
        self.before_head = wait;
        self
    }

    /// Waits after the head and the first half of the body.
    #[must_use]
    pub fn wait_within_body(mut self, wait: Duration) -> Self {
        self.within_body = wait;
        self
    }

    /// Waits for [`Exchange::open_gate`](crate::Exchange::open_gate) before the first byte of the head.
    #[must_use]
    pub fn gated(mut self) -> Self {
        self.gated = true;
        self
    }

    fn with_body(status: u16, body: Body) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            chunked: false,
            gated: false,
            before_head: Duration::ZERO,
            within_body: Duration::ZERO,
        }
    }
}

/// What the request and the server decide about a response.
pub(crate) struct ReplyContext<'a> {
    pub(crate) to_head: bool,
    pub(crate) keep_alive: bool,
    pub(crate) date: SystemTime,
    pub(crate) gate: &'a Semaphore,
}

pub(crate) async fn write_reply(
    to: &mut (impl AsyncWrite + Unpin),
    reply: &Reply,
    context: &ReplyContext<'_>,
) -> io::Result<()> {
    if reply.gated {
        context.gate.acquire().await.map_err(io::Error::other)?.forget();
    }
    wait(reply.before_head).await;
    let bodiless = reply.status < 200 || matches!(reply.status, 204 | 304);
    let mut head = head_text(reply, context, bodiless).into_bytes();
    if bodiless || context.to_head {
        to.write_all(&head).await?;
        return to.flush().await;
    }
    match &reply.body {
        // One write, as a server would: a client must not depend on the head arriving alone.
        Body::Bytes(bytes) if !reply.chunked && reply.within_body.is_zero() => {
            head.extend_from_slice(bytes);
            to.write_all(&head).await?;
        }
        Body::Bytes(bytes) => {
            to.write_all(&head).await?;
            let (first, second) = bytes.split_at(bytes.len() / 2);
            write_part(to, reply.chunked, first).await?;
            to.flush().await?;
            wait(reply.within_body).await;
            write_part(to, reply.chunked, second).await?;
        }
        Body::Filler(length) => {
            to.write_all(&head).await?;
            let filler = vec![b'x'; 64 * 1024];
            let mut left = *length;
            while left > 0 {
                let part = usize::try_from(left).map_or(filler.len(), |n| n.min(filler.len()));
                write_part(to, reply.chunked, &filler[..part]).await?;
                left -= part as u64;
            }
        }
    }
    if reply.chunked {
        to.write_all(b"0\r\n\r\n").await?;
    }
    to.flush().await
}

fn head_text(reply: &Reply, context: &ReplyContext<'_>, bodiless: bool) -> String {
    let reason = StatusCode::from_u16(reply.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", reply.status);
    head += &format!("date: {}\r\n", httpdate::fmt_http_date(context.date));
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let length = match &reply.body {
        Body::Bytes(bytes) => bytes.len() as u64,
        Body::Filler(length) => *length,
    };
    if reply.chunked && !bodiless {
        head += "transfer-encoding: chunked\r\n";
    } else if !bodiless {
        head += &format!("content-length: {length}\r\n");
    }
    if !context.keep_alive {
        head += "connection: close\r\n";
    }
    head + "\r\n"
}

async fn write_part(
    to: &mut (impl AsyncWrite + Unpin),
    chunked: bool,
    part: &[u8],
) -> io::Result<()> {
    // An empty chunk would end the body.
    if part.is_empty() {
        return Ok(());
    }
    if chunked {
        to.write_all(format!("{:x}\r\n", part.len()).as_bytes()).await?;
    }
    to.write_all(part).await?;
    if chunked {
        to.write_all(b"\r\n").await?;
    }
    Ok(())
}

async fn wait(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
