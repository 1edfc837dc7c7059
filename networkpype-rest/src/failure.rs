//! What an error of reqwest means for the caller.

use std::error::Error as StdError;

use networkpype_core::{Progress, TransportError, TransportErrorKind};

/// The request was not answered, having come as far as `reached`.
pub(crate) fn before_the_head(error: reqwest::Error, reached: Progress) -> TransportError {
    let new = TransportError::new;
    let (kind, progress, message) = if error.is_connect() {
        return connecting(error);
    } else if error.is_builder() {
        (TransportErrorKind::WouldAlter, reached, "the HTTP client refused the request")
    } else if error.is_timeout() {
        (TransportErrorKind::Timeout, reached, "no answer in time")
    } else if has_hyper(&error, hyper::Error::is_parse) {
        (TransportErrorKind::Protocol, reached, "the answer is not HTTP")
    } else {
        (TransportErrorKind::Io, reached, "the connection broke before the answer")
    };
    new(kind, progress, message).with_source(error.without_url())
}

/// The head arrived and the body did not.
pub(crate) fn while_reading(error: reqwest::Error, progress: Progress) -> TransportError {
    let (kind, message) = if error.is_timeout() {
        (TransportErrorKind::Timeout, "the body did not arrive in time")
    } else {
        (TransportErrorKind::Io, "the connection broke within the body")
    };
    TransportError::new(kind, progress, message).with_source(error.without_url())
}

fn connecting(error: reqwest::Error) -> TransportError {
    let timed_out = error.is_timeout();
    // The tunnel's error type is private; its text is all that tells it apart.
    let by_proxy = chain(&error).any(|cause| cause.to_string().starts_with("tunnel error"));
    let by_tls = is_tls(&error);
    let error = error.without_url();
    if timed_out {
        let cause =
            TransportError::new(TransportErrorKind::Timeout, Progress::NotSent, "timed out");
        return TransportError::new(
            TransportErrorKind::Connect,
            Progress::NotSent,
            "cannot connect",
        )
        .with_source(cause.with_source(error));
    }
    let (kind, message) = match (by_proxy, by_tls) {
        (true, _) => (TransportErrorKind::Proxy, "the proxy refused"),
        (_, true) => (TransportErrorKind::Tls, "the TLS handshake failed"),
        _ => (TransportErrorKind::Connect, "cannot connect"),
    };
    TransportError::new(kind, Progress::NotSent, message).with_source(error)
}

#[cfg(feature = "rustls")]
fn is_tls(error: &reqwest::Error) -> bool {
    networkpype_tls::is_tls_failure(error)
}

#[cfg(not(feature = "rustls"))]
fn is_tls(_: &reqwest::Error) -> bool {
    false
}

fn has_hyper(error: &reqwest::Error, question: impl Fn(&hyper::Error) -> bool) -> bool {
    chain(error).any(|cause| cause.downcast_ref().is_some_and(&question))
}

type Cause<'a> = &'a (dyn StdError + 'static);

fn chain<'a>(error: Cause<'a>) -> impl Iterator<Item = Cause<'a>> {
    std::iter::successors(Some(error), |error: &Cause<'a>| (*error).source())
}
