//! How is the next token had, and in which order is it kept?

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::Ordering,
    task::Poll,
};

use networkpype_core::{Secret, Ticks, Timestamp};
use tokio::sync::MutexGuard;

use super::{
    Lifetime, ObtainedToken, StoredToken, Token, TokenError, TokenErrorKind, TokenLock,
    cache::{Shared, Wanted},
    entry::{Entry, Held, Instead, Unsaved},
    life::{Life, Verdict},
};

/// While somebody has this, nobody else changes the token: no other process, and nobody here.
type Turn<'e> = (Box<dyn TokenLock>, MutexGuard<'e, ()>);

impl Shared {
    pub(super) async fn renew_now(
        &self,
        entry: &Entry,
        wanted: Wanted,
    ) -> Result<Token, TokenError> {
        if let Some(token) = self.in_turn(entry, wanted).await? {
            return Ok(token);
        }
        entry.until_changing(false).await;
        let held = entry.lock().held.clone();
        let (now, wall) = (self.ticker.now(), self.clock.now());
        match held.filter(|held| held.life.verdict(now, wall) != Verdict::Ended) {
            Some(held) => Ok(held.token),
            None => Err(TokenError::new(
                TokenErrorKind::ReauthenticationRequired,
                "the login was given up: meanwhile somebody has logged out",
            )),
        }
    }

    /// The next token; `None` where somebody has changed the token meanwhile.
    async fn in_turn(&self, entry: &Entry, wanted: Wanted) -> Result<Option<Token>, TokenError> {
        let mine = entry.turn.lock().await;
        // Whoever had the turn may have brought one: a login, say.
        if let Some(token) = self.had_meanwhile(entry, wanted) {
            return Ok(Some(token));
        }
        // Also for what was not saved: another process may have the key's token in hand.
        let mut turn = Some((self.store.lock(&entry.key).await?, mine));
        // Taken out of the state first: nothing is locked while something is awaited.
        let unsaved = entry.lock().unsaved.clone();
        let mut stored = self.store.load(&entry.key).await?;
        if let Some(unsaved) = unsaved.filter(|unsaved| !unsaved.is_outdated(stored.as_ref())) {
            let held = unsaved.held;
            stored = Some(held.stored());
            let verdict = held.life.verdict(self.ticker.now(), self.clock.now());
            let token = self.save(entry, held).await?;
            // One that has ended while it could not be saved is good for its refresh token alone.
            if verdict != Verdict::Ended {
                return Ok(Some(token));
            }
        }
        let held = {
            let mut state = entry.lock();
            state.unsaved = None;
            state.held.clone()
        };
        if let Some(token) = self.adopt(entry, held.as_ref(), stored.as_ref(), wanted) {
            return Ok(Some(token));
        }
        // Another process may have saved a newer one than this one remembers, or none: then somebody has logged out there.
        let refresh = stored.as_ref().and_then(|stored| stored.refresh.clone());
        let is_used_up = |refresh: &Secret| {
            let used_up = entry.lock().used_up.clone();
            used_up.is_some_and(|used_up| used_up.expose_bytes() == refresh.expose_bytes())
        };
        if refresh.as_ref().is_some_and(is_used_up) {
            return Err(login_again());
        }
        let obtained = match self.obtain(entry, refresh.as_ref(), &mut turn).await {
            Err(error) if error.kind() == TokenErrorKind::InvalidGrant => {
                self.after_invalid_grant(entry, refresh.as_ref(), error, &mut turn).await?
            }
            result => result?,
        };
        let Some(obtained) = obtained else { return Ok(None) };
        let token = self.keep(entry, obtained).await;
        drop(turn);
        token.map(Some)
    }

    fn had_meanwhile(&self, entry: &Entry, wanted: Wanted) -> Option<Token> {
        let (now, wall) = (self.ticker.now(), self.clock.now());
        let held = entry.lock().held.clone()?;
        let is_wanted = match wanted {
            Wanted::Usable => true,
            Wanted::NewerThan(generation) => held.token.generation != generation,
        };
        let lives = held.life.verdict(now, wall) != Verdict::Ended;
        (is_wanted && lives).then_some(held.token)
    }

    /// What the store holds, where that is another token than the one that is held, and will do.
    fn adopt(
        &self,
        entry: &Entry,
        held: Option<&Held>,
        stored: Option<&StoredToken>,
        wanted: Wanted,
    ) -> Option<Token> {
        let stored = stored?;
        let is_held = held
            .is_some_and(|held| held.token.access.expose_bytes() == stored.access.expose_bytes());
        // Without a known end it may be of yesterday.
        let until = stored.until.filter(|_| !is_held)?;
        let (now, wall) = (self.ticker.now(), self.clock.now());
        if until <= wall || matches!(wanted, Wanted::NewerThan(_)) && held.is_none() {
            return None;
        }
        let lifetime = Lifetime::until(until);
        let life =
            Life::new(lifetime, now, wall, self.policy, fastrand::f64()).found(stored.issued);
        let (access, refresh) = (stored.access.clone(), stored.refresh.clone());
        Some(self.hold(entry, access, refresh, stored.scope.clone(), life))
    }

