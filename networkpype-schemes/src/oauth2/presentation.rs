//! How is a token sent: by whoever has it, or with the proof of a key?

use std::sync::Arc;

use http::HeaderMap;
use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{AuthError, Clock, RestRequest, Secret};

#[cfg(feature = "dpop")]
use super::dpop::Prover;

/// Who is asked: they have nonces of their own, also where they are one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Authorization,
    Resource,
}

/// How tokens of one scheme are asked for and sent.
#[derive(Clone)]
pub(super) enum Presentation {
    /// RFC 6750. Tokens of these types are too.
    Bearer(Vec<String>),
    /// RFC 9449.
    #[cfg(feature = "dpop")]
    Dpop(Arc<Prover>),
}

impl Presentation {
    /// What stands before the token in the header.
    pub(super) fn scheme(&self) -> &'static str {
        match self {
            Self::Bearer(_) => "Bearer",
            #[cfg(feature = "dpop")]
            Self::Dpop(_) => "DPoP",
        }
    }

    /// Whether a token of this type, `None` where that was not said, may be sent so.
    pub(super) fn check_type(&self, kind: Option<&str>) -> Result<(), TokenError> {
        let is = |name: &str| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(name));
        let (takes, message) = match self {
            Self::Bearer(also) => (
                kind.is_none() || is("bearer") || also.iter().any(|also| is(also)),
                // Bound to a key, say: it would be refused, or be sent where its proof is not asked for.
                "the issuer gave out a token that is not sent as a Bearer token",
            ),
            #[cfg(feature = "dpop")]
            Self::Dpop(_) => (
                is("dpop"),
                "the issuer gave out a token that is not bound to the key: whoever steals it could use it",
            ),
        };
        if takes { Ok(()) } else { Err(TokenError::new(TokenErrorKind::Refused, message)) }
    }

    /// Adds to a request what it needs beside the token, anew for each attempt.
    #[cfg_attr(not(feature = "dpop"), expect(unused_variables, reason = "nothing is needed"))]
    pub(super) fn prove(
        &self,
        server: Server,
        request: &mut RestRequest,
        token: Option<&Secret>,
    ) -> Result<(), AuthError> {
        match self {
            Self::Bearer(_) => Ok(()),
            #[cfg(feature = "dpop")]
            Self::Dpop(prover) => prover.prove(server, request, token),
        }
    }

    /// Takes what a response says for the next request.
    #[cfg_attr(not(feature = "dpop"), expect(unused_variables, reason = "nothing is learnt"))]
    pub(super) fn learn(&self, server: Server, sent: &RestRequest, headers: &HeaderMap) {
        match self {
            Self::Bearer(_) => {}
            #[cfg(feature = "dpop")]
            Self::Dpop(prover) => prover.learn(server, sent, headers),
        }
    }

    /// Whether a request would be sent with another nonce now than it was.
    #[cfg_attr(not(feature = "dpop"), expect(unused_variables, reason = "there are none"))]
    pub(super) fn has_other_nonce(&self, server: Server, sent: &RestRequest) -> bool {
        match self {
            Self::Bearer(_) => false,
            #[cfg(feature = "dpop")]
            Self::Dpop(prover) => prover.has_other_nonce(server, sent),
        }
    }

    /// The clock that proofs are stamped with.
    pub(super) fn clock(&self) -> Option<Arc<dyn Clock>> {
        match self {
            Self::Bearer(_) => None,
            #[cfg(feature = "dpop")]
            Self::Dpop(prover) => Some(prover.clock()),
        }
    }

    /// The key that tokens are bound to, by its thumbprint.
    pub(super) fn thumbprint(&self) -> Option<String> {
        match self {
            Self::Bearer(_) => None,
            #[cfg(feature = "dpop")]
            Self::Dpop(prover) => Some(prover.thumbprint()),
        }
    }
}
