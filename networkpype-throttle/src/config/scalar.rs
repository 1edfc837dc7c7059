//! Single values: times, fractions, statuses, headers.

use std::{fmt, marker::PhantomData, time::Duration};

use http::HeaderName;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, Visitor},
    ser::Error as _,
};

/// A time: `"250ms"`, `"1m"`, or a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

/// The units that are written. Each is a whole number of the next.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Span {
    fn read(text: &str) -> Option<Duration> {
        let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (number, unit) = text.split_at(end);
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
        let nanos = number.parse::<u128>().ok()?.checked_mul(*nanos)?;
        let secs = u64::try_from(nanos / 1_000_000_000).ok()?;
        // A remainder below 10^9 fits.
        Some(Duration::new(secs, (nanos % 1_000_000_000) as u32))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let fits = |(_, unit): &&(&str, u128)| nanos > 0 && nanos.is_multiple_of(*unit);
        let (name, unit) = UNITS.iter().find(fits).unwrap_or(&("s", 1_000_000_000));
        write!(f, "{}{name}", nanos / unit)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpanVisitor)
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a time such as \"250ms\", \"1s\", \"1m\", \"1h\" or \"1d\", or a number of seconds",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
        let unexpected = serde::de::Unexpected::Str(text);
        Span::read(text).map(Span).ok_or_else(|| E::invalid_value(unexpected, &self))
    }

    fn visit_u64<E: serde::de::Error>(self, secs: u64) -> Result<Span, E> {
        Ok(Span(Duration::from_secs(secs)))
    }

    fn visit_i64<E: serde::de::Error>(self, secs: i64) -> Result<Span, E> {
        let unexpected = serde::de::Unexpected::Signed(secs);
        let secs = u64::try_from(secs).map_err(|_| E::invalid_value(unexpected, &self))?;
        self.visit_u64(secs)
    }

    fn visit_f64<E: serde::de::Error>(self, secs: f64) -> Result<Span, E> {
        let unexpected = serde::de::Unexpected::Float(secs);
        // Refuses what is negative, not a number or too large.
        let span = Duration::try_from_secs_f64(secs);
        span.map(Span).map_err(|_| E::invalid_value(unexpected, &self))
    }
}

/// A value that is only accepted, read or written, where the rule `R` finds nothing wrong.
pub(super) struct Checked<T, R>(pub(super) T, PhantomData<R>);

/// What a value has to be.
pub(super) trait Rule<T> {
    /// # Errors
    /// What is wrong with `value`.
    fn check(value: &T) -> Result<(), String>;
}

/// A time that is not zero.
pub(super) type Interval = Checked<Span, NotZero>;
/// A number above 0 and at most 1.
pub(super) type Share = Checked<f64, AboveZero>;
/// A number of at least 0 and below 1.
pub(super) type Margin = Checked<f64, BelowOne>;
/// A status that a response can have.
pub(super) type Status = Checked<u16, ThreeDigits>;
/// A name that a header can have.
pub(super) type Header = Checked<String, HeaderSyntax>;

pub(super) enum NotZero {}
pub(super) enum AboveZero {}
pub(super) enum BelowOne {}
pub(super) enum ThreeDigits {}
pub(super) enum HeaderSyntax {}

impl Rule<Span> for NotZero {
    fn check(value: &Span) -> Result<(), String> {
        if value.0.is_zero() { Err("it must not be zero".to_owned()) } else { Ok(()) }
    }
}

impl Rule<f64> for AboveZero {
    fn check(value: &f64) -> Result<(), String> {
        let fits = *value > 0.0 && *value <= 1.0;
        if fits { Ok(()) } else { Err(format!("it is {value}, and must be above 0 and at most 1")) }
    }
}

impl Rule<f64> for BelowOne {
    fn check(value: &f64) -> Result<(), String> {
        let fits = (0.0..1.0).contains(value);
        if fits {
            Ok(())
        } else {
            Err(format!("it is {value}, and must be at least 0 and below 1"))
        }
    }
}

impl Rule<u16> for ThreeDigits {
    fn check(value: &u16) -> Result<(), String> {
        let fits = (100..1_000).contains(value);
        if fits { Ok(()) } else { Err(format!("it is {value}, and a status has three digits")) }
    }
}

impl Rule<String> for HeaderSyntax {
    fn check(value: &String) -> Result<(), String> {
        match HeaderName::from_bytes(value.as_bytes()) {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("{value:?} is no name that a header can have")),
        }
    }
}

impl<T, R> Checked<T, R> {
    /// `value`, which is checked when it is written.
    pub(super) fn of(value: T) -> Self {
        Self(value, PhantomData)
    }
}

impl<T: PartialEq, R> PartialEq for Checked<T, R> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<'de, T: Deserialize<'de>, R: Rule<T>> Deserialize<'de> for Checked<T, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        R::check(&value).map_err(D::Error::custom)?;
        Ok(Self::of(value))
    }
}

impl<T: Serialize, R: Rule<T>> Serialize for Checked<T, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        R::check(&self.0).map_err(S::Error::custom)?;
        self.0.serialize(serializer)
    }
}
