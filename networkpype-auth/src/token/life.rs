//! Until when may a token be used, and when is it time for the next? Pure functions of two clocks.

use std::time::Duration;

use networkpype_core::{Ticks, Timestamp};

use super::Lifetime;

/// How far the two clocks may run apart before a suspended machine or a stepped clock is the likely reason.
const STEP: Duration = Duration::from_secs(1);

/// Less than this is no life: it would be over before the token is sent.
const SHORTEST_TOLD: Duration = Duration::from_secs(1);

/// A token that was refused although it is younger than this may not have reached all of its servers yet.
const SETTLING: Duration = Duration::from_secs(5);

/// No token is believed to live longer, so that nothing overflows.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What is decided about lives, whatever an issuer says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// How long before its end a token is renewed.
    pub(super) early: Duration,
    /// How long one may be used whose issuer does not say.
    pub(super) unknown: Duration,
    /// How long one may be used that comes with less than a second.
    pub(super) shortest: Duration,
}

/// One token's life, from the instant at which it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    asked: Ticks,
    asked_wall: Timestamp,
    /// By the monotonic clock.
    length: Option<Duration>,
    /// By the wall clock.
    until: Option<Timestamp>,
    early: Duration,
    /// When it was given out, as far as that is known.
    issued: Option<Timestamp>,
    /// Since `asked`.
    settling: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be used.
    Usable,
    /// It may be used, and it is time for the next.
    Due,
    /// It must not be used any more.
    Ended,
}

impl Life {
    /// The life of a token that was asked for at `asked`. `jitter`, from 0 to 1, spreads when many programs renew theirs.
    pub(super) fn new(
        lifetime: Lifetime,
        asked: Ticks,
        asked_wall: Timestamp,
        policy: Policy,
        jitter: f64,
    ) -> Self {
        let told = lifetime.relative.map(|length| match length < SHORTEST_TOLD {
            true => policy.shortest,
            false => length.min(LONGEST),
        });
        let until = lifetime.until.filter(|until| *until > asked_wall);
        let length = match (told, lifetime.until) {
            (None, None) => Some(policy.unknown),
            // An end that has passed already is a clock that is off: it would be renewed for ever.
            (None, Some(_)) if until.is_none() => Some(policy.shortest),
            (told, _) => told,
        };
        let by_wall = until.map(|until| until.saturating_since(asked_wall));
        let whole = length.into_iter().chain(by_wall).min().unwrap_or(policy.unknown);
        // A token that lives shorter than the margin would be due at once and for ever.
        let early = policy.early.min(whole / 4);
        let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        let early = early.mul_f64(1.0 - 0.25 * jitter);
        let settling = SETTLING.min(whole / 10);
        Self { asked, asked_wall, length, until, early, issued: Some(asked_wall), settling }
    }

    /// The same of a token that was found in a store then, and had been given out at `issued`.
    pub(super) fn found(self, issued: Option<Timestamp>) -> Self {
        // Not one that seems to come from the future: a clock was set back, and it may be of any age.
        let known = issued.filter(|issued| *issued <= self.asked_wall);
        let settling = known.map_or(Duration::ZERO, |issued| {
            self.settling.saturating_sub(self.asked_wall.saturating_since(issued))
        });
        Self { issued, settling, ..self }
    }

    pub(super) fn verdict(&self, now: Ticks, wall: Timestamp) -> Verdict {
        let left = self.left(now, wall);
        if left.is_zero() {
            Verdict::Ended
        } else if left <= self.early || self.clocks_differ(now, wall) {
            Verdict::Due
        } else {
            Verdict::Usable
        }
    }

    /// How long it may still be used, as long as both clocks run alike.
    pub(super) fn left(&self, now: Ticks, wall: Timestamp) -> Duration {
        let left = [
            self.length.map(|length| (self.asked + length).saturating_since(now)),
            self.until.map(|until| until.saturating_since(wall)),
        ];
        left.into_iter().flatten().min().unwrap_or(Duration::ZERO)
    }

    /// How long it is before it is due, as long as both clocks run alike.
    pub(super) fn usable_for(&self, now: Ticks, wall: Timestamp) -> Duration {
        self.left(now, wall).saturating_sub(self.early)
    }

    /// Whether it is so young that some of its servers may not know it yet.
    pub(super) fn is_settling(&self, now: Ticks) -> bool {
        now.saturating_since(self.asked) < self.settling
    }

    /// When it ends by the wall clock, for a store.
    pub(super) fn until(&self) -> Option<Timestamp> {
        let by_length = self.length.map(|length| self.asked_wall.saturating_add(length));
        by_length.into_iter().chain(self.until).min()
    }

    /// When it was given out, for a store.
    pub(super) fn issued(&self) -> Option<Timestamp> {
        self.issued
    }

