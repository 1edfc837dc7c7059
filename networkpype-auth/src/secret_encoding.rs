use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use networkpype_core::{AuthError, AuthErrorKind, Secret};

use crate::names::named;

/// Keys are pasted with their padding and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the text of a secret stands for, as the API's page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SecretEncoding {
    /// The text's own bytes are the key, even where it looks like hex or base64. The default, and what most APIs mean.
    #[default]
    Utf8,
    /// The key is what the text decodes to as base64, padded or not.
    Base64,
    /// The key is what the text decodes to as hexadecimal.
    Hex,
    /// The key is what the text decodes to as base58 in Bitcoin's alphabet.
    Base58,
}

named!(SecretEncoding, "encoding of secrets", {
    Utf8 => "utf8",
    Base64 => "base64",
    Hex => "hex",
    Base58 => "base58",
});

impl SecretEncoding {
    /// The key that `secret` stands for.
    ///
    /// # Errors
    /// When `secret` is not in this encoding. The error does not repeat it.
    pub fn decode(self, secret: &Secret) -> Result<Secret, AuthError> {
        let (name, decoded) = match self {
            Self::Utf8 => return Ok(secret.clone()),
            Self::Base64 => ("base64", BASE64.decode(secret.expose_bytes()).ok()),
            Self::Hex => ("hexadecimal", const_hex::decode(secret.expose_bytes()).ok()),
            Self::Base58 => ("base58", bs58::decode(secret.expose_bytes()).into_vec().ok()),
        };
        // The decoders' own errors quote a byte of the secret and its place, so they go no further.
        decoded.map(Secret::from).ok_or_else(|| {
            AuthError::new(
                AuthErrorKind::Credentials,
                format!("the secret is not {name}: look for a line end or a missing character"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: SecretEncoding, text: &str) -> Option<Vec<u8>> {
        encoding.decode(&text.into()).ok().map(|secret| secret.expose_bytes().to_vec())
    }

    #[test]
    fn a_secret_is_decoded_as_the_page_says_and_not_as_it_looks() {
        for (encoding, text, expected) in [
            (SecretEncoding::Utf8, "c2VjcmV0", Some(&b"c2VjcmV0"[..])),
            (SecretEncoding::Base64, "c2VjcmV0", Some(b"secret")),
            (SecretEncoding::Base64, "c2VjcmV0cw==", Some(b"secrets")),
            (SecretEncoding::Base64, "c2VjcmV0cw", Some(b"secrets")),
            (SecretEncoding::Base64, "c2VjcmV0\n", None),
            (SecretEncoding::Base64, "c2Vj-_V0", None),
            (SecretEncoding::Hex, "00fFa0", Some(b"\x00\xff\xa0")),
            (SecretEncoding::Hex, "00f", None),
            (SecretEncoding::Hex, "secret", None),
            (SecretEncoding::Base58, "111zTuS2beK", Some(b"\0\0\0secret")),
            (SecretEncoding::Base58, "secret0", None),
            (SecretEncoding::Base58, "secre\u{0165}", None),
        ] {
            assert_eq!(decoded(encoding, text).as_deref(), expected, "{encoding:?} {text}");
        }
    }

    #[test]
    fn a_secret_that_does_not_decode_is_not_echoed() {
        for encoding in [SecretEncoding::Base64, SecretEncoding::Hex, SecretEncoding::Base58] {
            let error = encoding.decode(&"hunter2!".into()).expect_err("not decodable");
            assert_eq!(error.kind(), AuthErrorKind::Credentials);
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
        }
    }
}
