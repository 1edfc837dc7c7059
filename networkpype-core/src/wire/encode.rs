use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters, `A-Z a-z 0-9 - . _ ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the `application/x-www-form-urlencoded` serializer encodes; the space becomes `+` besides.
const FORM: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b' ');

/// As [`RESERVED`], but for the space, which becomes `+`.
const RESERVED_BUT_SPACE: &AsciiSet = &RESERVED.remove(b' ');

/// How the names and values of parameters become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Encoding {
    /// Percent-encoding of everything but the unreserved characters of RFC 3986; a space is `%20`. The default.
    #[default]
    Rfc3986,
    /// The WHATWG form serializer: a space is `+`, and `*` stays.
    Form,
    /// As [`Rfc3986`](Self::Rfc3986), but a space is `+`: what `urlencode` of Python and `url.QueryEscape` of Go write.
    Plus,
    /// No encoding at all. Sent only where every byte may stand in a request as it is.
    AsIs,
    /// As [`Rfc3986`](Self::Rfc3986), but for these characters, which stay: for APIs that want `,` or `$` literally.
    Keeping(Kept),
}

/// ASCII characters that [`Encoding::Keeping`] leaves alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Kept(u128);

impl Kept {
    /// The characters of `text`; what is not ASCII is always encoded, and so are controls, `%`, `&`, `=`, `+`, `#` and
    /// the space: a server would read something else than was meant.
    ///
    /// ```
    /// use networkpype_core::{Encoding, Kept};
    ///
    /// assert_eq!(Encoding::Keeping(Kept::new(",$&")).encode("a,b $&"), "a,b%20$%26");
    /// ```
    pub const fn new(text: &str) -> Self {
        let (bytes, mut set, mut at) = (text.as_bytes(), 0, 0);
        while at < bytes.len() {
            let byte = bytes[at];
            if byte.is_ascii_graphic() && !matches!(byte, b'%' | b'&' | b'=' | b'+' | b'#') {
                set |= 1 << byte;
            }
            at += 1;
        }
        Self(set)
    }

    fn holds(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 & (1 << byte) != 0
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept: String = (0..128).filter(|byte| self.holds(*byte)).map(char::from).collect();
        f.debug_tuple("Kept").field(&kept).finish()
    }
}

fn encode_keeping(text: &str, kept: Kept) -> Cow<'_, str> {
    let stays =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.holds(byte);
    if text.bytes().all(stays) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if stays(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(percent_encoding::percent_encode_byte(byte));
        }
    }
    out.into()
}

fn plus_for_space(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains(' ') { text.replace(' ', "+").into() } else { text }
}

impl Encoding {
    /// `text` in this encoding.
    ///
    /// ```
    /// use networkpype_core::Encoding;
    ///
    /// assert_eq!(Encoding::Rfc3986.encode("a b/ü"), "a%20b%2F%C3%BC");
    /// assert_eq!(Encoding::Form.encode("a b/ü"), "a+b%2F%C3%BC");
    /// assert_eq!(Encoding::Plus.encode("a b~*"), "a+b~%2A");
    /// assert_eq!(Encoding::AsIs.encode("a b/ü"), "a b/ü");
    /// ```
    pub fn encode(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Rfc3986 => utf8_percent_encode(text, RESERVED).into(),
            Self::Form => plus_for_space(utf8_percent_encode(text, FORM).into()),
            Self::Plus => plus_for_space(utf8_percent_encode(text, RESERVED_BUT_SPACE).into()),
            Self::AsIs => text.into(),
            Self::Keeping(kept) => encode_keeping(text, kept),
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
            let plus = if byte == b' ' { "+".to_owned() } else { expect(b"-._~") };
            assert_eq!(Encoding::Plus.encode(&text), plus);
        }
    }
}
