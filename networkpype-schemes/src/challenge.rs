//! What does a server ask for, and what does it say about what it was sent (RFC 9110, section 11)?

#[cfg(feature = "digest")]
use http::HeaderName;
use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// What one scheme of a `WWW-Authenticate` header asks for.
///
/// Values are bytes: a realm is hashed as it came, in whatever encoding that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// As the server writes it.
    pub(crate) scheme: String,
    params: Params,
}

/// Names, in lower case, and values without quotes and escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, Vec<u8>)>);

impl Challenge {
    /// All challenges of a response, in their order: in one line or in many, of any schemes.
    pub(crate) fn all(headers: &HeaderMap) -> Vec<Self> {
        headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .flat_map(|value| challenges(value.as_bytes()))
            .collect()
    }

    #[cfg(feature = "digest")]
    pub(crate) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The first value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.params.get(name)
    }
}

/// The values of this name in all challenges, whichever they belong to: for names that no other scheme has.
#[cfg(any(feature = "oauth1", feature = "oauth2"))]
pub(crate) fn values(headers: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    let challenges = Challenge::all(headers);
    challenges.iter().filter_map(|challenge| challenge.get(name)).map(<[u8]>::to_vec).collect()
}

impl Params {
    /// The parameters of a header without a scheme, such as `Authentication-Info`.
    #[cfg(feature = "digest")]
    pub(crate) fn all(headers: &HeaderMap, name: HeaderName) -> Self {
        let mut all = Self::default();
        for value in headers.get_all(name) {
            read(value.as_bytes(), |item| {
                if let Item::Param(name, value) = item {
                    all.0.push((name, value));
                }
            });
        }
        all
    }

    /// The first value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_slice())
    }
}

fn challenges(line: &[u8]) -> Vec<Challenge> {
    let mut all: Vec<Challenge> = Vec::new();
    read(line, |item| match item {
        Item::Scheme(scheme) => all.push(Challenge { scheme, params: Params::default() }),
        Item::Param(name, value) => {
            // One ahead of any scheme belongs to none.
            if let Some(challenge) = all.last_mut() {
                challenge.params.0.push((name, value));
            }
        }
    });
    all
}

enum Item {
    Scheme(String),
    Param(String, Vec<u8>),
}

/// Gives the schemes and parameters of a line one after the other. Reads what servers write and not only what they
/// should: a missing comma, an unquoted value that had to be quoted, a quote that never ends. Whatever it cannot read
/// it leaves out.
fn read(line: &[u8], mut found: impl FnMut(Item)) {
    let mut rest = line;
    loop {
        rest = skip(rest, |byte| !is_token(byte));
        if rest.is_empty() {
            return;
        }
        let word;
        (word, rest) = split(rest, is_token);
        let word = String::from_utf8_lossy(word);
        if let Some(behind) = skip(rest, is_space).strip_prefix(b"=") {
            let value;
            (value, rest) = value_of(skip(behind, is_space));
            found(Item::Param(word.to_ascii_lowercase(), value));
        } else {
            rest = skip_token68(rest);
            found(Item::Scheme(word.into_owned()));
        }
    }
}

/// A quoted text without its escapes, or whatever stands before the next comma or space; and what is behind it.
fn value_of(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let (value, rest) = split(text, |byte| byte != b',' && !is_space(byte));
        return (value.to_vec(), rest);
    };
    let (mut value, mut escaped) = (Vec::new(), false);
    for (at, byte) in quoted.iter().enumerate() {
        match byte {
            b'\\' if !escaped => escaped = true,
            b'"' if !escaped => return (value, &quoted[at + 1..]),
            byte => {
                value.push(*byte);
                escaped = false;
            }
        }
    }
    (value, b"")
}

