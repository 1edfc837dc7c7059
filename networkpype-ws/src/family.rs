use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

/// Those who end together.
pub(crate) struct Family<T> {
    closed: watch::Sender<bool>,
    members: Mutex<Vec<Weak<T>>>,
}

impl<T> Family<T> {
    pub(crate) fn add(&self, member: &Arc<T>) {
        let mut members = self.lock();
        // Those who have gone are forgotten whenever somebody comes, so the list is as long as there are members.
        members.retain(|member| member.strong_count() > 0);
        members.push(Arc::downgrade(member));
    }

    /// Those who are still there.
    pub(crate) fn members(&self) -> Vec<Arc<T>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Ends when the family is closed, at once if it is.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + use<T> {
        let mut closed = self.closed.subscribe();
        async move {
            // It fails when the family is gone, and then nobody can close it.
            if closed.wait_for(|closed| *closed).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<T>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Family<T> {
    fn default() -> Self {
        Self { closed: watch::Sender::new(false), members: Mutex::default() }
    }
}
