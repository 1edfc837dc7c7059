use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use networkpype_core::{
    CloseFrame, Error, ErrorKind, Frame, FrameSink, FrameStream, Outcome, Permit, Progress,
    ThrottleError, Ticker, Ticks, TransportError, TransportErrorKind, WebSocketPostProcessor,
    WebSocketResponse,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    end::End,
    inbox::{Inbox, Item},
    liveness::{Action, Death, Liveness},
    renewal::{Judged, Renewal},
    timer::{Timer, until},
};

/// How long a close may take: what is still to be written, our close frame, and the server's answer.
pub(crate) const CLOSE_TIME: Duration = Duration::from_secs(1);

/// A frame that somebody wants written.
pub(crate) struct Outgoing {
    pub(crate) frame: Frame,
    pub(crate) permit: Permit,
    /// Told once the frame was handed to the socket. A sender that went away before its frame was begun is skipped.
    pub(crate) written: oneshot::Sender<Result<(), Error>>,
}

/// The task that owns a connection: reads it into the inbox, writes what is sent, and keeps it alive, also while
/// nobody receives.
///
/// It reads as long as the inbox has room, and one frame is written at a time. A pong comes before a ping, both before the
/// renewal of a login, and that before messages.
pub(crate) struct Pump {
    pub(crate) sink: FrameSink,
    pub(crate) stream: FrameStream,
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    /// Answers when the connection is to be closed, or nobody holds it any more.
    pub(crate) stop: oneshot::Receiver<()>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) last_received: Arc<AtomicU64>,
    pub(crate) post_processors: Arc<[Arc<dyn WebSocketPostProcessor>]>,
    pub(crate) ticker: Arc<dyn Ticker>,
    pub(crate) timer: Timer,
    pub(crate) liveness: Liveness,
    pub(crate) send_timeout: Duration,
    pub(crate) renewal: Renewal,
    pub(crate) state: State,
}

/// What is under way.
#[derive(Default)]
pub(crate) struct State {
    pong: Option<Bytes>,
    ping: Option<Bytes>,
    /// The frame that was handed to the sink and is not flushed yet.
    writing: Option<Writing>,
    /// Since when writing cannot go on.
    blocked: Option<Ticks>,
    processing: Option<Pin<Box<dyn Future<Output = Processed> + Send>>>,
    /// By when a close that was asked for must be over.
    stop_by: Option<Ticks>,
}

/// What became of a message that was received.
enum Processed {
    /// The scheme was asked about it.
    Judged(Judged, WebSocketResponse),
    /// It is for the user.
    Item(Item),
}

enum Writing {
    Pong,
    Ping,
    Renewal,
    Message(oneshot::Sender<Result<(), Error>>),
}

/// Why the pump stops pumping.
enum Finish {
    Stop(Ticks),
    Closed(Option<CloseFrame>),
    Failed(TransportError),
    Dead(Death),
    Stalled,
    /// Nobody is logged in any more.
    LoggedOut(Error),
}

impl Pump {
    pub(crate) async fn run(mut self) {
        let finish = poll_fn(|cx| self.poll_turn(cx)).await;
        if let Some(processing) = self.state.processing.take() {
            // The message was received before the end, so it is delivered before it.
            let by = self.ticker.now() + CLOSE_TIME;
            let processors = Arc::clone(&self.post_processors);
            let item = async {
                match processing.await {
                    Processed::Item(item) => Some(item),
                    Processed::Judged(judged, message) if judged.passes_on() => {
                        Some(process(&processors, message).await)
                    }
                    Processed::Judged(..) => None,
                }
            };
            if let Some(item) = until(&self.ticker, by, item).await.flatten() {
                self.inbox.push(item);
            }
        }
        match finish {
            Finish::Stop(by) => {
                let goodbye = say_goodbye(&mut self.sink, &mut self.stream);
                let answer = until(&self.ticker, by, goodbye).await.flatten();
                self.finish(End::Closed(answer));
                // The server ends the connection first, if it does so in time.
                let _ = until(&self.ticker, by, self.sink.close()).await;
            }
            Finish::Closed(close) => {
                self.finish(End::Closed(close.clone()));
                self.close(close).await;
            }
            Finish::Failed(error) => {
                let close = error.close().cloned();
                self.finish(End::failed(error));
                if let Some(close) = close {
                    self.close(Some(close)).await;
                }
            }
            // The socket is dropped as it is: a dead peer answers no close.
            Finish::Dead(death) => self.finish(End::failed(dead(death))),
            Finish::Stalled => self.finish(End::failed(timed_out("the server stopped reading"))),
            Finish::LoggedOut(error) => {
                self.finish(End::failed(error));
                let by = self.ticker.now() + CLOSE_TIME;
                let _ =
                    until(&self.ticker, by, say_goodbye(&mut self.sink, &mut self.stream)).await;
            }
        }
    }

