//! What is held of one key, and of which keys.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use networkpype_core::{Secret, Ticks, Timestamp};
use tokio::sync::watch;

use super::{
    StoredToken, Token, TokenError, TokenKey,
    flight::Flight,
    life::{Life, Verdict},
};

/// How long a young token that was refused is given to reach all servers.
const SETTLING_WAIT: Duration = Duration::from_secs(1);

/// How long it is at least from one renewal of a young token that was refused to the next: an API that refuses every token
/// does not have one asked for with each call.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(5);

/// So many keys may be held before it is looked which of them nobody needs any more.
const FEW: usize = 64;

/// The tokens of one key.
pub(super) struct Entry {
    pub(super) key: TokenKey,
    state: Mutex<State>,
    pub(super) flight: Flight<Result<Token, TokenError>>,
    /// Who has it renews the token, puts another in its place or removes it.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// How many want to put another token in its place, or remove it.
    changes: watch::Sender<usize>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) held: Option<Held>,
    /// Failures in a row, the last of them, and when the next try may be made.
    pub(super) failures: u32,
    pub(super) failed: Option<(TokenError, Ticks)>,
    /// Had, and not saved yet: it must not be used before that.
    pub(super) unsaved: Option<Unsaved>,
    /// The refresh token that the issuer takes no more: it need not be asked again.
    pub(super) used_up: Option<Secret>,
    /// How often another token was put in place, or it was removed.
    pub(super) changed: u64,
    /// The young token that a server has refused, and until when it is given the time to get there.
    pub(super) doubted: Option<(u64, Ticks)>,
    /// The token that was renewed last for being refused, and when.
    pub(super) given_up: Option<(u64, Ticks)>,
}

/// What is done about a token that was refused although it is young.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It may not have reached all servers yet: it is tried again then.
    TryAt(Ticks),
    /// It has had its time.
    Renew,
    /// So was the one before it, moments ago: the next would be refused likewise.
    Keep,
}

impl State {
    /// Of the young token of this generation, which was refused at `now`.
    pub(super) fn doubt(&mut self, refused: u64, now: Ticks) -> Doubt {
        match self.doubted {
            Some((doubted, until)) if doubted == refused && now >= until => match self.given_up {
                Some((other, at)) if other != refused && now < at + BETWEEN_RENEWALS => Doubt::Keep,
                // Of many at once the others wait for the same one.
                Some((same, _)) if same == refused => Doubt::Renew,
                _ => {
                    self.given_up = Some((refused, now));
                    Doubt::Renew
                }
            },
            Some((doubted, until)) if doubted == refused => Doubt::TryAt(until),
            _ => {
                let until = now + SETTLING_WAIT;
                self.doubted = Some((refused, until));
                Doubt::TryAt(until)
            }
        }
    }
}

#[derive(Clone)]
pub(super) struct Held {
    pub(super) token: Token,
    pub(super) refresh: Option<Secret>,
    pub(super) life: Life,
}

#[derive(Clone)]
pub(super) struct Unsaved {
    pub(super) held: Held,
    /// What the store held in its place when it was to be saved, or could not be, as far as that is known.
    pub(super) instead: Instead,
}

#[derive(Clone)]
pub(super) enum Instead {
    /// Whatever there is: nobody has tried yet to save it.
    Unknown,
    /// This access token, or none.
    Known(Option<Secret>),
}

impl Unsaved {
    /// Whether another process has saved a token since, or removed one: that is newer, and stays. So does this one where it
    /// was saved although nobody was told.
    pub(super) fn is_outdated(&self, stored: Option<&StoredToken>) -> bool {
        let now = stored.map(|stored| stored.access.expose_bytes());
        match &self.instead {
            Instead::Known(then) => now != then.as_ref().map(Secret::expose_bytes),
            Instead::Unknown => false,
        }
    }
}

