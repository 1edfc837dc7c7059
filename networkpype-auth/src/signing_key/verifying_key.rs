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
    /// bits or more than 8192, or an Ed25519 key is a point of small order, which nobody has the private half of.
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
            Ok(key) if is_of_small_order(scheme, &key) => Err(refused(
                "the Ed25519 key is of small order: there are signatures that it verifies of any message",
            )),
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
                let der = PublicKeyComponents { n: jwk.bytes("n"), e: jwk.bytes("e") }.as_der();
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

/// Whether an Ed25519 key is one of the eight points whose order divides eight. For the first of them a signature verifies of
/// every message, for the others of every second, fourth or eighth, and the library takes them (RFC 8032, section 5.1.7, leaves
/// that open).
fn is_of_small_order(scheme: Scheme, key: &ParsedPublicKey) -> bool {
    if !matches!(scheme, Scheme::Ed25519) {
        return false;
    }
    // The point stands at the end of SubjectPublicKeyInfo, whichever form the key was read from. A form that cannot be had is
    // not believed.
    key.as_der().map_or(true, |info| {
        let Some(mut y) = info.as_ref().last_chunk::<32>().copied() else { return true };
        // The highest bit is the sign of the other coordinate.
        y[31] &= 0x7f;
        SMALL_ORDER.contains(&y)
    })
}

/// The second coordinates of these points, little-endian: 1, -1 and 0, the two of order eight, and 0 and 1 once more, as what
/// they are without being reduced.
const SMALL_ORDER: [[u8; 32]; 7] = [
    little_endian(0x01, 0x00, 0x00),
    little_endian(0xec, 0xff, 0x7f),
    little_endian(0x00, 0x00, 0x00),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    little_endian(0xed, 0xff, 0x7f),
    little_endian(0xee, 0xff, 0x7f),
];

/// A number of these first, middle and last bytes.
const fn little_endian(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
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
