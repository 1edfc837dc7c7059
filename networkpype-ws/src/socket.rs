use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use networkpype_core::{
    CloseFrame, Frame, Progress, TransportError, TransportErrorKind, WebSocketChannel,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as WsError, Message, Utf8Bytes,
        error::{CapacityError, ProtocolError},
        protocol::CloseFrame as WsCloseFrame,
    },
};

/// RFC 6455, section 5.5: what a control frame holds at most.
pub(crate) const MAX_CONTROL: usize = 125;

/// The two directions of one WebSocket over tungstenite.
pub(crate) fn channel<S>(ws: WebSocketStream<S>) -> WebSocketChannel
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let socket =
        Socket { ws, answered: None, close_sent: false, over: Over::No, closing: Closing::Flush };
    let shared = Arc::new(Mutex::new(socket));
    WebSocketChannel::new(Box::pin(Half(Arc::clone(&shared))), Box::pin(Half(shared)))
}

/// Turns tungstenite's view of a WebSocket into that of the seam.
///
/// Tungstenite queues answers to pings and closes by itself, and whoever holds a channel answers them too. So an
/// answer that is queued already is taken for the holder's: either way the peer gets exactly one.
struct Socket<S> {
    ws: WebSocketStream<S>,
    /// The payload of the last ping, whose pong tungstenite has queued.
    answered: Option<Bytes>,
    close_sent: bool,
    over: Over,
    closing: Closing,
}

/// How far reading has come.
#[derive(PartialEq)]
enum Over {
    No,
    /// A close frame was handed out: what comes behind it is of no interest.
    Closed,
    /// The end, or what made it, was handed out.
    Ended,
}

/// How far [`Sink::poll_close`] has come.
enum Closing {
    Flush,
    Shutdown,
    /// A socket that is closed with unread bytes resets the connection, and the close frame may be lost with it.
    Drain,
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        if self.over != Over::No {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(Pin::new(&mut self.ws).poll_next(cx)) {
            Some(Ok(message)) => Some(Ok(self.frame(message))),
            Some(Err(error)) => {
                self.over = Over::Ended;
                let error = while_reading(error);
                if let Some(close) = error.close() {
                    // Writes and flushes as far as it goes at once; the rest goes with the next flush.
                    let _ =
                        Pin::new(&mut self.ws).start_send(to_message_close(Some(close.clone())));
                    self.close_sent = true;
                }
                Some(Err(error))
            }
            None => {
                self.over = Over::Ended;
                None
            }
        })
    }

    fn frame(&mut self, message: Message) -> Frame {
        match message {
            Message::Text(text) => Frame::Text(text.into()),
            Message::Binary(bytes) => Frame::Binary(bytes),
            Message::Ping(payload) => {
                // After a close was sent, tungstenite answers no ping.
                self.answered = (!self.close_sent).then(|| payload.clone());
                Frame::Ping(payload)
            }
            Message::Pong(payload) => Frame::Pong(payload),
            Message::Close(close) => {
                self.over = Over::Closed;
                Frame::Close(
                    close.map(|close| CloseFrame::new(close.code.into(), close.reason.as_str())),
                )
            }
            // Reading never gives raw frames: tungstenite documents them as for writing only.
            Message::Frame(frame) => Frame::Binary(frame.into_payload()),
        }
    }

    fn start_send(&mut self, frame: Frame) -> Result<(), TransportError> {
        let message = match frame {
            Frame::Text(bytes) => Message::Text(
                Utf8Bytes::try_from(bytes)
                    .map_err(|_| cannot_be_sent("a text message must be UTF-8"))?,
            ),
            Frame::Binary(bytes) => Message::Binary(bytes),
            Frame::Ping(payload) => Message::Ping(control(payload)?),
            Frame::Pong(payload) if self.answered.as_ref() == Some(&payload) => {
                self.answered = None;
                return Ok(());
            }
            Frame::Pong(payload) => Message::Pong(control(payload)?),
            Frame::Close(close) => {
                if close.as_ref().is_some_and(|close| close.reason().len() > MAX_CONTROL - 2) {
                    return Err(cannot_be_sent("a close reason may be 123 bytes long"));
                }
                self.close_sent = true;
                to_message_close(close)
            }
            _ => return Err(cannot_be_sent("frames of this kind are not known here")),
        };
        Pin::new(&mut self.ws).start_send(message).map_err(while_writing)
    }

    /// Sends a close if none was sent, ends our direction, and reads until the peer ends its own: the caller sets the
    /// deadline.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.closing {
                Closing::Flush => {
                    // A connection that broke cannot be flushed, and is shut down all the same.
                    let _ = ready!(Pin::new(&mut self.ws).poll_close(cx));
                    self.closing = Closing::Shutdown;
                }
                Closing::Shutdown => {
                    let shut = ready!(Pin::new(self.ws.get_mut()).poll_shutdown(cx));
                    self.closing = if shut.is_ok() { Closing::Drain } else { Closing::Done };
                }
                Closing::Drain => {
                    let mut ignored = [0; 1024];
                    let mut buffer = ReadBuf::new(&mut ignored);
                    let read = ready!(Pin::new(self.ws.get_mut()).poll_read(cx, &mut buffer));
                    if read.is_err() || buffer.filled().is_empty() {
                        self.closing = Closing::Done;
                    }
                }
                Closing::Done => return Poll::Ready(()),
            }
        }
    }
}

