use std::{
    error::Error as _,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::future::{Either, select};
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Error, ErrorKind, Frame, Origin, OriginRefused, Outcome,
    Permit, ThrottleError, Ticker, Ticks, WebSocketHandshake, WebSocketRequest, WebSocketResponse,
    WireError,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    builder::{Options, WebSocketManagerBuilder},
    family::Family,
    inbox::{Inbox, Reader, Received},
    opening,
    pump::Outgoing,
    socket::MAX_CONTROL,
    stream::WebSocketMessages,
};

/// One WebSocket connection at a time: authenticated, inside the limits, alive or known to be dead.
///
/// Cheap to clone; clones share the connection.
///
/// # Connecting
///
/// 1. The URL is joined to the base URL, and default headers are added.
/// 2. Capacity is waited for on the handshake's limit.
/// 3. [`Auth::ws_handshake`] signs, if the handshake asks for it. A refusal of the signature is shown to
///    [`Auth::on_rejected`], and what it proposes is tried: once per cause, charged and signed anew.
/// 4. The connection is opened.
/// 5. The scheme logs in ([`Auth::ws_login`]), before anything else is sent. Messages that come meanwhile are the
///    scheme's own.
///
/// A login that ends before the connection is renewed on it where the scheme can ([`Auth::ws_renewal`]); the messages of
/// the user go on meanwhile. A connection whose login cannot be renewed ends, with an error of kind
/// [`Login`](networkpype_core::ErrorKind::Login) or [`Auth`](networkpype_core::ErrorKind::Auth).
///
/// # Sending
///
/// Pre-processors, then waiting for capacity, then [`Auth::ws_authenticate`] if the message asks for it, then the
/// socket.
///
/// # Receiving
///
/// A task of the connection's own reads the socket, runs the post-processors, answers pings with their own payload
/// and sends pings itself, also while nobody receives. Messages wait in a bounded queue
/// ([`queue_capacity`](WebSocketManagerBuilder::queue_capacity)). When that is full, the task stops reading, which
/// slows the server down; nothing is dropped. The time in which it does not read counts for no deadline, so a slow
/// consumer is not taken for a dead connection. The task ends with the connection, and when the last manager and
/// stream of the connection are dropped.
///
/// # Limits
///
/// With a throttler that has limits, messages, the handshake and the login need one: their own, else the builder's
/// `default_limit` (for the handshake `connect_limit` first, for the login `login_limit`), or they say `unlimited`.
/// Pings, pongs and closes are charged to none.
#[derive(Clone)]
pub struct WebSocketManager(Arc<Shared>);

struct Shared {
    options: Arc<Options>,
    family: Arc<Family<Shared>>,
    current: Mutex<Option<Arc<Live>>>,
    /// Held while connecting: of two connects at a time the second finds the connection of the first.
    connecting: tokio::sync::Mutex<()>,
}

impl WebSocketManager {
    /// Sets options.
    pub fn builder() -> WebSocketManagerBuilder {
        WebSocketManagerBuilder::new()
    }

    pub(crate) fn new(options: Options) -> Self {
        Self::of_family(Arc::new(options), Arc::default())
    }

    fn of_family(options: Arc<Options>, family: Arc<Family<Shared>>) -> Self {
        let shared = Arc::new(Shared {
            options,
            family,
            current: Mutex::new(None),
            connecting: tokio::sync::Mutex::new(()),
        });
        shared.family.add(&shared);
        Self(shared)
    }

