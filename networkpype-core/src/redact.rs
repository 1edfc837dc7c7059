use std::ops::Range;

use http::HeaderMap;
use zeroize::Zeroizing;

use crate::{Pair, Pairs, RestRequest, unescape::View};

/// What stands in place of a removed value.
const REDACTED: &str = "[redacted]";

/// How much of a body is searched: nobody needs more of an error page.
const SEARCHED: usize = 64 * 1024;

/// How many characters an excerpt has at most.
const EXCERPT_CHARS: usize = 512;

/// Values shorter than this are removed only where they stand alone: `2` out of `"v":2`, and not out of the code `-1021`.
const SHORT: usize = 4;

/// How many parts of one body or member are looked for by themselves: each costs a search.
const MOST_PARTS: usize = 64;

/// Parts of a header value shorter than this are words such as `v2`, not credentials.
const SHORTEST_PART: usize = 6;

/// Removes from texts every value that a scheme placed in a request, in whatever form a server may quote it: it compares
/// the signed with the unsigned request, so a scheme need not declare anything.
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
    /// The longest first.
    values: Zeroizing<Vec<String>>,
}

impl Redactor {
    /// A redactor for what `signed` has and `unsigned` has not, and for every sensitive header.
    pub fn between(unsigned: &RestRequest, signed: &RestRequest) -> Self {
        let mut values = Vec::new();
        let segments = |request: &RestRequest| -> Vec<String> {
            request.path().split('/').map(str::to_owned).collect()
        };
        let known = segments(unsigned);
        let added = segments(signed).into_iter().filter(|segment| !known.contains(segment));
        values.extend(added.filter(|segment| segment.len() >= SHORTEST_PART));
        added_headers(unsigned.headers(), signed.headers(), &mut values);
        let before: Vec<_> = pairs(unsigned).map(|pair| (pair.name(), pair.value())).collect();
        for pair in pairs(signed) {
            if !before.contains(&(pair.name(), pair.value())) {
                values.push(pair.value().into_owned());
            }
        }
        match (unsigned.json_members(), signed.json_members()) {
            (before, Some(after)) => {
                let before = before.unwrap_or_default();
                for (_, text) in after.iter().filter(|(name, text)| before.get(name) != Some(*text))
                {
                    values.push(text.to_owned());
                    collect_json_strings(text, &mut values);
                }
            }
            (_, None) if signed.form_params().is_none() => {
                added_body(unsigned, signed, &mut values)
            }
            _ => {}
        }
        Self::of(values)
    }

    /// A redactor for these values.
    pub fn of(values: impl IntoIterator<Item = String>) -> Self {
        let mut values = Zeroizing::new(values.into_iter().collect::<Vec<_>>());
        values.retain(|value| !value.trim().is_empty());
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self { values }
    }

    /// `text` without the values: as they are, and escaped as in JSON, HTML, a URL or a form.
    pub fn redact(&self, text: &str) -> String {
        let mut found: Vec<Range<usize>> =
            View::all(text).iter().flat_map(|view| self.find(view)).collect();
        found.sort_by_key(|range| range.start);
        let mut out = String::with_capacity(text.len());
        let mut shown = 0;
        for range in found {
            if range.start >= shown {
                out.push_str(&text[shown..range.start]);
                out.push_str(REDACTED);
            }
            shown = shown.max(range.end);
        }
        out.push_str(&text[shown..]);
        out
    }

    /// The beginning of `body` as text without the values: 512 characters at most, control characters replaced.
    pub fn excerpt(&self, body: &[u8]) -> String {
        let searched = &body[..body.len().min(SEARCHED)];
        let mut text = self.redact(&String::from_utf8_lossy(searched));
        // A body may be cut off, here or on its way: what its end divided was not recognised.
        text.truncate(self.without_divided_value(&text));
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

    /// Where in the text behind `view` a value stands.
    fn find(&self, view: &View) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut rest = view.text.as_str();
        while !rest.is_empty() {
            let at = view.text.len() - rest.len();
            let before = view.text[..at].chars().next_back();
            let stands_here = |value: &&String| {
                rest.strip_prefix(value.as_str()).is_some_and(|after| {
                    let within_word = [before, after.chars().next()]
                        .into_iter()
                        .flatten()
                        .any(char::is_alphanumeric);
                    value.len() >= SHORT || !within_word
                })
            };
            let step = match self.values.iter().find(stands_here) {
                Some(value) => {
                    found.push(view.source_of(at..at + value.len()));
                    value.len()
                }
                None => rest.chars().next().map_or(1, char::len_utf8),
            };
            rest = &rest[step..];
        }
        found
    }

