use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, StatusCode};

use crate::{Permit, Progress, Ticker};

/// How far the sending of one request has come: reported by the transport, and readable at any moment, also after the
/// sending was cut off. It holds the request's permit, which starts with the first byte.
///
/// Clones are one.
#[derive(Clone)]
pub struct SendProgress(Arc<Mutex<State>>);

struct State {
    stage: Stage,
    permit: Option<Permit>,
    ticker: Arc<dyn Ticker>,
}

enum Stage {
    NotSent,
    Writing,
    Answered(StatusCode, HeaderMap),
}

impl SendProgress {
    /// Nothing was written yet, and `permit` was not started.
    pub fn new(permit: Permit, ticker: Arc<dyn Ticker>) -> Self {
        Self(Arc::new(Mutex::new(State { stage: Stage::NotSent, permit: Some(permit), ticker })))
    }

    /// The first byte is about to be written. For transports, which may say so more than once.
    pub fn writing(&self) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::NotSent) {
            state.stage = Stage::Writing;
            if let Some(permit) = &mut state.permit {
                permit.started();
            }
        }
    }

    /// The head of the response has arrived. For transports, which may say so more than once.
    pub fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        self.writing();
        let mut state = self.lock();
        if matches!(state.stage, Stage::Answered(..)) {
            return;
        }
        let at = state.ticker.now();
        state.stage = Stage::Answered(status, headers.clone());
        if let Some(permit) = &mut state.permit {
            permit.answered(at);
        }
    }

    /// It turned out that nothing was written after all: the permit is given back. For managers.
    pub fn was_not_sent(&self) {
        let permit = {
            let mut state = self.lock();
            state.stage = Stage::NotSent;
            state.permit.take()
        };
        if let Some(permit) = permit {
            permit.refund();
        }
    }

    /// Nothing more will be sent: the permit is let go, and gives its weight back unless it was started. For managers.
    pub fn finish(&self) {
        let permit = self.lock().permit.take();
        drop(permit);
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        match &self.lock().stage {
            Stage::NotSent => Progress::NotSent,
            Stage::Writing => Progress::Sent,
            Stage::Answered(status, _) => Progress::Answered(*status),
        }
    }

    /// The head of the response, where it has arrived.
    pub fn head(&self) -> Option<(StatusCode, HeaderMap)> {
        match &self.lock().stage {
            Stage::Answered(status, headers) => Some((*status, headers.clone())),
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A throttle that panics while a permit starts leaves the stage as it was.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SendProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendProgress").field(&self.progress()).finish()
    }
}
