use std::time::Duration;

use networkpype_core::Ticks;

use crate::provider::ServerTime;

/// `Age` counts whole seconds, so a cached time is known to no better than that.
const AGE_RESOLUTION: Duration = Duration::from_secs(1);

/// A kept sample goes stale: the clocks of server and machine may drift apart by one part in this many (100 ppm, which
/// the quartz of a server keeps even when it is hot).
const DRIFT: u32 = 10_000;

/// How good samples are, in kind: better ones take the place of worse ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    /// A cache answered instead of the server, and says itself how old that was.
    Cached,
    /// The server's time was told, and nobody knows how long it was on its way.
    Told,
    /// Its round trip is known, and so its error.
    Measured,
}

/// One answer of the server, placed on this machine's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Server time less monotonic time, in nanoseconds.
    pub(crate) base: i64,
    /// How far `base` may be off beyond what the missing round trip hides, if that is missing.
    pub(crate) bound: Duration,
    /// `None` where nobody measured it.
    pub(crate) round_trip: Option<Duration>,
    /// Whether a cache answered instead of the server.
    pub(crate) cached: bool,
    /// When it came.
    pub(crate) at: Ticks,
}

impl Sample {
    /// The sample that `answer` makes when it was handed over at `returned`, `elapsed` after the question.
    ///
    /// The server's clock is taken to have been read in the middle of the round trip, which ended `lag` before
    /// `returned`. The error is then at most half the round trip, however it divides into there and back. A round
    /// trip or lag that does not fit into `elapsed` is not believed.
    pub(crate) fn new(answer: &ServerTime, returned: Ticks, elapsed: Option<Duration>) -> Self {
        let (round_trip, lag) = match elapsed {
            None => (answer.round_trip, answer.lag.unwrap_or_default()),
            Some(elapsed) => match answer.round_trip.filter(|measured| *measured <= elapsed) {
                Some(measured) => {
                    (Some(measured), answer.lag.unwrap_or_default().min(elapsed - measured))
                }
                None => {
                    let lag = answer.lag.unwrap_or_default().min(elapsed);
                    (Some(elapsed - lag), lag)
                }
            },
        };
        let half_way = round_trip.unwrap_or_default() / 2;
        let half_resolution = answer.resolution / 2;
        let cached = !answer.age.is_zero();

        let server =
            i128::from(answer.time.as_nanos()) + nanos(answer.age) + nanos(half_resolution);
        let local = i128::from(returned.as_nanos()) - nanos(lag) - nanos(half_way);
        let age_error = if cached { AGE_RESOLUTION } else { Duration::ZERO };
        Self {
            base: clamp(server - local),
            bound: half_way.saturating_add(half_resolution).saturating_add(age_error),
            round_trip,
            cached,
            at: returned,
        }
    }

    pub(crate) fn worth(&self) -> Worth {
        match (self.cached, self.round_trip) {
            (true, _) => Worth::Cached,
            (false, None) => Worth::Told,
            (false, Some(_)) => Worth::Measured,
        }
    }

    /// How far the time that it makes may be off at `now`; `None` where nobody knows.
    pub(crate) fn error_at(&self, now: Ticks) -> Option<Duration> {
        let drift = now.saturating_since(self.at) / DRIFT;
        self.round_trip.map(|_| self.bound.saturating_add(drift))
    }

    /// Whether it has gone so stale that `newer` makes a better time, however slow that one was.
    pub(crate) fn is_outlived_by(&self, newer: &Self) -> bool {
        self.error_at(newer.at).zip(newer.error_at(newer.at)).is_some_and(|(old, new)| old > new)
    }

    /// Whether no clock could have given both answers: they lie further apart than both errors and `margin` explain.
    /// The errors are those of the beginning: when clocks have drifted that far apart, the newer one alone is right.
    pub(crate) fn contradicts(&self, other: &Self, margin: Duration) -> bool {
        let apart = (i128::from(self.base) - i128::from(other.base)).abs();
        apart > nanos(self.bound) + nanos(other.bound) + nanos(margin)
    }
}

