//! In-memory transports, for the unit tests of programs that use NetworkPype.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use futures_core::Stream;
use futures_sink::Sink;

use crate::{
    Frame, Progress, RestRequest, RestResponse, RestTransport, SendProgress, TransportError,
    TransportErrorKind, WebSocketChannel, WebSocketHandshake, WebSocketTransport,
};

type Answer = dyn Fn(&RestRequest) -> Result<RestResponse, TransportError> + Send + Sync;

/// A REST transport that answers from a closure and remembers what it was asked to send.
///
/// ```
/// use http::StatusCode;
/// use networkpype_core::{RestResponse, mock::MockRest};
///
/// let transport = MockRest::new(|request| {
///     assert_eq!(request.path(), "/time");
///     Ok(RestResponse::new(StatusCode::OK).with_body("{}"))
/// });
/// assert!(transport.requests().is_empty());
/// ```
#[derive(Clone)]
pub struct MockRest {
    answer: Arc<Answer>,
    requests: Arc<Mutex<Vec<RestRequest>>>,
}

impl MockRest {
    /// A transport whose responses `answer` gives.
    pub fn new(
        answer: impl Fn(&RestRequest) -> Result<RestResponse, TransportError> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Arc::new(answer), requests: Arc::default() }
    }

    /// Every request so far, as it would have been sent.
    pub fn requests(&self) -> Vec<RestRequest> {
        lock(&self.requests).clone()
    }
}

#[async_trait]
impl RestTransport for MockRest {
    async fn send(
        &self,
        request: RestRequest,
        progress: &SendProgress,
    ) -> Result<RestResponse, TransportError> {
        lock(&self.requests).push(request.clone());
        if !progress.begin() {
            let cut = "the request was cut off";
            return Err(TransportError::new(TransportErrorKind::Io, Progress::NotSent, cut));
        }
        let response = (self.answer)(&request)?;
        progress.answered(response.status(), response.headers());
        Ok(response)
    }
}

impl fmt::Debug for MockRest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockRest")
            .field("requests", &lock(&self.requests).len())
            .finish_non_exhaustive()
    }
}

/// A WebSocket transport whose other end a test holds: each connect hands that test a [`MockPeer`].
#[derive(Clone, Default)]
pub struct MockWebSocket {
    peers: Queue<(WebSocketHandshake, MockPeer)>,
}

impl MockWebSocket {
    /// A transport to which nobody has connected yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next connection: its handshake, and the end on which a test plays the server.
    pub async fn accept(&self) -> (WebSocketHandshake, MockPeer) {
        match self.peers.next().await {
            Some(connection) => connection,
            // The transport itself holds the queue, so it is never closed.
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl WebSocketTransport for MockWebSocket {
    async fn connect(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketChannel, TransportError> {
        let to_client = Queue::default();
        let to_server = Queue::default();
        let channel = WebSocketChannel::new(
            Box::pin(MockSink(to_server.clone())),
            Box::pin(to_client.clone()),
        );
        self.peers.push((handshake, MockPeer { to_client, to_server }));
        Ok(channel)
    }
}

impl fmt::Debug for MockWebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockWebSocket").finish_non_exhaustive()
    }
}

/// The server's end of a [`MockWebSocket`] connection. Dropping it ends the connection without a close.
pub struct MockPeer {
    to_client: Queue<Result<Frame, TransportError>>,
    to_server: Queue<Frame>,
}

impl MockPeer {
    /// Sends a frame to the client.
    pub fn send(&self, frame: Frame) {
        self.to_client.push(Ok(frame));
    }

    /// Has the client's connection fail so.
    pub fn fail(&self, error: TransportError) {
        self.to_client.push(Err(error));
    }

    /// The next frame from the client, `None` once it has gone.
    pub async fn receive(&self) -> Option<Frame> {
        self.to_server.next().await
    }
}

impl Drop for MockPeer {
    fn drop(&mut self) {
        self.to_client.close();
    }
}

impl fmt::Debug for MockPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockPeer").finish_non_exhaustive()
    }
}

struct MockSink(Queue<Frame>);

impl Sink<Frame> for MockSink {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        self.0.push(frame);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for MockSink {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// An unbounded queue that one side closes: a test decides how much goes in.
struct Queue<T>(Arc<Mutex<QueueState<T>>>);

struct QueueState<T> {
    items: VecDeque<T>,
    closed: bool,
    waker: Option<Waker>,
}

impl<T> Queue<T> {
    fn push(&self, item: T) {
        let waker = {
            let mut state = lock(&self.0);
            state.items.push_back(item);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn close(&self) {
        let waker = {
            let mut state = lock(&self.0);
            state.closed = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn next(&self) -> Option<T> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.0);
        match state.items.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if state.closed => Poll::Ready(None),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Stream for Queue<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll(cx)
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(QueueState {
            items: VecDeque::new(),
            closed: false,
            waker: None,
        })))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
