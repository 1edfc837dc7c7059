use std::time::Duration;

use http::header::DATE;
use networkpype_core::{BoxError, RestResponse, Timestamp};
use serde_json::Value;

use crate::{provider::ServerTime, rfc3339};

const SECOND: Duration = Duration::from_secs(1);

/// Where in a response the server's time stands, and in which unit.
///
/// A field is a member of the JSON object that is the body, `"serverTime"`; or, where it begins with a slash, a JSON
/// pointer into it (RFC 6901), `"/data/0/ts"`; the empty text is the body itself. Its value may be a number or a
/// number in quotes, with or without a fraction.
///
/// ```
/// use networkpype_core::RestResponse;
/// use networkpype_time::TimeFormat;
///
/// let format = TimeFormat::json_millis("/data/0/ts");
/// let response = RestResponse::new(http::StatusCode::OK).with_body(r#"{"data":[{"ts":"1700000000123"}]}"#);
/// assert_eq!(format.read(&response)?.time().as_millis(), 1_700_000_000_123);
/// # Ok::<(), networkpype_core::BoxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFormat(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Json { field: String, unit: Unit },
    Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
    Rfc3339,
}

impl TimeFormat {
    /// Seconds since the Unix epoch. Whole ones are known to half a second only, and count as such.
    pub fn json_secs(field: impl Into<String>) -> Self {
        Self::json(field, Unit::Seconds)
    }

    /// Milliseconds since the Unix epoch.
    pub fn json_millis(field: impl Into<String>) -> Self {
        Self::json(field, Unit::Millis)
    }

    /// Microseconds since the Unix epoch.
    pub fn json_micros(field: impl Into<String>) -> Self {
        Self::json(field, Unit::Micros)
    }

    /// Nanoseconds since the Unix epoch.
    pub fn json_nanos(field: impl Into<String>) -> Self {
        Self::json(field, Unit::Nanos)
    }

    /// A text as of RFC 3339, `"2023-11-14T22:13:20.123Z"`.
    pub fn json_rfc3339(field: impl Into<String>) -> Self {
        Self::json(field, Unit::Rfc3339)
    }

    /// The `Date` header, for an API without a time endpoint: any cheap request will do. It counts whole seconds, so
    /// half a second is added to the error.
    pub const fn date_header() -> Self {
        Self(Kind::Date)
    }

    fn json(field: impl Into<String>, unit: Unit) -> Self {
        Self(Kind::Json { field: field.into(), unit })
    }

    /// Reads the time out of `response`, whatever its status.
    ///
    /// # Errors
    /// When it is not there, or not a time. The error names the field and does not quote the response.
    pub fn read(&self, response: &RestResponse) -> Result<ServerTime, BoxError> {
        match &self.0 {
            Kind::Json { field, unit } => {
                let body: Value = response.json()?;
                let value = find(&body, field)
                    .ok_or_else(|| format!("the response has no field {field:?}"))?;
                unit.read(value).ok_or_else(|| format!("the field {field:?} holds no time").into())
            }
            Kind::Date => {
                let date =
                    response.headers().get(DATE).ok_or("the response has no `Date` header")?;
                let date = date.to_str().ok().and_then(|date| httpdate::parse_http_date(date).ok());
                let date = date.ok_or("the `Date` header holds no date")?;
                Ok(ServerTime::new(date.into()).with_resolution(SECOND))
            }
        }
    }
}

fn find<'a>(body: &'a Value, field: &str) -> Option<&'a Value> {
    if field.is_empty() || field.starts_with('/') { body.pointer(field) } else { body.get(field) }
}

impl Unit {
    fn read(self, value: &Value) -> Option<ServerTime> {
        let text = match value {
            Value::String(text) => text.clone(),
            // Unlike the number's own form, that of `f64` never has an exponent, and it is the shortest that means
            // the same: what the server wrote, up to 17 digits.
            Value::Number(number) if number.is_f64() => number.as_f64()?.to_string(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let per_unit = match self {
            Self::Rfc3339 => return rfc3339::parse(&text).map(ServerTime::new),
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        };
        let time = ServerTime::new(decimal(&text, per_unit)?);
        let whole_seconds = self == Self::Seconds && !value.is_f64() && !text.contains('.');
        Some(if whole_seconds { time.with_resolution(SECOND) } else { time })
    }
}

/// A decimal number of units, each of `per_unit` nanoseconds. What is finer than a nanosecond is cut off.
fn decimal(text: &str, per_unit: i128) -> Option<Timestamp> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Nineteen digits hold every instant there is, in every unit.
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 19 {
        return None;
    }
    let mut nanos = whole.parse::<i128>().ok()? * per_unit;
    let mut place = per_unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos += i128::from(digit - b'0') * place;
    }
    i64::try_from(if negative { -nanos } else { nanos }).ok().map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn body(text: &'static str) -> RestResponse {
        RestResponse::new(StatusCode::OK).with_body(text)
    }