    /// Goes as far as possible. `Ready` when the connection is over.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Finish> {
        loop {
            let now = self.ticker.now();
            if self.state.stop_by.is_none() && Pin::new(&mut self.stop).poll(cx).is_ready() {
                self.state.stop_by = Some(now + CLOSE_TIME);
                self.outgoing.close();
            }
            match (self.poll_write(cx, now), self.state.stop_by) {
                (Poll::Ready(Err(finish)), _) => return Poll::Ready(finish),
                (Poll::Ready(Ok(Written::All)), Some(by)) => return Poll::Ready(Finish::Stop(by)),
                (_, Some(by)) if by <= now => return Poll::Ready(Finish::Stop(by)),
                _ => {}
            }
            match self.renewal.poll(cx) {
                Poll::Ready(Ok(())) => continue,
                Poll::Ready(Err(error)) => return Poll::Ready(Finish::LoggedOut(error)),
                Poll::Pending => {}
            }
            match self.read(cx, now) {
                Read::Paused => {}
                Read::Pinged | Read::Renewing => continue,
                Read::Over(finish) => return Poll::Ready(finish),
            }
            let mut wake_at = self.state.stop_by.unwrap_or(Ticks::MAX);
            match self.liveness.action(now) {
                Action::Ping(number) => {
                    self.state.ping = Some(Bytes::copy_from_slice(&number.to_be_bytes()));
                    continue;
                }
                Action::Dead(death) => return Poll::Ready(Finish::Dead(death)),
                Action::WaitUntil(at) => wake_at = wake_at.min(at),
            }
            if !self.liveness.is_paused() || self.renewal.is_judging() {
                let by = self.renewal.answer_by();
                if by <= now {
                    return Poll::Ready(Finish::LoggedOut(self.renewal.not_answered()));
                }
                wake_at = wake_at.min(by);
            }
            if let Some(since) = self.state.blocked {
                let by = since + self.send_timeout;
                if by <= now {
                    return Poll::Ready(Finish::Stalled);
                }
                wake_at = wake_at.min(by);
            }
            if self.timer.poll(wake_at, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Writes what there is. `Pending` while the socket takes no more.
    fn poll_write(&mut self, cx: &mut Context<'_>, now: Ticks) -> Poll<Result<Written, Finish>> {
        loop {
            let ready = match &self.state.writing {
                Some(_) => self.sink.as_mut().poll_flush(cx),
                None => self.sink.as_mut().poll_ready(cx),
            };
            match ready {
                Poll::Ready(Ok(())) => self.state.blocked = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.write_failed(error))),
                Poll::Pending => {
                    if self.wants_to_write() {
                        self.state.blocked.get_or_insert(now);
                    }
                    return Poll::Pending;
                }
            }
            match self.state.writing.take() {
                Some(Writing::Message(written)) => {
                    // A sender that does not wait for the answer has gone away.
                    let _ = written.send(Ok(()));
                }
                Some(Writing::Ping) => self.liveness.ping_written(now),
                Some(Writing::Pong | Writing::Renewal) | None => {}
            }
            let (frame, writing) = if let Some(payload) = self.state.pong.take() {
                (Frame::Pong(payload), Writing::Pong)
            } else if let Some(payload) = self.state.ping.take() {
                (Frame::Ping(payload), Writing::Ping)
            } else if let Some(mut ready) = self.renewal.take_ready() {
                match ready.permit.started() {
                    Ok(()) => {}
                    // The server asked for a pause after the permit was given.
                    Err(ThrottleError::NotYet { .. }) => {
                        self.renewal.wait_again(ready);
                        continue;
                    }
                    Err(refusal) => {
                        return Poll::Ready(Err(Finish::LoggedOut(refusal.into())));
                    }
                }
                let (frame, permit, session) = ready.into_parts();
                drop(permit);
                self.renewal.written(session, now);
                (frame, Writing::Renewal)
            } else {
                match self.outgoing.poll_recv(cx) {
                    // Its permit is given back with it.
                    Poll::Ready(Some(outgoing)) if outgoing.written.is_closed() => continue,
                    Poll::Ready(Some(mut outgoing)) => {
                        if let Err(refusal) = outgoing.permit.started() {
                            let _ = outgoing.written.send(Err(refusal.into()));
                            continue;
                        }
                        match self.sink.as_mut().start_send(outgoing.frame) {
                            Ok(()) => self.state.writing = Some(Writing::Message(outgoing.written)),
                            // The frame cannot be sent; nothing is wrong with the connection.
                            Err(error) if error.progress() == Progress::NotSent => {
                                outgoing.permit.refund();
                                let _ = outgoing.written.send(Err(error.into()));
                            }
                            Err(error) => {
                                self.state.writing = Some(Writing::Message(outgoing.written));
                                return Poll::Ready(Err(self.write_failed(error)));
                            }
                        }
                        continue;
                    }
                    Poll::Ready(None) => return Poll::Ready(Ok(Written::All)),
                    Poll::Pending => return Poll::Ready(Ok(Written::AllForNow)),
                }
            };
            match self.sink.as_mut().start_send(frame) {
                Ok(()) => self.state.writing = Some(writing),
                Err(error) => return Poll::Ready(Err(self.write_failed(error))),
            }
        }
    }

