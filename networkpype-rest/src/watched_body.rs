use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use networkpype_core::{BodyStream, BoxError, SendProgress};

/// A body that tells when it is about to be written.
///
/// The HTTP client asks for it once it has a connection, and before it hands the head to the socket. So a request that
/// was cut off before that was not sent, however long its connection took.
pub(crate) struct WatchedBody {
    source: Source,
    progress: SendProgress,
}

enum Source {
    Bytes(Bytes),
    Stream {
        /// Never locked: the HTTP client asks for bodies that may be shared, and a stream need not be.
        stream: Mutex<BodyStream>,
        /// How much is to come, where that was declared.
        left: Option<u64>,
    },
}

impl WatchedBody {
    pub(crate) fn bytes(bytes: Bytes, progress: &SendProgress) -> Self {
        Self { source: Source::Bytes(bytes), progress: progress.clone() }
    }

    pub(crate) fn stream(stream: BodyStream, length: Option<u64>, progress: &SendProgress) -> Self {
        let source = Source::Stream { stream: Mutex::new(stream), left: length };
        Self { source, progress: progress.clone() }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        this.progress.writing();
        Poll::Ready(match &mut this.source {
            Source::Bytes(bytes) if bytes.is_empty() => None,
            Source::Bytes(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Source::Stream { stream, left } => {
                let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                match ready!(stream.as_mut().poll_next(cx)) {
                    None => None,
                    Some(Err(error)) => Some(Err(error)),
                    Some(Ok(chunk)) => {
                        let more = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                        match left.map(|left| left.checked_sub(more)) {
                            // What is beyond the declared length would be cut off in silence.
                            Some(None) => Some(Err("the body is longer than was declared".into())),
                            Some(Some(rest)) => {
                                *left = Some(rest);
                                Some(Ok(Frame::data(chunk)))
                            }
                            None => Some(Ok(Frame::data(chunk))),
                        }
                    }
                }
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            // Without content this question is all that the HTTP client asks before it writes.
            Source::Bytes(bytes) if bytes.is_empty() => {
                self.progress.writing();
                true
            }
            Source::Bytes(_) | Source::Stream { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Bytes(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Source::Stream { left: Some(left), .. } => SizeHint::with_exact(*left),
            Source::Stream { left: None, .. } => SizeHint::default(),
        }
    }
}
