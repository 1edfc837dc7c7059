//! The compact serialization (RFC 7515, section 7.1) and its header, before anything is believed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{JwtAlgorithm, JwtError, JwtErrorKind, members::Members};

/// The parts of a compact JSON Web Signature.
pub(super) struct Compact<'t> {
    /// The first part as it is signed.
    pub(super) header: &'t str,
    /// The second as it stands there.
    pub(super) payload: &'t str,
    pub(super) signature: Vec<u8>,
}

/// What of a header decides how a token is verified.
pub(super) struct Header {
    pub(super) json: Vec<u8>,
    pub(super) algorithm: JwtAlgorithm,
    pub(super) key_id: Option<String>,
    pub(super) typ: Option<String>,
    /// Whether the payload is signed as base64url; RFC 7797 has it signed as it is.
    pub(super) payload_is_encoded: bool,
}

impl<'t> Compact<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, JwtError> {
        if token.get(..7).is_some_and(|before| before.eq_ignore_ascii_case("bearer ")) {
            let message = "it has `Bearer ` before it: give the verifier what stands behind that";
            return Err(JwtError::malformed(message));
        }
        if token.trim() != token {
            let message = "it has a space or a line end before or behind it, as when it is read from a file: trim it";
            return Err(JwtError::malformed(message));
        }
        let not_three = || JwtError::malformed("it has not three parts with a dot between them");
        let (header, rest) = token.split_once('.').ok_or_else(not_three)?;
        let (payload, signature) = rest.split_once('.').ok_or_else(not_three)?;
        if signature.contains('.') {
            return Err(not_three());
        }
        let signature = decoded(signature, "its signature is not base64url without padding")?;
        Ok(Self { header, payload, signature })
    }

    /// What is signed, with a payload that is written so.
    pub(super) fn signed(&self, payload: &[u8]) -> Vec<u8> {
        [self.header.as_bytes(), b".", payload].concat()
    }
}

impl Header {
    pub(super) fn parse(encoded: &str) -> Result<Self, JwtError> {
        let json = decoded(encoded, "its header is not base64url without padding")?;
        let members = Members::parse(&json).ok_or_else(|| {
            JwtError::malformed("its header is not a JSON object with each name once")
        })?;
        let text = |name: &str| {
            let not_text = |_| JwtError::malformed("alg, kid or typ in its header is no text");
            members.get::<String>(name).map_err(not_text)
        };
        let algorithm = text("alg")?
            .ok_or_else(|| JwtError::malformed("its header names no algorithm"))?
            .parse()
            .map_err(|_| {
                JwtError::new(
                    JwtErrorKind::AlgorithmNotAccepted,
                    "it is signed with nothing, or with an algorithm that is not known",
                )
            })?;
        let (key_id, typ) = (text("kid")?, text("typ")?);
        let payload_is_encoded = payload_is_encoded(&members)?;
        Ok(Self { algorithm, key_id, typ, payload_is_encoded, json })
    }
}

/// Refuses what the signer says must be understood and is not (RFC 7515, section 4.1.11). Only `b64` is (RFC 7797).
fn payload_is_encoded(header: &Members<'_>) -> Result<bool, JwtError> {
    let refused = |message| JwtError::new(JwtErrorKind::CriticalHeader, message);
    let b64: Option<bool> = header.get("b64").map_err(|_| refused("its b64 is no boolean"))?;
    let critical: Option<Vec<String>> =
        header.get("crit").map_err(|_| refused("its crit is not a list of names"))?;
    match (critical.as_deref(), b64) {
        (None, None) => Ok(true),
        (None, Some(_)) => Err(refused("it has b64 and does not call it critical")),
        (Some([name]), Some(b64)) if name == "b64" => Ok(b64),
        (Some([name]), None) if name == "b64" => Err(refused("it calls b64 critical and lacks it")),
        (Some([]), _) => Err(refused("its crit is empty")),
        (Some(_), _) => {
            Err(refused("it calls critical what is not understood here, or something twice"))
        }
    }
}

pub(super) fn decoded(text: &str, message: &'static str) -> Result<Vec<u8>, JwtError> {
    // This engine takes neither padding nor bits behind the last byte, so that a token has one form.
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwtError::malformed(message))
}
