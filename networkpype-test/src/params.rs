//! What do a query or a form say? Split as text; decoded only where a value is compared.

/// The pairs of `a=1&b=2` as sent; a pair without `=` has an empty value.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The decoded value of the first pair of this name.
pub(crate) fn value(text: &str, name: &str) -> Option<String> {
    pairs(text).find(|(sent, _)| *sent == name).map(|(_, value)| decode(value))
}

/// A number among the parameters; anything else reads as absent.
pub(crate) fn number(text: &str, name: &str) -> Option<u64> {
    value(text, name)?.parse().ok()
}

/// Form decoding: `+` is a space; a malformed escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        decoded.push(match first {
            b'+' => b' ',
            b'%' => match tail.get(..2).and_then(hex_pair) {
                Some(byte) => {
                    rest = &tail[2..];
                    byte
                }
                None => b'%',
            },
            other => *other,
        });
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_pair(digits: &[u8]) -> Option<u8> {
    let mut byte = [0];
    const_hex::decode_to_slice(digits, &mut byte).ok()?;
    Some(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        for (text, expected) in
            [("a%20b+c", "a b c"), ("%2541", "%41"), ("%zz%", "%zz%"), ("%C3%A9", "\u{e9}")]
        {
            assert_eq!(decode(text), expected);
        }
    }

    #[test]
    fn the_first_of_a_name_counts() {
        assert_eq!(value("&a=1&&a=2&b", "a").as_deref(), Some("1"));
        assert_eq!(value("&a=1&&a=2&b", "b").as_deref(), Some(""));
        assert_eq!(value("aa=1", "a"), None);
    }
}
