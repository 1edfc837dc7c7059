use std::time::Duration;

use networkpype_core::Timestamp;

use super::{
    ResetAs,
    date::date,
    number::{Number, first_number, leading_number},
};

/// The longest time until a reset that is believed: one day, as for `Retry-After`.
pub(super) const MAX_RESET: Duration = networkpype_core::MAX_RETRY_AFTER;

/// In what time the reset is that a header gives as `text`, when the server's time is `now`: zero where it is past, and
/// a day at most. `None` where the text says nothing of the kind.
pub(super) fn until_reset(text: &str, form: ResetAs, now: Timestamp) -> Option<Duration> {
    let number = first_number(text);
    let nanos = match form {
        ResetAs::SecondsFromNow => number?.times(SECOND),
        ResetAs::MillisFromNow => number?.times(MILLISECOND),
        ResetAs::EpochSeconds => since(number?.times(SECOND), now),
        ResetAs::EpochMillis => since(number?.times(MILLISECOND), now),
        ResetAs::Auto => match number {
            Some(number) => told_apart_by_size(number, now),
            None => match elapsed_text(text) {
                Some(nanos) => nanos,
                None => return Some(date(text)?.saturating_since(now).min(MAX_RESET)),
            },
        },
    };
    // What does not fit is far beyond the day anyway.
    Some(u64::try_from(nanos).map_or(MAX_RESET, Duration::from_nanos).min(MAX_RESET))
}

/// Nothing counts its way to the next reset in steps of thirty years, and no clock in use stands before 2001. So what
/// is below 10^9 is a time from now, and above it each unit of epoch time has three digits of its own.
fn told_apart_by_size(number: Number, now: Timestamp) -> u128 {
    let unit = match number.floor() {
        0..1_000_000_000 => return number.times(SECOND),
        1_000_000_000..100_000_000_000 => SECOND,
        100_000_000_000..100_000_000_000_000 => MILLISECOND,
        100_000_000_000_000..100_000_000_000_000_000 => MICROSECOND,
        100_000_000_000_000_000.. => NANOSECOND,
    };
    since(number.times(unit), now)
}

/// From `now` to the instant `epoch_nanos`, zero where that is past.
fn since(epoch_nanos: u128, now: Timestamp) -> u128 {
    match u128::try_from(now.as_nanos()) {
        Ok(now) => epoch_nanos.saturating_sub(now),
        // A clock before 1970.
        Err(_) => epoch_nanos.saturating_add(u128::from(now.as_nanos().unsigned_abs())),
    }
}

/// A time such as `6m0s`, `1.5s` or `120ms`: numbers, each with its unit.
fn elapsed_text(text: &str) -> Option<u128> {
    let mut rest = text.trim_ascii();
    let mut sum = 0_u128;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let end = after.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let nanos = match unit {
            "ns" => number.times(NANOSECOND),
            "us" => number.times(MICROSECOND),
            "ms" => number.times(MILLISECOND),
            "s" => number.times(SECOND),
            "m" => number.times(SECOND) * 60,
            "h" => number.times(SECOND) * 3_600,
            "d" => number.times(SECOND) * 86_400,
            _ => return None,
        };
        sum = sum.saturating_add(nanos);
        rest = after;
    }
    (!text.trim_ascii().is_empty()).then_some(sum)
}

