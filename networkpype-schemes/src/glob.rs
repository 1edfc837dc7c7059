//! Does a path match a pattern?

/// A pattern: `*` stands for anything but a slash, `**` for anything at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    #[cfg(feature = "compose")]
    pub(crate) fn pattern(&self) -> &str {
        &self.0
    }

    /// Whether all of `text` matches. It takes a time that grows with the product of both lengths, not faster.
    pub(crate) fn matches(&self, text: &str) -> bool {
        if !self.may_match(text) {
            return false;
        }
        let pattern = self.0.as_bytes();
        let text = text.as_bytes();
        // `reached[at]`: whether what stands before of the pattern can have taken `text[..at]`.
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        let mut next = 0;
        while next < pattern.len() {
            if pattern[next] == b'*' {
                let deep = pattern.get(next + 1) == Some(&b'*');
                next += if deep { 2 } else { 1 };
                for at in 1..=text.len() {
                    reached[at] |= reached[at - 1] && (deep || text[at - 1] != b'/');
                }
                continue;
            }
            for at in (1..=text.len()).rev() {
                reached[at] = reached[at - 1] && text[at - 1] == pattern[next];
            }
            reached[0] = false;
            next += 1;
        }
        reached[text.len()]
    }

    /// Whether what stands between the stars is found in `text` in its order: most texts match no rule, and that shows
    /// without a table.
    fn may_match(&self, text: &str) -> bool {
        let mut literals = self.0.split('*');
        let (first, last) = (literals.next(), self.0.rsplit('*').next());
        if !last.is_none_or(|last| text.ends_with(last)) {
            return false;
        }
        let mut rest = first.and_then(|first| text.strip_prefix(first));
        for literal in literals.filter(|literal| !literal.is_empty()) {
            rest = rest.and_then(|rest| rest.split_once(literal)).map(|(_, rest)| rest);
        }
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stays_in_its_segment_and_two_do_not() {
        for (pattern, text, matches) in [
            ("/api/v3/order", "/api/v3/order", true),
            ("/api/v3/order", "/api/v3/orders", false),
            ("/api/*/order", "/api/v3/order", true),
            ("/api/*/order", "/api/v3/x/order", false),
            ("/api/**", "/api/v3/x/order", true),
            ("**/listenKey", "/papi/v1/listenKey", true),
            ("**/listenKey", "/papi/v1/listenKeys", false),
            ("*", "", true),
            ("**", "/", true),
            ("*", "/", false),
            ("/a*b*c", "/aXbYbc", true),
            ("", "", true),
            ("", "/", false),
            ("/a/**/b", "/a/x/y/b", true),
            ("/ab*ba", "/aba", false),
            ("*a*a*", "a", false),
            ("*a*a*", "aa", true),
            ("*.example.com", "api.example.com", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        let pattern = "*a".repeat(200);
        assert!(!Glob::new(&pattern).matches(&"ab".repeat(5_000)));
        assert!(Glob::new(&pattern).matches(&"ba".repeat(5_000)));
    }
}
