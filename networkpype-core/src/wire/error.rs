use std::{borrow::Cow, error::Error as StdError, fmt};

/// Why a request or handshake cannot be put together as asked. Nothing was sent.
///
/// Names the argument at fault and what to do about it, and never repeats its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    subject: Cow<'static, str>,
    problem: Cow<'static, str>,
    kind: WireErrorKind,
}

/// What kind of mistake a [`WireError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireErrorKind {
    /// A URL, origin or origin pattern that cannot be used.
    Url,
    /// A header name or value that HTTP does not allow.
    Header,
    /// A path, query or body that cannot be built or may not be sent.
    Content,
    /// A change to a part whose bytes somebody has asked for already.
    Frozen,
}

impl WireError {
    pub(crate) fn new(
        kind: WireErrorKind,
        subject: impl Into<Cow<'static, str>>,
        problem: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { subject: subject.into(), problem: problem.into(), kind }
    }

    pub(crate) const fn url(problem: &'static str) -> Self {
        Self {
            subject: Cow::Borrowed("url"),
            problem: Cow::Borrowed(problem),
            kind: WireErrorKind::Url,
        }
    }

    pub(crate) const fn origin_pattern() -> Self {
        Self {
            subject: Cow::Borrowed("origin pattern"),
            problem: Cow::Borrowed("write `*.` and a domain of at least two labels"),
            kind: WireErrorKind::Url,
        }
    }

    pub(crate) fn header(name: impl fmt::Display, problem: &'static str) -> Self {
        Self::new(WireErrorKind::Header, format!("header {name}"), problem)
    }

    pub(crate) fn content(
        subject: impl Into<Cow<'static, str>>,
        problem: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(WireErrorKind::Content, subject, problem)
    }

    pub(crate) const fn frozen(subject: &'static str) -> Self {
        Self {
            subject: Cow::Borrowed(subject),
            problem: Cow::Borrowed("its bytes were taken already, so it may only be appended to"),
            kind: WireErrorKind::Frozen,
        }
    }

    pub(crate) const fn sealed(subject: &'static str) -> Self {
        Self {
            subject: Cow::Borrowed(subject),
            problem: Cow::Borrowed(
                "something was added behind a signature that covers all of it: add it before, such as by a scheme \
                 further ahead in the chain",
            ),
            kind: WireErrorKind::Frozen,
        }
    }

    /// A default header that HTTP does not allow.
    pub fn bad_default_header() -> Self {
        Self::header("given as default", "HTTP does not allow its name or its value")
    }

    /// What kind of mistake it is.
    pub fn kind(&self) -> WireErrorKind {
        self.kind
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.problem)
    }
}

impl StdError for WireError {}