    /// Another manager with the same options and a connection of its own, for one more stream.
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self::of_family(Arc::clone(&self.0.options), Arc::clone(&self.0.family))
    }

    /// Connects and logs in. `handshake` may be a URL, absolute or relative to the base URL.
    ///
    /// Dropping the future drops the connection that was being made. After a connection was lost or closed, another
    /// call makes a new one; streams and messages of the old one stay with it. Needs a tokio runtime.
    ///
    /// # Errors
    /// When there is a connection already, the handshake cannot be built, signed or let through by the limits, its
    /// credentials may not go where it leads, the server does not upgrade
    /// ([`Status`](networkpype_core::ErrorKind::Status), with status, `Retry-After` and excerpt), or the login is
    /// refused or not answered ([`Login`](networkpype_core::ErrorKind::Login)).
    pub async fn connect(&self, handshake: impl Into<WebSocketHandshake>) -> Result<(), Error> {
        let handshake = handshake.into();
        let _one_at_a_time = self.0.connecting.lock().await;
        let closing = self.0.family.closing();
        if self.is_connected() {
            let message = "there is a connection already: disconnect first";
            return Err(Error::new(ErrorKind::Request, Outcome::NotSent, message));
        }
        // Whether it closes is asked first: a closed manager does not even begin to connect.
        let opening = pin!(opening::open(&self.0.options, handshake));
        let live = match select(pin!(closing), opening).await {
            Either::Left(_) => return Err(closed()),
            Either::Right((live, _)) => live?,
        };
        let mut current = self.current();
        // Whoever closes looks here after having said so.
        if self.0.family.is_closed() {
            return Err(closed());
        }
        *current = Some(Arc::new(live));
        Ok(())
    }

    /// Sends a message, and returns once it was handed to the socket.
    ///
    /// Dropping the future before it ends sends the message whole or not at all.
    ///
    /// # Errors
    /// When there is no connection, the message cannot be built, processed, let through by the limits or
    /// authenticated, its credentials may not go to this connection's origin, or the connection ends first. The
    /// [`outcome`](Error::outcome) is [`NotSent`](Outcome::NotSent) unless writing had begun.
    pub async fn send(&self, mut request: WebSocketRequest) -> Result<(), Error> {
        let live = self.open_connection()?;
        let options = &self.0.options;
        for processor in &options.pre_processors {
            request = processor.pre_process(request).await.map_err(|error| {
                Error::new(ErrorKind::Processor, Outcome::NotSent, "a pre-processor failed")
                    .with_source(error)
            })?;
        }
        if let Some(problem) = request.problem() {
            return Err(WireError::clone(problem).into());
        }
        let auth = match request.is_auth_required() {
            true => Some(options.credentials_for(&live.origin)?),
            false => None,
        };
        let limit = options.limits.resolve(request.limit_choice(), None)?;
        loop {
            let capacity = options.limits.acquire(limit, request.limit_weight(), None, None);
            let permit = live.while_open(capacity).await??;
            let mut signed = request.clone();
            if let Some(auth) = auth {
                signed.extensions_mut().insert(live.origin.clone());
                signed = auth.ws_authenticate(signed).await?;
            }
            match live.write(signed.into_frame()?, permit).await {
                // The server asked for a pause after the permit was given: wait again, and sign again after that.
                Err(error) if is_paused(&error) => tokio::task::yield_now().await,
                written => return written,
            }
        }
    }

    /// Sends a message that subscribes to something: the same as [`send`](Self::send).
    ///
    /// It is not sent again on another connection.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn subscribe(&self, request: WebSocketRequest) -> Result<(), Error> {
        self.send(request).await
    }

    /// Sends a ping of the caller's own, beside those that are sent to tell whether the connection is alive. The pong
    /// is not handed out. Charged to no limit.
    ///
    /// # Errors
    /// When there is no connection, it ends first, or `payload` is longer than 125 bytes.
    pub async fn ping(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        let payload = payload.into();
        if payload.len() > MAX_CONTROL {
            let message = "the payload of a ping may be 125 bytes long";
            return Err(Error::new(ErrorKind::Request, Outcome::NotSent, message));
        }
        self.open_connection()?.write(Frame::Ping(payload), Permit::unlimited()).await
    }

    /// The next message. Each goes to one caller, or to one stream.
    ///
    /// Dropping the future before it ends loses nothing.
    ///
    /// # Errors
    /// When a post-processor failed ([`Processor`](ErrorKind::Processor); the next call goes on), or the connection
    /// is over and there are no more messages: [`Disconnected`](ErrorKind::Disconnected) with the close frame after
    /// an orderly close, and otherwise what ended it. It stays so until the next [`connect`](Self::connect).
    pub async fn receive(&self) -> Result<WebSocketResponse, Error> {
        let live = self.current().clone().ok_or_else(not_connected)?;
        let mut reader = Reader::new(Arc::clone(&live.inbox));
        match poll_fn(|cx| reader.poll(cx)).await {
            Received::Item(item) => item,
            Received::End(end) => Err(end.error()),
        }
    }

    /// The messages of the present connection, and then why it ended. Without a connection, an error that says so.
    pub fn iter_messages(&self) -> WebSocketMessages {
        WebSocketMessages::of(self.current().clone())
    }

    /// When the present connection, or the last one, received anything: the answer to its handshake, messages, pings,
    /// pongs or its close. An instant of [`ticker`](Self::ticker); `None` before the first connection.
    pub fn last_recv_time(&self) -> Option<Ticks> {
        let current = self.current();
        Some(Ticks::from_nanos(current.as_ref()?.last_received.load(Ordering::Acquire)))
    }

    /// What this manager measures with: `ticker().now().saturating_since(last)` is how long ago something came.
    pub fn ticker(&self) -> Arc<dyn Ticker> {
        Arc::clone(&self.0.options.ticker)
    }

    /// Whether there is a connection that has not ended. One that is dead and not found out yet counts.
    pub fn is_connected(&self) -> bool {
        self.current().as_ref().is_some_and(|live| live.inbox.ended().is_none())
    }

    /// Closes the connection with code 1000, after what is being sent, and waits up to one second for the server to
    /// answer. Messages received before stay readable; those on their way are dropped.
    ///
    /// Does nothing without a connection; a second call waits for the first.
    pub async fn disconnect(&self) {
        let live = self.current().clone();
        if let Some(live) = live {
            live.stop();
            live.ended().await;
        }
    }

    /// Disconnects this manager and all its [siblings](Self::sibling), and refuses to connect from then on. Safe to
    /// call again.
    pub async fn close(&self) {
        self.0.family.close();
        let members = self.0.family.members().into_iter().map(|member| async move {
            // One that is still connecting finds out by itself.
            Self(member).disconnect().await;
        });
        futures_util::future::join_all(members).await;
    }

    fn open_connection(&self) -> Result<Arc<Live>, Error> {
        let live = self.current().clone().ok_or_else(not_connected)?;
        match live.inbox.ended() {
            Some(end) => Err(end.disconnected(Outcome::NotSent)),
            None => Ok(live),
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Live>>> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the throttle did not let a message start that it had granted.
fn is_paused(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<ThrottleError>());
    matches!(cause, Some(ThrottleError::NotYet { .. }))
}

impl fmt::Debug for WebSocketManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketManager")
            .field("options", &self.0.options)
            .field("connected", &self.is_connected())
            .finish()
    }
}

