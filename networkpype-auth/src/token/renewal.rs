//! How is the next token had, and in which order is it kept?

use std::sync::atomic::Ordering;

use networkpype_core::Secret;

use super::{
    ObtainedToken, StoredToken, Token, TokenError, TokenErrorKind,
    cache::{Shared, Wanted},
    entry::{Entry, Held},
    life::{Life, Verdict},
};

impl Shared {
    pub(super) async fn renew_now(
        &self,
        entry: &Entry,
        wanted: Wanted,
    ) -> Result<Token, TokenError> {
        // Also for what was not saved: a store may write the tokens of several keys at once.
        let lock = self.store.lock(&entry.key).await?;
        // Taken out of the state first: nothing is locked while something is awaited.
        let unsaved = entry.lock().unsaved.clone();
        if let Some(held) = unsaved {
            let verdict = held.life.verdict(self.ticker.now(), self.clock.now());
            let token = self.keep(entry, held).await?;
            // One that has ended while it could not be saved is good for its refresh token alone.
            if verdict != Verdict::Ended {
                return Ok(token);
            }
        }
        let held = entry.lock().held.clone();
        let stored = self.store.load(&entry.key).await?;
        if let Some(token) = self.adopt(entry, held.as_ref(), stored.as_ref(), wanted) {
            return Ok(token);
        }
        // What another process has saved is newer than what this one remembers.
        let refresh = match (&stored, &held) {
            (Some(stored), _) => stored.refresh.clone(),
            (None, held) => held.as_ref().and_then(|held| held.refresh.clone()),
        };
        let is_used_up = |refresh: &Secret| {
            let used_up = entry.lock().used_up.clone();
            used_up.is_some_and(|used_up| used_up.expose_bytes() == refresh.expose_bytes())
        };
        if refresh.as_ref().is_some_and(is_used_up) {
            return Err(login_again());
        }
        let obtained = match self.obtain(entry, refresh.clone()).await {
            Err(error) if error.kind() == TokenErrorKind::InvalidGrant => {
                self.after_invalid_grant(entry, refresh.as_ref(), error).await?
            }
            result => result?,
        };
        let token = self.keep(entry, obtained).await;
        drop(lock);
        token
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
        if until <= wall || wanted == Wanted::Newer && held.is_none() {
            return None;
        }
        let lifetime = super::Lifetime { relative: None, until: Some(until) };
        let life = Life::new(lifetime, now, wall, self.policy, fastrand::f64());
        let (access, refresh) = (stored.access.clone(), stored.refresh.clone());
        Some(self.hold(entry, access, refresh, stored.scope.clone(), life))
    }

    async fn obtain(&self, entry: &Entry, refresh: Option<Secret>) -> Result<Held, TokenError> {
        let (asked, asked_wall) = (self.ticker.now(), self.clock.now());
        let obtained = self.source.obtain(&entry.key, refresh.as_ref()).await?;
        let ObtainedToken { access, lifetime, refresh: rotated, scope } = obtained;
        let life = Life::new(lifetime, asked, asked_wall, self.policy, fastrand::f64());
        let token = Token { access, generation: 0, scope };
        // An issuer that gives out no new refresh token means the old one to be kept.
        Ok(Held { token, refresh: rotated.or(refresh), life })
    }

    /// Another process may have used the refresh token up and saved the next one: that is tried once.
    async fn after_invalid_grant(
        &self,
        entry: &Entry,
        used: Option<&Secret>,
        error: TokenError,
    ) -> Result<Held, TokenError> {
        let stored = self.store.load(&entry.key).await?;
        let other = stored.and_then(|stored| stored.refresh).filter(|refresh| {
            used.is_none_or(|used| used.expose_bytes() != refresh.expose_bytes())
        });
        let (last, used) = match other {
            None => (error, used.cloned()),
            Some(other) => match self.obtain(entry, Some(other.clone())).await {
                Err(error) if error.kind() == TokenErrorKind::InvalidGrant => (error, Some(other)),
                result => return result,
            },
        };
        entry.lock().used_up = used;
        Err(login_again().with_source(last))
    }

    /// Saves a token, and only then has it used.
    async fn keep(&self, entry: &Entry, held: Held) -> Result<Token, TokenError> {
        let Held { token, refresh, life } = &held;
        let stored = StoredToken {
            access: token.access.clone(),
            refresh: refresh.clone(),
            until: life.until(),
            scope: token.scope.clone(),
        };
        entry.lock().unsaved = Some(held.clone());
        self.store.save(&entry.key, &stored).await?;
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

fn login_again() -> TokenError {
    let message = "the issuer takes the refresh token no more: somebody has to log in again";
    TokenError::new(TokenErrorKind::ReauthenticationRequired, message)
}
