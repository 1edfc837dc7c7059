//! What is held of one key.

use std::sync::{Mutex, MutexGuard, PoisonError};

use networkpype_core::{Secret, Ticks};

use super::{Token, TokenError, TokenKey, flight::Flight, life::Life};

/// The tokens of one key.
pub(super) struct Entry {
    pub(super) key: TokenKey,
    pub(super) state: Mutex<State>,
    pub(super) flight: Flight<Result<Token, TokenError>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) held: Option<Held>,
    /// Failures in a row, the last of them, and when the next try may be made.
    pub(super) failures: u32,
    pub(super) failed: Option<(TokenError, Ticks)>,
    /// Had, and not saved yet: it must not be used before that.
    pub(super) unsaved: Option<Held>,
    /// The refresh token that the issuer takes no more: it need not be asked again.
    pub(super) used_up: Option<Secret>,
}

#[derive(Clone)]
pub(super) struct Held {
    pub(super) token: Token,
    pub(super) refresh: Option<Secret>,
    pub(super) life: Life,
}

impl Entry {
    pub(super) fn new(key: TokenKey) -> Self {
        Self { key, state: Mutex::default(), flight: Flight::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No foreign code runs under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
