use std::time::Duration;

use http::{HeaderMap, header::RETRY_AFTER};

use crate::Timestamp;

/// The longest wait that [`retry_after`] reports: one day. A server that asks for more is answered with this.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a response's `Retry-After` asks to wait (RFC 9110, section 10.2.3), seen from the server's time `now`.
///
/// Understands seconds, a fraction of which is rounded up, and all three HTTP date forms. A date in the past is zero, anything above
/// [`MAX_RETRY_AFTER`] is cut to it, and what cannot be understood is `None`, as if the header were absent.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    retry_after_within(MAX_RETRY_AFTER, headers, now)
}

/// The same with `longest` in place of [`MAX_RETRY_AFTER`]: bans last longer than anybody waits.
pub fn retry_after_within(
    longest: Duration,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match seconds(text) {
        Some(seconds) => Duration::from_secs(seconds),
        None => Timestamp::from(httpdate::parse_http_date(text).ok()?).saturating_since(now),
    };
    Some(wait.min(longest))
}

/// A number of seconds. Some servers send a fraction, which the RFC does not know: it is rounded up.
fn seconds(text: &str) -> Option<u64> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    // A run of digits too long for u64 is a number all the same, and a large one.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    Some(whole.saturating_add(u64::from(fraction.bytes().any(|digit| digit != b'0'))))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_form_is_read_and_nonsense_is_ignored() {
        let now = Timestamp::from_secs(784_111_777);
        for (text, expected) in [
            ("2", Some(2)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", Some(3)),
            ("Sunday, 06-Nov-94 08:49:40 GMT", Some(3)),
            ("Sun Nov  6 08:49:40 1994", Some(3)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("-1", None),
            ("1.5", Some(2)),
            ("3.0", Some(3)),
            ("1.", None),
            (".5", None),
            ("1.5.5", None),
            ("", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text:?}");
        }
    }
}
