use std::{borrow::Cow, error::Error as StdError, fmt};

use networkpype_core::BoxError;

/// The options of a factory do not go together.
pub struct FactoryError {
    problem: Cow<'static, str>,
    source: Option<BoxError>,
}

impl FactoryError {
    fn new(problem: impl Into<Cow<'static, str>>) -> Self {
        Self { problem: problem.into(), source: None }
    }

    fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn other_clock() -> Self {
        Self::new(
            "the scheme stamps with another clock than the factory's: build it in `auth_with` and pass \
             `context.clock()` to its builder",
        )
    }

    pub(crate) fn two_clocks() -> Self {
        Self::new(
            "there is a `clock` beside a time provider or synchronizer: leave one of them out",
        )
    }

    pub(crate) fn cookie(name: &str) -> Self {
        Self::new(format!("the cookie {name:?} has a name or value that no cookie may have"))
    }

    pub(crate) fn connection(source: impl Into<BoxError>) -> Self {
        Self::new("cannot set up the connections").because(source)
    }

    pub(crate) fn throttler(source: BoxError) -> Self {
        Self::new("cannot build the throttler").because(source)
    }

    pub(crate) fn auth(source: BoxError) -> Self {
        Self::new("cannot build the authentication scheme").because(source)
    }

    pub(crate) fn manager(source: impl Into<BoxError>) -> Self {
        Self::new("cannot build a manager").because(source)
    }
}

impl fmt::Debug for FactoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FactoryError")
            .field("problem", &self.problem)
            .field("source", &self.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl fmt::Display for FactoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl StdError for FactoryError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
