use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use self::hidden::Hidden;
use crate::{Redactor, Secret};

mod hidden;

/// How a signature came about: what was signed, part by part, how, and what was placed where. For the question why a
/// server refused it.
///
/// `Display` prints it on several lines, `Debug` names and sizes alone. Neither shows a credential; what was signed is
/// shown, since that is what is asked for, so print it where the parameters of the request may be seen.
///
/// ```
/// use networkpype_core::{Explanation, Secret};
///
/// let explanation = Explanation::builder("example", "hmac-sha256, hex")
///     .part("timestamp", "1700000000", false)
///     .part("target", "/orders?symbol=BTC%2FUSDT", false)
///     .placed("header X-SIGN", "signature")
///     .build(&[Secret::new("my-key")]);
/// assert_eq!(explanation.signed_text(), "1700000000/orders?symbol=BTC%2FUSDT");
///
/// // What the server says it expected.
/// let difference = explanation.first_difference("1700000000/orders?symbol=BTC/USDT").expect("differs");
/// assert_eq!((difference.at(), difference.part()), (28, Some("target")));
/// ```
#[derive(Clone)]
pub struct Explanation {
    scheme: Cow<'static, str>,
    operation: Cow<'static, str>,
    payload: Secret,
    parts: Vec<Part>,
    placed: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    redactor: Arc<Redactor>,
}

#[derive(Clone)]
struct Part {
    name: Cow<'static, str>,
    end: usize,
    /// What may be shown of it.
    shown: String,
    /// What may be shown of the text that it was made from.
    source: Option<String>,
    hidden: bool,
}

/// A part as it was signed.
struct Given {
    name: Cow<'static, str>,
    text: Secret,
    is_secret: bool,
    source: Option<Source>,
}

/// What a part was made from, by filters or a hash.
struct Source {
    through: Cow<'static, str>,
    text: Secret,
    /// What that was made from in its turn.
    inner: Vec<Secret>,
}

/// Collects an [`Explanation`]. Made by [`Explanation::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ExplanationBuilder {
    scheme: Cow<'static, str>,
    operation: Cow<'static, str>,
    parts: Vec<Given>,
    placed: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl Explanation {
    /// An explanation of what `scheme` did, with this operation and encoding.
    pub fn builder(
        scheme: impl Into<Cow<'static, str>>,
        operation: impl Into<Cow<'static, str>>,
    ) -> ExplanationBuilder {
        ExplanationBuilder {
            scheme: scheme.into(),
            operation: operation.into(),
            parts: Vec::new(),
            placed: Vec::new(),
        }
    }

    /// The scheme or the recipe.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The operation and the encoding of its result, such as `hmac-sha256, hex`.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The parts of what was signed, in their order: what each is called, and its text without credentials.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().map(|part| (part.name.as_ref(), part.shown.as_str()))
    }

    /// The parts that were made from another text, by filters or a hash: what each is called, and that text without
    /// credentials.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().filter_map(|part| Some((part.name.as_ref(), part.source.as_deref()?)))
    }

    /// What was signed, without credentials.
    pub fn signed_text(&self) -> String {
        self.parts.iter().map(|part| part.shown.as_str()).collect()
    }

    /// What was placed, in the order in which it went in: where, and what it is made of.
    pub fn placed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.placed.iter().map(|(place, value)| (place.as_ref(), value.as_ref()))
    }

    /// Where what was signed first differs from `expected`, the text that a server says it expected; `None` where it does
    /// not. An `expected` whose line ends and quotes are escaped, as they are in JSON, is understood.
    pub fn first_difference(&self, expected: &str) -> Option<Difference> {
        let unescaped = unescaped(expected);
        let candidates = [expected, unescaped.as_str()];
        let common = |text: &str| {
            let pairs = self.payload.expose_bytes().iter().zip(text.as_bytes());
            pairs.take_while(|(own, wanted)| own == wanted).count()
        };
        let payload = self.payload.expose_bytes();
        if candidates.iter().any(|text| text.as_bytes() == payload) {
            return None;
        }
        let text = candidates.into_iter().max_by_key(|text| common(text))?;
        let at = common(text);
        let part = self.parts.iter().find(|part| at < part.end).or(self.parts.last());
        let hidden = part.is_some_and(|part| part.hidden);
        let ends = self.parts.iter().map(|part| part.end);
        let start = ends.take_while(|end| *end <= at).last().unwrap_or_default();
        let end = part.map_or(at, |part| part.end.max(at));
        let start = start.min(at);
        let shown = |bytes: &[u8], start: usize| match hidden {
            true => HIDDEN.to_owned(),
            false => self.around(&bytes[start..], at - start),
        };
        Some(Difference {
            at,
            part: part.map(|part| part.name.clone()),
            in_part: at - start,
            // Behind the part may be another that is not shown.
            signed: shown(&payload[..end], start),
            expected: shown(text.as_bytes(), 0),
        })
    }

    /// A few bytes of `bytes` from `at` on, without credentials.
    fn around(&self, bytes: &[u8], at: usize) -> String {
        const SHOWN: usize = 24;
        let text = String::from_utf8_lossy(&bytes[at..]);
        let before = String::from_utf8_lossy(&bytes[..at]);
        let redact = |text: &str| self.redactor.redact(text);
        if text.is_empty() {
            return "its end".to_owned();
        }
        // Half of a credential would not be recognised as one.
        if redact(&before) + &redact(&text) != redact(&format!("{before}{text}")) {
            return HIDDEN.to_owned();
        }
        format!("{:?}", redact(&text).chars().take(SHOWN).collect::<String>())
    }
}

