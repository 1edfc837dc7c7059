use networkpype_core::Timestamp;

/// The instant that an RFC 3339 text names, such as `2023-11-14T22:13:20.123Z` or `2023-11-14T23:13:20+01:00`.
///
/// `None` for anything else, also where the offset is missing: then nobody knows which hour is meant. Digits beyond
/// nanoseconds are cut off.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    // A leap second is the last of its minute, and counts as the first of the next.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, offset) = fraction(rest)?;
    let days = days_from_civil(year, month, day)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset_seconds(offset)?;
    let exact = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    i64::try_from(exact).ok().map(Timestamp::from_nanos)
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (number, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width)?;
        *number = digits(part)?;
    }
    parts.next().is_none().then_some(found)
}

/// `str::parse` alone would take a sign.
fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The nanoseconds of a fraction, where there is one, and the text behind it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = text.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0)?;
    let (fraction, rest) = text.split_at(end);
    let nanos = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some((nanos.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')), rest))
}

fn offset_seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = text.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// The day count since 1970-01-01 of a Gregorian date, `None` where there is no such day.
///
/// Years are counted from March, so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
            - 719_468,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_and_the_instants_they_name() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2023-11-14T22:13:20.123Z", Some(1_700_000_000_123)),
            ("2023-11-14t22:13:20.1230000009z", Some(1_700_000_000_123)),
            ("2023-11-14 23:13:20.123+01:00", Some(1_700_000_000_123)),
            ("2023-11-14T16:43:20.123-05:30", Some(1_700_000_000_123)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_800_000)),
            ("2023-02-29T00:00:00Z", None),
            ("1900-02-29T00:00:00Z", None),
            ("2023-13-01T00:00:00Z", None),
            ("2023-00-01T00:00:00Z", None),
            ("2023-04-31T00:00:00Z", None),
            ("2023-11-14T24:00:00Z", None),
            ("2023-11-14T22:60:00Z", None),
            ("2023-11-14T22:13:20", None),
            ("2023-11-14T22:13:20.", None),
            ("2023-11-14T22:13:20.Z", None),
            ("2023-11-14T22:13:20+1:00", None),
            ("2023-11-14T22:13:20+24:00", None),
            ("2023-11-14T+2:13:20Z", None),
            ("2023-11-14", None),
            ("9999-12-31T23:59:59Z", None),
            ("", None),
            ("€€€€€€€€€€", None),
        ] {
            assert_eq!(parse(text), millis.map(Timestamp::from_millis), "{text:?}");
        }
    }

    proptest! {
        /// Core prints this form by an algorithm of its own.
        #[test]
        fn what_core_prints_is_read_back(millis in -9_223_372_036_854_i64..9_223_372_036_854) {
            let printed = Timestamp::from_millis(millis);
            prop_assert_eq!(parse(&printed.to_string()), Some(printed));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9:.+TZé-]{0,32}") {
            let _ = parse(&text);
        }
    }
}