    #[test]
    fn times_as_apis_write_them() {
        let at = |nanos| Some((nanos, Duration::ZERO));
        let whole = |secs: i64| Some((secs * 1_000_000_000, SECOND));
        let [secs, millis, micros, nanos, iso] = [
            TimeFormat::json_secs("t"),
            TimeFormat::json_millis("t"),
            TimeFormat::json_micros("t"),
            TimeFormat::json_nanos("t"),
            TimeFormat::json_rfc3339("t"),
        ];
        for (format, text, expected) in [
            (&millis, r#"{"t":1700000000123}"#, at(1_700_000_000_123_000_000)),
            (&millis, r#"{"t":"1700000000123"}"#, at(1_700_000_000_123_000_000)),
            (&millis, r#"{"t":1700000000123.0}"#, at(1_700_000_000_123_000_000)),
            (&millis, r#"{"t":1.700000000123e12}"#, at(1_700_000_000_123_000_000)),
            (&millis, r#"{"t":"1700000000123.4567"}"#, at(1_700_000_000_123_456_700)),
            (&secs, r#"{"t":1700000000}"#, whole(1_700_000_000)),
            (&secs, r#"{"t":"1700000000"}"#, whole(1_700_000_000)),
            (&secs, r#"{"t":1700000000.201}"#, at(1_700_000_000_201_000_000)),
            (&secs, r#"{"t":1700000000.0}"#, at(1_700_000_000_000_000_000)),
            (&secs, r#"{"t":"-1.5"}"#, at(-1_500_000_000)),
            (&micros, r#"{"t":1700000000123456}"#, at(1_700_000_000_123_456_000)),
            (&nanos, r#"{"t":"1700000000123456789"}"#, at(1_700_000_000_123_456_789)),
            (&nanos, r#"{"t":1.7e18}"#, at(1_700_000_000_000_000_000)),
            (&iso, r#"{"t":"2023-11-14T22:13:20.201Z"}"#, at(1_700_000_000_201_000_000)),
            (&millis, r#"{"time":1}"#, None),
            (&millis, r#"{"t":null}"#, None),
            (&millis, r#"{"t":""}"#, None),
            (&millis, r#"{"t":"."}"#, None),
            (&millis, r#"{"t":"1e3"}"#, None),
            (&millis, r#"{"t":1e300}"#, None),
            (&secs, r#"{"t":9223372037}"#, None),
            (&iso, r#"{"t":1700000000}"#, None),
            (&millis, "<html>", None),
            (&millis, "", None),
        ] {
            let read = format.read(&body(text)).ok();
            assert_eq!(
                read.map(|read| (read.time.as_nanos(), read.resolution)),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_field_is_a_member_a_pointer_or_the_body_itself() {
        for (field, text, expected) in [
            ("t", r#"{"t":7}"#, Some(7)),
            ("a/b", r#"{"a/b":7,"a":{"b":8}}"#, Some(7)),
            ("/a/b", r#"{"a/b":7,"a":{"b":8}}"#, Some(8)),
            ("/data/0/ts", r#"{"data":[{"ts":"7"}]}"#, Some(7)),
            ("", "7", Some(7)),
            ("/data/1/ts", r#"{"data":[{"ts":"7"}]}"#, None),
            ("t", "[7]", None),
        ] {
            let read = TimeFormat::json_millis(field).read(&body(text)).ok();
            assert_eq!(read.map(|read| read.time.as_millis()), expected, "{field:?} of {text}");
        }
    }

    #[test]
    fn the_date_header_is_known_to_half_a_second() {
        let dated = |date| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static(date));
            TimeFormat::date_header().read(&RestResponse::new(StatusCode::OK).with_headers(headers))
        };
        let read = dated("Tue, 14 Nov 2023 22:13:20 GMT").unwrap();
        assert_eq!((read.time, read.resolution), (Timestamp::from_secs(1_700_000_000), SECOND));
        assert!(dated("yesterday").is_err());
        assert!(TimeFormat::date_header().read(&RestResponse::new(StatusCode::OK)).is_err());
    }

    #[test]
    fn an_error_names_the_field_and_quotes_nothing() {
        let error = TimeFormat::json_millis("t").read(&body(r#"{"t":"s3cr3t"}"#)).unwrap_err();
        assert_eq!(error.to_string(), "the field \"t\" holds no time");
    }
}