    /// How much of `text` is left without the beginning of a value at its end, where a last escape may be cut too.
    fn without_divided_value(&self, text: &str) -> usize {
        // No escape of a character is longer than twelve bytes, `\\ud83d\\ude00`.
        let longest = self.values.first().map_or(0, String::len).saturating_mul(12);
        let mut from = text.len().saturating_sub(longest);
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        let tail = &text[from..];
        let marks = tail.char_indices().rev().take(12).filter(|(_, c)| "\\%&\u{fffd}".contains(*c));
        let ends = marks.map(|(at, _)| at).chain([tail.len()]);
        ends.filter_map(|end| self.begins_at(&tail[..end])).min().map_or(text.len(), |at| from + at)
    }

    /// Where the beginning of a value stands that `text` ends with.
    fn begins_at(&self, text: &str) -> Option<usize> {
        View::all(text)
            .iter()
            .filter_map(|view| {
                let begins = |at: &usize| {
                    let tail = &view.text[*at..];
                    tail.len() >= SHORT && self.values.iter().any(|value| value.starts_with(tail))
                };
                let at = view.text.char_indices().map(|(at, _)| at).find(begins)?;
                Some(view.source_of(at..view.text.len()).start)
            })
            .min()
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("values", &self.values.len()).finish()
    }
}

fn pairs(request: &RestRequest) -> impl Iterator<Item = &Pair> {
    request.params().iter().chain(request.form_params().into_iter().flat_map(Pairs::iter))
}

/// A body that a scheme wrote, where it is neither a form nor a JSON object: whole, its words, and its JSON strings.
fn added_body(unsigned: &RestRequest, signed: &RestRequest, values: &mut Vec<String>) {
    // A streamed body is not the scheme's, and has no bytes to compare.
    let (Ok(before), Ok(after)) = (unsigned.clone().body_bytes(), signed.clone().body_bytes())
    else {
        return;
    };
    if before != after {
        let text = String::from_utf8_lossy(&after).into_owned();
        collect_json_strings(&text, values);
        values.extend(
            text.split_whitespace().filter(|word| word.len() >= SHORTEST_PART).map(str::to_owned),
        );
        values.push(text);
    }
}

/// Header values that were added or changed or are sensitive, whole and in the parts between their delimiters: a server that refuses
/// `Authorization: Bearer x` quotes `x`.
fn added_headers(before: &HeaderMap, after: &HeaderMap, values: &mut Vec<String>) {
    for (name, value) in after {
        if !value.is_sensitive() && before.get_all(name).iter().any(|old| old == value) {
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
    let most = values.len() + MOST_PARTS;
    while let Some(value) = open.pop() {
        if values.len() >= most {
            return;
        }
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
            assert!(!redactor.excerpt(body.as_bytes()).contains("ssss"), "{shift}");
        }
        assert_eq!(
            Redactor::of(["s3cr3t-k3y".to_owned()]).excerpt(b"bad key s3cr3t-k3"),
            "bad key "
        );
        assert_eq!(
            Redactor::of(["a/b+s3cr3t".to_owned()]).excerpt(b"bad key a%2fb%2bs3"),
            "bad key "
        );
    }

    #[test]
    fn escaped_values_are_recognised() {
        let redactor = Redactor::of(["a/b=c&d\"e<f'g".to_owned()]);
        for quoted in [
            r#"a\/b=c&d\"e<f'g"#,
            r#"a/b\u003dc\u0026d\u0022e\u003Cf\u0027g"#,
            "a%2fb%3dc%26d%22e%3Cf%27g",
            "a%2Fb%3Dc%26d%22e%3cf%27g",
            "a/b=c&amp;d&quot;e&lt;f&#39;g",
            "a&#x2F;b&#61;c&amp;d&quot;e&lt;f&apos;g",
        ] {
            assert_eq!(redactor.redact(&format!("<{quoted}>")), "<[redacted]>", "{quoted}");
        }
    }

    #[test]
    fn a_body_that_a_scheme_writes_and_sensitive_headers_are_removed() {
        let mut unsigned = RestRequest::post("https://h/");
        unsigned.insert_sensitive_header("x-key", "default-k3y").expect("header");
        let signed = unsigned.clone().json_text(r#"[{"token":"c4nary/1"},"c4nary-2"]"#);
        let redactor = Redactor::between(&unsigned, &signed);
        let shown = redactor.redact(r#"got c4nary\/1 and c4nary-2 and default-k3y"#);
        assert_eq!(shown, "got [redacted] and [redacted] and [redacted]");
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