const NANOSECOND: u32 = 1;
const MICROSECOND: u32 = 1_000;
const MILLISECOND: u32 = 1_000_000;
const SECOND: u32 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2023-11-14T22:13:20Z.
    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn millis(text: &str, form: ResetAs) -> Option<u128> {
        until_reset(text, form, NOW).map(|wait| wait.as_millis())
    }

    #[test]
    fn each_form_is_read_as_what_it_is() {
        use ResetAs::{Auto, EpochMillis, EpochSeconds, MillisFromNow, SecondsFromNow};
        for (text, form, expected) in [
            ("30", SecondsFromNow, 30_000),
            ("0.25", SecondsFromNow, 250),
            ("30, 60", SecondsFromNow, 30_000),
            ("2000000000", SecondsFromNow, 86_400_000),
            ("1500", MillisFromNow, 1_500),
            ("0.5", MillisFromNow, 0),
            ("1700000030", EpochSeconds, 30_000),
            ("1700000000.125", EpochSeconds, 125),
            ("1699999999", EpochSeconds, 0),
            ("30", EpochSeconds, 0),
            ("1700000000250", EpochMillis, 250),
            ("1700000030", EpochMillis, 0),
            ("30", Auto, 30_000),
            ("999999999", Auto, 86_400_000),
            ("1700000030", Auto, 30_000),
            ("1700000030.5", Auto, 30_500),
            ("1700000030250", Auto, 30_250),
            ("1700000030250000", Auto, 30_250),
            ("1700000030250000000", Auto, 30_250),
            ("1600000000", Auto, 0),
            ("6m0s", Auto, 360_000),
            ("1.5s", Auto, 1_500),
            ("120ms", Auto, 120),
            ("1h2m3s4ms", Auto, 3_723_004),
            ("40d", Auto, 86_400_000),
            ("2023-11-14T22:13:25Z", Auto, 5_000),
            ("Tue, 14 Nov 2023 22:13:26 GMT", Auto, 6_000),
            ("Tue, 14 Nov 2023 22:13:16 GMT", Auto, 0),
            ("18446744073709551615", Auto, 86_400_000),
            ("18446744073709551615", EpochSeconds, 86_400_000),
        ] {
            assert_eq!(millis(text, form), Some(expected), "{text:?} as {form:?}");
        }
    }

    #[test]
    fn nonsense_is_no_reset() {
        use ResetAs::{Auto, EpochMillis, EpochSeconds, MillisFromNow, SecondsFromNow};
        for form in [Auto, SecondsFromNow, MillisFromNow, EpochSeconds, EpochMillis] {
            for text in ["", " ", "-5", "NaN", "soon", "1e9", "99999999999999999999", "s", "5x"] {
                assert_eq!(until_reset(text, form, NOW), None, "{text:?} as {form:?}");
            }
        }
        assert_eq!(until_reset("6m0s", SecondsFromNow, NOW), None);
    }

    #[test]
    fn a_clock_before_the_epoch_is_no_trouble() {
        let early = Timestamp::from_secs(-10);
        assert_eq!(until_reset("5", ResetAs::EpochSeconds, early), Some(Duration::from_secs(15)));
        let first = Timestamp::from_nanos(i64::MIN);
        assert_eq!(until_reset("5", ResetAs::EpochSeconds, first), Some(MAX_RESET));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_wait_longer_than_a_day(
            text in prop_oneof!["\\PC*", "[0-9.smhdu:TZ+-]{0,40}"],
            now in any::<i64>(),
            form in prop::sample::select(vec![
                ResetAs::Auto, ResetAs::SecondsFromNow, ResetAs::MillisFromNow,
                ResetAs::EpochSeconds, ResetAs::EpochMillis,
            ]),
        ) {
            let wait = until_reset(&text, form, Timestamp::from_nanos(now));
            prop_assert!(wait.is_none_or(|wait| wait <= MAX_RESET));
        }

        #[test]
        fn an_instant_is_the_same_in_every_form(ahead in 0..86_400_000_u64, now in 1_000_000_000_000..4_000_000_000_000_u64) {
            let at = now + ahead;
            let clock = Timestamp::from_millis(i64::try_from(now).expect("fits"));
            let expected = Some(Duration::from_millis(ahead));
            let text = Timestamp::from_millis(i64::try_from(at).expect("fits")).to_string();
            for (text, form) in [
                (format!("{at}"), ResetAs::EpochMillis),
                (format!("{at}"), ResetAs::Auto),
                (format!("{}.{:03}", at / 1_000, at % 1_000), ResetAs::EpochSeconds),
                (format!("{}.{:03}", ahead / 1_000, ahead % 1_000), ResetAs::Auto),
                (format!("{ahead}"), ResetAs::MillisFromNow),
                (format!("{ahead}ms"), ResetAs::Auto),
                (text, ResetAs::Auto),
            ] {
                prop_assert_eq!(until_reset(&text, form, clock), expected, "{}", text);
            }
        }
    }
}
