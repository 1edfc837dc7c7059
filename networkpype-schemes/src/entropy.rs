//! What is random in a signature.

use networkpype_core::{AuthError, AuthErrorKind};

/// Random bytes for signatures. For tests that want the same signature twice; a program needs no other than the default.
pub trait Entropy: Send + Sync {
    /// Sixteen random bytes.
    ///
    /// # Errors
    /// When there are none to be had. Nothing is sent then.
    fn bytes(&self) -> Result<[u8; 16], AuthError>;

    /// Sixteen random bytes that become a UUID. Default: as [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    fn uuid(&self) -> Result<[u8; 16], AuthError> {
        self.bytes()
    }
}

/// The operating system's random bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            AuthError::new(AuthErrorKind::Other, "the system gives no random bytes")
                .with_source(error)
        })?;
        Ok(bytes)
    }
}

/// The UUID of version 4 (RFC 9562, section 5.4) with these random bits.
#[cfg(any(feature = "recipe", feature = "jwt", feature = "oauth2"))]
pub(crate) fn uuid_text(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 0x0f] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(any(feature = "recipe", feature = "jwt", feature = "oauth2"))]
    #[test]
    fn a_uuid_has_its_version_and_variant_whatever_the_bytes_are() {
        assert_eq!(uuid_text([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_text([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn no_two_draws_are_the_same() {
        assert_ne!(SystemEntropy.bytes().expect("bytes"), SystemEntropy.bytes().expect("bytes"));
    }
}
