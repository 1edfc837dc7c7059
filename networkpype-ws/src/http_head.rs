use std::io;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest head that is read.
const MAX_HEAD: usize = 64 * 1024;

/// The most header fields in a head.
const MAX_FIELDS: usize = 128;

/// The most that is read of the body of a refusal.
const MAX_BODY: usize = 64 * 1024;

/// The head of an HTTP/1 response: to the upgrade, or to a proxy's CONNECT.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// `false` for HTTP/1.0, which knows no upgrade.
    pub(crate) is_http_11: bool,
    /// What came in the same read behind the head.
    pub(crate) rest: Vec<u8>,
}

/// Why there is no head.
pub(crate) enum HeadError {
    Io(io::Error),
    Ended,
    TooLarge,
    NotHttp,
}

impl From<io::Error> for HeadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads the next final head; 1xx responses other than 101 are only announcements of it.
pub(crate) async fn read_head(io: &mut (impl AsyncRead + Unpin)) -> Result<Head, HeadError> {
    let mut read = Vec::with_capacity(1024);
    loop {
        match parse(&read)? {
            Some((head, length)) if is_announcement(head.status) => {
                read.drain(..length);
            }
            Some((mut head, length)) => {
                head.rest = read.split_off(length);
                return Ok(head);
            }
            None if read.len() >= MAX_HEAD => return Err(HeadError::TooLarge),
            None => {
                if io.read_buf(&mut read).await? == 0 {
                    return Err(HeadError::Ended);
                }
            }
        }
    }
}

fn is_announcement(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// The head at the beginning of `bytes` and its length, `None` while it is not complete.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, HeadError> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooLarge),
        Err(_) => return Err(HeadError::NotHttp),
    };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
    let mut headers = HeaderMap::new();
    for field in response.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| HeadError::NotHttp)?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| HeadError::NotHttp)?;
        headers.append(name, value);
    }
    let status = status.ok_or(HeadError::NotHttp)?;
    let is_http_11 = response.version == Some(1);
    Ok(Some((Head { status, headers, is_http_11, rest: Vec::new() }, length)))
}

/// Reads the body that follows `head` into `body`, as far as it is bounded and arrives: for an excerpt, and for
/// schemes that look into a refusal.
pub(crate) async fn read_body(io: &mut (impl AsyncRead + Unpin), head: &Head, body: &mut Vec<u8>) {
    let field = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let chunked = field("transfer-encoding").is_some_and(|value| value.contains("chunked"));
    let length = field("content-length").and_then(|value| value.parse().ok()).unwrap_or(MAX_BODY);
    let mut raw = head.rest.clone();
    loop {
        let ended = if chunked {
            let (decoded, ended) = decode_chunks(&raw);
            *body = decoded;
            ended
        } else {
            body.clone_from(&raw);
            body.truncate(length);
            raw.len() >= length
        };
        body.truncate(MAX_BODY);
        if ended || raw.len() >= MAX_BODY {
            return;
        }
        match io.read_buf(&mut raw).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
    }
}

/// What has arrived of a chunked body, and whether that was all.
fn decode_chunks(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut decoded = Vec::new();
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(raw) {
        if size == 0 {
            return (decoded, true);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let chunk = &raw[start..];
        decoded.extend_from_slice(&chunk[..size.min(chunk.len())]);
        // A chunk ends in CRLF.
        match size.checked_add(2).and_then(|end| chunk.get(end..)) {
            Some(next) => raw = next,
            None => return (decoded, false),
        }
    }
    (decoded, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn head_of(mut bytes: &[u8]) -> Result<Head, HeadError> {
        read_head(&mut bytes).await
    }

    #[tokio::test]
    async fn announcements_are_skipped_and_what_follows_the_head_is_kept() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nA: 1\r\nA: 2\r\n\r\n\x81\x00";
        let head = head_of(bytes).await.unwrap_or_else(|_| panic!("head"));
        assert_eq!(head.status, StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(head.headers.get_all("a").iter().count(), 2);
        assert!(head.is_http_11 && head.headers.get("link").is_none());
        assert_eq!(head.rest, b"\x81\x00");
    }

    #[tokio::test]
    async fn what_is_no_head_is_refused() {
        assert!(matches!(head_of(b"SSH-2.0-x\r\n\r\n").await, Err(HeadError::NotHttp)));
        assert!(matches!(head_of(b"HTTP/1.1 200 OK\r\n").await, Err(HeadError::Ended)));
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MAX_HEAD));
        assert!(matches!(head_of(endless.as_bytes()).await, Err(HeadError::TooLarge)));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(MAX_FIELDS + 1));
        assert!(matches!(head_of(many.as_bytes()).await, Err(HeadError::TooLarge)));
    }

    #[tokio::test]
    async fn a_body_is_read_as_it_is_framed() {
        for (framing, raw, expected) in [
            ("content-length: 3", &b"abcdef"[..], &b"abc"[..]),
            ("content-length: 9", b"abc", b"abc"),
            ("transfer-encoding: chunked", b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", b"abc"),
            ("transfer-encoding: chunked", b"5\r\nab", b"ab"),
            ("transfer-encoding: chunked", b"ffffffffffffffff\r\nab", b"ab"),
            ("x: y", b"abc", b"abc"),
        ] {
            let mut bytes = format!("HTTP/1.1 403 No\r\n{framing}\r\n\r\n").into_bytes();
            let start = bytes.len();
            bytes.extend_from_slice(raw);
            let head = head_of(&bytes[..start]).await.unwrap_or_else(|_| panic!("head"));
            let mut body = Vec::new();
            read_body(&mut &bytes[start..], &head, &mut body).await;
            assert_eq!(body, expected, "{framing}");
        }
    }

    #[tokio::test]
    async fn a_body_is_bounded() {
        let head = head_of(b"HTTP/1.1 403 No\r\n\r\n").await.unwrap_or_else(|_| panic!("head"));
        let mut body = Vec::new();
        read_body(&mut tokio::io::repeat(b'x'), &head, &mut body).await;
        assert_eq!(body.len(), MAX_BODY);
    }
}
