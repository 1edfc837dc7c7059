//! Limits and feedback as data: what stands in a document, and what it means.

mod document;
mod error;
mod feedback_entry;
mod limit_entry;
mod scalar;
mod table;
#[cfg(test)]
mod tests;

pub use error::ConfigError;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

use self::{document::Document, error::located, table::Table};
use crate::{Feedback, RateLimit, Throttler, ThrottlerBuilder};

/// The limits of an API, and what is learnt from its responses, as data: in a file of its own, or as a part of a larger
/// document, since it is `Deserialize` and `Serialize`.
///
/// ```
/// use networkpype_throttle::ThrottlerConfig;
///
/// let config = ThrottlerConfig::from_toml(r#"
///     safety-margin = 0.02
///
///     [limits.weight]
///     limit = 1200
///     interval = "1m"
///
///     [limits.orders]
///     limit = 10
///     interval = "1s"
///     accounting = "until-answered"
///     linked = { weight = 1 }
///
///     [limits.depth]
///     limit = 1200
///     interval = "1m"
///     weight = 50
///     weights = [
///         { param = "limit", at-most = 100, weight = 5 },
///         { param = "limit", at-most = 500, weight = 25 },
///     ]
///     linked = { weight = "own" }
///
///     [limits.private]
///     kind = "token-bucket"
///     limit = 15
///     refill = 1
///     interval = "3s"
///
///     [feedback]
///     pause-on = [429, 503]
///
///     [[feedback.headers]]
///     used = "X-MBX-USED-WEIGHT-1M"
///     limit = "weight"
/// "#)?;
/// let throttler = config.into_builder().build()?;
/// assert_eq!(throttler.usage("private").unwrap().capacity, 14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The document
///
/// Everything is optional but a limit's `limit` and `interval`, and a field that is not known is an error. A time is a
/// text of a whole number and a unit (`ns`, `us`, `ms`, `s`, `m`, `h`, `d`), or a number of seconds.
///
/// | at the top | | default |
/// |---|---|---|
/// | `share` | see [`ThrottlerBuilder::share`] | 1 |
/// | `safety-margin` | see [`ThrottlerBuilder::safety_margin`] | the builder's |
/// | `max-waiters` | see [`ThrottlerBuilder::max_waiters`] | the builder's |
/// | `limits` | a table of limits, each under its id; a throttler cannot be built from a document without any | none |
/// | `feedback` | see below | [`Feedback::new`] |
///
/// | of a limit | | default |
/// |---|---|---|
/// | `limit`, `interval` | see [`RateLimit`] | |
/// | `kind` | `"sliding-window"`, `"fixed-window"`, `"token-bucket"` | `"sliding-window"` |
/// | `refill` | of a token bucket; needed there | |
/// | `offset`, `tolerance` | of a fixed window | as in [`RateLimit::fixed_window`] |
/// | `accounting` | `"from-start"`, `"until-answered"` | `"from-start"` |
/// | `linger` | with `"until-answered"` | one interval |
/// | `precision` | `"exact"`, `"bounded"` | `"exact"` |
/// | `weight` | what a request weighs | 1 |
/// | `linked` | a table: the id of another limit, and what is charged to it: a number, or `"own"` for what the request weighs here | none |
/// | `weights` | a list of [`WeightRule`](crate::WeightRule)s: `param`, `weight`, and one of `at-most`, `is`, `present = true`, `absent = true` | none |
///
/// | of `feedback` | | default |
/// |---|---|---|
/// | `pause-on`, `ban-on` | lists of statuses | `[429]`, `[418]` |
/// | `pause-if-told-on` | a list of statuses that pause where the response itself tells of limits | `[]` |
/// | `pause-scope`, `ban-scope` | `"request"`, `"all"`, or a list of ids | `"request"`, `"all"` |
/// | `default-ban` | a time | `"2m"` |
/// | `headers` | a list of [`HeaderRule`](crate::HeaderRule)s, below | none |
///
/// A rule has one of `used`, `remaining` and `ietf = true`. Beside `remaining` there may be `quota`, `reset` and
/// `reset-as` (`"auto"`, `"seconds-from-now"`, `"millis-from-now"`, `"epoch-seconds"`, `"epoch-millis"`); beside `ietf`,
/// `policies`, a table of ids by the names of policies; beside any of them, `limit`.
///
/// Tables have no order, so limits, links and policies are read in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ThrottlerConfig {
    /// The limits.
    pub limits: Vec<RateLimit>,
    /// What is learnt from responses.
    pub feedback: Feedback,
    /// See [`ThrottlerBuilder::share`]. `None`, the default, is all.
    pub share: Option<f64>,
    /// See [`ThrottlerBuilder::safety_margin`]. `None`, the default, leaves it to the builder.
    pub safety_margin: Option<f64>,
    /// See [`ThrottlerBuilder::max_waiters`]. `None`, the default, leaves it to the builder.
    pub max_waiters: Option<usize>,
}

