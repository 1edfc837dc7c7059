use std::{error::Error as StdError, fmt};

use crate::{Error, ErrorKind, Origin, OriginPattern, Outcome};

/// To which origins a manager lets credentials go.
///
/// The base URL's origin and those listed; without a base URL and without a list, the origin that the caller wrote in
/// the request itself. Never in plain text, except to this machine.
///
/// ```
/// use networkpype_core::{OriginPattern, OriginPolicy};
///
/// let policy = OriginPolicy::new(Some("https://api.example.com".parse()?))
///     .allow(OriginPattern::hosts_of("*.example.com")?);
/// assert!(policy.check(&"wss://stream.example.com".parse()?).is_ok());
/// assert_eq!(
///     policy.check(&"https://evil.net".parse()?).unwrap_err().to_string(),
///     "credentials for https://api.example.com may not go to https://evil.net: list it with `allow_origin`",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct OriginPolicy {
    base: Option<Origin>,
    listed: Vec<OriginPattern>,
    plaintext: bool,
}

impl OriginPolicy {
    /// Lets credentials go to `base`, the origin of a base URL.
    pub fn new(base: Option<Origin>) -> Self {
        Self { base, listed: Vec::new(), plaintext: false }
    }

    /// Lets credentials go there too.
    #[must_use]
    pub fn allow(mut self, pattern: OriginPattern) -> Self {
        self.listed.push(pattern);
        self
    }

    /// Lets credentials go over plain `http` and `ws` to other machines, where anyone on the way can read them.
    #[must_use]
    pub fn danger_allow_plaintext(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// Whether `target` is one of these origins, encrypted or not: for what is not a credential but may hold one, such
    /// as default headers.
    pub fn knows(&self, target: &Origin) -> bool {
        let open = self.base.is_none() && self.listed.is_empty();
        open || self.base.as_ref() == Some(target)
            || self.listed.iter().any(|pattern| pattern.matches(target))
    }

    /// Whether credentials may go to `target`.
    ///
    /// # Errors
    /// When they may not, naming both origins.
    pub fn check(&self, target: &Origin) -> Result<(), OriginRefused> {
        let open = self.base.is_none() && self.listed.is_empty();
        let known = self.base.as_ref() == Some(target)
            || self.listed.iter().any(|pattern| pattern.matches(target));
        let refused =
            |reason| OriginRefused { home: self.base.clone(), target: target.clone(), reason };
        if !open && !known {
            return Err(refused(Reason::Foreign));
        }
        if !target.is_secure() && !target.is_loopback() && !self.plaintext {
            return Err(refused(Reason::Plaintext));
        }
        Ok(())
    }
}

/// Credentials would have gone where they may not. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRefused {
    home: Option<Origin>,
    target: Origin,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Foreign,
    Plaintext,
    Scheme,
}

impl OriginRefused {
    /// The scheme itself does not allow `target`: see [`Auth::allows`](crate::Auth::allows).
    pub fn by_scheme(home: Option<Origin>, target: Origin) -> Self {
        Self { home, target, reason: Reason::Scheme }
    }

    /// Where they would have gone.
    pub fn target(&self) -> &Origin {
        &self.target
    }
}

impl fmt::Display for OriginRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("credentials ")?;
        if let Some(home) = &self.home {
            write!(f, "for {home} ")?;
        }
        write!(f, "may not go to {}: ", self.target)?;
        f.write_str(match self.reason {
            Reason::Foreign => "list it with `allow_origin`",
            Reason::Plaintext => {
                "it is not encrypted; use https or wss, or `danger_allow_plaintext_credentials`"
            }
            Reason::Scheme => "the authentication scheme does not allow it",
        })
    }
}

impl StdError for OriginRefused {}

impl From<OriginRefused> for Error {
    fn from(refused: OriginRefused) -> Self {
        Self::new(
            ErrorKind::OriginRefused,
            Outcome::NotSent,
            "credentials may not go to this origin",
        )
        .with_source(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_home_and_nowhere_else() {
        let origin = |text: &str| text.parse::<Origin>().expect(text);
        let home = OriginPolicy::new(Some(origin("https://h")));
        let listed =
            home.clone().allow(OriginPattern::exactly("https://other:8443").expect("origin"));
        let plain = home.clone().allow(OriginPattern::exactly("http://far").expect("origin"));
        for (policy, target, allowed) in [
            (&home, "wss://h", true),
            (&home, "http://h", false),
            (&home, "https://h:444", false),
            (&home, "https://other:8443", false),
            (&listed, "https://other:8443", true),
            (&listed, "https://other", false),
            (&plain, "http://far", false),
            (&plain.clone().danger_allow_plaintext(), "http://far", true),
            (&OriginPolicy::default(), "https://anything", true),
            (&OriginPolicy::default(), "http://anything", false),
            (&OriginPolicy::default(), "ws://127.0.0.1:9", true),
        ] {
            assert_eq!(policy.check(&origin(target)).is_ok(), allowed, "{target}");
        }
    }
}
