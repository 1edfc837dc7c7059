use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters, `A-Z a-z 0-9 - . _ ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the `application/x-www-form-urlencoded` serializer encodes; the space becomes `+` besides.
const FORM: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b' ');

/// How the names and values of parameters become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Encoding {
    /// Percent-encoding of everything but the unreserved characters of RFC 3986; a space is `%20`. The default.
    #[default]
    Rfc3986,
    /// The WHATWG form serializer: a space is `+`, and `*` stays.
    Form,
    /// No encoding at all. Sent only where every byte may stand in a request as it is.
    AsIs,
}

impl Encoding {
    /// `text` in this encoding.
    ///
    /// ```
    /// use networkpype_core::Encoding;
    ///
    /// assert_eq!(Encoding::Rfc3986.encode("a b/ü"), "a%20b%2F%C3%BC");
    /// assert_eq!(Encoding::Form.encode("a b/ü"), "a+b%2F%C3%BC");
    /// assert_eq!(Encoding::AsIs.encode("a b/ü"), "a b/ü");
    /// ```
    pub fn encode(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Rfc3986 => utf8_percent_encode(text, RESERVED).into(),
            Self::Form => {
                let encoded: Cow<'_, str> = utf8_percent_encode(text, FORM).into();
                if encoded.contains(' ') { encoded.replace(' ', "+").into() } else { encoded }
            }
            Self::AsIs => text.into(),
        }
    }
}

/// Percent-decodes `text`; what does not decode to UTF-8 is replaced, since it is only ever rendered again.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// The first byte of a request-target part that may not be sent: a control character, a space, `#`, or anything
/// that is not ASCII (RFC 9112, section 3.2). Delimiters that RFC 3986 would have encoded but that APIs demand
/// literally, such as `[` or `|`, pass here; a transport that would rewrite them refuses for itself.
pub(crate) fn first_unsendable(text: &str) -> Option<usize> {
    text.bytes().position(|byte| !byte.is_ascii_graphic() || byte == b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ascii_character_is_encoded_as_its_standard_says() {
        for byte in 0..128_u8 {
            let text = char::from(byte).to_string();
            let plain = byte.is_ascii_alphanumeric();
            let hex = format!("%{byte:02X}");
            let expect = |kept: &[u8]| {
                if plain || kept.contains(&byte) { text.clone() } else { hex.clone() }
            };
            assert_eq!(Encoding::Rfc3986.encode(&text), expect(b"-._~"));
            let form = if byte == b' ' { "+".to_owned() } else { expect(b"-._*") };
            assert_eq!(Encoding::Form.encode(&text), form);
        }
    }
}
