use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use http::{HeaderMap, StatusCode};

use crate::{
    AuthError, CloseFrame, Explanation, LimitId, Outcome, OutcomeRules, Progress, ThrottleError,
    TransportError, TransportErrorKind, WireError, show::Causes,
};

/// Any error, boxed.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call, a message or a connection failed, and what became of it.
///
/// One pointer wide. Ask it what you need to know: [`outcome`](Self::outcome) whether sending again could do harm,
/// [`kind`](Self::kind) or the `is_…` questions what failed, [`status`](Self::status) and
/// [`body_excerpt`](Self::body_excerpt) what the server said. `Display` prints one layer; the causes are behind
/// [`source`](StdError::source).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    outcome: Outcome,
    message: Cow<'static, str>,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    limit: Option<LimitId>,
    excerpt: Option<String>,
    close: Option<CloseFrame>,
    explanation: Option<Explanation>,
    source: Option<BoxError>,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request or message cannot be sent as it was built.
    Request,
    /// It was to be authenticated and cannot be, or the scheme does not accept the response.
    Auth,
    /// Credentials would have gone where they may not.
    OriginRefused,
    /// The throttle did not let it pass.
    Throttled,
    /// A processor failed.
    Processor,
    /// No connection: name lookup, connecting, TLS or proxy.
    Connect,
    /// It took too long.
    Timeout,
    /// The connection broke, or the peer did not keep to the protocol.
    Transport,
    /// The server answered with an error status.
    Status,
    /// The response is not what was to be decoded.
    Decode,
    /// The response or message is above the size limit.
    TooLarge,
    /// A WebSocket login was refused, or not answered.
    Login,
    /// The WebSocket is not connected any more, or not yet.
    Disconnected,
    /// The manager was closed.
    Closed,
}

impl Error {
    /// A failure of this kind and outcome. The message is a lower-case fragment and holds no secret.
    pub fn new(kind: ErrorKind, outcome: Outcome, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            outcome,
            message: message.into(),
            status: None,
            retry_after: None,
            limit: None,
            excerpt: None,
            close: None,
            explanation: None,
            source: None,
        }))
    }

    /// The same with its cause, whose text must hold no secret either.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same with another outcome: the worst of several attempts.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// The same with the status that the server answered.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The same with an excerpt of the body, bounded and redacted: see [`Redactor`](crate::Redactor).
    #[must_use]
    pub fn with_excerpt(mut self, excerpt: impl Into<String>) -> Self {
        self.0.excerpt = Some(excerpt.into());
        self
    }

    /// The same with how long to wait before the next try.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    /// The same with the limit that is concerned.
    #[must_use]
    pub fn with_limit(mut self, limit: Option<LimitId>) -> Self {
        self.0.limit = limit;
        self
    }

    /// The same with how the refused request came to be signed as it was.
    #[must_use]
    pub fn with_explanation(mut self, explanation: Option<Explanation>) -> Self {
        self.0.explanation = explanation;
        self
    }

    /// The same with how the WebSocket was closed.
    #[must_use]
    pub fn with_close(mut self, close: Option<CloseFrame>) -> Self {
        self.0.close = close;
        self
    }

    /// A transport's failure, judged by `rules`, at the wall time `now`.
    pub fn from_transport(
        error: TransportError,
        rules: &OutcomeRules,
        now: crate::Timestamp,
    ) -> Self {
        let (outcome, status) = match error.progress() {
            Progress::NotSent => (Outcome::NotSent, None),
            Progress::Sent => (Outcome::Unknown, None),
            // A page instead of an upgrade: the server took it for another kind of request.
            Progress::Answered(status)
                if error.kind() == TransportErrorKind::Handshake && status.is_success() =>
            {
                (Outcome::Refused, Some(status))
            }
            Progress::Answered(status) => (rules.of_status(status, error.headers()), Some(status)),
        };
        let kind = match error.kind() {
            TransportErrorKind::WouldAlter => ErrorKind::Request,
            TransportErrorKind::Connect | TransportErrorKind::Tls | TransportErrorKind::Proxy => {
                ErrorKind::Connect
            }
            TransportErrorKind::Timeout => ErrorKind::Timeout,
            TransportErrorKind::TooLarge => ErrorKind::TooLarge,
            TransportErrorKind::Handshake if status.is_some() => ErrorKind::Status,
            _ => ErrorKind::Transport,
        };
        let message = match kind {
            ErrorKind::Request => "the request cannot be sent as it is",
            ErrorKind::Connect => "cannot connect",
            ErrorKind::Timeout => "timed out",
            ErrorKind::TooLarge => "too large",
            ErrorKind::Status => "the WebSocket handshake was refused",
            _ => "the connection failed",
        };
        let close = error.close().cloned();
        let retry_after = crate::retry_after_of(error.headers(), now);
        let mut converted =
            Self::new(kind, outcome, message).with_close(close).with_retry_after(retry_after);
        converted.0.status = status;
        converted.with_source(error)
    }

    /// What failed.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What became of the request: whether sending it again could do harm.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The status, where the server answered with one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// How the request came to be signed as it was, where the server has refused one that a scheme had signed and can
    /// explain: what to print when it says that the signature does not match.
    pub fn explanation(&self) -> Option<&Explanation> {
        self.0.explanation.as_ref()
    }

    /// How long the server, the throttle, or whoever gives out credentials asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The limit that is concerned.
    pub fn limit_id(&self) -> Option<&LimitId> {
        self.0.limit.as_ref()
    }

    /// The beginning of the body of an error status, without the values that the scheme had placed in the request.
    pub fn body_excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }

    /// How the WebSocket was closed, where a close was received or sent.
    pub fn close(&self) -> Option<&CloseFrame> {
        self.0.close.as_ref()
    }

    /// Whether something took too long: connecting, an attempt, or the deadline.
    pub fn is_timeout(&self) -> bool {
        let mut cause = self.source();
        while let Some(error) = cause {
            if error.downcast_ref().is_some_and(TransportError::is_timeout) {
                return true;
            }
            cause = error.source();
        }
        self.0.kind == ErrorKind::Timeout
    }

    /// Whether no connection came about.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// Whether the server answered with an error status.
    pub fn is_status(&self) -> bool {
        self.0.kind == ErrorKind::Status
    }

    /// Whether it could not be authenticated, or the server did not accept who it came from.
    pub fn is_auth(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Auth | ErrorKind::OriginRefused | ErrorKind::Login)
            || matches!(self.0.status, Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
    }

    /// Whether a limit stood in the way: the throttle's own, or the server's, by 429 or 418.
    pub fn is_throttled(&self) -> bool {
        let waited = self.source().is_some_and(|cause| cause.is::<ThrottleError>());
        (waited && self.0.kind != ErrorKind::Closed)
            || self.0.kind == ErrorKind::Throttled
            || matches!(
                self.0.status,
                Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::IM_A_TEAPOT)
            )
    }

    /// Whether a response or message could not be decoded.
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(status) = self.0.status {
            write!(f, " (status {})", status.as_u16())?;
        }
        if self.explanation().is_some() {
            f.write_str("; `Error::explanation` says how it was signed")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("outcome", &self.0.outcome)
            .field("message", &self.0.message)
            .field("status", &self.0.status)
            .field("retry_after", &self.0.retry_after)
            .field("limit", &self.0.limit)
            .field("excerpt", &self.0.excerpt)
            .field("close", &self.0.close)
            .field("source", &Causes(self.source()))
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Self::new(ErrorKind::Request, Outcome::NotSent, "the request cannot be sent")
            .with_source(error)
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        Self::new(ErrorKind::Auth, Outcome::NotSent, "cannot authenticate")
            .with_retry_after(error.retry_after())
            .with_source(error)
    }
}

