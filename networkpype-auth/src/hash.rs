use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512, Sha512_256};

use crate::{Digest, names::named};

/// A hash without a key, for hashes inside a signed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// MD5 (RFC 1321), where an API still asks for it: it withstands nobody who wants a collision.
    Md5,
    /// SHA-1 (FIPS 180-4), where an API still asks for it.
    Sha1,
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384 (FIPS 180-4).
    Sha384,
    /// SHA-512 (FIPS 180-4).
    Sha512,
    /// SHA-512/256 (FIPS 180-4): begins with other values than SHA-512, so it is not SHA-512 cut to 256 bits.
    Sha512_256,
}

named!(HashAlgorithm, "hash algorithm", {
    Md5 => "md5",
    Sha1 => "sha1",
    Sha256 => "sha256",
    Sha384 => "sha384",
    Sha512 => "sha512",
    Sha512_256 => "sha512-256",
});

impl HashAlgorithm {
    /// The hash of `bytes`.
    ///
    /// ```
    /// use networkpype_auth::{DigestEncoding, HashAlgorithm};
    ///
    /// assert_eq!(
    ///     HashAlgorithm::Sha1.digest(b"abc").to_text(DigestEncoding::Hex),
    ///     "a9993e364706816aba3e25717850c26c9cd0d89d",
    /// );
    /// ```
    pub fn digest(self, bytes: &[u8]) -> Digest {
        match self {
            Self::Md5 => Digest::new(&Md5::digest(bytes)),
            Self::Sha1 => Digest::new(&Sha1::digest(bytes)),
            Self::Sha256 => Digest::new(&Sha256::digest(bytes)),
            Self::Sha384 => Digest::new(&Sha384::digest(bytes)),
            Self::Sha512 => Digest::new(&Sha512::digest(bytes)),
            Self::Sha512_256 => Digest::new(&Sha512_256::digest(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DigestEncoding;

    #[test]
    fn the_examples_of_rfc_1321_reproduce() {
        for (message, md5) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (
                "1234567890123456789012345678901234567890\
                 1234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            let digest = HashAlgorithm::Md5.digest(message.as_bytes());
            assert_eq!(digest.to_text(DigestEncoding::Hex), md5, "{message}");
        }
    }

    #[test]
    fn the_examples_of_fips_180_4_reproduce() {
        for (algorithm, abc) in [
            (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                HashAlgorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                HashAlgorithm::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                 8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                HashAlgorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (
                HashAlgorithm::Sha512_256,
                "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
            ),
        ] {
            assert_eq!(algorithm.digest(b"abc").to_text(DigestEncoding::Hex), abc, "{algorithm:?}");
        }
    }
}
