//! Does a request prove that its sender has the key (RFC 9449, section 4.3)? Written without a look at the client's side.

use std::collections::HashSet;

use crate::jws::{Jws, PublicKey, hash};
use crate::record::Recorded;

/// How old a proof may be, and how far ahead its time.
const WINDOW_SECS: i64 = 60;
const AHEAD_SECS: i64 = 5;

/// The proofs that one server has seen, and the nonces that it gives out.
pub(crate) struct Proofs {
    jtis: HashSet<String>,
    /// What tells its nonces from those of other servers.
    name: &'static str,
    /// How often one nonce is taken; none is wanted without.
    nonce_uses: Option<usize>,
    nonce: usize,
    used: usize,
}

/// What is wrong with a proof.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is none, or one for something else.
    Invalid(&'static str),
    /// It lacks this nonce.
    Nonce(String),
}

/// What a proof has to be about.
pub(crate) struct About<'r> {
    pub(crate) request: &'r Recorded,
    pub(crate) is_tls: bool,
    pub(crate) now_ms: i64,
    /// The token beside it, if there is one.
    pub(crate) token: Option<&'r str>,
}

impl Proofs {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { jtis: HashSet::new(), name, nonce_uses: None, nonce: 0, used: 0 }
    }

    pub(crate) fn want_nonces(&mut self, uses: usize) {
        self.nonce_uses = Some(uses);
    }

    /// The thumbprint of the key that the request's one proof was made with.
    pub(crate) fn check(&mut self, about: &About<'_>) -> Result<String, Wrong> {
        let invalid = |why| Err(Wrong::Invalid(why));
        let Some(proof) = about.request.only_header("dpop").and_then(Jws::read) else {
            return invalid("there is not one proof that can be read");
        };
        if proof.header["typ"] != "dpop+jwt" {
            return invalid("another type");
        }
        let Some(key) = PublicKey::from_jwk(&proof.header["jwk"]) else {
            return invalid("not one public key for ES256");
        };
        if !proof.is_signed_by(&key) {
            return invalid("another signature");
        }
        let claims = &proof.claims;
        if claims["htm"] != about.request.method.as_str() || claims["htu"] != about.url() {
            return invalid("for another request");
        }
        if claims.get("ath").and_then(|ath| ath.as_str()) != about.token.map(hash).as_deref() {
            return invalid("for another token");
        }
        let age = claims["iat"].as_i64().map(|iat| (about.now_ms / 1000).saturating_sub(iat));
        if !age.is_some_and(|age| (-AHEAD_SECS..=WINDOW_SECS).contains(&age)) {
            return invalid("of another time");
        }
        if let Some(uses) = self.nonce_uses {
            if self.used == uses {
                (self.nonce, self.used) = (self.nonce + 1, 0);
            }
            let wanted = format!("{}-{}", self.name, self.nonce);
            if claims["nonce"] != wanted.as_str() {
                return Err(Wrong::Nonce(wanted));
            }
        }
        match claims["jti"].as_str() {
            Some(jti) if self.jtis.insert(jti.to_owned()) => {}
            _ => return invalid("without a name of its own"),
        }
        self.used += 1;
        Ok(key.thumbprint())
    }
}

impl About<'_> {
    /// The request's URL, without its query.
    fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        let host = self.request.only_header("host").unwrap_or_default();
        format!("{scheme}://{host}{}", self.request.path())
    }
}
