use std::fmt;

use networkpype_core::{AuthError, Secret};

use crate::{Part, Subject, Values, buffer::WipedBuffer};

mod parse;
mod shown;

pub use parse::{TemplateError, TemplateNames};

/// Parts in order, rendered one after the other without anything between them.
///
/// ```
/// use networkpype_auth::{Part, Template};
///
/// // What OKX signs:
/// let okx = Template::from([Part::Timestamp, Part::Method, Part::Target, Part::Body]);
/// // What Poloniex does, with a line end between:
/// let lines = Template::joined_by("\n", [Part::Method, Part::Path, Part::Query]);
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// `parts` with `separator` between each two.
    pub fn joined_by(separator: &'static str, parts: impl IntoIterator<Item = Part>) -> Self {
        let mut joined = Vec::new();
        for part in parts {
            if !joined.is_empty() {
                joined.push(Part::literal(separator));
            }
            joined.push(part);
        }
        Self { parts: joined }
    }

    /// Its parts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether `part` is among its parts, inner hashes included.
    pub fn uses(&self, part: &Part) -> bool {
        // Most parts are of other kinds, which is seen without comparing what they hold.
        let kind = std::mem::discriminant(part);
        self.any(&|own| std::mem::discriminant(own) == kind && own == part)
    }

    /// Whether `wanted` holds for one of its parts, inner hashes included.
    pub(crate) fn any(&self, wanted: &dyn Fn(&Part) -> bool) -> bool {
        let any_inner =
            |part: &Part| part.is_made() && part.inner().iter().any(|inner| inner.any(wanted));
        self.parts.iter().any(|part| wanted(part) || any_inner(part))
    }

    /// What it stands for, where that is one of the values as it is: then nothing is copied, and no copy wiped.
    pub(crate) fn known<'v>(&'v self, values: &Values<'v>) -> Option<&'v [u8]> {
        match self.parts.as_slice() {
            [part] => part.known(values),
            _ => None,
        }
    }

    /// What its parts are called.
    pub(crate) fn label(&self) -> String {
        self.parts.iter().map(Part::label).collect::<Vec<_>>().join(" + ")
    }

    /// Shows `each` every part, inner ones included.
    pub(crate) fn visit(&self, each: &mut dyn FnMut(&Part)) {
        for part in &self.parts {
            each(part);
            for inner in part.inner() {
                inner.visit(each);
            }
        }
    }

    /// What its parts stand for, one after the other. It may hold a key, so it comes as a secret.
    ///
    /// # Errors
    /// When a part needs a request, a message or a value that is not given, or the body is streamed.
    pub fn render(
        &self,
        subject: &mut Subject<'_>,
        values: &Values<'_>,
    ) -> Result<Secret, AuthError> {
        // Most values and most signed texts fit. What is not used is wiped as well, which is why it is not more.
        let mut out = WipedBuffer::with_capacity(if self.parts.len() == 1 { 64 } else { 256 });
        self.write(subject, values, &mut out)?;
        Ok(out.into_secret())
    }

    pub(crate) fn write(
        &self,
        subject: &mut Subject<'_>,
        values: &Values<'_>,
        out: &mut WipedBuffer,
    ) -> Result<(), AuthError> {
        self.parts.iter().try_for_each(|part| part.write(subject, values, out))
    }

    /// The same, and where each part ends.
    pub(crate) fn render_with_ends(
        &self,
        subject: &mut Subject<'_>,
        values: &Values<'_>,
    ) -> Result<(Secret, Vec<usize>), AuthError> {
        let mut out = WipedBuffer::with_capacity(256);
        let mut ends = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            part.write(subject, values, &mut out)?;
            ends.push(out.len());
        }
        Ok((out.into_secret(), ends))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.parts).finish()
    }
}

impl From<Vec<Part>> for Template {
    fn from(parts: Vec<Part>) -> Self {
        Self { parts }
    }
}

impl<const N: usize> From<[Part; N]> for Template {
    fn from(parts: [Part; N]) -> Self {
        Self { parts: parts.into() }
    }
}

impl From<Part> for Template {
    fn from(part: Part) -> Self {
        Self { parts: vec![part] }
    }
}

impl FromIterator<Part> for Template {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        Self { parts: parts.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use networkpype_core::{Encoding, RestRequest};

    use super::*;
    use crate::HashAlgorithm;

    fn rendered(template: impl Into<Template>, request: &mut RestRequest) -> String {
        let key = Secret::new("K");
        let values = Values::new().key(&key).timestamp("T").nonce("N");
        let text =
            template.into().render(&mut Subject::Request(request), &values).expect("renders");
        text.expose_str().expect("text").to_owned()
    }