impl From<ThrottleError> for Error {
    fn from(error: ThrottleError) -> Self {
        let kind = match error {
            ThrottleError::DeadlineExceeded { .. } => ErrorKind::Timeout,
            ThrottleError::Closed => ErrorKind::Closed,
            _ => ErrorKind::Throttled,
        };
        let message = match error {
            ThrottleError::NoLimitNamed => "no limit is named",
            ThrottleError::UnknownLimit(_) => "the limit is unknown",
            ThrottleError::WeightAboveLimit { .. } => "the request is too heavy for its limit",
            ThrottleError::DeadlineExceeded { .. } => "no capacity before the deadline",
            ThrottleError::Banned { .. } => "the server has banned the sender",
            ThrottleError::QueueFull { .. } => "too many wait for capacity",
            ThrottleError::Closed => "the throttle is closed",
            ThrottleError::Unavailable(_) => "the throttle is unavailable",
            ThrottleError::NotYet { .. } => "no capacity",
        };
        Self::new(kind, Outcome::NotSent, message)
            .with_retry_after(error.retry_after())
            .with_limit(error.limit_id().cloned())
            .with_source(error)
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        // Only a `Retry-After` date without a `Date` beside it would be compared with the time.
        Self::from_transport(error, &OutcomeRules::default(), crate::Timestamp::UNIX_EPOCH)
    }
}

/// Shorthand for a result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The `Retry-After` of a response, seen from the server's own `Date` where it has one: only the difference of the
/// two matters, so a wrong clock on this machine does not.
pub fn retry_after_of(headers: &HeaderMap, now: crate::Timestamp) -> Option<Duration> {
    let server_now = headers
        .get(http::header::DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .map_or(now, crate::Timestamp::from);
    crate::retry_after(headers, server_now)
}
