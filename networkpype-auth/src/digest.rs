use std::fmt;

use hmac::digest::zeroize::Zeroizing;

use crate::DigestEncoding;

/// The longest digest there is here: SHA-512's.
const MAX: usize = 64;

/// A hash or HMAC value, held without an allocation, and wiped when it is dropped: it may be a signed passphrase.
///
/// It has no `==`: compare what somebody else sent with [`HmacSigner::verify`](crate::HmacSigner::verify), which takes
/// the same time wherever the difference lies.
#[derive(Clone)]
pub struct Digest {
    bytes: Zeroizing<[u8; MAX]>,
    length: usize,
}

impl Digest {
    /// Takes the output of a hash; more than 64 bytes are cut, and none of ours is longer.
    pub(crate) fn new(output: &[u8]) -> Self {
        let length = output.len().min(MAX);
        let mut bytes = Zeroizing::new([0; MAX]);
        bytes[..length].copy_from_slice(&output[..length]);
        Self { bytes, length }
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The digest as text.
    pub fn to_text(&self, encoding: DigestEncoding) -> String {
        encoding.encode(self.as_bytes())
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest(<{} bytes>)", self.length)
    }
}
