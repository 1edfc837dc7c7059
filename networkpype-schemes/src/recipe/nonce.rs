//! How nonces are counted and written.

use networkpype_auth::Nonce;
use networkpype_core::Timestamp;

use super::error::RecipeError;

/// How a nonce is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum NonceStyle {
    Seconds,
    #[default]
    Millis,
    Micros,
    Nanos,
    /// Milliseconds written as seconds with eight decimals, as a double-precision number has them.
    Decimal8,
}

impl NonceStyle {
    pub(super) fn named(name: Option<&str>, key: &str) -> Result<Self, RecipeError> {
        match name {
            Some("s") => Ok(Self::Seconds),
            None | Some("ms") => Ok(Self::Millis),
            Some("us") => Ok(Self::Micros),
            Some("ns") => Ok(Self::Nanos),
            Some("s-decimal-8") => Ok(Self::Decimal8),
            Some(_) => Err(RecipeError::new(
                format!("{key}.nonce"),
                "write `s`, `ms`, `us`, `ns` or `s-decimal-8`; one that is random is `{uuid}` or `{random|hex}`",
            )),
        }
    }
}

/// One counter per unit, which everything signed with one key shares.
#[derive(Clone, Debug)]
pub(super) struct Nonces {
    counters: [(NonceStyle, Nonce); 5],
}

impl Default for Nonces {
    fn default() -> Self {
        Self {
            counters: [
                (NonceStyle::Seconds, Nonce::seconds()),
                (NonceStyle::Millis, Nonce::millis()),
                (NonceStyle::Micros, Nonce::micros()),
                (NonceStyle::Nanos, Nonce::nanos()),
                (NonceStyle::Decimal8, Nonce::millis()),
            ],
        }
    }
}

impl Nonces {
    /// Has every unit count with this counter.
    pub(super) fn shared(nonce: &Nonce) -> Self {
        let mut nonces = Self::default();
        for (_, counter) in &mut nonces.counters {
            counter.clone_from(nonce);
        }
        nonces
    }

    pub(super) fn next(&self, style: NonceStyle, now: Timestamp) -> String {
        let counter = self.counters.iter().find(|(own, _)| *own == style);
        let number = counter.map_or(0, |(_, nonce)| nonce.next(now));
        match style {
            // Exact to the millisecond until the year 11000.
            NonceStyle::Decimal8 => format!("{:.8}", number as f64 / 1000.0),
            _ => number.to_string(),
        }
    }
}
