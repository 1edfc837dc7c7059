//! What of a text may be shown?

use crate::{Redactor, Secret};

/// How many encodings are looked into, one within the other.
const DEEPEST: usize = 3;

/// The credentials that are not shown, in whatever shape they stand.
pub(super) struct Hidden<'c> {
    credentials: &'c [Secret],
    redactor: Redactor,
}

impl<'c> Hidden<'c> {
    pub(super) fn new(credentials: &'c [Secret]) -> Self {
        let texts = credentials.iter().filter_map(Secret::expose_str);
        // An API may want them in other capitals.
        let texts = texts.flat_map(|text| {
            [text.to_owned(), text.to_ascii_lowercase(), text.to_ascii_uppercase()]
        });
        Self { credentials, redactor: Redactor::of(texts) }
    }

    pub(super) fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    pub(super) fn into_redactor(self) -> Redactor {
        self.redactor
    }

    /// Whether `text` holds a credential, as it is, escaped or encoded.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.is_within(text, 0)
    }

    /// Whether words of `text` are base64 or hexadecimal of something that holds a credential: an API may want its key
    /// inside an encoded body, and that twice.
    pub(super) fn is_encoded_in(&self, text: &[u8]) -> bool {
        self.is_encoded_within(text, 0)
    }

    /// What base64 holds that a credential can be left out of.
    pub(super) fn inside(&self, bytes: &[u8]) -> Option<String> {
        let decoded = base64_decoded(without_padding(bytes))?;
        let text = decoded.expose_str()?;
        let redacted = self.redact(text);
        let is_whole = redacted == text || self.is_encoded_in(text.as_bytes());
        (!is_whole).then(|| format!("<base64 of {redacted}>"))
    }

    fn is_within(&self, text: &[u8], depth: usize) -> bool {
        let lossy = Secret::from(String::from_utf8_lossy(text).into_owned());
        let readable = lossy.expose_str().unwrap_or_default();
        self.redact(readable) != readable
            || self.is_plain_in(text)
            || self.is_encoded_within(text, depth)
    }

    fn is_encoded_within(&self, text: &[u8], depth: usize) -> bool {
        depth < DEEPEST
            && text.split(|byte| !byte.is_ascii_alphanumeric() && !b"+/-_".contains(byte)).any(
                |word| {
                    word.len() >= 8
                        && [base64_decoded(word), hex_decoded(word)]
                            .into_iter()
                            .flatten()
                            .any(|decoded| self.is_within(decoded.expose_bytes(), depth + 1))
                },
            )
    }

    fn is_plain_in(&self, text: &[u8]) -> bool {
        self.credentials.iter().map(Secret::expose_bytes).any(|credential| {
            !credential.is_empty()
                && text.windows(credential.len()).any(|window| window == credential)
        })
    }
}

/// What hexadecimal stands for.
fn hex_decoded(word: &[u8]) -> Option<Secret> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs =
        word.chunks_exact(2).map(|pair| Some((digit(&pair[0])? << 4 | digit(&pair[1])?) as u8));
    let decoded: Option<Vec<u8>> = pairs.collect();
    decoded.filter(|_| word.len().is_multiple_of(2)).map(Secret::from)
}

fn without_padding(text: &[u8]) -> &[u8] {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    &text[..text.len() - padding]
}

/// What base64, of either alphabet and without its padding, stands for.
fn base64_decoded(word: &[u8]) -> Option<Secret> {
    let mut decoded = Vec::with_capacity(word.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in word {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held & 0xff) as u8);
        }
    }
    Some(decoded.into())
}
