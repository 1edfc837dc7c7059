use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, StatusCode};

use crate::{Permit, Progress, ThrottleError, Ticker};

/// How far the sending of one request has come: reported by the transport, and readable at any moment, also after the
/// sending was cut off. It holds the request's permit, which starts with the first byte.
///
/// Reading it for good, with [`cut`](Self::cut), and beginning to write exclude each other: what was found unsent is
/// never sent later. Clones are one.
#[derive(Clone)]
pub struct SendProgress {
    state: Arc<Mutex<State>>,
    ticker: Arc<dyn Ticker>,
}

struct State {
    stage: Stage,
    permit: Option<Permit>,
    /// Why the throttle did not let it begin.
    refusal: Option<ThrottleError>,
    finished: bool,
}

enum Stage {
    NotSent,
    /// Nobody waits for it any more: it must not be sent.
    Cut,
    Writing,
    Answered(StatusCode, HeaderMap),
}

impl SendProgress {
    /// Nothing was written yet, and `permit` was not started.
    pub fn new(permit: Permit, ticker: Arc<dyn Ticker>) -> Self {
        let state =
            State { stage: Stage::NotSent, permit: Some(permit), refusal: None, finished: false };
        Self { state: Arc::new(Mutex::new(state)), ticker }
    }

    /// Whether the first byte may be written, which is about to happen. For transports: when it says no, the request
    /// was cut off, or the throttle has closed since it gave the permit, and it must not be sent. May be asked more than
    /// once.
    #[must_use = "a request that was cut off must not be sent"]
    pub fn begin(&self) -> bool {
        {
            let mut state = self.lock();
            match state.stage {
                Stage::Cut => return false,
                Stage::Writing | Stage::Answered(..) => return true,
                Stage::NotSent => state.stage = Stage::Writing,
            }
        }
        let Some(Err(refusal)) = self.with_permit(Permit::started) else { return true };
        let mut state = self.lock();
        if matches!(state.stage, Stage::Writing) {
            state.stage = Stage::Cut;
        }
        state.refusal = Some(refusal);
        false
    }

    /// Why the throttle did not let it [begin](Self::begin), if that is what became of it. For managers.
    pub fn refusal(&self) -> Option<ThrottleError> {
        self.lock().refusal.clone()
    }

    /// The head of the response has arrived. For transports, which may say so more than once.
    pub fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        let _ = self.begin();
        let at = self.ticker.now();
        {
            let mut state = self.lock();
            if matches!(state.stage, Stage::Answered(..)) {
                return;
            }
            state.stage = Stage::Answered(status, headers.clone());
        }
        self.with_permit(|permit| permit.answered(at));
    }

    /// How far it has come, for good: what was not begun is not sent any more. For managers.
    pub fn cut(&self) -> Progress {
        let mut state = self.lock();
        if matches!(state.stage, Stage::NotSent) {
            state.stage = Stage::Cut;
        }
        drop(state);
        self.progress()
    }

    /// It turned out that nothing was written after all: the permit is given back. For managers.
    pub fn was_not_sent(&self) {
        let permit = {
            let mut state = self.lock();
            state.stage = Stage::Cut;
            state.permit.take()
        };
        if let Some(permit) = permit {
            permit.refund();
        }
    }

    /// Nobody waits any more: what was not begun is not sent, and the permit is let go, which gives its weight back
    /// unless it was started. For managers.
    pub fn finish(&self) {
        self.cut();
        let permit = {
            let mut state = self.lock();
            state.finished = true;
            state.permit.take()
        };
        drop(permit);
    }

    /// How far it has come so far.
    pub fn progress(&self) -> Progress {
        match &self.lock().stage {
            Stage::NotSent | Stage::Cut => Progress::NotSent,
            Stage::Writing => Progress::Sent,
            Stage::Answered(status, _) => Progress::Answered(*status),
        }
    }

    /// Whether it was cut off before it was begun.
    pub fn is_cut(&self) -> bool {
        matches!(self.lock().stage, Stage::Cut)
    }

    /// The head of the response, where it has arrived.
    pub fn head(&self) -> Option<(StatusCode, HeaderMap)> {
        match &self.lock().stage {
            Stage::Answered(status, headers) => Some((*status, headers.clone())),
            _ => None,
        }
    }

    /// Tells the permit something without holding the lock: a throttle may wake others while it hears it.
    fn with_permit<R>(&self, tell: impl FnOnce(&mut Permit) -> R) -> Option<R> {
        let mut permit = self.lock().permit.take()?;
        let told = tell(&mut permit);
        let mut state = self.lock();
        if !state.finished {
            state.permit = Some(permit);
        }
        Some(told)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SendProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendProgress").field(&self.progress()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PermitHandle, Sleep, Ticks};

    struct Never;

    impl Ticker for Never {
        fn now(&self) -> Ticks {
            Ticks::ZERO
        }

        fn sleep_until(&self, _: Ticks) -> Sleep {
            Box::pin(std::future::pending())
        }
    }

    fn fresh() -> SendProgress {
        SendProgress::new(Permit::unlimited(), Arc::new(Never))
    }

    struct Closed;

    impl PermitHandle for Closed {
        fn started(&mut self) -> Result<(), ThrottleError> {
            Err(ThrottleError::Closed)
        }

        fn refund(&mut self) {}
    }

    #[test]
    fn what_the_throttle_refuses_at_the_last_moment_is_not_begun() {
        let progress = SendProgress::new(Permit::new(Closed), Arc::new(Never));
        assert_eq!(progress.refusal(), None);
        for _ in 0..2 {
            assert!(!progress.begin() && progress.is_cut());
            assert_eq!(progress.progress(), Progress::NotSent);
            assert_eq!(progress.refusal(), Some(ThrottleError::Closed));
        }
    }

    #[test]
    fn what_was_found_unsent_is_never_begun() {
        let progress = fresh();
        assert_eq!(progress.cut(), Progress::NotSent);
        assert!(!progress.begin() && progress.is_cut());
        assert_eq!(progress.progress(), Progress::NotSent);
        let begun = fresh();
        assert!(begun.begin());
        assert_eq!(begun.cut(), Progress::Sent);
        assert!(begun.begin(), "what was begun goes on");
    }

    #[test]
    fn beginning_and_cutting_exclude_each_other() {
        for _ in 0..500 {
            let progress = fresh();
            let other = progress.clone();
            let writer = std::thread::spawn(move || other.begin());
            let found = progress.cut();
            let began = writer.join().expect("writer");
            assert_eq!(found == Progress::Sent, began, "one of them came first");
        }
    }
}
