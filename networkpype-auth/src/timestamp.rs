use std::time::Duration;

use networkpype_core::Timestamp;

use crate::names::named;

/// How an API writes an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TimestampFormat {
    /// Whole seconds since the Unix epoch: `1700000000`.
    Seconds,
    /// Milliseconds since the Unix epoch: `1700000000123`. The default, and the most common.
    #[default]
    Millis,
    /// Microseconds since the Unix epoch: `1700000000123456`.
    Micros,
    /// Nanoseconds since the Unix epoch: `1700000000123456789`.
    Nanos,
    /// ISO 8601 in UTC with milliseconds: `2023-11-14T22:13:20.123Z`.
    Iso8601Millis,
    /// ISO 8601 in UTC with whole seconds: `2023-11-14T22:13:20Z`.
    Iso8601Secs,
    /// The same without the `Z`: `2023-11-14T22:13:20`.
    Iso8601SecsBare,
    /// ISO 8601 in UTC in its basic form: `20231114T221320Z`.
    Iso8601Basic,
    /// The date of HTTP (RFC 9110, section 5.6.7): `Tue, 14 Nov 2023 22:13:20 GMT`.
    HttpDate,
}

named!(TimestampFormat, "format of timestamps", {
    Seconds => "s",
    Millis => "ms",
    Micros => "us",
    Nanos => "ns",
    Iso8601Millis => "iso-ms",
    Iso8601Secs => "iso-s",
    Iso8601SecsBare => "iso-s-bare",
    Iso8601Basic => "iso-basic",
    HttpDate => "http-date",
});

impl TimestampFormat {
    /// Whether it is digits alone.
    pub(crate) fn is_number(self) -> bool {
        match self {
            Self::Seconds | Self::Millis | Self::Micros | Self::Nanos => true,
            Self::Iso8601Millis | Self::Iso8601Secs | Self::Iso8601SecsBare => false,
            Self::Iso8601Basic | Self::HttpDate => false,
        }
    }

    /// `at` in this format, rounded down.
    ///
    /// ```
    /// use networkpype_auth::TimestampFormat;
    /// use networkpype_core::Timestamp;
    ///
    /// let at = Timestamp::from_millis(1_700_000_000_123);
    /// assert_eq!(TimestampFormat::Millis.format(at), "1700000000123");
    /// assert_eq!(TimestampFormat::Iso8601Millis.format(at), "2023-11-14T22:13:20.123Z");
    /// ```
    pub fn format(self, at: Timestamp) -> String {
        match self {
            Self::Seconds => at.as_secs().to_string(),
            Self::Millis => at.as_millis().to_string(),
            Self::Micros => at.as_micros().to_string(),
            Self::Nanos => at.as_nanos().to_string(),
            Self::Iso8601Millis => at.to_string(),
            Self::Iso8601Secs => to_seconds(at, "Z"),
            Self::Iso8601SecsBare => to_seconds(at, ""),
            Self::Iso8601Basic => to_seconds(at, "Z").replace(['-', ':'], ""),
            Self::HttpDate => http_date(at),
        }
    }

    /// `at` and `ahead` seconds in this format; an instant that nobody can write stays where it can be.
    pub(crate) fn format_ahead(self, at: Timestamp, ahead: i64) -> String {
        let by = Duration::from_secs(ahead.unsigned_abs());
        self.format(if ahead < 0 { at.saturating_sub(by) } else { at.saturating_add(by) })
    }
}

/// The ISO text with `end` in place of the fraction and the zone.
fn to_seconds(at: Timestamp, end: &str) -> String {
    let mut text = at.to_string();
    if let Some(dot) = text.find('.') {
        text.replace_range(dot.., end);
    }
    text
}

/// The date of HTTP, made of the ISO text.
fn http_date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = to_seconds(at, "");
    // The epoch began on a Thursday.
    let day = usize::try_from(at.as_secs().div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    let mut numbers = date.rsplit('-');
    let (of_month, month) = (numbers.next().unwrap_or(""), numbers.next().unwrap_or(""));
    let year = numbers.next().unwrap_or("");
    let month = month.parse().ok().and_then(|month: usize| MONTHS.get(month.wrapping_sub(1)));
    format!("{}, {of_month} {} {year} {time} GMT", DAYS[day], month.unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_http_knows_the_day_of_the_week() {
        for (seconds, text) in [
            // The example of RFC 9110, section 5.6.7.
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
        ] {
            assert_eq!(TimestampFormat::HttpDate.format(Timestamp::from_secs(seconds)), text);
        }
    }

    #[test]
    fn one_instant_has_many_texts_and_none_is_rounded_up() {
        let at = Timestamp::from_nanos(1_700_000_000_999_999_999);
        for (format, text) in [
            (TimestampFormat::Seconds, "1700000000"),
            (TimestampFormat::Millis, "1700000000999"),
            (TimestampFormat::Micros, "1700000000999999"),
            (TimestampFormat::Nanos, "1700000000999999999"),
            (TimestampFormat::Iso8601Millis, "2023-11-14T22:13:20.999Z"),
            (TimestampFormat::Iso8601Secs, "2023-11-14T22:13:20Z"),
            (TimestampFormat::Iso8601SecsBare, "2023-11-14T22:13:20"),
            (TimestampFormat::Iso8601Basic, "20231114T221320Z"),
            (TimestampFormat::HttpDate, "Tue, 14 Nov 2023 22:13:20 GMT"),
        ] {
            assert_eq!(format.format(at), text);
        }
    }
}
