use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use networkpype_core::BoxError;

/// Why the server's time was not learnt. Cheap to clone, since everyone who waited for one answer gets it.
///
/// `Display` prints one layer; what the provider said is behind [`source`](StdError::source).
#[derive(Clone)]
pub struct TimeError {
    kind: Kind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NoProvider,
    Provider,
    Timeout(Duration),
    Reentrant,
    Stepped,
    Cached,
    Panicked,
    ShutDown,
}

impl TimeError {
    pub(crate) const NO_PROVIDER: Self = Self { kind: Kind::NoProvider, source: None };
    pub(crate) const REENTRANT: Self = Self { kind: Kind::Reentrant, source: None };
    pub(crate) const STEPPED: Self = Self { kind: Kind::Stepped, source: None };
    pub(crate) const CACHED: Self = Self { kind: Kind::Cached, source: None };
    pub(crate) const PANICKED: Self = Self { kind: Kind::Panicked, source: None };
    pub(crate) const SHUT_DOWN: Self = Self { kind: Kind::ShutDown, source: None };

    pub(crate) fn timeout(after: Duration) -> Self {
        Self { kind: Kind::Timeout(after), source: None }
    }

    pub(crate) fn provider(source: BoxError) -> Self {
        Self { kind: Kind::Provider, source: Some(Arc::from(source)) }
    }

    /// Whether the server, or the wait for capacity to ask it, took longer than
    /// [`timeout`](crate::TimeSynchronizerBuilder::timeout).
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, Kind::Timeout(_))
    }

    /// Whether nobody said whom to ask: see [`set_time_provider`](crate::TimeSynchronizer::set_time_provider).
    pub fn is_not_configured(&self) -> bool {
        self.kind == Kind::NoProvider
    }
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::NoProvider => f.write_str("the synchronizer has no time provider"),
            Kind::Provider => f.write_str("the server's time could not be learnt"),
            Kind::Timeout(after) => write!(f, "the server's time was not learnt within {after:?}"),
            Kind::Reentrant => {
                f.write_str("the request that learns the server's time cannot wait for that time")
            }
            Kind::Stepped => {
                f.write_str("the machine's clock was set, or it slept, while the server was asked")
            }
            Kind::Cached => {
                f.write_str("a cache answered in the server's place, and better answers are known")
            }
            Kind::Panicked => f.write_str("the time provider panicked"),
            Kind::ShutDown => {
                f.write_str("the runtime shut down while the server was asked for its time")
            }
        }
    }
}

impl fmt::Debug for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeError")
            .field("kind", &self.kind)
            // Its `Debug` is foreign, and may show what its text does not.
            .field("source", &self.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl StdError for TimeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[allow(dead_code, reason = "it is there to be printed")]
    struct Leaky(&'static str);

    impl fmt::Display for Leaky {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("refused")
        }
    }

    impl StdError for Leaky {}

    #[test]
    fn debug_shows_the_text_of_its_source_and_not_what_its_debug_holds() {
        let error = TimeError::provider(Leaky("the body with the key").into());
        assert_eq!(
            format!("{error:?}"),
            r#"TimeError { kind: Provider, source: Some("refused") }"#
        );
    }
}
