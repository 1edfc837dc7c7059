//! One piece of work for all who wait for it, which nobody's giving up ends.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// Work that is under way, or none.
pub(super) struct Flight<T> {
    running: Arc<Mutex<Option<watch::Receiver<Option<T>>>>>,
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    pub(super) fn new() -> Self {
        Self { running: Arc::default() }
    }

    /// Starts the work as a task of its own, unless it is under way already; `None` outside of a tokio runtime.
    pub(super) fn start<F>(&self, work: impl FnOnce() -> F) -> Option<Ticket<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut running = self.lock();
        if let Some(receiver) = &*running {
            return Some(Ticket(receiver.clone()));
        }
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let (sender, receiver) = watch::channel(None);
        *running = Some(receiver.clone());
        // A runtime that shuts down drops the task where it is spawned, and `over` with it, which takes the lock.
        drop(running);
        let over = Over(Arc::clone(&self.running));
        let work = work();
        runtime.spawn(async move {
            let result = work.await;
            // Whoever comes after this starts anew; whoever came before has a receiver.
            drop(over);
            let _ = sender.send(Some(result));
        });
        Some(Ticket(receiver))
    }

    fn lock(&self) -> MutexGuard<'_, Option<watch::Receiver<Option<T>>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the flight, also when the runtime that it is on shuts down.
struct Over<T>(Arc<Mutex<Option<watch::Receiver<Option<T>>>>>);

impl<T> Drop for Over<T> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A place among those who wait.
pub(super) struct Ticket<T>(watch::Receiver<Option<T>>);

impl<T: Clone> Ticket<T> {
    /// The result; `None` where the work was given up with its runtime.
    pub(super) async fn result(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|result| result.clone())
    }
}