    #[test]
    fn each_part_is_what_is_sent() {
        let request = RestRequest::post("https://H.example:8443/a%2Fb/../c?x=1&y=%20+")
            .param("é", "a b")
            .header("Webhook-Id", "msg_1")
            .json_text("{\"n\": 219.0}");
        for (part, expected) in [
            (Part::literal("\n"), "\n"),
            (Part::Timestamp, "T"),
            (Part::Nonce, "N"),
            (Part::Key, "K"),
            (Part::Method, "POST"),
            (Part::Host, "h.example:8443"),
            (Part::Url, "https://h.example:8443/a%2Fb/../c?x=1&y=%20+&%C3%A9=a%20b"),
            (Part::Path, "/a%2Fb/../c"),
            (Part::Query, "x=1&y=%20+&%C3%A9=a%20b"),
            (Part::QueryWithMark, "?x=1&y=%20+&%C3%A9=a%20b"),
            (Part::QueryIn(Encoding::AsIs), "x=1&y= +&é=a b"),
            (Part::Target, "/a%2Fb/../c?x=1&y=%20+&%C3%A9=a%20b"),
            (Part::header("webhook-id"), "msg_1"),
            (Part::Body, "{\"n\": 219.0}"),
        ] {
            assert_eq!(rendered(part.clone(), &mut request.clone()), expected, "{part:?}");
        }
    }

    #[test]
    fn the_host_is_the_one_that_is_sent() {
        let front = || {
            RestRequest::get("https://origin.example:8443/p?a=1").header("Host", "front.example")
        };
        assert_eq!(rendered(Part::Host, &mut front()), "front.example");
        assert_eq!(rendered(Part::Url, &mut front()), "https://front.example/p?a=1");
        let plain = &mut RestRequest::get("http://origin.example/p");
        assert_eq!(rendered(Part::Url, plain), "http://origin.example/p");
        let handshake = networkpype_core::WebSocketHandshake::new("wss://h/ws");
        assert_eq!(rendered(Part::Url, &mut handshake.into_request()), "https://h/ws");
    }

    #[test]
    fn a_query_has_its_mark_exactly_where_it_is_sent_with_one() {
        for (url, expected) in [("https://h/p", ""), ("https://h/p?", "?"), ("https://h/p?a", "?a")]
        {
            assert_eq!(rendered(Part::QueryWithMark, &mut RestRequest::get(url)), expected);
        }
    }

    #[test]
    fn what_was_signed_is_frozen_and_what_was_only_rendered_is_not() {
        let mut request = RestRequest::get("https://h/p").param("a", "1");
        rendered([Part::QueryIn(Encoding::AsIs), Part::Path], &mut request);
        rendered(Part::hash_hex(HashAlgorithm::Sha256, Part::Path), &mut request);
        assert!(request.params_mut().is_ok());
        rendered(Part::hash_hex(HashAlgorithm::Sha256, Part::Query), &mut request);
        assert!(request.params_mut().is_err());
    }

    #[test]
    fn an_inner_hash_is_bytes_or_text() {
        let values = Values::new();
        let render = |part: Part| {
            Template::from(part).render(&mut Subject::Nothing, &values).expect("renders")
        };
        let bytes = render(Part::hash(HashAlgorithm::Sha256, Part::literal("abc")));
        assert_eq!(bytes.expose_bytes().len(), 32);
        let hex = render(Part::hash_hex(HashAlgorithm::Sha256, Part::literal("abc")));
        assert_eq!(hex.expose_str(), Some(const_hex::encode(bytes.expose_bytes()).as_str()));
    }

    #[test]
    fn a_part_without_what_it_needs_is_an_error_that_names_it() {
        for part in
            [Part::Timestamp, Part::Passphrase, Part::Signature, Part::Body, Part::SortedFields]
        {
            let error = Template::from(part.clone())
                .render(&mut Subject::Nothing, &Values::new())
                .expect_err("nothing is given");
            assert!(error.to_string().contains(part.name()), "{error}");
        }
        let mut streamed = RestRequest::post("https://h/p").body_stream(None, || unreachable!());
        let body = Template::from(Part::Body);
        assert!(body.render(&mut Subject::Request(&mut streamed), &Values::new()).is_err());
    }

    #[test]
    fn literals_do_not_print() {
        let template = Template::from([Part::literal("hunter2"), Part::Key]);
        assert_eq!(format!("{template:?}"), "[Literal(<7 bytes>), Key]");
    }

    #[test]
    fn inner_hashes_are_searched_too() {
        let kraken = Template::from([
            Part::Path,
            Part::hash(HashAlgorithm::Sha256, [Part::Nonce, Part::Body]),
        ]);
        assert!(kraken.uses(&Part::Nonce) && !kraken.uses(&Part::Timestamp));
    }
}