/// What stands behind a scheme, without the token of the kind that has no name: `Negotiate YWJj==`.
fn skip_token68(text: &[u8]) -> &[u8] {
    let start = skip(text, is_space);
    let token68 = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let end = skip(skip(start, token68), |byte| byte == b'=');
    let alone = skip(end, is_space).first().is_none_or(|byte| *byte == b',');
    if alone { end } else { text }
}

fn split(text: &[u8], belongs: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !belongs(*byte)).unwrap_or(text.len());
    text.split_at(end)
}

fn skip(text: &[u8], belongs: impl Fn(u8) -> bool) -> &[u8] {
    split(text, belongs).1
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Whether it may stand in a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The challenges of a line, each as its scheme with names and values.
    fn shown(line: &str) -> Vec<String> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        challenges(line.as_bytes())
            .into_iter()
            .map(|challenge| {
                let params = challenge.params.0.iter();
                let params = params.map(|(name, value)| format!(" {name}<{}>", text(value)));
                challenge.scheme.clone() + &params.collect::<String>()
            })
            .collect()
    }

    #[test]
    fn challenges_are_told_apart_in_whatever_way_they_are_written() {
        for (line, expected) in [
            ("", vec![]),
            (" , ,", vec![]),
            ("Negotiate", vec!["Negotiate"]),
            (r#"Basic realm="a""#, vec!["Basic realm<a>"]),
            (r#"Digest realm="a, b", nonce="n=1==""#, vec!["Digest realm<a, b> nonce<n=1==>"]),
            (r#"Digest realm="a \"b\" \\ c""#, vec![r#"Digest realm<a "b" \ c>"#]),
            ("Digest REALM = x ,Nonce=\t\"y\"", vec!["Digest realm<x> nonce<y>"]),
            (
                r#"Basic realm="a", Digest realm="b", qop="auth,auth-int", DIGEST realm=c"#,
                vec!["Basic realm<a>", "Digest realm<b> qop<auth,auth-int>", "DIGEST realm<c>"],
            ),
            (r#"Negotiate YWJj==, Basic realm="x""#, vec!["Negotiate", "Basic realm<x>"]),
            ("Negotiate YWJj", vec!["Negotiate"]),
            ("Negotiate, Digest nonce=n", vec!["Negotiate", "Digest nonce<n>"]),
            // Not as they should be.
            ("Digest realm=\"x\" nonce=\"y\"", vec!["Digest realm<x> nonce<y>"]),
            ("Digest nonce=a/b+c==, stale=FALSE", vec!["Digest nonce<a/b+c==> stale<FALSE>"]),
            ("Digest realm=\"never ends", vec!["Digest realm<never ends>"]),
            ("Digest realm=\"x\\", vec!["Digest realm<x>"]),
            ("Digest realm=\"\"", vec!["Digest realm<>"]),
            ("realm=\"x\", Digest nonce=n", vec!["Digest nonce<n>"]),
            ("Digest ;;nonce=n;", vec!["Digest nonce<n;>"]),
            ("Digest realm=\"J\u{e4}s\u{f8}n\"", vec!["Digest realm<J\u{e4}s\u{f8}n>"]),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_run_on(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = challenges(&line);
        }

        #[test]
        fn nor_does_one_made_of_what_has_a_meaning(line in "[ \\t\"\\\\,=aB;/\u{e4}]{0,40}") {
            let _ = challenges(line.as_bytes());
        }

        #[test]
        fn what_is_quoted_comes_back_as_it_was(values in prop::collection::vec(".{0,12}", 1..5)) {
            let quoted = values.iter().enumerate().map(|(number, value)| {
                format!("p{number}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
            });
            let line = format!("Digest {}, Basic realm=x", quoted.collect::<Vec<_>>().join(", "));
            let all = challenges(line.as_bytes());
            prop_assert_eq!(all.len(), 2);
            for (number, value) in values.iter().enumerate() {
                prop_assert_eq!(all[0].get(&format!("p{number}")), Some(value.as_bytes()));
            }
        }
    }
}
