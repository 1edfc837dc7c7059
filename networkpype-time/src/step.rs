use std::time::Duration;

use networkpype_core::{Clock, Ticker, Ticks, Timestamp};

/// How far wall and monotonic time may drift apart between two readings.
const TOLERANCE: i128 = Duration::from_secs(1).as_nanos() as i128;

/// The machine's wall clock, read between two looks at its monotonic one.
///
/// With both looks a thread that is put aside between two reads cannot look like a step of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) before: Ticks,
    pub(crate) wall: Timestamp,
    pub(crate) after: Ticks,
}

impl Reading {
    pub(crate) fn take(clock: &dyn Clock, ticker: &dyn Ticker) -> Self {
        Self { before: ticker.now(), wall: clock.now(), after: ticker.now() }
    }

    /// Whether the wall clock was set, or the machine slept, between `earlier` and `self`: wall and monotonic time
    /// then disagree about how long that was, by more than a second.
    pub(crate) fn stepped_since(&self, earlier: &Self) -> bool {
        let wall = i128::from(self.wall.as_nanos()) - i128::from(earlier.wall.as_nanos());
        let at_least = ticks_between(earlier.after, self.before);
        let at_most = ticks_between(earlier.before, self.after);
        wall < at_least - TOLERANCE || wall > at_most + TOLERANCE
    }
}

fn ticks_between(from: Ticks, to: Ticks) -> i128 {
    i128::from(to.as_nanos()) - i128::from(from.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_ms: i64, before_ms: u64, after_ms: u64) -> Reading {
        Reading {
            before: Ticks::from_nanos(before_ms * 1_000_000),
            wall: Timestamp::from_millis(wall_ms),
            after: Ticks::from_nanos(after_ms * 1_000_000),
        }
    }

    #[test]
    fn a_step_is_more_than_a_second_apart() {
        let start = at(1_700_000_000_000, 10_000, 10_000);
        for (name, later, stepped) in [
            ("nothing happened", at(1_700_000_000_000, 10_000, 10_000), false),
            ("an hour went by on both", at(1_700_003_600_000, 3_610_000, 3_610_000), false),
            ("a second apart", at(1_700_000_001_000, 10_000, 10_000), false),
            ("a bit more", at(1_700_000_001_001, 10_000, 10_000), true),
            ("a second back", at(1_699_999_999_000, 10_000, 10_000), false),
            ("a bit more back", at(1_699_999_998_999, 10_000, 10_000), true),
            ("set an hour back", at(1_699_996_405_000, 15_000, 15_000), true),
            ("asleep for an hour", at(1_700_003_605_000, 15_000, 15_000), true),
            ("put aside between two reads", at(1_700_000_005_000, 10_000, 15_000), false),
            ("put aside and a step", at(1_700_000_007_000, 10_000, 15_000), true),
            ("an older reading", at(1_699_999_995_000, 5_000, 5_000), false),
        ] {
            assert_eq!(later.stepped_since(&start), stepped, "{name}");
        }
    }

    #[test]
    fn extreme_readings_do_not_panic() {
        let least = Reading {
            before: Ticks::ZERO,
            wall: Timestamp::from_nanos(i64::MIN),
            after: Ticks::ZERO,
        };
        let most = Reading {
            before: Ticks::MAX,
            wall: Timestamp::from_nanos(i64::MAX),
            after: Ticks::MAX,
        };
        assert!(!most.stepped_since(&least) && !least.stepped_since(&most));
    }
}