const HIDDEN: &str = "(a credential, not shown)";

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('\\', Some(next @ ('n' | 'r' | 't' | '"' | '\\' | '/'))) => {
                letters.next();
                out.push(match next {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
            }
            _ => out.push(letter),
        }
    }
    out
}

impl ExplanationBuilder {
    /// A part of what was signed, behind those before. One that is a credential, or made from one, is not shown.
    pub fn part(
        mut self,
        name: impl Into<Cow<'static, str>>,
        text: impl Into<Secret>,
        is_secret: bool,
    ) -> Self {
        self.parts.push(Given { name: name.into(), text: text.into(), is_secret, source: None });
        self
    }

    /// Says what the last part was made from: by these filters or this hash, from this text, which was made from `inner` in
    /// its turn. The source is shown, and the part too where none of these hold a credential.
    pub fn made_from(
        mut self,
        through: impl Into<Cow<'static, str>>,
        text: impl Into<Secret>,
        inner: Vec<Secret>,
    ) -> Self {
        if let Some(part) = self.parts.last_mut() {
            part.source = Some(Source { through: through.into(), text: text.into(), inner });
        }
        self
    }

    /// What was placed where.
    pub fn placed(
        mut self,
        place: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.placed.push((place.into(), value.into()));
        self
    }

    /// The explanation, which shows none of these credentials, wherever in it they stand.
    pub fn build(self, credentials: &[Secret]) -> Explanation {
        let hidden = Hidden::new(credentials);
        let mut payload = Vec::new();
        let mut parts = Vec::with_capacity(self.parts.len());
        for given in self.parts {
            payload.extend_from_slice(given.text.expose_bytes());
            parts.push(given.shown(payload.len(), &hidden));
        }
        Explanation {
            scheme: self.scheme,
            operation: self.operation,
            payload: payload.into(),
            parts,
            placed: self.placed,
            redactor: Arc::new(hidden.into_redactor()),
        }
    }
}

/// How much of a part is searched for credentials: what is longer is not shown.
const SEARCHED: usize = 64 * 1024;

