use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use networkpype_core::{ResponseHead, Timestamp};

use super::*;

mod check;
mod ietf;
mod nonsense;
mod read;

/// 2023-11-14T22:13:20Z.
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn headers(lines: &[(&str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).expect("name"),
            HeaderValue::from_bytes(value).expect("value"),
        );
    }
    headers
}

fn read(feedback: &Feedback, status: u16, lines: Lines<'_>) -> Signals {
    let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let status = StatusCode::from_u16(status).expect("status");
    feedback.read(ResponseHead::new(status, &headers(&lines)), NOW)
}

/// Limit, used, remaining, quota, and milliseconds to the reset.
type Brief<'a> = (Option<&'a str>, Option<u64>, Option<u64>, Option<u64>, Option<u128>);

/// Names and values of headers.
type Lines<'a> = &'a [(&'a str, &'a str)];

fn brief(signals: &Signals) -> Vec<Brief<'_>> {
    let one = |report: &'_ Report| {
        let reset = report.reset.map(|reset| reset.as_millis());
        (report.used, report.remaining, report.quota, reset)
    };
    let with_limit = |report| {
        let (used, remaining, quota, reset) = one(report);
        (report.limit.as_ref().map(LimitId::as_str), used, remaining, quota, reset)
    };
    signals.reports.iter().map(with_limit).collect()
}
