use std::{error::Error as StdError, fmt};

use networkpype_core::BoxError;

/// The options of a factory do not go together.
pub struct FactoryError {
    problem: &'static str,
    source: Option<BoxError>,
}

impl FactoryError {
    pub(crate) fn other_clock() -> Self {
        Self {
            problem: "the scheme stamps with another clock than the factory's: build it in `auth_with` and pass \
                      `context.clock()` to its builder",
            source: None,
        }
    }

    pub(crate) fn connection(source: impl Into<BoxError>) -> Self {
        Self { problem: "cannot set up the connections", source: Some(source.into()) }
    }

    pub(crate) fn auth(source: BoxError) -> Self {
        Self { problem: "cannot build the authentication scheme", source: Some(source) }
    }

    pub(crate) fn manager(source: impl Into<BoxError>) -> Self {
        Self { problem: "cannot build a manager", source: Some(source.into()) }
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
        f.write_str(self.problem)
    }
}

impl StdError for FactoryError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
