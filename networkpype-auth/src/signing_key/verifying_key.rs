use std::fmt;

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::{PublicKey as RsaPublicKey, PublicKeyComponents},
    signature::{ED25519, ParsedPublicKey},
};
use networkpype_core::AuthError;

use super::{
    PublicJwk, SignatureAlgorithm, SigningKey,
    algorithm::{KNOWN_CURVES, KeyKind, Scheme},
    pem, refused,
};

/// A public key that verifies the signatures of one algorithm: read once, shared by its clones.
///
/// ```
/// use networkpype_auth::{SignatureAlgorithm, SigningKey};
///
/// let key = SigningKey::generate(SignatureAlgorithm::Ed25519)?;
/// let signature = key.sign(b"message")?;
/// let verifier = key.verifying_key()?;
/// assert!(verifier.verify(b"message", &signature));
/// assert!(!verifier.verify(b"massage", &signature));
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: SignatureAlgorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Reads the first public key in a PEM text: `PUBLIC KEY`, or `RSA PUBLIC KEY` as PKCS#1 has it. The two characters
    /// `\n` count as a line end.
    ///
    /// # Errors
    /// When there is none, or it is not of the kind that `algorithm` verifies with; when an RSA key has fewer than 2048
    /// bits or more than 8192.
    pub fn from_pem(algorithm: SignatureAlgorithm, pem: &str) -> Result<Self, AuthError> {
        Self::from_der(algorithm, &pem::public_key(pem)?)
    }

    /// Reads the bytes that PEM encodes (SubjectPublicKeyInfo, or PKCS#1's `RSAPublicKey`), or those of the bare key as
    /// [`SigningKey::public_key`] returns them.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(algorithm: SignatureAlgorithm, der: &[u8]) -> Result<Self, AuthError> {
        let scheme = algorithm.scheme();
        if let Scheme::Rsa(..) = scheme
            && let Ok(key) = RsaPublicKey::from_der(der)
            && !(256..=1024).contains(&key.modulus_len())
        {
            return Err(refused("an RSA key needs 2048 to 8192 bits"));
        }
        match ParsedPublicKey::new(scheme.verification(), der) {
            Ok(key) => Ok(Self { algorithm, key }),
            Err(_) => Err(match kind_of(der) {
                Some(kind) if kind != scheme.kind() => {
                    refused(format!("this is {kind}, and {} is needed", scheme.kind()))
                }
                _ => refused(format!(
                    "this is not the public half of {}, or it is damaged",
                    scheme.kind()
                )),
            }),
        }
    }

    /// Takes a public key that is a JSON Web Key.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_jwk(algorithm: SignatureAlgorithm, jwk: &PublicJwk) -> Result<Self, AuthError> {
        let scheme = algorithm.scheme();
        for (name, needed) in scheme.jwk_members() {
            if jwk.text(name) != Some(needed) {
                return Err(refused(format!(
                    "the JSON Web Key is of another {name} than {needed}, which is needed"
                )));
            }
        }
        let bytes = match scheme {
            Scheme::Ed25519 => jwk.bytes("x"),
            Scheme::Ecdsa(_) => [vec![4], jwk.bytes("x"), jwk.bytes("y")].concat(),
            Scheme::Rsa(..) => {
                // Some issuers write a zero in front, which RFC 7518, section 6.3.1.1 warns of.
                let number = |name| jwk.bytes(name).into_iter().skip_while(|byte| *byte == 0);
                let (n, e): (Vec<_>, Vec<_>) = (number("n").collect(), number("e").collect());
                let der = PublicKeyComponents { n, e }.as_der();
                let der = der
                    .map_err(|_| refused("the JSON Web Key is not an RSA key, or it is damaged"))?;
                der.as_ref().to_vec()
            }
        };
        Self::from_der(algorithm, &bytes)
    }

    /// The algorithm that it verifies.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Whether `signature` is one of `message` by the private half of this key. ECDSA's is `r` and `s` behind each other,
    /// of fixed width, as [`SigningKey::sign`] makes it. RSASSA-PSS has to have a salt as long as the digest.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl SigningKey {
    /// Its public half, with which the same program verifies what it signed.
    ///
    /// # Errors
    /// When the library fails, for want of memory.
    pub fn verifying_key(&self) -> Result<VerifyingKey, AuthError> {
        VerifyingKey::from_der(self.algorithm(), self.public_key())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What a key is that was not the one asked for.
fn kind_of(der: &[u8]) -> Option<KeyKind> {
    if RsaPublicKey::from_der(der).is_ok() {
        return Some(KeyKind::Rsa);
    }
    if ParsedPublicKey::new(&ED25519, der).is_ok() {
        return Some(KeyKind::Ed25519);
    }
    let curve =
        KNOWN_CURVES.iter().find(|curve| ParsedPublicKey::new(curve.verification, der).is_ok())?;
    Some(KeyKind::Ec(curve.name))
}