    /// A token of the source's; `None` where somebody has changed the token meanwhile.
    async fn obtain<'e>(
        &self,
        entry: &'e Entry,
        refresh: Option<&Secret>,
        turn: &mut Option<Turn<'e>>,
    ) -> Result<Option<Held>, TokenError> {
        let asked = (self.ticker.now(), self.clock.now());
        let mut obtaining = self.source.obtain(&entry.key, refresh);
        let obtained = match self.source.time_limit(&entry.key, refresh) {
            None => loop {
                match until(entry.until_changing(true), &mut obtaining).await {
                    Some(obtained) => break obtained,
                    // A change that has failed is none: the person who is waited for notices nothing.
                    None if self.give_way(entry, turn).await? => {}
                    None => return Ok(None),
                }
            },
            // Not for somebody who changes the token, either: what came of the refresh token would be lost.
            Some(limit) => {
                let over = self.ticker.sleep_until(asked.0 + limit);
                until(over, obtaining).await.unwrap_or_else(|| {
                    let message = format!("the issuer has not answered within {limit:?}");
                    Err(TokenError::new(TokenErrorKind::Unavailable, message))
                })
            }
        };
        Ok(Some(self.held(obtained?, refresh.cloned(), asked)))
    }

    /// Lets somebody change the token who wants to. Whether it has stayed as it was, and is this one's turn again.
    async fn give_way<'e>(
        &self,
        entry: &'e Entry,
        turn: &mut Option<Turn<'e>>,
    ) -> Result<bool, TokenError> {
        let changed = entry.lock().changed;
        let is_as_it_was = || entry.lock().changed == changed;
        *turn = None;
        entry.until_changing(false).await;
        if is_as_it_was() {
            let mine = entry.turn.lock().await;
            *turn = Some((self.store.lock(&entry.key).await?, mine));
        }
        Ok(is_as_it_was())
    }

    /// A token that was asked for at that instant, with this refresh token.
    pub(super) fn held(
        &self,
        obtained: ObtainedToken,
        refresh: Option<Secret>,
        asked: (Ticks, Timestamp),
    ) -> Held {
        let ObtainedToken { access, lifetime, refresh: rotated, scope } = obtained;
        let life = Life::new(lifetime, asked.0, asked.1, self.policy, fastrand::f64());
        let token = Token { access, generation: 0, scope };
        // An issuer that gives out no new refresh token means the old one to be kept.
        Held { token, refresh: rotated.or(refresh), life }
    }

    /// Another process may have used the refresh token up and saved the next one: that is tried once.
    async fn after_invalid_grant<'e>(
        &self,
        entry: &'e Entry,
        used: Option<&Secret>,
        error: TokenError,
        turn: &mut Option<Turn<'e>>,
    ) -> Result<Option<Held>, TokenError> {
        let stored = self.store.load(&entry.key).await?;
        let other = stored.and_then(|stored| stored.refresh).filter(|refresh| {
            used.is_none_or(|used| used.expose_bytes() != refresh.expose_bytes())
        });
        let (last, used) = match other {
            None => (error, used.cloned()),
            Some(other) => match self.obtain(entry, Some(&other), turn).await {
                Err(error) if error.kind() == TokenErrorKind::InvalidGrant => (error, Some(other)),
                result => return result,
            },
        };
        entry.lock().used_up = used;
        Err(login_again().with_source(last))
    }

    /// Saves a token, and only then has it used.
    async fn keep(&self, entry: &Entry, held: Held) -> Result<Token, TokenError> {
        entry.lock().unsaved = Some(Unsaved { held: held.clone(), instead: Instead::Unknown });
        self.save(entry, held).await
    }

    /// Saves the token that is not saved yet, and only then has it used.
    pub(super) async fn save(&self, entry: &Entry, held: Held) -> Result<Token, TokenError> {
        let stored = held.stored();
        let note = |there: Option<StoredToken>| {
            if let Some(unsaved) = &mut entry.lock().unsaved {
                unsaved.instead = Instead::Known(there.map(|there| there.access));
            }
        };
        // Before it is tried: who gives up in between does not learn whether it was saved.
        note(self.store.load(&entry.key).await?);
        if let Err(error) = self.store.save(&entry.key, &stored).await {
            if let Ok(there) = self.store.load(&entry.key).await {
                note(there);
            }
            return Err(error);
        }
        let Held { token, refresh, life } = held;
        Ok(self.hold(entry, token.access, refresh, token.scope, life))
    }

    fn hold(
        &self,
        entry: &Entry,
        access: Secret,
        refresh: Option<Secret>,
        scope: Option<String>,
        life: Life,
    ) -> Token {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let token = Token { access, generation, scope };
        let mut state = entry.lock();
        state.held = Some(Held { token: token.clone(), refresh, life });
        state.unsaved = None;
        token
    }
}

/// What comes of `work`, unless `end` comes before it. Of both at once it is the work: it may have used a refresh token up.
async fn until<T>(end: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => end.as_mut().poll(cx).map(|()| None),
    })
    .await
}

fn login_again() -> TokenError {
    let message = "the issuer takes the refresh token no more: somebody has to log in again";
    TokenError::new(TokenErrorKind::ReauthenticationRequired, message)
}