/// One direction. The two may live in different tasks; neither keeps the lock while it waits.
struct Half<S>(Arc<Mutex<Socket<S>>>);

impl<S> Half<S> {
    fn lock(&self) -> MutexGuard<'_, Socket<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Half<S> {
    type Item = Result<Frame, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.lock().poll_next(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Frame> for Half<S> {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.lock().ws).poll_ready(cx).map_err(while_writing)
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        self.lock().start_send(frame)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.lock().ws).poll_flush(cx).map_err(while_writing)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.lock().poll_close(cx).map(Ok)
    }
}

fn to_message_close(close: Option<CloseFrame>) -> Message {
    Message::Close(
        close
            .map(|close| WsCloseFrame { code: close.code().into(), reason: close.reason().into() }),
    )
}

fn control(payload: Bytes) -> Result<Bytes, TransportError> {
    if payload.len() > MAX_CONTROL {
        return Err(cannot_be_sent("the payload of a ping or pong may be 125 bytes long"));
    }
    Ok(payload)
}

fn cannot_be_sent(why: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::WouldAlter, Progress::NotSent, why)
}

fn while_writing(error: WsError) -> TransportError {
    let new = TransportError::new;
    match error {
        WsError::Io(error) => {
            new(TransportErrorKind::Io, Progress::Sent, "the connection broke").with_source(error)
        }
        WsError::ConnectionClosed
        | WsError::AlreadyClosed
        | WsError::Protocol(ProtocolError::SendAfterClosing) => {
            new(TransportErrorKind::Io, Progress::NotSent, "the connection is closed")
        }
        _ => new(TransportErrorKind::Protocol, Progress::Sent, "the message could not be written"),
    }
}

/// What a failed read means, and the close code that RFC 6455, section 7.4.1 has for it. Texts of tungstenite that
/// quote what was received are left out.
fn while_reading(error: WsError) -> TransportError {
    let new = |kind, message| TransportError::new(kind, Progress::Sent, message);
    let ended = || new(TransportErrorKind::Io, "the connection ended without a close");
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { max_size, .. }) => TransportError::new(
            TransportErrorKind::TooLarge,
            Progress::Sent,
            format!("a message is larger than {max_size} bytes"),
        )
        .with_close(CloseFrame::new(1009, "")),
        WsError::Utf8(_) => new(TransportErrorKind::Protocol, "a text message is not UTF-8")
            .with_close(CloseFrame::new(1007, "")),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => ended(),
        WsError::Protocol(error) => {
            new(TransportErrorKind::Protocol, "the server did not keep to the WebSocket protocol")
                .with_close(CloseFrame::new(1002, ""))
                .with_source(error)
        }
        // What rustls reports when TCP ends without a goodbye.
        WsError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ended().with_source(error)
        }
        WsError::Io(error) => {
            new(TransportErrorKind::Io, "the connection broke").with_source(error)
        }
        _ => new(TransportErrorKind::Protocol, "the connection cannot be read any more"),
    }
}
