use std::{fmt, sync::Arc};

use networkpype_core::{AuthError, Secret};
use rsa::{PrivateKey, pkcs1::DecodeRsaPrivateKey as _, pkcs8::DecodePrivateKey as _};
use sha1::Sha1;

use super::{KeyEncoding, SignatureAlgorithm, der, parse, refused, unsigned};

/// An RSA key that signs with RSASSA-PKCS1-v1_5 and SHA-1 (RFC 8017), for servers that know nothing better, such as those of
/// OAuth 1.0a with `RSA-SHA1`. Read once, shared by its clones, wiped when the last of them is dropped.
///
/// SHA-1 withstands nobody who can choose both of two messages. Take it only where a server leaves no choice.
///
/// It is another library that signs here: aws-lc-rs, which signs everything else, verifies such signatures and makes none.
/// This one, the `rsa` crate, takes the same time whatever the key is since its version 0.10, hides from its timing which
/// message it signs, and checks each signature before it hands it out.
#[derive(Clone)]
pub struct RsaSha1Key(Arc<PrivateKey>);

impl RsaSha1Key {
    /// Reads the key in `secret`: PEM, DER or the base64 of DER, as [`SigningKey`](super::SigningKey) does.
    ///
    /// # Errors
    /// When `secret` is not in this encoding, is encrypted, or is no RSA key of 2048 to 8192 bits; when the encoding is that of
    /// a seed or a JSON Web Key. The error does not repeat any of it.
    pub fn new(secret: &Secret, encoding: KeyEncoding) -> Result<Self, AuthError> {
        if !matches!(encoding, KeyEncoding::Pem | KeyEncoding::Der | KeyEncoding::DerBase64) {
            return Err(refused("an RSA key for SHA-1 is given as PEM, DER or the base64 of DER"));
        }
        let der = der(secret, encoding)?;
        // Says what is wrong with a key that is none, as for all others.
        parse::from_der(SignatureAlgorithm::RsaPkcs1Sha256.scheme(), &der)?;
        let der = der.expose_bytes();
        PrivateKey::from_pkcs8_der(der)
            .or_else(|_| PrivateKey::from_pkcs1_der(der))
            .map(|key| Self(Arc::new(key)))
            .map_err(|_| refused("this is not an RSA key, or it is damaged"))
    }

    /// The signature of `message`: as many bytes as the key, the same for the same message.
    ///
    /// # Errors
    /// When the library fails, for want of memory or of random numbers.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthError> {
        self.0.pkcs1v15_sign::<Sha1>(message).map_err(|_| unsigned())
    }
}

impl fmt::Debug for RsaSha1Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaSha1Key").finish_non_exhaustive()
    }
}
