use std::time::Duration;

use networkpype_core::{Backoff, Ticks};

use crate::meter::Measures;

/// What the server has said about one limit beside numbers: that nothing is to be sent for a while.
///
/// A pause or ban closes the gate. Behind it, what goes through is evenly spaced for an interval, so that those who
/// have gathered meanwhile do not all go at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gate {
    /// Nothing goes before.
    closed: Ticks,
    /// Until when the sender is banned. Never later than `closed`.
    banned: Ticks,
    /// Until when what goes through is spaced. Never earlier than `closed`.
    paced: Ticks,
    /// While it is spaced: when the next may go.
    next: Ticks,
    /// How many pauses there were in a row.
    strikes: u32,
}

/// For refusals that do not say how long to wait.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Gate {
    /// The first instant at which something may go.
    #[inline(always)]
    pub(crate) fn opens_at(&self, now: Ticks) -> Ticks {
        if self.is_open(now) { now } else { self.closed.max(self.next.min(self.paced)).max(now) }
    }

    /// Whether it is neither closed nor spaces what goes through.
    #[inline(always)]
    pub(crate) fn is_open(&self, now: Ticks) -> bool {
        now >= self.paced
    }

    /// Until when nothing may go, if that is later than `now`.
    pub(crate) fn closed_until(&self, now: Ticks) -> Option<Ticks> {
        Some(self.closed).filter(|closed| *closed > now)
    }

    /// Until when the sender is banned, if that is later than `now`.
    pub(crate) fn banned_until(&self, now: Ticks) -> Option<Ticks> {
        Some(self.banned).filter(|banned| *banned > now)
    }

    /// `weight` goes through to a limit of these `measures`.
    #[inline(always)]
    pub(crate) fn pass(&mut self, weight: u64, measures: &Measures, now: Ticks) {
        if !self.is_open(now) {
            self.space(weight, measures.spacing(), now);
        }
    }

    fn space(&mut self, weight: u64, spacing: u64, now: Ticks) {
        let apart = Duration::from_nanos(spacing.saturating_mul(weight));
        self.next = self.next.max(now) + apart;
    }

    /// No earlier than this can something go behind `ahead` units that have yet to.
    pub(crate) fn earliest(&self, ahead: u64, spacing: u64, now: Ticks) -> Ticks {
        if now >= self.paced {
            return now;
        }
        let apart = Duration::from_nanos(spacing.saturating_mul(ahead));
        self.closed.max((self.next + apart).min(self.paced)).max(now)
    }

    /// The server refused because of this limit, and asked for a `wait` or did not say. `interval` is that of the limit.
    pub(crate) fn pause(&mut self, wait: Option<Duration>, interval: Duration, now: Ticks) {
        let wait = match wait {
            Some(wait) if !wait.is_zero() => wait,
            // "At once" is believed the first time.
            Some(_) if self.strikes == 0 => {
                self.strikes = 1;
                return;
            }
            // It answers requests that went out before the last one did.
            _ if now < self.closed => {
                self.pace(interval);
                return;
            }
            // Behind an interval that was free of requests, the limit cannot be the reason.
            _ => {
                let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE.max(interval).min(DAY));
                self.strikes = self.strikes.saturating_add(1);
                backoff.delay(self.strikes - 1, 1.0)
            }
        };
        self.close(now + wait);
        self.pace(interval);
    }

    /// Nothing is left before that, as the server has said without refusing anything.
    pub(crate) fn close_until(&mut self, until: Ticks) {
        self.close(until);
    }

    pub(crate) fn ban(&mut self, until: Ticks, interval: Duration) {
        self.banned = self.banned.max(until);
        self.close(until);
        self.pace(interval);
    }

    /// The server has accepted something.
    pub(crate) fn succeed(&mut self) {
        self.strikes = 0;
    }

    fn close(&mut self, until: Ticks) {
        if until > self.closed {
            self.closed = until;
            self.next = until;
            self.paced = self.paced.max(until);
        }
    }

    /// What goes after the gate has opened is spaced for an interval, or a minute of a longer one.
    fn pace(&mut self, interval: Duration) {
        self.paced = self.paced.max(self.closed + interval.min(LONGEST_PACE));
    }
}

const LONGEST_PACE: Duration = Duration::from_secs(60);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Ticks {
        Ticks::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn nothing_goes_during_a_pause_and_the_rest_goes_one_by_one() {
        let mut gate = Gate::default();
        assert_eq!(gate.opens_at(at(5)), at(5));
        gate.pause(Some(2 * SECOND), SECOND, at(0));
        assert_eq!(gate.closed_until(at(1_999)), Some(at(2_000)));
        assert_eq!(gate.closed_until(at(2_000)), None);
        let mut gone = Vec::new();
        let mut now = at(100);
        while now < at(4_000) && gone.len() < 30 {
            now = gate.opens_at(now);
            if now < at(3_000) {
                gate.space(1, 100_000_000, now);
            }
            gone.push(now.as_nanos() / 1_000_000);
        }
        let paced: Vec<_> = (20..=30).map(|step| step * 100).collect();
        assert_eq!(gone[..11], paced);
        assert!(gone[11..].iter().all(|at| *at == 3_000), "from then on the limit decides");
    }

    #[test]
    fn who_waits_is_told_of_the_pause_and_of_those_ahead() {
        let mut gate = Gate::default();
        gate.pause(Some(2 * SECOND), SECOND, at(0));
        for (ahead, instant) in [(0, 2_000), (1, 2_100), (9, 2_900), (10, 3_000), (99, 3_000)] {
            assert_eq!(gate.earliest(ahead, 100_000_000, at(1)), at(instant), "{ahead}");
        }
    }

    #[test]
    fn a_shorter_pause_does_not_end_a_longer_one() {
        let mut gate = Gate::default();
        gate.pause(Some(10 * SECOND), SECOND, at(0));
        gate.pause(Some(SECOND), SECOND, at(100));
        gate.pause(Some(Duration::ZERO), SECOND, at(200));
        gate.pause(None, SECOND, at(300));
        assert_eq!(gate.closed_until(at(300)), Some(at(10_000)));
    }

    #[test]
    fn refusals_that_name_no_wait_back_off_until_something_succeeds() {
        let mut gate = Gate::default();
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..9 {
            gate.pause(None, SECOND, now);
            gate.pause(None, SECOND, now);
            let until = gate.closed_until(now).unwrap();
            waits.push(until.saturating_since(now).as_secs());
            now = until;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        gate.succeed();
        gate.pause(None, SECOND, now);
        assert_eq!(gate.closed_until(now), Some(now + SECOND));
    }

    #[test]
    fn a_ban_is_a_pause_that_says_so() {
        let mut gate = Gate::default();
        gate.ban(at(5_000), SECOND);
        assert_eq!(gate.banned_until(at(4_999)), Some(at(5_000)));
        assert_eq!(gate.banned_until(at(5_000)), None);
        assert_eq!(gate.opens_at(at(0)), at(5_000));
        gate.ban(at(3_000), SECOND);
        assert_eq!(gate.banned_until(at(0)), Some(at(5_000)));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut gate = Gate::default();
        gate.pause(Some(Duration::MAX), Duration::MAX, Ticks::MAX);
        gate.ban(Ticks::MAX, Duration::MAX);
        gate.space(u64::MAX, u64::MAX, at(0));
        assert_eq!(gate.opens_at(at(0)), Ticks::MAX);
        assert_eq!(gate.earliest(u64::MAX, u64::MAX, at(0)), Ticks::MAX);
    }
}
