//! What a preset knows beside signatures. Everything here names the page it comes from: a remembered number gets a key
//! banned.

use networkpype_throttle::ThrottlerConfig;
use serde::Deserialize;

/// What is known about an API beside its signatures.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct Service {
    /// The base URL of the REST API.
    pub base_url: Option<String>,
    /// The limits.
    pub limits: Option<LimitsOf>,
    /// The endpoint that tells the time.
    pub time: Option<TimeOf>,
}

/// Limits, and where they stand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct LimitsOf {
    /// The API's own page.
    pub source: String,
    /// The day on which somebody looked them up there, as `2026-11-28`.
    pub checked: String,
    /// The limits, for [`Throttler`](crate::Throttler).
    pub config: ThrottlerConfig,
}

/// The endpoint that tells the time, and where that is documented.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct TimeOf {
    /// The API's own page.
    pub source: String,
    /// The day on which somebody looked it up there, as `2026-11-28`.
    pub checked: String,
    /// The path of the endpoint.
    pub path: String,
    /// The field of the answer: a name, or a JSON pointer.
    pub field: String,
    /// What the answer counts in: `ms`, `s` or another format of timestamps in recipes.
    pub format: String,
}

impl Service {
    pub(super) fn check(&self) -> Result<(), String> {
        let limits = self.limits.iter().map(|own| ("limits", &own.source, &own.checked));
        let time = self.time.iter().map(|own| ("time", &own.source, &own.checked));
        for (name, source, checked) in limits.chain(time) {
            if !source.starts_with("https://") {
                return Err(format!("`service.{name}.source` has to be the API's own page"));
            }
            if !is_day(checked) {
                return Err(format!(
                    "`service.{name}.checked` has to be a day, such as 2026-11-28"
                ));
            }
        }
        if let Some(time) = &self.time {
            time.format
                .parse::<networkpype_auth::TimestampFormat>()
                .map_err(|error| format!("`service.time.format`: {error}"))?;
        }
        Ok(())
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && ("01"..="12").contains(&&text[5..7])
        && ("01"..="31").contains(&&text[8..])
}