impl Entry {
    fn new(key: TokenKey) -> Self {
        Self {
            key,
            state: Mutex::default(),
            flight: Flight::new(),
            turn: tokio::sync::Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No foreign code runs under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything, for another token or none.
    pub(super) fn begin_anew(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        *state = State { changed: state.changed + 1, ..State::default() };
        state
    }

    /// Says that the token is about to be changed, until this is dropped.
    pub(super) fn change(&self) -> Change<'_> {
        self.changes.send_modify(|changes| *changes += 1);
        Change(self)
    }

    /// Waits until somebody wants to change the token, or until nobody does.
    pub(super) async fn until_changing(&self, changing: bool) {
        // It ends with an error only where the sender is gone, which this entry has.
        let _ = self.changes.subscribe().wait_for(|changes| (*changes > 0) == changing).await;
    }

    /// Whether nothing would be lost with it: all that it holds has ended, or is in the store.
    fn is_over(&self, now: Ticks, wall: Timestamp) -> bool {
        let state = self.lock();
        let lives = |held: &Held| held.life.verdict(now, wall) != Verdict::Ended;
        !state.held.as_ref().is_some_and(lives)
            && state.unsaved.is_none()
            && state.failed.as_ref().is_none_or(|(_, next)| *next <= now)
    }
}

impl Held {
    /// As a store keeps it.
    pub(super) fn stored(&self) -> StoredToken {
        StoredToken {
            access: self.token.access.clone(),
            refresh: self.refresh.clone(),
            until: self.life.until(),
            issued: self.life.issued(),
            scope: self.token.scope.clone(),
        }
    }
}

/// Somebody wants to change a token.
pub(super) struct Change<'a>(&'a Entry);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.changes.send_modify(|changes| *changes = changes.saturating_sub(1));
    }
}

/// The entries of all keys.
pub(super) struct Entries(Mutex<Known>);

struct Known {
    entries: BTreeMap<TokenKey, Arc<Entry>>,
    /// With so many it is looked which of them nobody needs any more.
    many: usize,
}

impl Entries {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Known { entries: BTreeMap::new(), many: FEW }))
    }

    /// The entry of this key. Where there are many, those are let go whose tokens have ended and that nobody uses.
    pub(super) fn get(
        &self,
        key: &TokenKey,
        now: impl FnOnce() -> (Ticks, Timestamp),
    ) -> Arc<Entry> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.entries.get(key) {
            return Arc::clone(entry);
        }
        if known.entries.len() >= known.many {
            let (now, wall) = now();
            // Whoever waits for one, or works on it, has it too, and got it under this lock.
            known
                .entries
                .retain(|_, entry| Arc::strong_count(entry) > 1 || !entry.is_over(now, wall));
            known.many = FEW.max(2 * known.entries.len());
        }
        let entry = Arc::new(Entry::new(key.clone()));
        known.entries.insert(key.clone(), Arc::clone(&entry));
        entry
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::{Lifetime, TokenErrorKind, life::Policy};

    fn held(secs: u64) -> Held {
        let policy = Policy {
            early: Duration::ZERO,
            unknown: Duration::from_secs(600),
            shortest: Duration::from_secs(10),
        };
        let lifetime = Lifetime::of(Duration::from_secs(secs));
        let life = Life::new(lifetime, Ticks::ZERO, Timestamp::UNIX_EPOCH, policy, 0.0);
        let token = Token { access: Secret::new("t"), generation: 1, scope: None };
        Held { token, refresh: Some(Secret::new("r")), life }
    }

    fn key(number: usize) -> TokenKey {
        TokenKey::new(number.to_string())
    }

    fn later() -> (Ticks, Timestamp) {
        (Ticks::ZERO + Duration::from_secs(100), Timestamp::from_secs(100))
    }

    #[test]
    fn of_a_hundred_thousand_keys_none_is_held_whose_token_has_ended() {
        let entries = Entries::new();
        for number in 0..100_000 {
            entries.get(&key(number), later).lock().held = Some(held(50));
        }
        let many = entries.0.lock().expect("lock").entries.len();
        assert!(many <= FEW, "{many}");
    }

    #[test]
    fn what_somebody_needs_yet_stays_however_many_keys_there_are() {
        let entries = Entries::new();
        let error = TokenError::new(TokenErrorKind::Unavailable, "busy");
        let held_by_nobody = |number, state| {
            let entry = entries.get(&key(number), later);
            *entry.lock() = state;
            Arc::downgrade(&entry)
        };
        let unsaved = Unsaved { held: held(1), instead: Instead::Unknown };
        let wait = later().0 + Duration::from_secs(1);
        let stay = [
            held_by_nobody(1, State { held: Some(held(101)), ..State::default() }),
            held_by_nobody(2, State { unsaved: Some(unsaved), ..State::default() }),
            held_by_nobody(3, State { failed: Some((error, wait)), ..State::default() }),
        ];
        let waited_for = entries.get(&key(4), later);
        for number in 10..1000 {
            entries.get(&key(number), later);
        }
        for (number, entry) in stay.iter().enumerate() {
            assert!(entry.upgrade().is_some(), "{number}");
        }
        assert!(Arc::ptr_eq(&waited_for, &entries.get(&key(4), later)));
    }
}
