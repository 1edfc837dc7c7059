//! Which hashes are there?

use networkpype_auth::{DigestEncoding, HashAlgorithm};
use networkpype_core::Secret;

/// A hash of Digest authentication, ordered from the weakest to the strongest.
///
/// Each may also be asked for as `-sess`, where the password goes into a key for one session (RFC 7616, section 3.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// MD5, which is all that many servers have. Whoever reads the traffic can try passwords at great speed.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256, which is not SHA-512 cut to 256 bits.
    Sha512_256,
    /// SHA-512, which no standard names for this, and some servers have.
    Sha512,
}

impl DigestAlgorithm {
    const ALL: [Self; 4] = [Self::Md5, Self::Sha256, Self::Sha512_256, Self::Sha512];

    /// Its name in a challenge.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Reads a challenge's `algorithm`, and whether it ends in `-sess`. Case does not matter.
    pub(super) fn read(name: &str) -> Option<(Self, bool)> {
        let upper = name.to_ascii_uppercase();
        let (name, for_session) = match upper.strip_suffix("-SESS") {
            Some(name) => (name, true),
            None => (upper.as_str(), false),
        };
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name);
        found.map(|algorithm| (algorithm, for_session))
    }

    /// The hash of `parts` with a colon between them, in hexadecimal.
    pub(super) fn hash(self, parts: &[&[u8]]) -> String {
        // One of them may be a password.
        let text = Secret::from(parts.join(&b':'));
        let algorithm = match self {
            Self::Md5 => HashAlgorithm::Md5,
            Self::Sha256 => HashAlgorithm::Sha256,
            Self::Sha512_256 => HashAlgorithm::Sha512_256,
            Self::Sha512 => HashAlgorithm::Sha512,
        };
        algorithm.digest(text.expose_bytes()).to_text(DigestEncoding::Hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        for (name, expected) in [
            ("MD5", Some((DigestAlgorithm::Md5, false))),
            ("md5-Sess", Some((DigestAlgorithm::Md5, true))),
            ("sha-256", Some((DigestAlgorithm::Sha256, false))),
            ("SHA-512-256-sess", Some((DigestAlgorithm::Sha512_256, true))),
            ("SHA-512", Some((DigestAlgorithm::Sha512, false))),
            ("SHA256", None),
            ("-sess", None),
            ("token", None),
            ("", None),
        ] {
            assert_eq!(DigestAlgorithm::read(name), expected, "{name}");
        }
    }

    #[test]
    fn each_is_stronger_than_the_one_before() {
        assert!(DigestAlgorithm::ALL.is_sorted());
    }
}
