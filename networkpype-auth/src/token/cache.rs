use std::{
    fmt,
    future::Future,
    sync::{Arc, atomic::AtomicU64},
};

use networkpype_core::{Backoff, Clock, Ticker, Ticks};

use super::{
    ObtainedToken, StoredToken, Token, TokenCacheBuilder, TokenError, TokenErrorKind, TokenKey,
    TokenSource, TokenStore,
    entry::{Doubt, Entries, Entry},
    flight::Ticket,
    life::{Policy, Verdict},
};

/// How often somebody starts over whose request for a token was given up with the runtime that it was on, or panicked.
const TRIES: usize = 2;

/// Gives out tokens that may be used, and has each renewed once for all who need it.
///
/// - **One request at a time** per [`TokenKey`]: callers at the same time share it, and none who gives up ends it.
/// - **Renewed early**: within the last minute of its life, or the last quarter where that is shorter, a token is given out
///   while the next one is had in the background. When that fails, the old one goes on being used until its end, and the
///   next try waits a while, and as long as the issuer asks for.
/// - **Two clocks**: a lifetime counts from the instant at which the token was asked for, and on the monotonic clock; an end
///   given as a date counts by the wall clock. A token may be used while both say so. One that lived through a suspended
///   machine or a stepped clock is renewed.
/// - **Kept before it is used**: a new token is saved in the store before anybody gets it, and read from there where another
///   process was faster.
/// - **Many keys**: of those whose tokens have ended and that nobody uses, nothing is held for ever. What the store keeps is its
///   own affair.
///
/// It needs a tokio runtime with its timer enabled.
pub struct TokenCache {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) source: Arc<dyn TokenSource>,
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ticker: Arc<dyn Ticker>,
    pub(super) policy: Policy,
    pub(super) backoff: Backoff,
    pub(super) entries: Entries,
    /// The number of the last token that was held.
    pub(super) generation: AtomicU64,
}

impl TokenCache {
    /// A cache of what `source` gives out.
    pub fn builder(source: impl TokenSource + 'static) -> TokenCacheBuilder {
        TokenCacheBuilder::new(Arc::new(source))
    }

    /// A token of `key` that may be used now.
    ///
    /// # Errors
    /// When there is none and none can be had. While the issuer is in trouble, callers are told the last failure until the
    /// next try may be made.
    ///
    /// # Cancellation
    /// Dropping the future harms nobody: what is under way goes on for whoever asks next.
    pub async fn token(&self, key: &TokenKey) -> Result<Token, TokenError> {
        let entry = self.shared.entry(key);
        for _ in 0..TRIES {
            match self.shared.look(&entry) {
                Look::Use(token) => return Ok(token),
                Look::UseAndRenew(token) => {
                    // Nobody waits for this one, and while it fails the old one will do.
                    let _ = self.shared.renew(&entry, Wanted::NewerThan(token.generation));
                    return Ok(token);
                }
                Look::Failed(error) => return Err(error),
                Look::Renew => {}
            }
            if let Some(result) = self.shared.renew(&entry, Wanted::Usable)?.result().await {
                return result;
            }
        }
        Err(given_up())
    }

    /// Another token than the one of this generation, which a server has refused: the one that somebody else has had
    /// meanwhile, or a new one.
    ///
    /// One that was had in the last five seconds, or the last tenth of its life where that is less, may not have reached all
    /// servers yet, whoever had it: it is given out once more after a second. Where it is refused all the same, another is
    /// had, no oftener than every five seconds.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn token_after_refusal(
        &self,
        key: &TokenKey,
        refused: u64,
    ) -> Result<Token, TokenError> {
        let entry = self.shared.entry(key);
        for _ in 0..TRIES {
            let now = self.shared.ticker.now();
            let held = entry.lock().held.clone();
            match held {
                Some(held) if held.token.generation != refused => return self.token(key).await,
                Some(held) if held.life.is_settling(now) => {
                    let doubt = entry.lock().doubt(refused, now);
                    match doubt {
                        Doubt::TryAt(at) => {
                            self.shared.ticker.sleep_until(at).await;
                            return Ok(held.token);
                        }
                        Doubt::Keep => return Ok(held.token),
                        Doubt::Renew => {}
                    }
                }
                _ => entry.lock().given_up = Some((refused, now)),
            }
            if let Look::Failed(error) = self.shared.failed(&entry) {
                return Err(error);
            }
            if let Some(result) =
                self.shared.renew(&entry, Wanted::NewerThan(refused))?.result().await
            {
                return result;
            }
        }
        Err(given_up())
    }

    /// The token that comes after the one of this generation, once it is time for it: for whoever has shown that one for
    /// longer than a request, as when a WebSocket logs in.
    ///
    /// # Errors
    /// When that one has ended, or was [removed](Self::remove) or [replaced](Self::replace), and no other can be had.
    ///
    /// # Cancellation
    /// As [`token`](Self::token).
    pub async fn token_after(&self, key: &TokenKey, generation: u64) -> Result<Token, TokenError> {
        let shared = &self.shared;
        loop {
            let entry = shared.entry(key);
            let wake_at = match shared.successor(&entry, generation) {
                Successor::Ready => return self.token(key).await,
                Successor::Renew => {
                    // Where it fails, the state says when the next try may be made, and who has ended by then.
                    let renewed =
                        shared.renew(&entry, Wanted::NewerThan(generation))?.result().await;
                    renewed.is_none().then(given_up).map_or(Ok(()), Err)?;
                    continue;
                }
                Successor::NotBefore(at) => at,
            };
            shared.ticker.sleep_until(wake_at).await;
        }
    }

    /// Puts the token that `login` brings in place of the one there is, whatever that is.
    ///
    /// A renewal that is under way meanwhile does not put the one before back: it ends first, and where it waits for a
    /// person, this login is the one that it has waited for.
    ///
    /// # Errors
    /// Those of `login`. When the token cannot be saved: it is not used then, and saved by whoever asks for a token next.
    ///
    /// # Cancellation
    /// Dropping the future while `login` runs gives that up, with whatever it would have brought. From then on nothing is
    /// lost: the token is put in place and saved although nobody waits for it, for as long as the runtime runs.
    pub async fn replace(
        &self,
        key: &TokenKey,
        login: impl Future<Output = Result<ObtainedToken, TokenError>> + Send,
    ) -> Result<Token, TokenError> {
        self.shared.replace(&self.shared.entry(key), login).await
    }

    /// Lets go of the token of this key, here and in the store, and gives out what it was, for its issuer to take back.
    ///
    /// A renewal that is under way ends first, so that it does not put the token back; one that waits for a person pauses, and
    /// is given up once the token is removed.
    ///
    /// # Errors
    /// When the store cannot be used. Then everything stays as it is, and a person is waited for as before.
    pub async fn remove(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        self.shared.remove(&self.shared.entry(key)).await
    }
}

