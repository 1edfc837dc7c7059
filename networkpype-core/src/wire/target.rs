use std::fmt;

use super::{
    encode::{Encoding, first_unsendable},
    error::WireError,
    pairs::{Pair, Pairs},
};
use crate::Origin;

/// The URL that a manager joins relative URLs to, such as `https://api.example.com/v3`.
///
/// Joining is concatenation, as API documentation means it, and not RFC 3986 resolution: base `https://h/api/v3` and
/// `/order` or `order` are `https://h/api/v3/order`. An absolute URL stands for itself.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    origin: Origin,
    path: String,
}

impl BaseUrl {
    /// Takes `url` apart.
    ///
    /// # Errors
    /// When it has no usable scheme or host, or holds credentials, a query, a fragment or a byte that may not be sent.
    pub fn parse(url: &str) -> Result<Self, WireError> {
        let target = Target::typed(url)?;
        let origin = target.origin.ok_or(WireError::url("the base URL has no scheme"))?;
        if target.has_query {
            return Err(WireError::url("the base URL has a query, so nothing can be joined to it"));
        }
        Ok(Self { origin, path: target.path.trim_end_matches('/').to_owned() })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path without a slash at its end, `""` where there is none.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl std::str::FromStr for BaseUrl {
    type Err = WireError;

    fn from_str(url: &str) -> Result<Self, WireError> {
        Self::parse(url)
    }
}

/// Where a request or handshake goes: an origin, once it is known, and the exact path and query that are sent.
///
/// The text typed is the text sent; nothing is normalized. The query stays open for changes until its bytes are
/// asked for: then it is frozen, and can only be appended to.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    origin: Option<Origin>,
    path: String,
    params: Pairs,
    /// A URL that ends in `?` has an empty query, which is sent as it was typed.
    has_query: bool,
    frozen: Option<String>,
}

impl Target {
    /// Takes `url` apart: absolute with `http`, `https`, `ws` or `wss`, or relative to a base yet to come.
    pub(crate) fn typed(url: &str) -> Result<Self, WireError> {
        let (origin, rest) = if has_scheme(url) {
            let (origin, rest) = Origin::split(url)?;
            (Some(origin), rest)
        } else {
            (None, url)
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let path = if path.is_empty() && origin.is_some() { "/" } else { path };
        let mut target = Self {
            origin,
            path: path.to_owned(),
            params: Pairs::from_typed(query.unwrap_or_default()),
            has_query: query.is_some(),
            frozen: None,
        };
        target.check()?;
        target.frozen = None;
        Ok(target)
    }

    /// Joins a relative target to `base`; an absolute one stays as it is.
    pub(crate) fn resolve(&mut self, base: Option<&BaseUrl>) -> Result<(), WireError> {
        if self.origin.is_some() {
            return Ok(());
        }
        let base =
            base.ok_or(WireError::url("it is relative, and there is no base URL to join it to"))?;
        self.path = match self.path.strip_prefix('/').unwrap_or(&self.path) {
            "" if self.path.is_empty() && !base.path.is_empty() => base.path.clone(),
            rest => format!("{}/{rest}", base.path),
        };
        self.origin = Some(base.origin.clone());
        Ok(())
    }

    /// Scheme, host and port, `None` while it is relative.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn params(&self) -> &Pairs {
        &self.params
    }

    pub(crate) fn params_mut(&mut self) -> Result<&mut Pairs, WireError> {
        if self.frozen.is_some() {
            return Err(WireError::frozen("query"));
        }
        Ok(&mut self.params)
    }

    /// Freezes the query and gives its text, without the `?`; `""` where there is none.
    pub(crate) fn query_string(&mut self) -> &str {
        self.frozen.get_or_insert_with(|| self.params.to_wire())
    }

    /// Freezes the query and gives the request-target: path, and `?` and query where there is one.
    pub(crate) fn path_and_query(&mut self) -> String {
        self.query_string();
        self.frozen().unwrap_or_default()
    }

    /// The request-target, where the query is frozen.
    pub(crate) fn frozen(&self) -> Option<String> {
        let query = self.frozen.as_ref()?;
        let path = &self.path;
        Some(match query.is_empty() && !self.has_query {
            true => path.clone(),
            false => format!("{path}?{query}"),
        })
    }

    /// Has the target end in `?` where the query is empty, as if it had been typed so.
    pub(crate) fn keep_query_mark(&mut self) {
        self.has_query = true;
    }

    /// Adds a parameter at the end, also when the query is frozen: every earlier byte stays.
    pub(crate) fn append_query(&mut self, pair: Pair) {
        if let Some(frozen) = &mut self.frozen {
            if !self.params.is_empty() {
                frozen.push('&');
            }
            pair.write_wire(frozen);
        }
        self.params.push(pair);
    }