    fn wants_to_write(&self) -> bool {
        self.state.writing.is_some()
            || self.state.pong.is_some()
            || self.state.ping.is_some()
            || self.renewal.is_ready()
            || !self.outgoing.is_empty()
    }

    /// The message that was being written may or may not have arrived.
    fn write_failed(&mut self, error: TransportError) -> Finish {
        if let Some(Writing::Message(written)) = self.state.writing.take() {
            let lost = Error::new(
                ErrorKind::Disconnected,
                Outcome::Unknown,
                "the connection broke while writing",
            );
            let _ = written.send(Err(lost));
        }
        Finish::Failed(error)
    }

    /// Reads until nothing is there, the inbox is full, or a ping wants its pong.
    fn read(&mut self, cx: &mut Context<'_>, now: Ticks) -> Read {
        let (mut frames, mut messages) = (false, false);
        let read = loop {
            if let Some(processing) = &mut self.state.processing {
                match processing.as_mut().poll(cx) {
                    Poll::Ready(Processed::Item(item)) => {
                        self.state.processing = None;
                        self.inbox.push(item);
                    }
                    Poll::Ready(Processed::Judged(judged, message)) => {
                        self.state.processing = None;
                        if judged.passes_on() {
                            self.process(message);
                        }
                        match self.renewal.judged(judged, now) {
                            // What it waits for now is asked before anything else is read.
                            Ok(()) => break Read::Renewing,
                            Err(error) => break Read::Over(Finish::LoggedOut(error)),
                        }
                    }
                    Poll::Pending => {
                        self.liveness.pause(now);
                        break Read::Paused;
                    }
                }
            }
            if self.inbox.poll_room(cx).is_pending() {
                self.liveness.pause(now);
                break Read::Paused;
            }
            let pause = self.liveness.resume(now);
            self.renewal.paused_for(pause);
            let frame = match self.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => break Read::Over(Finish::Failed(error)),
                Poll::Ready(None) => {
                    let message = "the connection ended without a close";
                    let error =
                        TransportError::new(TransportErrorKind::Io, Progress::Sent, message);
                    break Read::Over(Finish::Failed(error));
                }
                Poll::Pending => break Read::Paused,
            };
            frames = true;
            // Before the message is handed out: whoever has it may ask when it came.
            self.last_received.store(now.as_nanos(), Ordering::Release);
            match frame {
                Frame::Text(bytes) => {
                    messages = true;
                    self.deliver(WebSocketResponse::from_text(bytes), now);
                }
                Frame::Binary(bytes) => {
                    messages = true;
                    self.deliver(WebSocketResponse::from_binary(bytes), now);
                }
                Frame::Ping(payload) => {
                    self.state.pong = Some(payload);
                    break Read::Pinged;
                }
                Frame::Pong(_) => self.liveness.pong_received(),
                Frame::Close(close) => break Read::Over(Finish::Closed(close)),
                // Kinds of frames that a later version of the seam may add.
                _ => {}
            }
        };
        if frames {
            self.liveness.frame_received(now);
        }
        if messages {
            self.liveness.message_received(now);
        }
        read
    }

    fn deliver(&mut self, message: WebSocketResponse, now: Ticks) {
        match self.renewal.judge(&message, now) {
            Some(judging) => {
                self.state.processing =
                    Some(Box::pin(async move { Processed::Judged(judging.await, message) }));
            }
            None => self.process(message),
        }
    }

    fn process(&mut self, message: WebSocketResponse) {
        if self.post_processors.is_empty() {
            return self.inbox.push(Ok(message));
        }
        let processors = Arc::clone(&self.post_processors);
        self.state.processing =
            Some(Box::pin(async move { Processed::Item(process(&processors, message).await) }));
    }

    /// Tells everyone: readers why, and senders that their messages were not sent.
    fn finish(&mut self, end: End) {
        tracing::debug!(end = end.name(), "websocket ended");
        if let Some(Writing::Message(written)) = self.state.writing.take() {
            let _ = written.send(Err(end.disconnected(Outcome::Unknown)));
        }
        self.inbox.end(end.clone());
        self.outgoing.close();
        while let Ok(outgoing) = self.outgoing.try_recv() {
            let _ = outgoing.written.send(Err(end.disconnected(Outcome::NotSent)));
        }
    }

    /// Answers a close, or says why, and lets the server end the connection.
    async fn close(&mut self, close: Option<CloseFrame>) {
        let by = self.ticker.now() + CLOSE_TIME;
        let closing = async {
            // It fails where the close was sent already, and closing goes on all the same.
            let _ = self.sink.send(Frame::Close(close)).await;
            let _ = self.sink.close().await;
        };
        let _ = until(&self.ticker, by, closing).await;
    }
}