impl Given {
    /// What may be shown of it, where it ends at `end`.
    fn shown(self, end: usize, credentials: &Hidden<'_>) -> Part {
        let Self { name, text, is_secret, source } = self;
        let bytes = text.expose_bytes();
        let summary = format!("<{name}, {} bytes>", bytes.len());
        let texts = source.iter().flat_map(Source::texts);
        if texts.chain([&text]).any(|text| text.expose_bytes().len() > SEARCHED) {
            return Part { name, end, shown: summary, source: None, hidden: true };
        }
        let (made_from, from_one) = match &source {
            Some(source) => source.shown(credentials),
            None => (None, false),
        };
        let hidden = is_secret && !bytes.is_empty() || from_one || credentials.is_encoded_in(bytes);
        let shown = match (hidden, text.expose_str(), &source, &made_from) {
            // What it was made from tells more than that it is hidden: the claims of a token, say.
            (true, _, Some(source), Some(text)) if from_one => {
                format!("<{} of {text}>", source.through)
            }
            (true, _, None, _) if !is_secret => credentials.inside(bytes).unwrap_or(summary),
            (true, ..) => summary,
            (false, Some(text), ..) => credentials.redact(text),
            (false, None, ..) => format!("<{} bytes: {}>", bytes.len(), hex(bytes)),
        };
        Part { name, end, shown, source: made_from.filter(|_| !hidden), hidden }
    }
}

impl Source {
    fn texts(&self) -> impl Iterator<Item = &Secret> {
        self.inner.iter().chain([&self.text])
    }

    /// What may be shown of it, `None` where it holds a credential that cannot be left out; and whether it holds one.
    fn shown(&self, credentials: &Hidden<'_>) -> (Option<String>, bool) {
        let inside = self.inner.iter().any(|inner| credentials.is_in(inner.expose_bytes()));
        let bytes = self.text.expose_bytes();
        let cannot_be_left_out = inside || credentials.is_encoded_in(bytes);
        let text = self.text.expose_str().filter(|_| !cannot_be_left_out);
        (text.map(|text| credentials.redact(text)), cannot_be_left_out || credentials.is_in(bytes))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} signed with {}:", self.scheme, self.operation)?;
        let mut start = 0;
        for part in &self.parts {
            writeln!(f, "  {start:>5}  {}: {:?}", part.name, part.shown)?;
            if let Some(source) = &part.source {
                writeln!(f, "         made from {source:?}")?;
            }
            start = part.end;
        }
        if self.parts.is_empty() {
            writeln!(f, "  nothing")?;
        }
        for (place, value) in self.placed() {
            writeln!(f, "  {place} = {value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut start = 0;
        let parts: Vec<(&str, Range<usize>)> = self
            .parts
            .iter()
            .map(|part| {
                let range = start..part.end;
                start = part.end;
                (part.name.as_ref(), range)
            })
            .collect();
        f.debug_struct("Explanation")
            .field("scheme", &self.scheme)
            .field("operation", &self.operation)
            .field("parts", &parts)
            .field("placed", &self.placed)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ExplanationBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExplanationBuilder").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// Where what was signed first differs from what a server expected. `Display` shows some of both, without credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Difference {
    at: usize,
    part: Option<Cow<'static, str>>,
    in_part: usize,
    signed: String,
    expected: String,
}

impl Difference {
    /// The first byte that differs, counted from 0; the length of the shorter text where the other goes on.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The part that it belongs to; `None` where nothing was signed.
    pub fn part(&self) -> Option<&str> {
        self.part.as_deref()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, in_part, signed, expected, .. } = self;
        let part = self.part().unwrap_or("nothing");
        write!(
            f,
            "byte {at}, which is byte {in_part} of `{part}`: signed was {signed}, expected was {expected}"
        )
    }
}

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Difference")
            .field("at", &self.at)
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained() -> Explanation {
        Explanation::builder("test", "hmac-sha256, hex")
            .part("timestamp", "17", false)
            .part("key", "my-api-key", true)
            .part("method", "GET", false)
            .part("text", "\n", false)
            .part("query", "a=1&k=my-api-key", false)
            .build(&[Secret::new("my-api-key"), Secret::new("")])
    }

    #[test]
    fn credentials_are_shown_neither_as_parts_nor_inside_of_others() {
        let explanation = explained();
        assert_eq!(explanation.signed_text(), "17<key, 10 bytes>GET\na=1&k=[redacted]");
        for text in [format!("{explanation}"), format!("{explanation:?}")] {
            assert!(!text.contains("my-api"), "{text}");
        }
        assert!(!format!("{explanation:?}").contains("a=1"), "Debug shows names and sizes");
    }

