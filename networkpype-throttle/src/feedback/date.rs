use networkpype_core::Timestamp;

/// The instant that `text` names: an HTTP date, or RFC 3339 such as `2026-01-27T12:34:56.5Z`.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim_ascii();
    rfc_3339(text).or_else(|| http_date(text))
}

/// The instant of an HTTP date, in any of its three forms.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text.trim_ascii()).ok().map(Timestamp::from)
}

fn rfc_3339(text: &str) -> Option<Timestamp> {
    let mut rest = text;
    let year = take(&mut rest, 4, "-")?;
    let month = take(&mut rest, 2, "-")?;
    let day = take(&mut rest, 2, "Tt ")?;
    let hour = take(&mut rest, 2, ":")?;
    let minute = take(&mut rest, 2, ":")?;
    let second = take(&mut rest, 2, "")?;
    let possible = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !possible {
        return None;
    }
    let mut nanos = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.bytes().position(|byte| !byte.is_ascii_digit())?;
        let digits = fraction.bytes().take(end.min(9)).map(|byte| i64::from(byte - b'0'));
        nanos = digits.chain(std::iter::repeat(0)).take(9).fold(0, |sum, digit| sum * 10 + digit);
        rest = &fraction[end..];
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Timestamp::from_secs(seconds - offset(rest)?).offset_by_nanos(nanos))
}

/// The number of exactly `digits` digits at the start, and one of `ends` after it, if there are any.
fn take(rest: &mut &str, digits: usize, ends: &str) -> Option<i64> {
    let number = rest.get(..digits).filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    let after = &rest[digits..];
    *rest = if ends.is_empty() { after } else { after.strip_prefix(|c| ends.contains(c))? };
    number.parse().ok()
}

/// How many seconds the zone `text` is ahead of UTC: `Z`, `+02:00`.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, mut rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let hours = take(&mut rest, 2, ":")?;
    let minutes = take(&mut rest, 2, "")?;
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Years begin in March here, so that the leap day is their last and the months before it follow one formula.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_in_both_notations() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00.25Z", Some(951_825_600_250)),
            ("2023-11-14t22:13:20.1234567891z", Some(1_700_000_000_123)),
            ("2023-11-15T00:13:20+02:00", Some(1_700_000_000_000)),
            ("2023-11-14 16:43:20-05:30", Some(1_700_000_000_000)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777_000)),
            ("0000-01-01T00:00:00Z", Some(i64::MIN / 1_000_000 - 1)),
            ("2023-11-14", None),
            ("2023-11-14T22:13:20", None),
            ("2023-11-14T22:13:20.", None),
            ("2023-11-14T22:13:20.5", None),
            ("2023-11-14T22:13:20+2:00", None),
            ("2023-11-14T22:13:20+02:00x", None),
            ("2023-13-14T22:13:20Z", None),
            ("2023-00-14T22:13:20Z", None),
            ("2023-11-32T22:13:20Z", None),
            ("2023-11-14T24:13:20Z", None),
            ("2023-11-14T22:60:20Z", None),
            ("+023-11-14T22:13:20Z", None),
            ("2023-11-14T22:13:2é", None),
            ("", None),
        ] {
            assert_eq!(date(text).map(Timestamp::as_millis), millis, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_a_timestamp_prints_is_read_back(millis in -62_000_000_000_i64..9_000_000_000_000) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(date(&at.to_string()), Some(at));
        }

        #[test]
        fn no_text_makes_it_panic(text in prop_oneof!["\\PC*", "[0-9TZ:.+ -]{0,40}"]) {
            let _ = date(&text);
        }
    }
}
