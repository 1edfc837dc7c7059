use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use networkpype_core::{Ticker, Ticks};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// How long those who were told to leave are waited for: a call whose future nobody polls never leaves.
const LEAVING: Duration = Duration::from_secs(1);

/// Lets calls in until it is closed, and then waits for those inside.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    inside: TaskTracker,
    /// When those inside must leave, set by the first who closes.
    closing: Arc<OnceLock<Ticks>>,
    cancelled: CancellationToken,
}

impl Gate {
    /// A place inside for as long as the token lives, `None` once the gate is closing.
    pub(crate) fn enter(&self) -> Option<TaskTrackerToken> {
        let token = self.inside.token();
        // Asked after the token was taken, so that `close` either sees the token or is seen here.
        self.closing.get().is_none().then_some(token)
    }

    /// Ends when those inside must leave.
    pub(crate) async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Lets nobody in any more, waits for those inside for `grace`, and then has them leave. Whoever comes second waits
    /// as long as the first.
    pub(crate) async fn close(&self, grace: Duration, ticker: &Arc<dyn Ticker>) {
        let leave_at = *self.closing.get_or_init(|| ticker.now() + grace);
        self.inside.close();
        tokio::select! {
            () = self.inside.wait() => return,
            () = ticker.sleep_until(leave_at) => self.cancelled.cancel(),
        }
        tokio::select! {
            () = self.inside.wait() => {}
            () = ticker.sleep_until(leave_at + LEAVING) => {}
        }
    }
}
