use std::{borrow::Cow, error::Error as StdError, fmt};

use networkpype_core::{AuthError, AuthErrorKind};

/// Why a token is not taken. It holds nothing of the token; what it names are the claims that the verifier asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtError {
    kind: JwtErrorKind,
    message: Cow<'static, str>,
}

/// What kind of failure a [`JwtError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwtErrorKind {
    /// It is longer than [`max_length`](crate::JwtVerifierBuilder::max_length).
    TooLong,
    /// It is no compact JSON Web Signature, or its claims are not of the form that they have to be.
    Malformed,
    /// Its header names an algorithm for which the verifier has no key, `none` among them.
    AlgorithmNotAccepted,
    /// Its header asks for something that is not understood (`crit`, `b64`).
    CriticalHeader,
    /// Its header says that it is a token of another type.
    WrongType,
    /// It names a key that the verifier does not have. The issuer may have changed its keys: read its set again, and not
    /// more often than every few minutes, since anybody can make up a name.
    UnknownKey,
    /// The signature is not one of this header and payload by the key.
    InvalidSignature,
    /// It has ended, or was issued too long ago.
    Expired,
    /// It is not valid yet, or was issued in the future. Clocks may differ: see [`leeway`](crate::JwtVerifierBuilder::leeway).
    NotYetValid,
    /// Somebody else issued it.
    WrongIssuer,
    /// It is meant for somebody else.
    WrongAudience,
    /// It lacks a claim that it has to have.
    MissingClaim,
}

impl JwtError {
    pub(super) fn new(kind: JwtErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(JwtErrorKind::Malformed, message)
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> JwtErrorKind {
        self.kind
    }
}

impl fmt::Display for JwtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for JwtError {}

impl From<JwtError> for AuthError {
    fn from(error: JwtError) -> Self {
        Self::new(AuthErrorKind::Verification, "the token is refused").with_source(error)
    }
}
