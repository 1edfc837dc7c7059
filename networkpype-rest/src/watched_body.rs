use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use http::Method;
use http_body::{Body, Frame, SizeHint};
use networkpype_core::{BodyStream, BoxError, SendProgress};

/// A body that asks whether it may be written.
///
/// The HTTP client looks at it once it has a connection, and before it hands the head to the socket: first
/// `is_end_stream`, then the frames. So a request that was cut off before that was not sent, however long its connection
/// took; and one that is cut off at that moment fails its connection, with the head still in the client's buffer.
pub(crate) struct WatchedBody {
    source: Source,
    /// An empty body that is announced all the same (RFC 9110, section 8.6).
    announces_nothing: bool,
    progress: SendProgress,
}

enum Source {
    Bytes(Bytes),
    Stream {
        /// Never locked: the HTTP client asks for bodies that may be shared, and a stream need not be.
        stream: Mutex<BodyStream>,
        /// How much is to come, where that was declared.
        left: Option<u64>,
        /// The chunk that completes the declared length, kept until it is known that nothing follows: the HTTP client
        /// does not ask beyond, and would cut the rest off in silence.
        last: Option<Bytes>,
    },
}

impl WatchedBody {
    /// These bytes. Where there are none and `method` expects content, that is said.
    pub(crate) fn bytes(bytes: Bytes, method: &Method, progress: &SendProgress) -> Self {
        let announces_nothing =
            bytes.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(method);
        Self { source: Source::Bytes(bytes), announces_nothing, progress: progress.clone() }
    }

    pub(crate) fn stream(stream: BodyStream, length: Option<u64>, progress: &SendProgress) -> Self {
        let source = Source::Stream { stream: Mutex::new(stream), left: length, last: None };
        Self { source, announces_nothing: false, progress: progress.clone() }
    }
}

/// The next chunk, checked against the declared length.
fn poll_chunk(
    mut stream: Pin<&mut BodyChunks>,
    left: &mut Option<u64>,
    last: &mut Option<Bytes>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, BoxError>>> {
    loop {
        let next = ready!(stream.as_mut().poll_next(cx));
        let chunk = match (next, last.take()) {
            (None, last) => return Poll::Ready(last.map(Ok)),
            (Some(Err(error)), _) => return Poll::Ready(Some(Err(error))),
            (Some(Ok(chunk)), kept) if chunk.is_empty() => {
                *last = kept;
                continue;
            }
            (Some(Ok(chunk)), _) => chunk,
        };
        let Some(declared) = left else { return Poll::Ready(Some(Ok(chunk))) };
        match declared.checked_sub(u64::try_from(chunk.len()).unwrap_or(u64::MAX)) {
            None => return Poll::Ready(Some(Err(TOO_LONG.into()))),
            Some(0) => {
                *declared = 0;
                *last = Some(chunk);
            }
            Some(rest) => {
                *declared = rest;
                return Poll::Ready(Some(Ok(chunk)));
            }
        }
    }
}

const TOO_LONG: &str = "the body is longer than was declared";

type BodyChunks = dyn Stream<Item = Result<Bytes, BoxError>> + Send;

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if !this.progress.begin() {
            return Poll::Ready(Some(Err("the request was cut off".into())));
        }
        Poll::Ready(match &mut this.source {
            Source::Bytes(bytes) if bytes.is_empty() => None,
            Source::Bytes(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Source::Stream { stream, left, last } => {
                let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                ready!(poll_chunk(stream.as_mut(), left, last, cx))
                    .map(|chunk| chunk.map(Frame::data))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        // Without content this is all that the HTTP client asks before it writes. A body that still has something to
        // say gets another question, which fails.
        let begun = self.progress.begin();
        let empty = matches!(&self.source, Source::Bytes(bytes) if bytes.is_empty());
        begun && empty && !self.announces_nothing
    }

    fn size_hint(&self) -> SizeHint {
        if self.progress.is_cut() {
            return SizeHint::with_exact(1);
        }
        match &self.source {
            Source::Bytes(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Source::Stream { left: Some(left), last, .. } => {
                let kept =
                    last.as_ref().map_or(0, |last| u64::try_from(last.len()).unwrap_or(u64::MAX));
                SizeHint::with_exact(left.saturating_add(kept))
            }
            Source::Stream { left: None, .. } => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, task::Waker};

    use networkpype_core::{Permit, Progress, TokioTicker};

    use super::*;

    fn progress() -> SendProgress {
        SendProgress::new(Permit::unlimited(), Arc::new(TokioTicker::new()))
    }

    /// Whatever the HTTP client asks first, a request that was cut off has an answer that fails its connection.
    #[test]
    fn a_body_that_was_cut_off_fails_whoever_would_write_it() {
        for (method, bytes) in [(Method::GET, ""), (Method::POST, ""), (Method::POST, "{}")] {
            let progress = progress();
            let mut body = WatchedBody::bytes(bytes.into(), &method, &progress);
            progress.cut();
            assert!(!body.is_end_stream(), "there is something to ask for");
            assert_eq!(body.size_hint().exact(), Some(1), "and something is declared");
            let mut cx = Context::from_waker(Waker::noop());
            let frame = Pin::new(&mut body).poll_frame(&mut cx);
            assert!(matches!(frame, Poll::Ready(Some(Err(_)))), "which is an error");
            assert_eq!(progress.progress(), Progress::NotSent);
        }
    }

    #[test]
    fn asking_whether_a_body_is_empty_begins_it() {
        for (method, bytes, is_end) in
            [(Method::GET, "", true), (Method::POST, "", false), (Method::POST, "{}", false)]
        {
            let progress = progress();
            let body = WatchedBody::bytes(bytes.into(), &method, &progress);
            assert_eq!(
                body.size_hint().exact(),
                Some(bytes.len() as u64),
                "looking does not begin"
            );
            assert_eq!(progress.progress(), Progress::NotSent);
            assert_eq!(body.is_end_stream(), is_end);
            assert_eq!(progress.progress(), Progress::Sent);
        }
    }
}
