use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::{
    Origin, Ticker, Ticks,
    show::{HeaderNames, Size},
};

/// A REST response, its body read whole and bounded.
#[doc(alias = "RESTResponse")]
#[derive(Clone)]
pub struct RestResponse {
    method: Method,
    url: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    timing: Option<Timing>,
}

/// When an attempt began and was answered, without the wait for capacity before it.
#[derive(Clone)]
pub struct Timing {
    ticker: Arc<dyn Ticker>,
    started: Ticks,
    answered: Ticks,
}

impl Timing {
    /// Handed to the transport at `started`, and answered by a response's head at `answered`, both instants of `ticker`.
    pub fn new(ticker: Arc<dyn Ticker>, started: Ticks, answered: Ticks) -> Self {
        Self { ticker, started, answered }
    }

    /// From handing the request to the transport to the arrival of the response's head.
    pub fn round_trip(&self) -> Duration {
        self.answered.saturating_since(self.started)
    }

    /// From the arrival of the response's head until now: the time that its body, processors and callers took.
    pub fn since_answered(&self) -> Duration {
        self.ticker.now().saturating_since(self.answered)
    }
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timing").field("round_trip", &self.round_trip()).finish_non_exhaustive()
    }
}

impl RestResponse {
    /// A response with this status and no body. Transports and tests make them.
    pub fn new(status: StatusCode) -> Self {
        Self {
            method: Method::GET,
            url: String::new(),
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timing: None,
        }
    }

    /// The same with these headers.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// The same with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The same with these instants.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = Some(timing);
        self
    }

    /// The same as the answer to `method` at this path of `origin`; the query stays out, since it may hold a key.
    #[must_use]
    pub fn answering(mut self, method: Method, origin: &Origin, path: &str) -> Self {
        self.method = method;
        self.url = format!("{origin}{path}");
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The method of the request that it answers.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The URL that was asked, without its query, which may hold a key.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, empty where there is none.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not JSON, or not of this shape.
    ///
    /// ```
    /// # use networkpype_core::RestResponse;
    /// # let response = RestResponse::new(http::StatusCode::OK).with_body(r#"{"serverTime":1}"#);
    /// #[derive(serde::Deserialize)]
    /// struct Time {
    ///     #[serde(rename = "serverTime")]
    ///     server_time: i64,
    /// }
    /// assert_eq!(response.json::<Time>()?.server_time, 1);
    /// # Ok::<(), networkpype_core::DecodeError>(())
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        DecodeError::json(&self.body)
    }

    /// When its attempt began and was answered, where somebody measured it.
    pub fn timing(&self) -> Option<&Timing> {
        self.timing.as_ref()
    }
}

impl fmt::Debug for RestResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestResponse")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("status", &self.status)
            .field("headers", &HeaderNames(&self.headers))
            .field("body", &Size(self.body.len()))
            .finish_non_exhaustive()
    }
}

/// A body or message that is not JSON, or not of the shape asked for.
///
/// Says where, and shows nothing of the content: serde's own message may quote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    line: usize,
    column: usize,
    what: &'static str,
}

impl DecodeError {
    pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Self> {
        serde_json::from_slice(bytes).map_err(|error| Self {
            line: error.line(),
            column: error.column(),
            what: match error.classify() {
                serde_json::error::Category::Eof => "it ends too early",
                serde_json::error::Category::Data => "it is JSON, but not of the shape asked for",
                _ => "it is not JSON",
            },
        })
    }

    /// There is nothing to decode.
    pub fn empty() -> Self {
        Self { line: 1, column: 0, what: "it is empty" }
    }

    /// The line and column, from 1, at which decoding stopped.
    pub fn position(&self) -> (usize, usize) {
        (self.line, self.column)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.what, self.line, self.column)
    }
}

impl std::error::Error for DecodeError {}
