use http::HeaderMap;
use zeroize::Zeroizing;

use crate::{Encoding, RestRequest};

/// What stands in place of a removed value.
const REDACTED: &str = "[redacted]";

/// How much of a body is searched: nobody needs more of an error page.
const SEARCHED: usize = 64 * 1024;

/// How many characters an excerpt has at most.
const EXCERPT_CHARS: usize = 512;

/// Values shorter than this are removed only where they stand alone: `2` out of `"v":2`, and not out of the code `-1021`.
const SHORT: usize = 4;

/// Parts of a header value shorter than this are words such as `v2`, not credentials.
const SHORTEST_PART: usize = 6;

/// Removes from texts every value that a scheme placed in a request: it compares the signed with the unsigned one, so
/// a scheme need not declare anything.
///
/// ```
/// use networkpype_core::{Redactor, RestRequest};
///
/// let unsigned = RestRequest::get("https://h/account");
/// let signed = unsigned.clone().header("authorization", "Bearer s3cr3t-t0ken");
/// let redactor = Redactor::between(&unsigned, &signed);
/// assert_eq!(
///     redactor.excerpt(b"bad token: s3cr3t-t0ken"),
///     "bad token: [redacted]",
/// );
/// ```
pub struct Redactor {
    /// The longest first, so that a value is removed before a part of it.
    values: Zeroizing<Vec<String>>,
}

impl Redactor {
    /// A redactor for what `signed` has and `unsigned` has not.
    pub fn between(unsigned: &RestRequest, signed: &RestRequest) -> Self {
        let mut values = Vec::new();
        added_headers(unsigned.headers(), signed.headers(), &mut values);
        let pairs_before = unsigned
            .params()
            .iter()
            .chain(unsigned.form_params().into_iter().flat_map(|form| form.iter()));
        let before: Vec<_> = pairs_before.map(|pair| (pair.name(), pair.value())).collect();
        let pairs = signed
            .params()
            .iter()
            .chain(signed.form_params().into_iter().flat_map(|form| form.iter()));
        for pair in pairs {
            if !before.contains(&(pair.name(), pair.value())) {
                values.push(pair.value().into_owned());
            }
        }
        let members_before = unsigned.json_members().unwrap_or_default();
        for (name, text) in signed.json_members().unwrap_or_default().iter() {
            if members_before.get(name) != Some(text) {
                values.push(text.to_owned());
                collect_json_strings(text, &mut values);
            }
        }
        Self::of(values)
    }

    /// A redactor for these values, in every form in which a server may echo them.
    pub fn of(values: impl IntoIterator<Item = String>) -> Self {
        let mut all = Zeroizing::new(Vec::new());
        for value in values {
            all.push(Encoding::Rfc3986.encode(&value).into_owned());
            all.push(Encoding::Form.encode(&value).into_owned());
            let quoted = serde_json::Value::from(value.as_str()).to_string();
            all.push(quoted[1..quoted.len() - 1].to_owned());
            all.push(value);
        }
        all.retain(|value| !value.trim().is_empty());
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Self { values: all }
    }

    /// `text` without the values.
    pub fn redact(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let before = text[..text.len() - rest.len()].chars().next_back();
            let stands_here = |value: &&String| {
                rest.strip_prefix(value.as_str()).is_some_and(|after| {
                    let within_word = [before, after.chars().next()]
                        .into_iter()
                        .flatten()
                        .any(char::is_alphanumeric);
                    value.len() >= SHORT || !within_word
                })
            };
            match self.values.iter().find(stands_here) {
                Some(value) => {
                    out.push_str(REDACTED);
                    rest = &rest[value.len()..];
                }
                None => {
                    out.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        out
    }

    /// The beginning of `body` as text without the values: 512 characters at most, control characters replaced.
    pub fn excerpt(&self, body: &[u8]) -> String {
        let searched = &body[..body.len().min(SEARCHED)];
        let mut text = self.redact(&String::from_utf8_lossy(searched));
        if searched.len() < body.len() {
            // A value that the cut divided was not recognised; its beginning is in these last bytes.
            let longest = self.values.first().map_or(0, String::len);
            let mut keep = text.len().saturating_sub(longest);
            while !text.is_char_boundary(keep) {
                keep -= 1;
            }
            text.truncate(keep);
        }
        let mut excerpt: String = text
            .chars()
            .take(EXCERPT_CHARS)
            .map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c })
            .collect();
        if searched.len() < body.len() || text.chars().count() > EXCERPT_CHARS {
            excerpt.push('…');
        }
        excerpt
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("values", &self.values.len()).finish()
    }
}

