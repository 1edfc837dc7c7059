use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use networkpype_core::Ticks;

/// How long after its head a response was handed over: the time its body and the processors took.
///
/// The head's arrival is known on the manager's ticker and the handing over on ours, and the two have starts of
/// their own. But their difference is that of the starts plus the lag, so the least difference ever seen stands for
/// no lag at all, and what exceeds it is lag.
#[derive(Debug)]
pub(crate) struct Lag {
    least: AtomicI64,
}

impl Lag {
    pub(crate) const fn new() -> Self {
        Self { least: AtomicI64::new(i64::MAX) }
    }

    pub(crate) fn of(&self, answered: Ticks, returned: Ticks) -> Duration {
        let apart = i128::from(returned.as_nanos()) - i128::from(answered.as_nanos());
        let apart = crate::sample::clamp(apart);
        // One number on its own: no other memory is published with it.
        let least = self.least.fetch_min(apart, Ordering::Relaxed).min(apart);
        Duration::from_nanos(apart.abs_diff(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_what_exceeds_the_least_seen() {
        let lag = Lag::new();
        for (answered, returned, expected) in [
            (1_000, 50, 0),
            (2_000, 1_055, 5),
            (3_000, 2_040, 0),
            (4_000, 3_055, 15),
            (0, u64::MAX, u64::MAX),
        ] {
            let found = lag.of(Ticks::from_nanos(answered), Ticks::from_nanos(returned));
            let expected = expected.min(i64::MAX as u64 + 960);
            assert_eq!(found, Duration::from_nanos(expected), "{answered} {returned}");
        }
    }
}
