use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use networkpype_core::{Error, WebSocketEvent};

use crate::{
    inbox::{Reader, Received},
    manager::{Live, not_connected},
};

/// The messages of one connection, from [`WebSocketManager::iter_messages`](crate::WebSocketManager::iter_messages).
///
/// Ends with what ended the connection: [`WebSocketEvent::Closed`] after an orderly close by either side, an error
/// otherwise, and nothing after that. An error of kind [`Processor`](networkpype_core::ErrorKind::Processor) concerns
/// one message and does not end it.
///
/// A message is taken in the same poll that returns it: dropping a `next()` that has not ended loses nothing. The
/// connection lives as long as a manager or a stream of it.
#[must_use = "a stream does nothing unless it is polled"]
pub struct WebSocketMessages {
    source: Source,
}

enum Source {
    /// Says so once.
    NotConnected,
    Open {
        reader: Reader,
        _live: Arc<Live>,
    },
    Over,
}

impl WebSocketMessages {
    pub(crate) fn of(live: Option<Arc<Live>>) -> Self {
        let source = match live {
            Some(live) => {
                Source::Open { reader: Reader::new(Arc::clone(&live.inbox)), _live: live }
            }
            None => Source::NotConnected,
        };
        Self { source }
    }
}

impl Stream for WebSocketMessages {
    type Item = Result<WebSocketEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let last = match &mut self.source {
            Source::Open { reader, .. } => match ready!(reader.poll(cx)) {
                Received::Item(item) => {
                    return Poll::Ready(Some(item.map(WebSocketEvent::Message)));
                }
                Received::End(end) => end.event(),
            },
            Source::NotConnected => Err(not_connected()),
            Source::Over => return Poll::Ready(None),
        };
        self.source = Source::Over;
        Poll::Ready(Some(last))
    }
}

impl FusedStream for WebSocketMessages {
    fn is_terminated(&self) -> bool {
        matches!(self.source, Source::Over)
    }
}

impl fmt::Debug for WebSocketMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketMessages")
            .field("over", &self.is_terminated())
            .finish_non_exhaustive()
    }
}
