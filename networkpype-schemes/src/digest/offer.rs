//! Which of a server's challenges is answered?

use http::HeaderMap;
use networkpype_core::AuthError;

use super::DigestAlgorithm;
use crate::challenge::{Challenge, is_token};

/// What is protected beside the request line (RFC 7616, section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Qop {
    Auth,
    /// The body too.
    AuthInt,
}

impl Qop {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    pub(super) fn read(name: &[u8]) -> Option<Self> {
        let is = |own: Self| name.trim_ascii().eq_ignore_ascii_case(own.as_str().as_bytes());
        [Self::Auth, Self::AuthInt].into_iter().find(|own| is(*own))
    }
}

/// What a challenge must offer to be answered.
#[derive(Clone, Copy)]
pub(super) struct Demands {
    pub(super) weakest: DigestAlgorithm,
    pub(super) protection: Protection,
}

/// What has to be protected, from little to much.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protection {
    /// Whatever the server protects.
    Any,
    /// An answer has a count and a cnonce.
    Qop,
    /// The body too.
    Integrity,
}

impl Demands {
    fn are_met_by(self, offer: &Offer) -> bool {
        let is_protected = match self.protection {
            Protection::Any => true,
            Protection::Qop => !offer.qops.is_empty(),
            Protection::Integrity => offer.qops.contains(&Qop::AuthInt),
        };
        is_protected && offer.algorithm >= self.weakest
    }
}

/// A challenge that can be answered (RFC 7616, section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) realm: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    pub(super) opaque: Option<Vec<u8>>,
    pub(super) algorithm: DigestAlgorithm,
    /// Whether it is the algorithm's `-sess`.
    pub(super) for_session: bool,
    /// The algorithm as the server writes it, where it does.
    pub(super) named: Option<String>,
    /// None of both for a server that knows RFC 2069 alone.
    pub(super) qops: Vec<Qop>,
    pub(super) userhash: bool,
    /// Whether the server says that it understands UTF-8.
    pub(super) utf8: bool,
    pub(super) stale: bool,
    /// The URLs that the answer is good for, empty for all of the server's.
    pub(super) domain: String,
}

impl Offer {
    /// The strongest offer of a response, the first of several that are equally strong; `None` where the response has no
    /// challenge at all.
    ///
    /// # Errors
    /// When it has challenges, and none that can be answered.
    pub(super) fn best(headers: &HeaderMap, demands: Demands) -> Result<Option<Self>, AuthError> {
        let challenges = Challenge::all(headers);
        let mut best: Option<Self> = None;
        for offer in challenges.iter().filter_map(Self::read) {
            let is_stronger = best.as_ref().is_none_or(|best| offer.strength() > best.strength());
            if demands.are_met_by(&offer) && is_stronger {
                best = Some(offer);
            }
        }
        let Some(mut best) = best else {
            return if challenges.is_empty() { Ok(None) } else { Err(none(&challenges, demands)) };
        };
        // A server may say of one algorithm what is true of all.
        best.stale =
            challenges.iter().filter(|challenge| challenge.is("digest")).any(|challenge| {
                challenge.get("realm") == Some(&best.realm) && is_true(challenge, "stale")
            });
        Ok(Some(best))
    }

    fn read(challenge: &Challenge) -> Option<Self> {
        if !challenge.is("digest") {
            return None;
        }
        let text = |name| challenge.get(name).map(String::from_utf8_lossy);
        let named = text("algorithm");
        let (algorithm, for_session) =
            DigestAlgorithm::read(named.as_deref().unwrap_or(DigestAlgorithm::Md5.as_str()))?;
        let qop = challenge.get("qop").map(<[u8]>::trim_ascii).filter(|qop| !qop.is_empty());
        let qops: Vec<_> = qop
            .into_iter()
            .flat_map(|qop| qop.split(|byte| *byte == b','))
            .filter_map(Qop::read)
            .collect();
        if qop.is_some() && qops.is_empty() {
            return None;
        }
        Some(Self {
            realm: challenge.get("realm")?.to_vec(),
            nonce: challenge.get("nonce")?.to_vec(),
            opaque: challenge.get("opaque").map(<[u8]>::to_vec),
            algorithm,
            for_session,
            named: named.map(Into::into),
            qops,
            userhash: is_true(challenge, "userhash"),
            utf8: text("charset").is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8")),
            stale: false,
            domain: text("domain").unwrap_or_default().into_owned(),
        })
    }

    /// Whether the other differs in what one challenge has of its own, and in nothing else.
    pub(super) fn has_terms_of(&self, other: &Self) -> bool {
        let terms =
            |offer: &Self| Self { nonce: Vec::new(), opaque: None, stale: false, ..offer.clone() };
        terms(self) == terms(other)
    }

    /// Without a `qop` the nonce can be used for tables that are made ahead.
    fn strength(&self) -> (DigestAlgorithm, bool) {
        (self.algorithm, !self.qops.is_empty())
    }
}

fn is_true(challenge: &Challenge, name: &str) -> bool {
    challenge.get(name).is_some_and(|value| value.eq_ignore_ascii_case(b"true"))
}

/// Why none of these is answered.
fn none(challenges: &[Challenge], demands: Demands) -> AuthError {
    /// More than any server has.
    const SHOWN: usize = 8;
    let token = |value: &[u8]| -> String {
        let letters = value.iter().copied().filter(|byte| is_token(*byte) || *byte == b',');
        letters.take(32).map(char::from).collect()
    };
    let offers = challenges.iter().take(SHOWN).map(|challenge| {
        let mut offer = token(challenge.scheme.as_bytes());
        if !challenge.is("digest") {
            return offer;
        }
        offer += " with ";
        offer += &challenge.get("algorithm").map_or("MD5".to_owned(), token);
        match challenge.get("qop") {
            Some(qop) => offer = offer + " and qop " + &token(qop),
            None if demands.protection > Protection::Any => offer += " and no qop",
            None => {}
        }
        for needed in ["realm", "nonce"] {
            if challenge.get(needed).is_none() {
                offer = offer + " and no " + needed;
            }
        }
        offer
    });
    let offers = offers.collect::<Vec<_>>().join("; ");
    let weakest = demands.weakest.as_str();
    let qops =
        if demands.protection == Protection::Integrity { "auth-int" } else { "auth or auth-int" };
    AuthError::unsupported(format!(
        "the server has no challenge that this scheme answers: it offers {offers}; answered are Digest with {weakest} or \
         stronger and qop {qops}"
    ))
}