    /// Fills each `{name}` in the path with its value, encoded as one segment.
    pub(crate) fn fill_path(&mut self, values: &[(String, String)]) -> Result<(), WireError> {
        for (name, value) in values {
            let placeholder = format!("{{{name}}}");
            if !self.path.contains(&placeholder) {
                return Err(WireError::content(
                    format!("path parameter {name:?}"),
                    "the path has no place in braces for it",
                ));
            }
            // A dot segment would be resolved away by URL parsers on the way, however it is encoded.
            if matches!(value.as_str(), "" | "." | "..") {
                return Err(WireError::content(
                    format!("path parameter {name:?}"),
                    "its value is empty or dots alone, which cannot be one path segment",
                ));
            }
            self.path = self.path.replace(&placeholder, &Encoding::Rfc3986.encode(value));
        }
        if self.path.contains(['{', '}']) {
            return Err(WireError::content("path", "a place in braces has no `path_param`"));
        }
        Ok(())
    }

    /// Whether every byte of path and query may stand in a request-target. Freezes the query.
    pub(crate) fn check(&mut self) -> Result<(), WireError> {
        self.query_string();
        self.check_frozen()
    }

    /// The same of what is frozen.
    pub(crate) fn check_frozen(&self) -> Result<(), WireError> {
        self.check_path()?;
        match self.frozen.as_deref().and_then(first_unsendable) {
            Some(at) => Err(unsendable("query", at)),
            None => Ok(()),
        }
    }

    fn check_path(&self) -> Result<(), WireError> {
        match first_unsendable(&self.path) {
            Some(at) => Err(unsendable("path", at)),
            None => Ok(()),
        }
    }
}

pub(crate) fn has_scheme(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

fn unsendable(part: &'static str, at: usize) -> WireError {
    WireError::content(
        part,
        format!("byte {at} is a control character, a space, `#` or not ASCII; percent-encode it"),
    )
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("origin", &self.origin.as_ref().map(Origin::to_string))
            .field("path", &self.path)
            .field("params", &self.params)
            .field("frozen", &self.frozen.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, url: &str) -> String {
        let mut target = Target::typed(url).expect(url);
        target.resolve(Some(&BaseUrl::parse(base).expect(base))).expect(url);
        format!("{}{}", target.origin().expect("resolved").clone(), target.path_and_query())
    }

    #[test]
    fn joining_is_concatenation() {
        for (base, url, expected) in [
            ("https://h/api/v3", "/order", "https://h/api/v3/order"),
            ("https://h/api/v3/", "order", "https://h/api/v3/order"),
            ("https://h", "/a/../b//c?x=/../", "https://h/a/../b//c?x=/../"),
            ("https://h/v1", "?x=1", "https://h/v1?x=1"),
            ("https://h/v1", "", "https://h/v1"),
            ("https://h", "", "https://h/"),
            ("https://h", "?", "https://h/?"),
            ("https://h", "//evil.net/x", "https://h//evil.net/x"),
            ("https://h/v1", "https://other/z", "https://other/z"),
            ("https://h/v1", "/go?to=https://x", "https://h/v1/go?to=https://x"),
        ] {
            assert_eq!(joined(base, url), expected, "{base} + {url}");
        }
        assert!(Target::typed("/order").expect("path").resolve(None).is_err());
        assert!(BaseUrl::parse("https://h?x=1").is_err());
        assert!(BaseUrl::parse("/api").is_err());
    }

    #[test]
    fn the_text_typed_is_the_text_sent() {
        let mut target = Target::typed("https://h/a%2Fb/../c?x=1&&y=%20+").expect("url");
        assert_eq!(target.path_and_query(), "/a%2Fb/../c?x=1&&y=%20+");
    }

    #[test]
    fn appending_after_freezing_leaves_earlier_bytes_alone() {
        let mut target = Target::typed("https://h/p").expect("url");
        assert_eq!(target.query_string(), "");
        target.append_query(Pair::new("a", "1"));
        assert_eq!(target.query_string(), "a=1");
        assert!(target.params_mut().is_err());
        target.append_query(Pair::new("s", "x y"));
        assert_eq!(target.path_and_query(), "/p?a=1&s=x%20y");
        assert_eq!(target.params().to_wire(), target.query_string());
    }

    #[test]
    fn an_empty_query_that_was_typed_is_sent() {
        let mut target = Target::typed("https://h/p?").expect("url");
        assert_eq!(target.path_and_query(), "/p?");
    }

    #[test]
    fn bytes_that_no_request_target_may_contain_are_refused() {
        for url in
            ["https://h/a b", "https://h/ü", "https://h/a#b", "https://h?a b", "https://h/\r\nX: y"]
        {
            let error = Target::typed(url).expect_err(url);
            assert!(error.to_string().contains("byte"), "{error}");
        }
        let mut target = Target::typed("https://h/").expect("url");
        target.append_query(Pair::encoded_as(Encoding::AsIs, "a", "x y"));
        assert!(target.check().is_err());
    }

    #[test]
    fn path_parameters_are_one_encoded_segment() {
        let fill = |url: &str, values: &[(&str, &str)]| {
            let mut target = Target::typed(url).expect(url);
            let values: Vec<_> =
                values.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            target.fill_path(&values).map(|()| target.path().to_owned())
        };
        assert_eq!(fill("https://h/o/{id}/x", &[("id", "a/b?")]), Ok("/o/a%2Fb%3F/x".to_owned()));
        assert!(fill("https://h/o/{id}", &[]).is_err());
        assert!(fill("https://h/o", &[("id", "1")]).is_err());
        assert!(fill("https://h/o/{id}", &[("id", "..")]).is_err());
    }
}