/// Header values that were added or changed, whole and in the parts between their delimiters: a server that refuses
/// `Authorization: Bearer x` quotes `x`.
fn added_headers(before: &HeaderMap, after: &HeaderMap, values: &mut Vec<String>) {
    for (name, value) in after {
        if before.get_all(name).iter().any(|old| old == value) {
            continue;
        }
        let text = String::from_utf8_lossy(value.as_bytes());
        values.extend(
            text.split([' ', ',', ';', '"', ':', '&'])
                .flat_map(|part| {
                    // A base64 value ends in `=`, so the text behind a name's `=` is a part beside the whole.
                    std::iter::once(part).chain(part.split_once('=').map(|(_, value)| value))
                })
                .filter(|part| part.len() >= SHORTEST_PART)
                .map(str::to_owned),
        );
        values.push(text.into_owned());
    }
}

fn collect_json_strings(text: &str, values: &mut Vec<String>) {
    let mut open = vec![serde_json::from_str::<serde_json::Value>(text).unwrap_or_default()];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::String(text) => values.push(text),
            serde_json::Value::Array(items) => open.extend(items),
            serde_json::Value::Object(members) => {
                open.extend(members.into_iter().map(|(_, value)| value))
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pair;

    #[test]
    fn whatever_a_scheme_places_is_removed_in_every_form() {
        let unsigned = RestRequest::post("https://h/?keep=visible").json_object([("a", "visible")]);
        let mut signed = unsigned.clone().header("cookie", "sid=c4nary+one/==; x=1");
        signed.append_query(Pair::new("key", "c4nary two"));
        signed.append_json("sig", &serde_json::json!({"v": ["c4nary\"three"]})).expect("member");
        let redactor = Redactor::between(&unsigned, &signed);
        for echo in [
            "c4nary+one/==",
            "c4nary%2Bone%2F%3D%3D",
            "c4nary two",
            "c4nary%20two",
            "c4nary+two",
            "c4nary\"three",
            "c4nary\\\"three",
        ] {
            let shown = redactor.redact(&format!("<{echo}> visible"));
            assert_eq!(shown, "<[redacted]> visible", "{echo}");
        }
        assert!(!format!("{redactor:?}").contains("c4nary"));
    }

    #[test]
    fn a_short_value_is_removed_where_it_stands_alone() {
        let redactor = Redactor::of(["2".to_owned(), "GB".to_owned()]);
        assert_eq!(
            redactor.redact(r#"{"code":-1021,"v":2,"c":"GB","word":"RUGBY"}"#),
            r#"{"code":-1021,"v":[redacted],"c":"[redacted]","word":"RUGBY"}"#,
        );
    }

    #[test]
    fn a_cut_does_not_leave_the_beginning_of_a_secret() {
        let secret = "s".repeat(100);
        let redactor = Redactor::of([secret.clone()]);
        for shift in 0..200 {
            // So much is removed before the cut that what the cut divides would be shown.
            let mut body = secret.repeat(SEARCHED / 100 - 2);
            body.push_str(&"-".repeat(shift));
            body.push_str(&secret.repeat(3));
            assert!(!redactor.excerpt(body.as_bytes()).contains('s'), "{shift}");
        }
    }

    #[test]
    fn an_excerpt_is_bounded_and_printable() {
        let redactor = Redactor::of([]);
        assert_eq!(redactor.excerpt(b"a\x1b[31m\nb"), "a\u{fffd}[31m\nb");
        assert_eq!(
            redactor.excerpt("é".repeat(10_000).as_bytes()).chars().count(),
            EXCERPT_CHARS + 1
        );
        assert_eq!(redactor.excerpt(&[0xff, 0xfe]), "\u{fffd}\u{fffd}");
    }
}