impl ThrottlerConfig {
    /// Reads a TOML document.
    ///
    /// # Errors
    /// When `text` is not TOML, or a field is unknown, missing, or holds what it cannot mean. Whether limits fit together
    /// (links, weights above a limit) is for [`ThrottlerBuilder::build`] to say.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let document = toml::Deserializer::parse(text)
            .map_err(|error| ConfigError::from_toml(text, at_the_top(error)))
            .and_then(|toml| {
                serde_path_to_error::deserialize(toml)
                    .map_err(|error| ConfigError::from_toml(text, error))
            });
        Self::checked(document?)
    }

    /// Reads a JSON document, of the same shape as in TOML.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml).
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let document =
            serde_path_to_error::deserialize(&mut json).map_err(ConfigError::from_json)?;
        json.end().map_err(|error| ConfigError::from_json(at_the_top(error)))?;
        Self::checked(document)
    }

    /// The TOML document that reads as this. What is as by default is left out.
    ///
    /// # Errors
    /// When a limit is given twice, or a value could not be read back: a limit of zero, a share that is not a number.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        let document = Document::of_config(self).map_err(|why| ConfigError::new(None, why))?;
        toml::to_string(&document).map_err(|error| ConfigError::new(None, error.to_string()))
    }

    /// The JSON document that reads as this. What is as by default is left out.
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub fn to_json(&self) -> Result<String, ConfigError> {
        let document = Document::of_config(self).map_err(|why| ConfigError::new(None, why))?;
        serde_json::to_string_pretty(&document)
            .map_err(|error| ConfigError::new(None, error.to_string()))
    }

    /// A builder with all of this, to which a clock or a ticker may be added.
    pub fn into_builder(self) -> ThrottlerBuilder {
        self.into()
    }

    fn checked(Table(document): Table<Document>) -> Result<Self, ConfigError> {
        document.into_config().map_err(|why| ConfigError::new(None, why))
    }
}

fn at_the_top<E>(error: E) -> serde_path_to_error::Error<E> {
    serde_path_to_error::Error::new(serde_path_to_error::Track::new().path(), error)
}

impl From<ThrottlerConfig> for ThrottlerBuilder {
    fn from(config: ThrottlerConfig) -> Self {
        let mut builder =
            Throttler::builder().limits(config.limits).feedback(config.feedback).needs_limits();
        if let Some(share) = config.share {
            builder = builder.share(share);
        }
        if let Some(margin) = config.safety_margin {
            builder = builder.safety_margin(margin);
        }
        if let Some(max) = config.max_waiters {
            builder = builder.max_waiters(max);
        }
        builder
    }
}

impl<'de> Deserialize<'de> for ThrottlerConfig {
    /// Errors name entry and field by themselves, also in the middle of a larger document.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document: Document =
            serde_path_to_error::deserialize(deserializer).map_err(|error| {
                let printed = error.inner().to_string();
                // Behind its first line, TOML's error repeats the path.
                let message = printed.lines().next().unwrap_or_default();
                D::Error::custom(located(error.path(), message))
            })?;
        document.into_config().map_err(D::Error::custom)
    }
}

impl Serialize for ThrottlerConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::of_config(self).map_err(S::Error::custom)?.serialize(serializer)
    }
}