    #[test]
    fn a_credential_inside_of_base64_is_not_shown() {
        for (body, shown) in [
            ("bXktYXBpLWtleQ==", "<base64 of [redacted]>"),
            ("eG15LWFwaS1rZXk=", "<base64 of x[redacted]>"),
            ("eHhteS1hcGkta2V5", "<base64 of xx[redacted]>"),
            ("eyJrIjoibXktYXBpLWtleSJ9", "<base64 of {\"k\":\"[redacted]\"}>"),
            ("a=1&k=bXktYXBpLWtleQ==", "<body, 22 bytes>"),
        ] {
            let explanation = Explanation::builder("test", "")
                .part("body", body, false)
                .build(&[Secret::new("my-api-key")]);
            assert_eq!(explanation.signed_text(), shown, "{body}");
        }
        let harmless = Explanation::builder("test", "")
            .part("body", "eyJub25jZSI6MX0=", false)
            .build(&[Secret::new("my-api-key")]);
        assert_eq!(harmless.signed_text(), "eyJub25jZSI6MX0=");
    }

    #[test]
    fn what_is_too_long_to_be_searched_is_not_shown() {
        let long = "a".repeat(SEARCHED + 1);
        let explanation = Explanation::builder("test", "")
            .part("body", long.clone(), false)
            .part("body|md5|hex", "1", false)
            .made_from("md5|hex", long.clone(), Vec::new())
            .build(&[Secret::new("my-api-key")]);
        assert_eq!(explanation.signed_text(), "<body, 65537 bytes><body|md5|hex, 1 bytes>");
        assert_eq!(explanation.sources().count(), 0);
        assert_eq!(explanation.first_difference(&format!("{long}2")).expect("differs").at(), 65537);
    }

    #[test]
    fn a_credential_that_is_base64_itself_is_not_decoded() {
        let key = "dXNlcjpwYXNzd29yZA==";
        let explanation = Explanation::builder("test", "")
            .part("key", key, true)
            .part("(secret|md5|hex)|base64", "YTRmZTIzMjA=", true)
            .build(&[Secret::new(key)]);
        assert_eq!(explanation.signed_text(), "<key, 20 bytes><(secret|md5|hex)|base64, 12 bytes>");
    }

    #[test]
    fn the_first_byte_that_differs_belongs_to_a_part() {
        let explanation = explained();
        let same = "17my-api-keyGET\na=1&k=my-api-key";
        assert_eq!(explanation.first_difference(same), None);
        assert_eq!(explanation.first_difference(&same.replace('\n', "\\n")), None);
        for (expected, at, part) in [
            ("18my-api-keyGET\n", 1, "timestamp"),
            ("17mx-api-keyGET\n", 3, "key"),
            ("17my-api-keyPOST\n", 12, "method"),
            ("17my-api-keyGET\na=2", 18, "query"),
            ("17my-api-keyGET", 15, "text"),
            ("", 0, "timestamp"),
        ] {
            let found = explanation.first_difference(expected).expect(expected);
            assert_eq!((found.at(), found.part()), (at, Some(part)), "{expected}");
        }
        let longer = explanation.first_difference(&format!("{same}&b=2")).expect("differs");
        assert_eq!((longer.at(), longer.part()), (same.len(), Some("query")));
        for (expected, at) in [("17my-api-keyGET\na=1&k=my-ap", 27), ("17my-api-keyGET\na=1&k", 21)]
        {
            let found = explanation.first_difference(expected).expect("differs");
            assert_eq!(found.at(), at);
            assert!(!found.to_string().contains("api"), "{found}");
        }
        let secret = explanation.first_difference("17other").expect("differs").to_string();
        assert!(!secret.contains("my-api") && secret.contains("not shown"), "{secret}");
    }

    #[test]
    fn what_was_signed_may_be_nothing_or_bytes() {
        let nothing = Explanation::builder("test", "").build(&[]);
        assert_eq!(nothing.first_difference(""), None);
        assert_eq!(nothing.first_difference("x").expect("differs").part(), None);
        let bytes = Explanation::builder("test", "")
            .part("body|sha256", vec![0xff, 0x00], false)
            .build(&[]);
        assert_eq!(bytes.signed_text(), "<2 bytes: ff00>");
    }
}
