use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use networkpype_core::Secret;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use crate::{Digest, names::named};

/// The hash under an HMAC (RFC 2104).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HmacAlgorithm {
    /// HMAC-SHA-1, where an API still asks for it.
    Sha1,
    /// HMAC-SHA-256. The default, and what most APIs ask for.
    #[default]
    Sha256,
    /// HMAC-SHA-384.
    Sha384,
    /// HMAC-SHA-512.
    Sha512,
}

named!(HmacAlgorithm, "HMAC algorithm", {
    Sha1 => "hmac-sha1",
    Sha256 => "hmac-sha256",
    Sha384 => "hmac-sha384",
    Sha512 => "hmac-sha512",
});

/// Signs with an HMAC under one key.
///
/// The key's state is made once and copied for each signature, which saves two rounds of the hash. It is wiped when
/// the signer is dropped.
///
/// ```
/// use networkpype_auth::{DigestEncoding, HmacAlgorithm, HmacSigner};
///
/// let signer = HmacSigner::new(HmacAlgorithm::Sha256, &"Jefe".into());
/// let signature = signer.sign(b"what do ya want for nothing?");
/// assert_eq!(
///     signature.to_text(DigestEncoding::Hex),
///     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
/// );
/// assert!(signer.verify(b"what do ya want for nothing?", signature.as_bytes()));
/// ```
#[derive(Clone)]
pub struct HmacSigner(Keyed);

#[derive(Clone)]
enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl HmacSigner {
    /// A signer with `key`, of any length: what is longer than the hash's block is hashed first, as RFC 2104 says.
    pub fn new(algorithm: HmacAlgorithm, key: &Secret) -> Self {
        let key = key.expose_bytes();
        Self(match algorithm {
            HmacAlgorithm::Sha1 => Keyed::Sha1(keyed(key)),
            HmacAlgorithm::Sha256 => Keyed::Sha256(keyed(key)),
            HmacAlgorithm::Sha384 => Keyed::Sha384(keyed(key)),
            HmacAlgorithm::Sha512 => Keyed::Sha512(keyed(key)),
        })
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> HmacAlgorithm {
        match self.0 {
            Keyed::Sha1(_) => HmacAlgorithm::Sha1,
            Keyed::Sha256(_) => HmacAlgorithm::Sha256,
            Keyed::Sha384(_) => HmacAlgorithm::Sha384,
            Keyed::Sha512(_) => HmacAlgorithm::Sha512,
        }
    }

    /// The HMAC of `message`.
    pub fn sign(&self, message: &[u8]) -> Digest {
        match &self.0 {
            Keyed::Sha1(state) => sign(state, message),
            Keyed::Sha256(state) => sign(state, message),
            Keyed::Sha384(state) => sign(state, message),
            Keyed::Sha512(state) => sign(state, message),
        }
    }

    /// Whether `signature` is the whole HMAC of `message`, in a time that does not depend on where it differs.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Keyed::Sha1(state) => verify(state, message, signature),
            Keyed::Sha256(state) => verify(state, message, signature),
            Keyed::Sha384(state) => verify(state, message, signature),
            Keyed::Sha512(state) => verify(state, message, signature),
        }
    }
}

impl fmt::Debug for HmacSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacSigner").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

#[allow(
    clippy::expect_used,
    reason = "the trait allows for MACs with keys of one length; HMAC is not one"
)]
fn keyed<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn sign<M: Mac + Clone>(keyed: &M, message: &[u8]) -> Digest {
    let mut state = keyed.clone();
    state.update(message);
    Digest::new(&state.finalize().into_bytes())
}

fn verify<M: Mac + Clone>(keyed: &M, message: &[u8], signature: &[u8]) -> bool {
    let mut state = keyed.clone();
    state.update(message);
    state.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_signature_verifies() {
        let signer = HmacSigner::new(HmacAlgorithm::Sha256, &"key".into());
        let signature = signer.sign(b"message");
        assert!(signer.verify(b"message", signature.as_bytes()));
        assert!(!signer.verify(b"massage", signature.as_bytes()));
        assert!(!signer.verify(b"message", &signature.as_bytes()[..31]));
        assert!(!signer.verify(b"message", b""));
        assert!(
            !HmacSigner::new(HmacAlgorithm::Sha256, &"kay".into())
                .verify(b"message", signature.as_bytes())
        );
    }

    #[test]
    fn the_key_is_wiped_and_not_printed() {
        fn wiped_on_drop<T: hmac::digest::zeroize::ZeroizeOnDrop>() {}
        // An `Hmac` is two states of its hash, and has no `Drop` of its own.
        wiped_on_drop::<Sha1>();
        wiped_on_drop::<Sha256>();
        wiped_on_drop::<Sha384>();
        wiped_on_drop::<Sha512>();
        assert!(std::mem::needs_drop::<Digest>(), "a digest may be a signed passphrase");
        let signer = HmacSigner::new(HmacAlgorithm::Sha384, &"hunter2".into());
        assert_eq!(format!("{signer:?}"), "HmacSigner { algorithm: Sha384, .. }");
        assert_eq!(format!("{:?}", signer.sign(b"")), "Digest(<48 bytes>)");
    }
}