async fn process(
    processors: &[Arc<dyn WebSocketPostProcessor>],
    mut message: WebSocketResponse,
) -> Item {
    for processor in processors {
        message = processor.post_process(message).await.map_err(|error| {
            Error::new(ErrorKind::Processor, Outcome::Done, "a post-processor failed")
                .with_source(error)
        })?;
    }
    Ok(message)
}

impl Drop for Pump {
    /// For a pump whose runtime went away, or whose post-processor panicked.
    fn drop(&mut self) {
        let message = "the task of the connection ended";
        self.inbox.end(End::failed(Error::new(ErrorKind::Disconnected, Outcome::Unknown, message)));
    }
}

#[derive(PartialEq)]
enum Written {
    AllForNow,
    /// All there will ever be.
    All,
}

enum Read {
    Paused,
    Pinged,
    /// The renewal of the login has gone on.
    Renewing,
    Over(Finish),
}

/// Closes from our side, and gives the server's answer.
pub(crate) async fn say_goodbye(
    sink: &mut FrameSink,
    stream: &mut FrameStream,
) -> Option<CloseFrame> {
    sink.send(Frame::Close(Some(CloseFrame::new(1000, "")))).await.ok()?;
    loop {
        match stream.next().await? {
            Ok(Frame::Close(close)) => return close,
            // What was on its way.
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

fn dead(death: Death) -> Error {
    timed_out(match death {
        Death::NoPong => "a ping was not answered in time",
        Death::Idle => "nothing was received for too long",
        Death::NoMessage => "no message was received for too long",
    })
}

fn timed_out(message: &'static str) -> Error {
    Error::new(ErrorKind::Timeout, Outcome::Unknown, message)
}