enum Look {
    Use(Token),
    UseAndRenew(Token),
    Renew,
    Failed(TokenError),
}

/// Whether it is time for another token than a certain one.
enum Successor {
    /// There is another, or the certain one has ended.
    Ready,
    Renew,
    NotBefore(Ticks),
}

/// What a renewal is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A token that may be used: one that another process has saved will do.
    Usable,
    /// One that is newer than the one of this generation, which is held.
    NewerThan(u64),
}

impl Shared {
    fn entry(&self, key: &TokenKey) -> Arc<Entry> {
        self.entries.get(key, || (self.ticker.now(), self.clock.now()))
    }

    fn look(&self, entry: &Entry) -> Look {
        let (now, wall) = (self.ticker.now(), self.clock.now());
        let state = entry.lock();
        let may_try = state.failed.as_ref().is_none_or(|(_, next)| *next <= now);
        if let Some(held) = &state.held {
            match held.life.verdict(now, wall) {
                Verdict::Usable => return Look::Use(held.token.clone()),
                Verdict::Due if may_try => return Look::UseAndRenew(held.token.clone()),
                Verdict::Due => return Look::Use(held.token.clone()),
                Verdict::Ended => {}
            }
        }
        match &state.failed {
            Some((error, _)) if !may_try => Look::Failed(error.clone()),
            _ => Look::Renew,
        }
    }

    fn successor(&self, entry: &Entry, generation: u64) -> Successor {
        let (now, wall) = (self.ticker.now(), self.clock.now());
        let state = entry.lock();
        let Some(held) = state.held.as_ref().filter(|held| held.token.generation == generation)
        else {
            return Successor::Ready;
        };
        match held.life.verdict(now, wall) {
            Verdict::Ended => Successor::Ready,
            Verdict::Usable => Successor::NotBefore(now + held.life.usable_for(now, wall)),
            Verdict::Due => match &state.failed {
                Some((_, next)) if *next > now => {
                    Successor::NotBefore((*next).min(now + held.life.left(now, wall)))
                }
                _ => Successor::Renew,
            },
        }
    }

    /// The last failure, where it is too early for another try.
    fn failed(&self, entry: &Entry) -> Look {
        let now = self.ticker.now();
        match &entry.lock().failed {
            Some((error, next)) if *next > now => Look::Failed(error.clone()),
            _ => Look::Renew,
        }
    }

    fn renew(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        wanted: Wanted,
    ) -> Result<Ticket<Result<Token, TokenError>>, TokenError> {
        let started = entry.flight.start(|| {
            let (shared, entry) = (Arc::clone(self), Arc::clone(entry));
            async move {
                let changed = entry.lock().changed;
                let result = shared.renew_now(&entry, wanted).await;
                let now = shared.ticker.now();
                let mut state = entry.lock();
                match &result {
                    Ok(_) => (state.failures, state.failed) = (0, None),
                    // It says nothing of what is there now.
                    Err(_) if state.changed != changed => {}
                    Err(error) => {
                        let wait = shared.backoff.delay(state.failures, fastrand::f64());
                        state.failures = state.failures.saturating_add(1);
                        let wait = wait.max(error.retry_after().unwrap_or_default());
                        state.failed = Some((error.clone(), now + wait));
                    }
                }
                drop(state);
                result
            }
        });
        started.ok_or_else(without_runtime)
    }
}

pub(super) fn given_up() -> TokenError {
    TokenError::new(TokenErrorKind::Unavailable, "the request for a token ended without an answer")
}

pub(super) fn without_runtime() -> TokenError {
    TokenError::new(TokenErrorKind::Unavailable, "tokens are had on a tokio runtime")
}

impl Clone for TokenCache {
    /// Both share one state.
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}
