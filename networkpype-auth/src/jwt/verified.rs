use std::{borrow::Cow, fmt};

use serde::de::DeserializeOwned;

use super::{JwtAlgorithm, JwtError, compact::Header};

/// A JSON Web Signature whose signature was verified. What it says was not looked at.
pub struct VerifiedJws<'p> {
    pub(super) header: Header,
    pub(super) payload: Cow<'p, [u8]>,
}

/// A JSON Web Token whose signature and claims were verified.
pub struct VerifiedJwt(pub(super) VerifiedJws<'static>);

impl VerifiedJws<'_> {
    /// The bytes that were signed, decoded.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The algorithm that it was verified with.
    pub fn algorithm(&self) -> JwtAlgorithm {
        self.header.algorithm
    }

    /// The header as a type of yours.
    ///
    /// # Errors
    /// When it is not of this type. The error does not repeat any of it.
    pub fn header<T: DeserializeOwned>(&self) -> Result<T, JwtError> {
        parsed(&self.header.json, "its header is of another form")
    }
}

impl VerifiedJwt {
    /// The claims as a type of yours, or as a map.
    ///
    /// # Errors
    /// When they are not of this type. The error does not repeat any of them.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JwtError> {
        parsed(self.payload(), "its claims are of another form")
    }

    /// The claims as they were signed: the bytes of a JSON object.
    pub fn payload(&self) -> &[u8] {
        self.0.payload()
    }

    /// The algorithm that it was verified with.
    pub fn algorithm(&self) -> JwtAlgorithm {
        self.0.algorithm()
    }

    /// The header as a type of yours.
    ///
    /// # Errors
    /// As [`VerifiedJws::header`].
    pub fn header<T: DeserializeOwned>(&self) -> Result<T, JwtError> {
        self.0.header()
    }
}

fn parsed<T: DeserializeOwned>(json: &[u8], message: &'static str) -> Result<T, JwtError> {
    // The parser's own errors may quote values, so they go no further.
    serde_json::from_slice(json).map_err(|_| JwtError::malformed(message))
}

impl fmt::Debug for VerifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("algorithm", &self.algorithm())
            .field("payload", &format_args!("<{} bytes>", self.payload.len()))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for VerifiedJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedJwt").field(&self.0).finish()
    }
}
