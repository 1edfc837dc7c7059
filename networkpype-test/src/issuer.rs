//! Who gets a token, and whose token is good (RFC 6749, 6750 and 9449)? Written without a look at the client's side.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::dpop::{About, Proofs, Wrong};

/// An authorization server with one client, which gets tokens by client credentials, for
/// [`ExchangeBuilder::issuer`](crate::ExchangeBuilder::issuer). Clones are the same server.
///
/// A request for a token that comes with a DPoP proof gets one that is bound to the proof's key.
#[derive(Clone)]
pub struct TokenIssuer {
    pub(crate) client: String,
    pub(crate) secret: String,
    pub(crate) life: Duration,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    issued: usize,
    tokens: HashMap<String, Issued>,
    /// Beside requests for tokens, and beside tokens: two servers, with nonces of their own.
    by_issuer: Proofs,
    by_api: Proofs,
}

struct Issued {
    until_ms: i64,
    /// The thumbprint of the key that it is bound to.
    bound_to: Option<String>,
}

/// What is wrong with a token, or with what proves whose it is.
pub(crate) enum Refused {
    Token,
    Proof(Wrong),
}

impl TokenIssuer {
    /// Tokens that live for a minute, and no nonces.
    pub fn new(client: impl Into<String>, secret: impl Into<String>) -> Self {
        let seen = Seen {
            issued: 0,
            tokens: HashMap::new(),
            by_issuer: Proofs::new("issuer"),
            by_api: Proofs::new("api"),
        };
        Self {
            client: client.into(),
            secret: secret.into(),
            life: Duration::from_secs(60),
            seen: Arc::new(Mutex::new(seen)),
        }
    }

    /// How long a token lives, in whole seconds.
    #[must_use]
    pub fn life(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Wants a nonce in each proof, and takes one so many times. Default: none is wanted.
    #[must_use]
    pub fn nonce_uses(self, uses: usize) -> Self {
        let mut seen = self.seen();
        seen.by_issuer.want_nonces(uses);
        seen.by_api.want_nonces(uses);
        drop(seen);
        self
    }

    /// Gives out a token that never ends and is bound to no key, as a person copies one from a page of settings.
    pub fn hand_out(&self) -> String {
        self.seen().give(Issued { until_ms: i64::MAX, bound_to: None })
    }

    /// Takes no token any more that was given out before.
    pub fn revoke_all(&self) {
        self.seen().tokens.clear();
    }

    /// How many tokens were given out.
    pub fn issued(&self) -> usize {
        self.seen().issued
    }

    /// A token for the client, and whether it is bound to a key.
    pub(crate) fn issue(&self, about: &About<'_>) -> Result<(String, bool), Wrong> {
        let mut seen = self.seen();
        let bound_to = match about.request.header("dpop") {
            Some(_) => Some(seen.by_issuer.check(about)?),
            None => None,
        };
        let life_ms = i64::try_from(self.life.as_millis()).unwrap_or(i64::MAX);
        let is_bound = bound_to.is_some();
        let until_ms = about.now_ms.saturating_add(life_ms);
        Ok((seen.give(Issued { until_ms, bound_to }), is_bound))
    }

    /// Takes a token that is bound to no key.
    pub(crate) fn take_bearer(&self, token: &str, now_ms: i64) -> Result<(), Refused> {
        match self.seen().bound_to(token, now_ms)? {
            None => Ok(()),
            Some(_) => Err(Refused::Token),
        }
    }

    /// Takes a token with the proof that its sender has the key.
    pub(crate) fn take_bound(&self, token: &str, about: &About<'_>) -> Result<(), Refused> {
        let mut seen = self.seen();
        let key = seen.bound_to(token, about.now_ms)?.ok_or(Refused::Token)?;
        let proved = seen.by_api.check(about).map_err(Refused::Proof)?;
        if proved == key { Ok(()) } else { Err(Refused::Token) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn give(&mut self, issued: Issued) -> String {
        self.issued += 1;
        let token = format!("token-{}", self.issued);
        self.tokens.insert(token.clone(), issued);
        token
    }

    /// The key of a token that is known and has not ended.
    fn bound_to(&self, token: &str, now_ms: i64) -> Result<Option<String>, Refused> {
        let known = self.tokens.get(token).filter(|issued| now_ms < issued.until_ms);
        known.map(|issued| issued.bound_to.clone()).ok_or(Refused::Token)
    }
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer").field("issued", &self.issued()).finish_non_exhaustive()
    }
}
