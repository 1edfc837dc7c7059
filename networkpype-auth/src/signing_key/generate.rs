//! Keys that nobody had before, and how they are kept.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::KeySize,
    signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use networkpype_core::{AuthError, AuthErrorKind, Secret};

use super::{Inner, Key, SignatureAlgorithm, SigningKey, algorithm::Scheme};

impl SigningKey {
    /// A new key from the operating system's random numbers: for keys that a program makes for itself, such as those that
    /// tokens are bound to. RSA keys get 2048 bits, and take some tenths of a second; the others are made in less than a
    /// thousandth.
    ///
    /// ```
    /// use networkpype_auth::{KeyEncoding, SignatureAlgorithm, SigningKey};
    ///
    /// let key = SigningKey::generate(SignatureAlgorithm::EcdsaP256Sha256)?;
    /// // To have the same key after a restart.
    /// let kept = key.to_pkcs8()?;
    /// let again = SigningKey::new(key.algorithm(), &kept, KeyEncoding::Der)?;
    /// assert_eq!(again.public_jwk(), key.public_jwk());
    /// # Ok::<(), networkpype_core::AuthError>(())
    /// ```
    ///
    /// # Errors
    /// When the library fails, for want of memory or of random numbers.
    pub fn generate(algorithm: SignatureAlgorithm) -> Result<Self, AuthError> {
        let failed = |_| failed("made");
        let key = match algorithm.scheme() {
            Scheme::Ed25519 => Key::Ed25519(Ed25519KeyPair::generate().map_err(failed)?),
            Scheme::Rsa(padding, _) => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                Key::Rsa { pair, padding }
            }
            Scheme::Ecdsa(curve) => {
                let fixed = EcdsaKeyPair::generate(curve.fixed).map_err(failed)?;
                let pkcs8 = Secret::new(fixed.to_pkcs8v1().map_err(failed)?.as_ref());
                let der = EcdsaKeyPair::from_pkcs8(curve.der, pkcs8.expose_bytes());
                Key::Ecdsa { fixed, der: der.map_err(|_| self::failed("made"))? }
            }
        };
        Ok(Self(std::sync::Arc::new(Inner { algorithm, key })))
    }

    /// The private key as PKCS#8 in DER, which [`KeyEncoding::Der`](crate::KeyEncoding::Der) reads: to keep a key that was
    /// generated. Whoever has it can sign.
    ///
    /// # Errors
    /// When the library fails, for want of memory.
    pub fn to_pkcs8(&self) -> Result<Secret, AuthError> {
        let failed = |_| failed("written");
        Ok(match &self.0.key {
            Key::Ed25519(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                Secret::new(der.as_ref())
            }
            Key::Rsa { pair, .. } => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                Secret::new(der.as_ref())
            }
            Key::Ecdsa { fixed, .. } => Secret::new(fixed.to_pkcs8v1().map_err(failed)?.as_ref()),
        })
    }
}

fn failed(what: &str) -> AuthError {
    AuthError::new(AuthErrorKind::Other, format!("the key could not be {what}"))
}
