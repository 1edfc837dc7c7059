use std::time::Duration;

use networkpype_core::Ticks;

/// What settled in a token bucket and has not come back: a debt, which time pays.
///
/// Counted in units times nanoseconds of the interval, so that nothing is ever rounded.
#[derive(Debug)]
pub(super) struct Bucket {
    /// In nanoseconds, and not zero.
    interval: u64,
    /// How many units come back in an interval.
    refill: u32,
    debt: u128,
    /// Up to when the debt was paid.
    paid: Ticks,
    /// Since when it is paid at this pace.
    since: Ticks,
}

impl Bucket {
    pub(super) fn new(interval: u64, refill: u32) -> Self {
        let (interval, refill) = (interval.max(1), refill.max(1));
        Self { interval, refill, debt: 0, paid: Ticks::ZERO, since: Ticks::ZERO }
    }

    /// Takes another pace, and keeps what is owed.
    pub(super) fn resize(&mut self, interval: u64, refill: u32, now: Ticks) {
        let owed = self.level_at(now);
        *self = Self::new(interval, refill);
        (self.paid, self.since) = (now, now);
        self.debt = self.scaled(owed);
    }

    /// In whole units, rounded up.
    pub(super) fn level(&self) -> u64 {
        u64::try_from(self.debt.div_ceil(u128::from(self.interval))).unwrap_or(u64::MAX)
    }

    fn level_at(&mut self, now: Ticks) -> u64 {
        self.expire(now);
        self.level()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.debt == 0
    }

    pub(super) fn expire(&mut self, now: Ticks) {
        self.debt = self.debt.saturating_sub(self.pays(self.paid, now));
        self.paid = self.paid.max(now);
    }

    pub(super) fn add(&mut self, weight: u32, now: Ticks) {
        self.expire(now);
        self.debt = self.debt.saturating_add(self.scaled(u64::from(weight)));
    }

    /// Takes weight back from what settled `at`: as much of it as cannot have been paid since. What settled under another
    /// pace is left, since nobody knows how much of it that paid.
    pub(super) fn remove(&mut self, weight: u32, at: Ticks, now: Ticks) {
        self.expire(now);
        if at < self.since {
            return;
        }
        let left = self.scaled(u64::from(weight)).saturating_sub(self.pays(at, now));
        self.debt = self.debt.saturating_sub(left);
    }

    pub(super) fn fits(&self, capacity: u64, held: u64) -> bool {
        self.debt.saturating_add(self.scaled(held)) <= self.scaled(capacity)
    }

    /// When `held` units more fit by the passing of time. `None` when there is not enough to be paid.
    pub(super) fn fits_at(&self, capacity: u64, held: u64) -> Option<Ticks> {
        let over = self.over(capacity, held);
        if over > self.debt { None } else { self.paid_at(over) }
    }

    /// No earlier than this can the last of `new` units be granted behind `held` others.
    pub(super) fn earliest(&self, capacity: u64, held: u64, new: u64, now: Ticks) -> Ticks {
        let over = self.over(capacity, held.saturating_add(new));
        now.max(self.paid_at(over).unwrap_or(Ticks::MAX))
    }

    fn over(&self, capacity: u64, held: u64) -> u128 {
        self.debt.saturating_add(self.scaled(held)).saturating_sub(self.scaled(capacity))
    }

    /// When as much as `over` is paid.
    fn paid_at(&self, over: u128) -> Option<Ticks> {
        let wait = u64::try_from(over.div_ceil(u128::from(self.refill))).ok()?;
        Some(self.paid + Duration::from_nanos(wait)).filter(|at| *at < Ticks::MAX)
    }

    fn pays(&self, from: Ticks, to: Ticks) -> u128 {
        u128::from(to.as_nanos().saturating_sub(from.as_nanos())) * u128::from(self.refill)
    }

    fn scaled(&self, units: u64) -> u128 {
        u128::from(units) * u128::from(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Ticks {
        Ticks::from_nanos(nanos)
    }

    #[test]
    fn what_settled_comes_back_evenly() {
        let mut bucket = Bucket::new(3, 1);
        bucket.add(15, at(0));
        for (now, level) in [(0, 15), (1, 15), (2, 15), (3, 14), (4, 14), (44, 1), (45, 0), (99, 0)]
        {
            bucket.expire(at(now));
            assert_eq!(bucket.level(), level, "at {now}");
        }
    }

    #[test]
    fn the_instant_at_which_it_fits_is_the_first_one() {
        let mut bucket = Bucket::new(7, 3);
        bucket.add(10, at(0));
        for weight in 1..=10 {
            let fits_at = bucket.fits_at(10, weight).unwrap();
            for (now, fits) in [(fits_at.as_nanos() - 1, false), (fits_at.as_nanos(), true)] {
                let mut bucket = Bucket::new(7, 3);
                bucket.add(10, at(0));
                bucket.expire(at(now));
                assert_eq!(bucket.fits(10, weight), fits, "{weight} at {now}");
            }
        }
        assert_eq!(bucket.fits_at(10, 11), None);
        assert_eq!(bucket.earliest(10, 0, 30, at(0)), at(70));
    }

    #[test]
    fn a_refund_takes_nothing_that_was_paid_already() {
        let mut bucket = Bucket::new(1, 1);
        bucket.add(5, at(0));
        bucket.add(5, at(5));
        bucket.remove(5, at(0), at(5));
        assert_eq!(bucket.level(), 5, "the first five came back by themselves");
        bucket.remove(5, at(5), at(5));
        assert!(bucket.is_empty());
    }

    #[test]
    fn a_refund_from_before_a_change_of_pace_is_not_guessed_at() {
        let mut bucket = Bucket::new(1, 1);
        bucket.add(5, at(0));
        bucket.resize(1_000, 1, at(5));
        bucket.add(5, at(5));
        bucket.remove(5, at(0), at(6));
        assert_eq!(bucket.level(), 5);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut bucket = Bucket::new(u64::MAX, u32::MAX);
        bucket.add(u32::MAX, at(0));
        bucket.expire(Ticks::MAX);
        assert!(bucket.level() <= 1);
        assert!(bucket.earliest(1, u64::MAX, u64::MAX, Ticks::MAX) == Ticks::MAX);
        let mut slow = Bucket::new(u64::MAX, 1);
        slow.add(u32::MAX, at(1));
        assert_eq!(slow.fits_at(u64::from(u32::MAX), u64::from(u32::MAX)), None);
    }
}