    /// Whether the machine slept or a clock was set since the token was asked for: then the monotonic clock may have stood
    /// still, and what it says of the end is not to be relied on.
    fn clocks_differ(&self, now: Ticks, wall: Timestamp) -> bool {
        let by_ticks = now.saturating_since(self.asked);
        let forward = wall.saturating_since(self.asked_wall);
        let backward = self.asked_wall.saturating_since(wall);
        (forward.abs_diff(by_ticks)).max(backward) > STEP
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy = Policy {
        early: Duration::from_secs(60),
        unknown: Duration::from_secs(600),
        shortest: Duration::from_secs(10),
    };
    const WALL: i64 = 1_700_000_000;

    fn life(relative: Option<u64>, until: Option<i64>) -> Life {
        let lifetime = Lifetime {
            relative: relative.map(Duration::from_secs),
            until: until.map(|secs| Timestamp::from_secs(WALL + secs)),
        };
        Life::new(lifetime, Ticks::ZERO, Timestamp::from_secs(WALL), POLICY, 0.0)
    }

    fn at(life: &Life, secs: u64, wall: i64) -> Verdict {
        life.verdict(Ticks::ZERO + Duration::from_secs(secs), Timestamp::from_secs(WALL + wall))
    }

    #[test]
    fn a_token_is_due_before_it_ends() {
        use Verdict::{Due, Ended, Usable};
        let hour = life(Some(3600), None);
        let short = life(Some(40), None);
        let unknown = life(None, None);
        let wall = life(None, Some(3600));
        let both = life(Some(3600), Some(100));
        for (life, secs, verdict) in [
            (hour, 3539, Usable),
            (hour, 3540, Due),
            (hour, 3599, Due),
            (hour, 3600, Ended),
            (short, 29, Usable),
            (short, 30, Due),
            (short, 40, Ended),
            (unknown, 539, Usable),
            (unknown, 600, Ended),
            (wall, 3539, Usable),
            (wall, 3600, Ended),
            (both, 74, Usable),
            (both, 75, Due),
            (both, 100, Ended),
        ] {
            assert_eq!(at(&life, secs, secs as i64), verdict, "{life:?} after {secs}");
        }
    }

    #[test]
    fn a_short_life_is_believed_and_soon_settled() {
        let three = life(Some(3), None);
        assert_eq!(at(&three, 2, 2), Verdict::Usable);
        assert_eq!(at(&three, 3, 3), Verdict::Ended);
        let after = |millis| Ticks::ZERO + Duration::from_millis(millis);
        assert!(three.is_settling(after(299)) && !three.is_settling(after(300)));
        let hour = life(Some(3600), None);
        assert!(hour.is_settling(after(4999)) && !hour.is_settling(after(5000)));
    }

    #[test]
    fn a_token_that_is_found_settles_only_where_it_was_given_out_moments_ago() {
        let found = |issued: Option<i64>| {
            life(None, Some(3600)).found(issued.map(|secs| Timestamp::from_secs(WALL + secs)))
        };
        for (issued, settles) in [
            (None, None),
            (Some(-86_400), None),
            (Some(-5), None),
            (Some(-4), Some(1)),
            (Some(0), Some(5)),
            (Some(1), None),
        ] {
            let life = found(issued);
            let after = |millis| Ticks::ZERO + Duration::from_millis(millis);
            let settled = settles.unwrap_or(0) * 1000;
            assert_eq!(life.is_settling(after(0)), settles.is_some(), "{issued:?}");
            assert!(settled == 0 || life.is_settling(after(settled - 1)), "{issued:?}");
            assert!(!life.is_settling(after(settled)), "{issued:?}");
            assert_eq!(life.issued().map(|at| at.as_secs() - WALL), issued);
            assert_eq!(at(&life, 3539, 3539), Verdict::Usable);
        }
    }

    #[test]
    fn what_an_issuer_says_of_no_life_at_all_is_not_believed() {
        for life in [life(Some(0), None), life(None, Some(0)), life(None, Some(-5000))] {
            assert_eq!(at(&life, 0, 0), Verdict::Usable);
            assert_eq!(at(&life, 10, 10), Verdict::Ended);
        }
        let huge = life(Some(u64::MAX), None);
        assert_eq!(at(&huge, 1_000_000_000, 1_000_000_000), Verdict::Usable);
    }

    #[test]
    fn a_suspended_machine_or_a_stepped_clock_makes_it_due() {
        let hour = life(Some(3600), None);
        assert_eq!(at(&hour, 100, 101), Verdict::Usable);
        assert_eq!(at(&hour, 100, 102), Verdict::Due, "the machine slept");
        assert_eq!(at(&hour, 100, -50), Verdict::Due, "the clock was set back");
        assert_eq!(at(&hour, 0, 0), Verdict::Usable);
        // A longer sleep than its life: the monotonic clock knows nothing of it.
        let by_wall = life(Some(3600), Some(3600));
        assert_eq!(at(&by_wall, 100, 4000), Verdict::Ended);
    }

    #[test]
    fn jitter_only_makes_it_due_later_and_never_past_its_end() {
        let lifetime = Lifetime { relative: Some(Duration::from_secs(3600)), until: None };
        for jitter in [0.0, 0.5, 1.0, f64::NAN] {
            let life = Life::new(lifetime, Ticks::ZERO, Timestamp::from_secs(WALL), POLICY, jitter);
            assert_eq!(at(&life, 3539, 3539), Verdict::Usable);
            assert_eq!(at(&life, 3556, 3556), Verdict::Due, "{jitter}");
        }
    }

    proptest! {
        #[test]
        fn no_clock_and_no_lifetime_panics_and_an_ended_token_stays_ended(
            relative in any::<Option<u64>>(),
            until in any::<Option<i64>>(),
            now in any::<u64>(),
            wall in any::<i64>(),
            jitter in any::<f64>(),
        ) {
            let lifetime = Lifetime {
                relative: relative.map(Duration::from_secs),
                until: until.map(Timestamp::from_nanos),
            };
            let life = Life::new(lifetime, Ticks::from_nanos(now), Timestamp::from_nanos(wall), POLICY, jitter);
            let verdicts: Vec<Verdict> = [0_u64, 1, 9, 600, 1 << 20, 1 << 40]
                .into_iter()
                .map(|secs| {
                    let later = Duration::from_secs(secs);
                    life.verdict(
                        Ticks::from_nanos(now) + later,
                        Timestamp::from_nanos(wall).saturating_add(later),
                    )
                })
                .collect();
            let first_ended = verdicts.iter().position(|verdict| *verdict == Verdict::Ended);
            if let Some(first) = first_ended {
                prop_assert!(verdicts[first..].iter().all(|verdict| *verdict == Verdict::Ended));
            }
        }
    }
}
