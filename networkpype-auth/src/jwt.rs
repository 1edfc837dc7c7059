mod algorithm;
mod claims;
mod compact;
mod error;
mod header;
mod key;
mod members;
mod verified;
mod verifier;

use std::fmt;

use base64::{Engine as _, encoded_len, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_core::{AuthError, AuthErrorKind, Secret};

pub use algorithm::JwtAlgorithm;
pub use error::{JwtError, JwtErrorKind};
pub use key::JwtKey;
pub use verified::{VerifiedJws, VerifiedJwt};
pub use verifier::{JwtVerifier, JwtVerifierBuilder};

use crate::{
    HmacSigner, KeyEncoding, SigningKey,
    signing_key::{Jwk, refused},
};

/// Signs JSON Web Tokens (RFC 7519) and other compact JSON Web Signatures (RFC 7515) with one key, which is read once.
///
/// Header and claims are signed as they are written; nothing is parsed or put in another order.
///
/// ```
/// use networkpype_auth::{JwtAlgorithm, JwtSigner};
///
/// let signer = JwtSigner::with_secret(JwtAlgorithm::Hs256, &"my-secret".into())?;
/// let header = signer.algorithm().header([("kid", "key-1")])?;
/// assert_eq!(header, r#"{"alg":"HS256","typ":"JWT","kid":"key-1"}"#);
/// let token = signer.sign(&header, r#"{"sub":"client-1","exp":1700000060}"#)?;
/// assert_eq!(
///     token,
///     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleS0xIn0.\
///      eyJzdWIiOiJjbGllbnQtMSIsImV4cCI6MTcwMDAwMDA2MH0.\
///      azin0yt0_HOODWAyYqKpZwkRR4let-_kLXhiu3ch9Pw",
/// );
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone)]
pub struct JwtSigner {
    algorithm: JwtAlgorithm,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Hmac(Box<HmacSigner>),
    Asymmetric(SigningKey),
}

impl JwtSigner {
    /// A signer for HS256, HS384 or HS512, whose key is `secret`; see
    /// [`SecretEncoding`](crate::SecretEncoding) where it is written as base64 or hexadecimal.
    ///
    /// RFC 7518 wants a key at least as long as the digest (32, 48 or 64 bytes). Shorter ones are taken, since it is the
    /// API that chooses them.
    ///
    /// # Errors
    /// When `algorithm` is not one of these three, or `secret` is empty.
    pub fn with_secret(algorithm: JwtAlgorithm, secret: &Secret) -> Result<Self, AuthError> {
        let Some(hmac) = algorithm.hmac_algorithm() else {
            return Err(refused(format!(
                "{} signs with a private key, and this is a shared secret",
                algorithm.as_str()
            )));
        };
        if secret.is_empty() {
            return Err(refused("the secret is empty"));
        }
        Ok(Self { algorithm, key: Key::Hmac(Box::new(HmacSigner::new(hmac, secret))) })
    }

    /// A signer for all other algorithms, whose key was read for
    /// [`signature_algorithm`](JwtAlgorithm::signature_algorithm).
    ///
    /// # Errors
    /// When `key` signs with another algorithm.
    pub fn with_key(algorithm: JwtAlgorithm, key: SigningKey) -> Result<Self, AuthError> {
        match algorithm.signature_algorithm() {
            Some(needed) if needed == key.algorithm() => {
                Ok(Self { algorithm, key: Key::Asymmetric(key) })
            }
            Some(needed) => Err(AuthError::new(
                AuthErrorKind::Configuration,
                format!(
                    "{} signs with {}, and the key was read for {}",
                    algorithm.as_str(),
                    needed.as_str(),
                    key.algorithm().as_str()
                ),
            )),
            None => Err(refused(format!(
                "{} signs with a shared secret, and this is a private key",
                algorithm.as_str()
            ))),
        }
    }

    /// A signer for any algorithm, from a JSON Web Key (RFC 7517): of the kind `oct` for the HMACs, a private key as
    /// [`KeyEncoding::Jwk`] describes it for the others.
    ///
    /// # Errors
    /// As [`SigningKey::new`] and [`with_secret`](Self::with_secret).
    pub fn from_jwk(algorithm: JwtAlgorithm, jwk: &Secret) -> Result<Self, AuthError> {
        match algorithm.signature_algorithm() {
            Some(needed) => {
                Self::with_key(algorithm, SigningKey::new(needed, jwk, KeyEncoding::Jwk)?)
            }
            None => {
                let jwk = Jwk::parse(jwk.expose_bytes())?;
                jwk.check("kty", "oct")?;
                Self::with_secret(algorithm, &jwk.bytes("k")?)
            }
        }
    }

    /// The algorithm it signs with, which the header has to name.
    pub fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    /// The token of these JSON texts, in the compact serialization. Neither is parsed: `header` has to be a JSON object
    /// whose `alg` is the signer's, as [`JwtAlgorithm::header`] writes it.
    ///
    /// # Errors
    /// As [`SigningKey::sign`]; never for an HMAC.
    pub fn sign(&self, header: &str, claims: &str) -> Result<String, AuthError> {
        self.sign_bytes(header.as_bytes(), claims.as_bytes())
    }

    /// The compact serialization of a header and a payload that need not be text.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_bytes(&self, header: &[u8], payload: &[u8]) -> Result<String, AuthError> {
        let lengths = [header.len(), payload.len(), self.signature_len()];
        // Each part and a dot, which the last one does without.
        let room = lengths.map(|length| encoded_len(length, false).unwrap_or_default() + 1);
        let mut token = String::with_capacity(room.iter().sum());
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        match &self.key {
            Key::Hmac(signer) => {
                let signature = signer.sign(token.as_bytes());
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
            Key::Asymmetric(key) => {
                let mut room = [0; SigningKey::LONGEST_SIGNATURE];
                let signature = key.sign_into(token.as_bytes(), &mut room)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
        }
        Ok(token)
    }

    /// The signature alone, as base64url, of a signing input that was put together elsewhere: for detached and for
    /// unencoded payloads (RFC 7797).
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn signature(&self, signing_input: &[u8]) -> Result<String, AuthError> {
        match &self.key {
            Key::Hmac(signer) => Ok(URL_SAFE_NO_PAD.encode(signer.sign(signing_input))),
            Key::Asymmetric(key) => key.sign(signing_input).map(|it| URL_SAFE_NO_PAD.encode(it)),
        }
    }

    fn signature_len(&self) -> usize {
        match &self.key {
            Key::Hmac(signer) => signer.sign(b"").as_bytes().len(),
            Key::Asymmetric(key) => key.signature_len(),
        }
    }
}

impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSigner").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