/// `Duration` ends well below the range of `i128`.
pub(crate) fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// The nearest offset that is not [`UNKNOWN`](crate::synchronizer::UNKNOWN).
pub(crate) fn clamp(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }).max(i64::MIN + 1)
}

#[cfg(test)]
mod tests {
    use networkpype_core::Timestamp;

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A server whose clock is 1,000,000 ms ahead of the ticker answers; handed over at tick 500 ms.
    #[test]
    fn the_server_read_its_clock_in_the_middle_of_the_round_trip() {
        let answer = |server_ms| ServerTime::new(Timestamp::from_millis(server_ms));
        let kraken = answer(1_000_000).with_resolution(ms(1_000));
        let late = answer(1_000_460).with_round_trip(ms(20)).with_lag(ms(30));
        let too_late = answer(1_000_410).with_round_trip(ms(20)).with_lag(ms(500));
        for (name, answer, elapsed, bound, round_trip) in [
            ("measured around the question", answer(1_000_450), Some(100), 50, Some(100)),
            ("by the manager", answer(1_000_490).with_round_trip(ms(20)), Some(100), 10, Some(20)),
            ("handed over late", late, Some(100), 10, Some(20)),
            ("a lag alone", answer(1_000_435).with_lag(ms(30)), Some(100), 35, Some(70)),
            (
                "impossible trip",
                answer(1_000_450).with_round_trip(ms(101)),
                Some(100),
                50,
                Some(100),
            ),
            ("impossible lag", too_late, Some(100), 10, Some(20)),
            ("whole seconds", kraken, Some(0), 500, Some(0)),
            ("told, not asked", answer(1_000_500), None, 0, None),
            ("told with its trip", answer(1_000_480).with_round_trip(ms(40)), None, 20, Some(40)),
            ("from a cache", answer(970_500).with_age(ms(30_000)), Some(0), 1_000, Some(0)),
        ] {
            let sample = Sample::new(&answer, Ticks::from_nanos(500_000_000), elapsed.map(ms));
            let expected = Sample {
                base: 1_000_000_000_000,
                bound: ms(bound),
                round_trip: round_trip.map(ms),
                cached: name == "from a cache",
                at: Ticks::from_nanos(500_000_000),
            };
            assert_eq!(sample, expected, "{name}");
        }
    }

    #[test]
    fn the_error_grows_with_age_where_it_is_known() {
        let answer = ServerTime::new(Timestamp::from_secs(1));
        let at = Ticks::from_nanos(500_000_000);
        let hour = at + Duration::from_secs(3_600);
        let measured = Sample::new(&answer, at, Some(ms(20)));
        assert_eq!(measured.error_at(at), Some(ms(10)));
        assert_eq!(measured.error_at(hour), Some(ms(370)), "0.1 ms a second");
        assert_eq!(measured.error_at(Ticks::ZERO), Some(ms(10)), "before it came");
        assert_eq!(Sample::new(&answer, at, None).error_at(at), None, "unknown is not zero");
    }

    #[test]
    fn extreme_answers_do_not_panic() {
        for time in [i64::MIN, -1, 0, i64::MAX] {
            for returned in [Ticks::ZERO, Ticks::MAX] {
                for long in [Duration::ZERO, Duration::MAX] {
                    for elapsed in [None, Some(Duration::ZERO), Some(Duration::MAX)] {
                        let answer = ServerTime::new(Timestamp::from_nanos(time))
                            .with_round_trip(long)
                            .with_lag(long)
                            .with_age(long)
                            .with_resolution(long);
                        let sample = Sample::new(&answer, returned, elapsed);
                        assert_ne!(sample.base, i64::MIN);
                        assert!(!sample.contradicts(&sample, long));
                        let _ = (sample.error_at(Ticks::ZERO), sample.error_at(Ticks::MAX));
                    }
                }
            }
        }
    }
}
