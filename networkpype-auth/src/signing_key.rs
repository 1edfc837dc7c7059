mod algorithm;
mod encoding;
mod generate;
mod jwk;
mod parse;
mod pem;
mod public_jwk;
#[cfg(feature = "rsa-sha1")]
mod rsa_sha1;
mod verifying_key;

use std::{borrow::Cow, fmt, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair},
};
use networkpype_core::{AuthError, AuthErrorKind, Secret};

pub use algorithm::SignatureAlgorithm;
pub use encoding::KeyEncoding;
#[cfg(feature = "jwt")]
pub(crate) use jwk::Jwk;
pub use public_jwk::PublicJwk;
#[cfg(feature = "rsa-sha1")]
pub use rsa_sha1::RsaSha1Key;
pub use verifying_key::VerifyingKey;

use crate::SecretEncoding;

/// A private key that signs: read once, shared by its clones, wiped when the last of them is dropped.
///
/// ```
/// use networkpype_auth::{DigestEncoding, KeyEncoding, SignatureAlgorithm, SigningKey};
///
/// // The first example of RFC 8032, section 7.1.
/// let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60".into();
/// let key = SigningKey::new(SignatureAlgorithm::Ed25519, &seed, KeyEncoding::SeedHex)?;
/// assert_eq!(
///     DigestEncoding::Hex.encode(&key.sign(b"")?),
///     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555\
///      fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
/// );
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    algorithm: SignatureAlgorithm,
    key: Key,
}

enum Key {
    Ed25519(Ed25519KeyPair),
    Rsa { pair: RsaKeyPair, padding: &'static dyn RsaEncoding },
    Ecdsa { fixed: EcdsaKeyPair, der: EcdsaKeyPair },
}

impl SigningKey {
    /// In bytes: that of an RSA key of 8192 bits, and the library takes none that is longer.
    pub(crate) const LONGEST_SIGNATURE: usize = 1024;

    /// Reads the key in `secret`, which has to be of the kind that `algorithm` signs with.
    ///
    /// # Errors
    /// When `secret` is not in this encoding, is encrypted, or is a key of another kind; when an RSA key has fewer than
    /// 2048 bits or more than 8192; when its parts, such as a public key beside the private one, do not belong
    /// together. The error does not repeat any of it.
    pub fn new(
        algorithm: SignatureAlgorithm,
        secret: &Secret,
        encoding: KeyEncoding,
    ) -> Result<Self, AuthError> {
        let scheme = algorithm.scheme();
        let seed = |encoding: SecretEncoding| parse::from_seed(scheme, &encoding.decode(secret)?);
        let key = match encoding {
            KeyEncoding::Pem | KeyEncoding::Der | KeyEncoding::DerBase64 => {
                parse::from_der(scheme, &der(secret, encoding)?)
            }
            KeyEncoding::SeedBase64 => seed(SecretEncoding::Base64),
            KeyEncoding::SeedBase58 => seed(SecretEncoding::Base58),
            KeyEncoding::SeedHex => seed(SecretEncoding::Hex),
            KeyEncoding::Jwk => parse::from_jwk(scheme, secret),
        }?;
        Ok(Self(Arc::new(Inner { algorithm, key })))
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm
    }

    /// The signature of `message`. ECDSA's is `r` and `s` behind each other, each as long as the curve's numbers, as
    /// JOSE and XML signatures have it; see [`sign_der`](Self::sign_der).
    ///
    /// # Errors
    /// When the library fails, for want of memory or of random numbers.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthError> {
        let mut room = [0; Self::LONGEST_SIGNATURE];
        self.sign_into(message, &mut room).map(<[u8]>::to_vec)
    }

    /// The signature of `message`, ECDSA's as the ASN.1 that TLS, X.509 and OpenSSL use: two integers in DER, of no
    /// fixed length. Other algorithms have one form, and this is [`sign`](Self::sign) then.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_der(&self, message: &[u8]) -> Result<Vec<u8>, AuthError> {
        match &self.0.key {
            Key::Ecdsa { der, .. } => der
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| unsigned()),
            _ => self.sign(message),
        }
    }

    /// The public key: 32 bytes for Ed25519, the uncompressed point (a byte 4, `x`, `y`) for ECDSA, PKCS#1's
    /// `RSAPublicKey` in DER for RSA. [`public_jwk`](Self::public_jwk) is it as JSON.
    pub fn public_key(&self) -> &[u8] {
        match &self.0.key {
            Key::Ed25519(pair) => pair.public_key().as_ref(),
            Key::Rsa { pair, .. } => pair.public_key().as_ref(),
            Key::Ecdsa { fixed, .. } => fixed.public_key().as_ref(),
        }
    }

    /// The length of what [`sign`](Self::sign) returns, in bytes.
    #[cfg(feature = "jwt")]
    pub(crate) fn signature_len(&self) -> usize {
        match (&self.0.key, self.0.algorithm.scheme()) {
            (Key::Rsa { pair, .. }, _) => pair.public_modulus_len(),
            (_, algorithm::Scheme::Ecdsa(curve)) => 2 * curve.size,
            _ => 64,
        }
    }

    /// [`sign`](Self::sign) without an allocation of ours: the signature is what is returned of `room`.
    pub(crate) fn sign_into<'r>(
        &self,
        message: &[u8],
        room: &'r mut [u8; Self::LONGEST_SIGNATURE],
    ) -> Result<&'r [u8], AuthError> {
        let random = SystemRandom::new();
        let signature = match &self.0.key {
            Key::Ed25519(pair) => pair.try_sign(message),
            Key::Ecdsa { fixed, .. } => fixed.sign(&random, message),
            Key::Rsa { pair, padding } => {
                let signature = room.get_mut(..pair.public_modulus_len()).ok_or_else(unsigned)?;
                pair.sign(*padding, &random, message, signature).map_err(|_| unsigned())?;
                return Ok(signature);
            }
        };
        let signature = signature.map_err(|_| unsigned())?;
        let signature = signature.as_ref();
        let taken = room.get_mut(..signature.len()).ok_or_else(unsigned)?;
        taken.copy_from_slice(signature);
        Ok(taken)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

/// The DER that PEM or base64 holds; other encodings hold it as it is, or none.
fn der(secret: &Secret, encoding: KeyEncoding) -> Result<Secret, AuthError> {
    match encoding {
        KeyEncoding::Pem => pem::private_key(secret),
        KeyEncoding::DerBase64 => SecretEncoding::Base64.decode(&pem::with_line_ends(secret, b"")),
        _ => Ok(secret.clone()),
    }
}

/// A key that cannot be used. The message must not quote it.
pub(crate) fn refused(message: impl Into<Cow<'static, str>>) -> AuthError {
    AuthError::new(AuthErrorKind::Credentials, message)
}

fn unsigned() -> AuthError {
    AuthError::new(AuthErrorKind::Other, "the signature could not be made")
}