impl Options {
    /// The scheme, if it is to log in.
    pub(crate) fn login_auth(&self) -> Option<&Arc<dyn Auth>> {
        self.auth.as_ref().filter(|_| self.login)
    }

    /// The scheme, if it may sign for `origin`.
    pub(crate) fn credentials_for(&self, origin: &Origin) -> Result<&Arc<dyn Auth>, Error> {
        let auth = self.auth.as_ref().ok_or_else(|| {
            let missing = "authentication was asked for, and the manager has no `Auth`";
            Error::from(AuthError::new(AuthErrorKind::Credentials, missing))
        })?;
        self.origins.check(origin)?;
        if !auth.allows(origin) {
            let home = self.base.as_ref().map(|base| base.origin().clone());
            return Err(OriginRefused::by_scheme(home, origin.clone()).into());
        }
        Ok(auth)
    }
}

/// What managers and streams hold of a connection. When the last of them lets go, the connection is closed.
pub(crate) struct Live {
    pub(crate) origin: Origin,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) last_received: Arc<AtomicU64>,
    pub(crate) outgoing: mpsc::Sender<Outgoing>,
    /// Dropped or used, it has the connection closed.
    pub(crate) stop: Mutex<Option<oneshot::Sender<()>>>,
    pub(crate) running: watch::Receiver<()>,
}

impl Live {
    /// Hands `frame` to the connection's task and waits until it is written.
    async fn write(&self, frame: Frame, permit: Permit) -> Result<(), Error> {
        let (written, answer) = oneshot::channel();
        // What comes back unsent takes its permit with it, which gives its weight back.
        let queued = self.outgoing.send(Outgoing { frame, permit, written }).await;
        queued.map_err(|_| self.disconnected(Outcome::NotSent))?;
        answer.await.unwrap_or_else(|_| Err(self.disconnected(Outcome::Unknown)))
    }

    /// What `work` gives, unless the connection ends first.
    async fn while_open<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        match select(pin!(work), pin!(self.ended())).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(self.disconnected(Outcome::NotSent)),
        }
    }

    fn disconnected(&self, outcome: Outcome) -> Error {
        match self.inbox.ended() {
            Some(end) => end.disconnected(outcome),
            None => Error::new(ErrorKind::Disconnected, outcome, "the connection is closing"),
        }
    }

    fn stop(&self) {
        // Dropping it says it.
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    async fn ended(&self) {
        let mut running = self.running.clone();
        // Nothing is ever sent: it only ends.
        while running.changed().await.is_ok() {}
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, Outcome::NotSent, "the manager was closed")
}

pub(crate) fn not_connected() -> Error {
    Error::new(ErrorKind::Disconnected, Outcome::NotSent, "not connected")
}
