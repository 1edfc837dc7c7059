//! Which names and values does a query or a form hold, and how are they written to be signed (RFC 5849, 3.4.1.3 and 3.6)?

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// Everything but `A-Z a-z 0-9 - . _ ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name and its value, percent-encoded. They sort as they are signed: by the bytes of the name, then of the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
}

impl Parameter {
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self { name: encode(name.as_bytes()), value: encode(value.as_bytes()) }
    }
}

/// Percent-encoding with capital digits (RFC 5849, section 3.6).
pub(super) fn encode(bytes: &[u8]) -> String {
    // Of what may be a secret no copy is left behind, as by a text that grows.
    let mut text = String::with_capacity(bytes.len() * 3);
    text.extend(percent_encode(bytes, RESERVED));
    text
}

/// The parameters of a query or a form as it is sent: decoded, with `+` for a space, and encoded in the one way in which they
/// are signed. What decodes to no UTF-8 keeps its bytes. A name alone has an empty value.
pub(super) fn of_text(text: &[u8]) -> impl Iterator<Item = Parameter> {
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let mut next = || encode(&decode(halves.next().unwrap_or_default()));
        Parameter { name: next(), value: next() }
    })
}

/// The text behind a percent-encoded name or value.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> =
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        of_text(text.as_bytes()).map(|Parameter { name, value }| (name, value)).collect()
    }

    #[test]
    fn every_way_to_write_a_parameter_is_signed_in_one() {
        for (text, name, value) in [
            ("a=r%20b", "a", "r%20b"),
            ("a=r+b", "a", "r%20b"),
            ("a=%2B", "a", "%2B"),
            ("a=~", "a", "~"),
            ("a=%7e", "a", "~"),
            ("a=%3d%253D", "a", "%3D%253D"),
            ("c%40=", "c%40", ""),
            ("c@=!*'()", "c%40", "%21%2A%27%28%29"),
            ("c2", "c2", ""),
            ("=x", "", "x"),
            ("a=b=c", "a", "b%3Dc"),
            ("a=%C3%A9", "a", "%C3%A9"),
            ("a=\u{e9}", "a", "%C3%A9"),
            ("a=%ff%zz", "a", "%FF%25zz"),
        ] {
            assert_eq!(pairs(text), [(name.to_owned(), value.to_owned())], "{text}");
        }
        assert_eq!(pairs("").len() + pairs("&&").len(), 0);
    }

    #[test]
    fn parameters_are_sorted_by_the_bytes_of_their_encoded_names_and_then_values() {
        let mut parameters: Vec<_> =
            of_text(b"a3=a&a=z&b5&a=%3D&a3=2+q&%C3%A9=1&~=1&a=Z").collect();
        parameters.sort();
        let sorted: Vec<_> =
            parameters.iter().map(|it| format!("{}={}", it.name, it.value)).collect();
        assert_eq!(sorted, ["%C3%A9=1", "a=%3D", "a=Z", "a=z", "a3=2%20q", "a3=a", "b5=", "~=1"]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_and_sent_is_signed_as_it_was(name in ".{1,9}", value in ".{0,9}") {
            let sent = format!("{}={}", encode(name.as_bytes()), encode(value.as_bytes()));
            let read: Vec<_> = of_text(sent.as_bytes()).collect();
            prop_assert_eq!(read, [Parameter::new(&name, &value)]);
        }

        #[test]
        fn no_text_makes_it_panic(text in prop::collection::vec(any::<u8>(), 0..40)) {
            for parameter in of_text(&text) {
                prop_assert!(!parameter.name.contains(['&', '=', ' ', '+']));
            }
        }
    }
}
