use std::{sync::Arc, time::Duration};

use networkpype_core::Ticker;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Lets calls in until it is closed, and then waits for those inside.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    inside: TaskTracker,
    closing: CancellationToken,
    cancelled: CancellationToken,
    closed: CancellationToken,
}

impl Gate {
    /// A place inside for as long as the token lives, `None` once the gate is closing.
    pub(crate) fn enter(&self) -> Option<TaskTrackerToken> {
        let token = self.inside.token();
        // Asked after the token was taken, so that `close` either sees the token or is seen here.
        (!self.closing.is_cancelled()).then_some(token)
    }

    /// Ends when those inside must leave.
    pub(crate) async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Lets nobody in any more, waits for those inside for `grace`, and then has them leave. A second caller waits
    /// for the first.
    pub(crate) async fn close(&self, grace: Duration, ticker: &Arc<dyn Ticker>) {
        self.closing.cancel();
        self.inside.close();
        tokio::select! {
            () = self.inside.wait() => {}
            () = ticker.sleep_until(ticker.now() + grace) => {
                self.cancelled.cancel();
                self.inside.wait().await;
            }
            () = self.closed.cancelled() => {}
        }
        self.closed.cancel();
    }
}
