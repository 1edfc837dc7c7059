//! Where do the servers run, and how do they stop?

use std::any::Any;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};

/// How long to wait for something before the test counts as failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A listener on loopback with a thread and a runtime of its own, so that a client may use any
/// runtime, or block it, without stalling the server.
#[derive(Debug)]
pub(crate) struct Host {
    addr: SocketAddr,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    panics: Panics,
}

impl Host {
    /// Binds port 0 and calls `serve` for every accepted connection; returns once bound.
    pub(crate) fn start<S, F>(name: &str, serve: S) -> Self
    where
        S: Fn(TcpStream, SocketAddr) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback can be bound");
        listener.set_nonblocking(true).expect("a listener can be made non-blocking");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let runtime =
            Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let panics = Panics::default();
        let noted = panics.clone();
        let thread = thread::Builder::new()
            .name(format!("{name}-{}", addr.port()))
            // The runtime is dropped at the end of the closure, and with it every connection.
            .spawn(move || runtime.block_on(accept(listener, stopped, serve, noted)))
            .expect("a thread can be started");
        Self { addr, handle, stop: Some(stop), thread: Some(thread), panics }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until the condition holds, looking again at every change. The timer is the server's,
    /// so the caller needs no runtime of any kind.
    pub(crate) async fn wait_until(
        &self,
        changed: &watch::Sender<()>,
        condition: impl Fn() -> bool,
    ) {
        let mut changes = changed.subscribe();
        let mut too_late = self.handle.spawn(tokio::time::sleep(PATIENCE));
        while !condition() {
            let change = Box::pin(changes.changed());
            if let Either::Right(_) = select(change, &mut too_late).await {
                panic!("the local server waited {PATIENCE:?} in vain");
            }
        }
        too_late.abort();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Nobody listens any more when the accept loop itself panicked; the join below tells.
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(Err(panic)) = self.thread.take().map(thread::JoinHandle::join) {
            self.panics.note(panic.as_ref());
        }
        let panics = self.panics.taken();
        if !panics.is_empty() && !thread::panicking() {
            panic!("a handler of the local server panicked: {}", panics.join("; "));
        }
    }
}

async fn accept<S, F>(
    listener: StdListener,
    mut stopped: oneshot::Receiver<()>,
    serve: S,
    panics: Panics,
) where
    S: Fn(TcpStream, SocketAddr) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::from_std(listener).expect("a listener can join the runtime");
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => accepted,
        };
        // A connection that was reset while it waited to be accepted is nobody's failure.
        let Ok((stream, peer)) = accepted else {
            continue;
        };
        let panics = panics.clone();
        let serving = AssertUnwindSafe(serve(stream, peer)).catch_unwind();
        tokio::spawn(async move {
            if let Err(panic) = serving.await {
                panics.note(panic.as_ref());
            }
        });
    }
}

#[derive(Clone, Debug, Default)]
struct Panics(Arc<Mutex<Vec<String>>>);

impl Panics {
    fn note(&self, panic: &(dyn Any + Send)) {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
