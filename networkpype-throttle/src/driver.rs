use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use networkpype_core::{Sleep, Ticks};

use crate::shared::{Drive, Shared};

/// The task that minds the time for everybody who waits on one throttler.
///
/// It owns the timer so that no waiter has to: one that is alive but never polled would stop all others with it. It
/// ends when nobody waits, and keeps nothing alive that nobody else does.
pub(crate) struct Driver {
    shared: Weak<Shared>,
    sleep: Option<(Ticks, Sleep)>,
    stage: Stage,
}

#[derive(PartialEq)]
enum Stage {
    Waiting,
    /// In `poll`; still so when dropped if that panicked.
    Polled,
    Ended,
}

impl Driver {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared), sleep: None, stage: Stage::Waiting }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Once to see what is due and once to sleep again. More only if a foreign ticker ends sleeps too early, which
        // must not keep the runtime from everything else.
        for _ in 0..2 {
            let Some(shared) = self.shared.upgrade() else { return Poll::Ready(()) };
            let until = match shared.drive(cx.waker()) {
                Drive::End => return Poll::Ready(()),
                Drive::Sleep(None) => {
                    self.sleep = None;
                    return Poll::Pending;
                }
                Drive::Sleep(Some(until)) => until,
            };
            let sleep = match &mut self.sleep {
                Some((armed, sleep)) if *armed == until => sleep,
                other => &mut other.insert((until, shared.ticker().sleep_until(until))).1,
            };
            drop(shared);
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.stage = Stage::Polled;
        let turn = self.turn(cx);
        self.stage = if turn.is_ready() { Stage::Ended } else { Stage::Waiting };
        turn
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.stage != Stage::Ended
            && let Some(shared) = self.shared.upgrade()
        {
            shared.driver_gone(self.stage == Stage::Polled);
        }
    }
}
