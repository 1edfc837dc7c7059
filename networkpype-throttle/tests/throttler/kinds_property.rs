//! The other kinds of limits, each against what its server would count, on a clock moved by hand.

use networkpype_core::Ticks;
use networkpype_throttle::{LimitKind, RateLimit, ThrottleError, Throttler};
use proptest::prelude::*;

use crate::{
    kinds::{nanos, with_clock},
    support::*,
};

/// When a request was started and answered, and what it weighed.
type Seen = (u64, u64, u64);

/// Lets requests go whenever they may, in the order of `arrivals`: how long after the last, what it weighs, and how
/// long its answer takes. Everybody who has to wait comes back at the instant that they were told, and goes then.
fn drive(
    throttler: &Throttler,
    ticker: &ManualTicker,
    answered: bool,
    arrivals: &[(u64, u32, u64)],
) -> Vec<Seen> {
    let mut now = 0;
    let mut seen = Vec::new();
    let mut open: Vec<(u64, networkpype_core::Permit)> = Vec::new();
    for &(gap, weight, takes) in arrivals {
        let mut at = now + gap;
        loop {
            // Answers that are due come first.
            open.sort_by_key(|(due, _)| *due);
            while open.first().is_some_and(|(due, _)| *due <= at) {
                let (due, mut permit) = open.remove(0);
                now = now.max(due);
                ticker.advance_to(Ticks::from_nanos(now));
                permit.answered(Ticks::from_nanos(now));
            }
            now = now.max(at);
            ticker.advance_to(Ticks::from_nanos(now));
            match take_weight(throttler, "a", weight) {
                Ok(mut permit) => {
                    permit.started().unwrap();
                    let answer = if answered { now + takes } else { now };
                    seen.push((now, answer, u64::from(weight)));
                    if answered {
                        open.push((answer, permit));
                    }
                    break;
                }
                Err(ThrottleError::NotYet { retry_at, .. }) => {
                    let next = open.first().map(|(due, _)| *due);
                    assert!(
                        retry_at.as_nanos() > now || next.is_some(),
                        "it says now, and refuses"
                    );
                    // Only an answer can have made it later than was told.
                    at = next.unwrap_or(u64::MAX).min(retry_at.as_nanos()).max(now + 1);
                    if next.is_none() {
                        now = at;
                        ticker.advance_to(Ticks::from_nanos(now - 1));
                        assert!(take_weight(throttler, "a", weight).is_err(), "a moment before");
                        ticker.advance_to(Ticks::from_nanos(now));
                        assert!(take_weight(throttler, "a", weight).is_ok(), "at {now}, as told");
                    }
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    for (due, mut permit) in open {
        permit.answered(Ticks::from_nanos(due));
    }
    seen
}

fn arrivals() -> impl Strategy<Value = Vec<(u64, u32, u64)>> {
    let gap = prop_oneof![3 => Just(0_u64), 2 => 1..30_u64, 1 => 30..400_u64];
    prop::collection::vec((gap, 1..5_u32, 0..150_u64), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_window_of_the_servers_clock_is_exceeded(
        arrivals in arrivals(),
        limit in 4..12_u32,
        interval in 40..200_u64,
        offset in 0..300_u64,
        // In per cent of what the tolerance may be, and of the tolerance.
        tolerance in 0..=100_u64,
        off in -100..=100_i64,
        ahead in 0..1_000_000_i64,
        answered: bool,
    ) {
        let tolerance = interval / 4 * tolerance / 100;
        let kind = LimitKind::fixed_window(nanos(offset), nanos(tolerance));
        let mut rate_limit = RateLimit::new("a", limit, nanos(interval)).kind(kind);
        if answered {
            rate_limit = rate_limit.until_answered();
        }
        let (throttler, ticker, _) = with_clock(rate_limit, ahead);
        let seen = drive(&throttler, &ticker, answered, &arrivals);
        // The server's own clock is not what it was taken for.
        let ahead = i128::from(ahead) + i128::from(off) * i128::from(tolerance) / 100;
        let window = |at: u64| {
            (i128::from(at) + ahead - i128::from(offset)).div_euclid(interval.into())
        };
        let first = window(0);
        let last = window(seen.iter().map(|seen| seen.1).max().unwrap());
        for number in first..=last {
            // Whenever between its start and its answer the server counted each of them.
            let inside = seen.iter().filter(|seen| window(seen.0) <= number && window(seen.1) >= number);
            let sum: u64 = inside.map(|seen| seen.2).sum();
            prop_assert!(sum <= u64::from(limit), "{sum} of {limit} in window {number}: {seen:?}");
        }
    }

    #[test]
    fn no_bucket_is_overdrawn(
        arrivals in arrivals(),
        limit in 4..12_u32,
        refill in 1..15_u32,
        interval in 1..200_u64,
        answered: bool,
    ) {
        let mut rate_limit = RateLimit::token_bucket("a", limit, refill, nanos(interval));
        if answered {
            rate_limit = rate_limit.until_answered();
        }
        let (throttler, ticker) = manual([rate_limit]);
        let seen = drive(&throttler, &ticker, answered, &arrivals);
        // Between any two instants, wherever between start and answer the server counted each of them.
        for begin in seen.iter().map(|seen| seen.1) {
            for end in seen.iter().map(|seen| seen.0).filter(|end| *end >= begin) {
                let inside = seen.iter().filter(|seen| seen.0 <= end && seen.1 >= begin);
                let sum: u64 = inside.map(|seen| seen.2).sum();
                let room = u64::from(limit) * interval + u64::from(refill) * (end - begin);
                prop_assert!(sum * interval <= room, "{sum} between {begin} and {end}: {seen:?}");
            }
        }
    }

    #[test]
    fn a_bounded_window_is_never_exceeded_and_hardly_ever_late(
        gaps in prop::collection::vec(0..3_000_u64, 1..400),
        limit in 4..200_u32,
    ) {
        let interval = 100_000;
        let (throttler, ticker) = manual([RateLimit::new("a", limit, nanos(interval)).bounded()]);
        let mut now = 0;
        let mut starts: Vec<u64> = Vec::new();
        for gap in gaps {
            now += gap;
            ticker.advance_to(Ticks::from_nanos(now));
            match throttler.try_acquire("a") {
                Ok(_) => starts.push(now),
                Err(ThrottleError::NotYet { retry_at, .. }) => {
                    let exact = starts[starts.len() - usize::try_from(limit).unwrap()] + interval + 1;
                    let retry_at = retry_at.as_nanos();
                    prop_assert!(retry_at >= exact && retry_at <= exact + interval / 790);
                    now = retry_at;
                    ticker.advance_to(Ticks::from_nanos(now));
                    throttler.try_acquire("a").unwrap();
                    starts.push(now);
                }
                Err(other) => panic!("{other}"),
            }
        }
        for begin in &starts {
            let inside = starts.iter().filter(|at| (*begin..=begin + interval).contains(at)).count();
            prop_assert!(inside <= usize::try_from(limit).unwrap());
        }
    }
}
