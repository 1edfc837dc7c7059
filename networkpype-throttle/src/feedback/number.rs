/// A decimal number that is not negative, as headers write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    whole: u64,
    /// Billionths after the point. A smaller rest is cut off, but never to zero, so that rounding up sees it.
    billionths: u32,
}

impl Number {
    pub(super) fn floor(self) -> u64 {
        self.whole
    }

    pub(super) fn ceil(self) -> u64 {
        self.whole.saturating_add(u64::from(self.billionths > 0))
    }

    /// The number in billionths of `unit`s: nanoseconds, for a unit in nanoseconds. Of `unit` up to 2^64 no overflow.
    pub(super) fn times(self, unit: u32) -> u128 {
        let unit = u128::from(unit);
        u128::from(self.whole) * unit + u128::from(self.billionths) * unit / BILLION
    }
}

const BILLION: u128 = 1_000_000_000;

/// The number that `text` begins with, where it ends there or at a separator: `100` of `100, 100;window=60`.
pub(super) fn first_number(text: &str) -> Option<Number> {
    let text = text.trim_ascii_start();
    let (number, rest) = leading_number(text.strip_prefix('"').unwrap_or(text))?;
    (rest.is_empty() || rest.starts_with(SEPARATORS)).then_some(number)
}

/// The number after the first `/`: what there is in all, where a header says `32/40`.
pub(super) fn number_after_slash(text: &str) -> Option<Number> {
    first_number(text.split_once('/')?.1)
}

/// The number at the very start of `text`, and what follows it.
pub(super) fn leading_number(text: &str) -> Option<(Number, &str)> {
    let (whole, mut rest) = split_digits(text);
    let mut billionths = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let (fraction, after) = split_digits(after);
        if fraction.is_empty() {
            return None;
        }
        billionths = to_billionths(fraction);
        rest = after;
    }
    // Of no digits at all, and of more than a u64 holds, parsing makes an error.
    Some((Number { whole: whole.parse().ok()?, billionths }, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn to_billionths(fraction: &str) -> u32 {
    let digits = fraction.bytes().map(|byte| u32::from(byte - b'0'));
    let kept = digits.chain(std::iter::repeat(0)).take(9).fold(0, |sum, digit| sum * 10 + digit);
    if kept == 0 { u32::from(fraction.bytes().any(|byte| byte != b'0')) } else { kept }
}

const SEPARATORS: [char; 6] = [',', ';', ' ', '\t', '"', '/'];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_number_is_read_tolerantly_and_nonsense_is_not() {
        for (text, expected) in [
            ("100", Some((100, 100))),
            ("100, 100;window=60", Some((100, 100))),
            ("100;w=60", Some((100, 100))),
            (" 7 ", Some((7, 7))),
            ("12.0", Some((12, 12))),
            ("12.5", Some((12, 13))),
            ("0.0000000000001", Some((0, 1))),
            ("32/40", Some((32, 32))),
            ("\"42\"", Some((42, 42))),
            ("007", Some((7, 7))),
            ("18446744073709551615", Some((u64::MAX, u64::MAX))),
            ("18446744073709551615.9", Some((u64::MAX, u64::MAX))),
            ("18446744073709551616", None),
            ("", None),
            (" ", None),
            ("\"", None),
            ("-1", None),
            ("+1", None),
            ("NaN", None),
            ("inf", None),
            ("1e5", None),
            ("0x10", None),
            ("12.", None),
            (".5", None),
            ("1.2.3", None),
            ("10s", None),
            ("2026-01-27", None),
            ("limit=5", None),
            ("१२", None),
        ] {
            let read = first_number(text).map(|number| (number.floor(), number.ceil()));
            assert_eq!(read, expected, "{text:?}");
        }
        assert_eq!(first_number(&"9".repeat(65_536)), None);
        assert_eq!(first_number(&format!("{}5", "0".repeat(65_536))).map(Number::floor), Some(5));
    }

    #[test]
    fn what_there_is_in_all_stands_after_a_slash() {
        assert_eq!(number_after_slash("32/40").map(Number::floor), Some(40));
        assert_eq!(number_after_slash("32 / 40").map(Number::floor), Some(40));
        assert_eq!(number_after_slash("32"), None);
        assert_eq!(number_after_slash("32/"), None);
    }

    #[test]
    fn fractions_scale_with_their_unit() {
        assert_eq!(first_number("1.5").map(|n| n.times(1_000_000_000)), Some(1_500_000_000));
        assert_eq!(first_number("1.5").map(|n| n.times(1_000_000)), Some(1_500_000));
        assert!(first_number(&u64::MAX.to_string()).is_some_and(|n| n.times(u32::MAX) > 0));
    }

    proptest! {
        #[test]
        fn every_number_that_is_written_is_read(whole in any::<u64>(), thousandths in 0..1_000_u32) {
            let number = first_number(&format!("{whole}.{thousandths:03}")).expect("a number");
            prop_assert_eq!(number.floor(), whole);
            prop_assert_eq!(number.ceil(), whole.saturating_add(u64::from(thousandths > 0)));
            prop_assert_eq!(number.times(1_000), u128::from(whole) * 1_000 + u128::from(thousandths));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = (first_number(&text), leading_number(&text), number_after_slash(&text));
        }
    }
}
