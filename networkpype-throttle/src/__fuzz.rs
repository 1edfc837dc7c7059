//! Where the fuzzers in the folder `fuzz` of the repository come in. No part of the public interface.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use networkpype_core::{MAX_RETRY_AFTER, ResponseHead, Timestamp};

use crate::{
    Feedback, HeaderRule, ResetAs, ThrottlerConfig,
    feedback::{Verdict, header_names::NAMES, signals::LONGEST_BAN},
};

/// Reads a response: its first bytes are the clock and the status, and then each line is a header, whose first byte
/// chooses the name.
pub fn feedback(bytes: &[u8]) {
    let Some((clock, rest)) = bytes.split_first_chunk::<8>() else { return };
    let Some((status, rest)) = rest.split_first() else { return };
    let mut headers = HeaderMap::new();
    for line in rest.split(|byte| *byte == b'\n').take(32) {
        let Some((name, value)) = line.split_first() else { continue };
        let name = HeaderName::from_static(NAMES[usize::from(*name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let statuses = [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS, StatusCode::IM_A_TEAPOT];
    let status = statuses[usize::from(*status) % statuses.len()];
    let forms = [
        ResetAs::Auto,
        ResetAs::SecondsFromNow,
        ResetAs::MillisFromNow,
        ResetAs::EpochSeconds,
        ResetAs::EpochMillis,
    ];
    let policies = HeaderRule::ietf_policies([("default", "a"), ("a\"\\", "b")]);
    let rules = Feedback::new().used("x-used", "used").rule(policies);
    let rules =
        forms.into_iter().fold(rules, |rules, form| rules.rule(HeaderRule::x_rate_limit(form)));

    let clock = Timestamp::from_nanos(i64::from_le_bytes(*clock));
    let signals = rules.read(ResponseHead::new(status, &headers), clock);
    for report in &signals.reports {
        assert!(report.used.is_some() != report.remaining.is_some());
        assert!(report.reset.is_none_or(|reset| reset <= MAX_RETRY_AFTER));
    }
    match signals.verdict {
        None => assert_eq!(status, StatusCode::OK),
        Some(Verdict::Pause { wait }) => assert!(wait.is_none_or(|wait| wait <= MAX_RETRY_AFTER)),
        Some(Verdict::Ban { wait }) => assert!(wait <= LONGEST_BAN),
    }
}

/// Reads a document in both notations. One that is accepted has to come back from being written, and to make a builder
/// that builds or says why not.
pub fn config(text: &str) {
    for config in [ThrottlerConfig::from_toml(text), ThrottlerConfig::from_json(text)] {
        match config {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(config) => {
                let toml = config.to_toml().map(|toml| ThrottlerConfig::from_toml(&toml));
                assert_eq!(toml.as_ref(), Ok(&Ok(config.clone())));
                let json = config.to_json().map(|json| ThrottlerConfig::from_json(&json));
                if has_short_fractions(&config) {
                    assert_eq!(json.as_ref(), Ok(&Ok(config.clone())));
                }
                let _ = config.into_builder().build();
            }
        }
    }
}

/// serde_json reads a number of very many digits a hair off, unless a feature is on that no library may switch on.
fn has_short_fractions(config: &ThrottlerConfig) -> bool {
    let short = |number: Option<f64>| number.is_none_or(|number| number.to_string().len() < 15);
    short(config.share) && short(config.safety_margin)
}
