//! How much of one limit is used, and when it is free again: a kind of window or bucket for what has settled, and
//! counters for what has not.

mod bucket;
mod fixed;
mod log;
mod sliding;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use networkpype_core::{Ticks, Timestamp};

use self::{bucket::Bucket, fixed::FixedWindow, sliding::SlidingWindow};
use crate::{LimitKind, Precision, RateLimit};

/// The present instant: on the ticker, and how much is to be added to that for the server's time since the epoch, in
/// nanoseconds. The latter matters to fixed windows alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) now: Ticks,
    pub(crate) wall: i64,
}

impl Moment {
    /// What the ticker showed, or will show, when the server's clock shows `date`.
    pub(crate) fn ticks_of(self, date: Timestamp) -> Ticks {
        let ticks = date.as_nanos().saturating_sub(self.wall);
        Ticks::from_nanos(u64::try_from(ticks).unwrap_or(0))
    }
}

/// The use of one limit.
///
/// A granted request is *held*: it counts whatever the time. Once it *settles*, at its start or when it was answered,
/// it counts for as long as the kind of limit says. Callers [`expire`](Meter::expire) before they ask for anything
/// that depends on the time. Sums saturate.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Never zero.
    capacity: u64,
    held: u64,
    /// The part of `held` that was sent and waits for its answer.
    in_flight: u64,
    /// The part of `held` that ends by itself, in order of time, with one entry for each instant.
    timed: VecDeque<Timed>,
    /// In steps of how many nanoseconds those instants are told apart.
    grain: u64,
    settled: Settled,
}

/// Held until an instant that is known.
#[derive(Clone, Copy, Debug)]
struct Timed {
    until: Ticks,
    weight: u32,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// It was sent and will not be answered.
    Settles,
    /// Somebody else sent it, and the server has said when it no longer counts.
    Leaves,
}

#[derive(Debug)]
enum Settled {
    Sliding(SlidingWindow),
    Fixed(FixedWindow),
    Bucket(Bucket),
}

/// The measures of one limit, share and margin included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measures {
    pub(crate) capacity: u32,
    kind: LimitKind,
    /// In nanoseconds, and so that what share and margin leave of a bucket's refill comes back in it.
    interval: u64,
    bounded: bool,
}

impl Measures {
    /// Those of `limit` when it holds `capacity`, which is `part` of it.
    pub(crate) fn new(limit: &RateLimit, capacity: u32, part: f64) -> Self {
        let interval = match limit.kind {
            // Not above `u64::MAX`: the cast saturates.
            LimitKind::TokenBucket { .. } => {
                (limit.interval.as_nanos() as f64 / part).ceil() as u64
            }
            _ => nanos(limit.interval),
        };
        let bounded = limit.precision == Precision::Bounded;
        Self { capacity: capacity.max(1), kind: limit.kind, interval, bounded }
    }

    /// How long it takes from one unit to the next if all are evenly spread.
    pub(crate) fn spacing(&self) -> u64 {
        let units = match self.kind {
            LimitKind::TokenBucket { refill } => refill,
            _ => self.capacity,
        };
        self.interval.div_ceil(u64::from(units.max(1)))
    }

    /// In steps of how many nanoseconds it matters when something ends.
    fn grain(&self) -> u64 {
        if self.bounded { self.interval / 128 } else { 1 }
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval)
    }
}

impl Meter {
    pub(crate) fn new(measures: &Measures) -> Self {
        let interval = measures.interval;
        let settled = match measures.kind {
            LimitKind::SlidingWindow => {
                Settled::Sliding(SlidingWindow::new(interval, measures.bounded))
            }
            LimitKind::FixedWindow { offset, tolerance } => Settled::Fixed(FixedWindow::new(
                interval,
                nanos(offset),
                nanos(tolerance),
                sliding::step(interval, measures.bounded),
            )),
            LimitKind::TokenBucket { refill } => Settled::Bucket(Bucket::new(interval, refill)),
        };
        Self {
            capacity: u64::from(measures.capacity),
            held: 0,
            in_flight: 0,
            timed: VecDeque::new(),
            grain: measures.grain(),
            settled,
        }
    }

    /// Takes other measures and keeps what it holds. What settled in a limit of another kind counts as if it settled
    /// now.
    pub(crate) fn resize(&mut self, measures: &Measures, moment: Moment) {
        self.expire(moment);
        self.capacity = u64::from(measures.capacity);
        self.grain = measures.grain();
        let (interval, now) = (measures.interval, moment.now);
        match (&mut self.settled, measures.kind) {
            (Settled::Sliding(window), LimitKind::SlidingWindow) => {
                window.resize(interval, measures.bounded, now);
            }
            (Settled::Fixed(window), LimitKind::FixedWindow { .. }) => {
                if let Settled::Fixed(to) = Self::new(measures).settled {
                    window.resize(to, now);
                }
            }
            (Settled::Bucket(bucket), LimitKind::TokenBucket { refill }) => {
                bucket.resize(interval, refill, now);
            }
            _ => {
                let level = self.level();
                self.settled = Self::new(measures).settled;
                self.expire(moment);
                self.add(weight_of(level), now, now);
            }
        }
    }

    pub(crate) fn capacity(&self) -> u32 {
        weight_of(self.capacity)
    }

    /// What is settled and counts.
    fn level(&self) -> u64 {
        match &self.settled {
            Settled::Sliding(window) => window.level(),
            Settled::Fixed(window) => window.level(),
            Settled::Bucket(bucket) => bucket.level(),
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.level().saturating_add(self.held)
    }

    /// Whether what the server counted at `at` belongs to a window that is over.
    pub(crate) fn is_over(&self, at: Ticks) -> bool {
        matches!(&self.settled, Settled::Fixed(window) if at < window.began())
    }

    /// What was sent, whether it has settled or not: what the server can know of.
    pub(crate) fn sent(&self) -> u64 {
        let timed = self.timed.iter().map(|timed| u64::from(timed.weight)).sum::<u64>();
        self.level().saturating_add(self.in_flight).saturating_add(timed)
    }

    /// What was sent and waits for its answer.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Nothing counts, nor would with the measures that it had before.
    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
            && match &self.settled {
                Settled::Sliding(window) => window.is_empty(),
                Settled::Fixed(window) => window.is_empty(),
                Settled::Bucket(bucket) => bucket.is_empty(),
            }
    }

    /// Whether `weight` fits now.
    ///
    /// What fits beside all that is remembered fits beside what still counts, so that most of the time nothing has to be
    /// forgotten first.
    #[inline(always)]
    pub(crate) fn admits(&mut self, weight: u64, moment: Moment) -> bool {
        match &mut self.settled {
            Settled::Sliding(window) => {
                let used = window.level().saturating_add(self.held);
                used.saturating_add(weight) <= self.capacity || self.fits_after_all(weight, moment)
            }
            // What starts now belongs to the window of now.
            Settled::Fixed(_) | Settled::Bucket(_) => self.fits_after_all(weight, moment),
        }
    }

    /// Adds `weight`, which is not zero, as something that settles now, if it fits, and says whether it did.
    ///
    /// In one look where that is as simple as can be, and all else in one call, so that the simple case needs few registers.
    #[inline(always)]
    pub(crate) fn try_add_now(&mut self, weight: u32, moment: Moment) -> bool {
        if let Settled::Sliding(window) = &mut self.settled {
            let room = self.capacity.saturating_sub(self.held).saturating_sub(window.level());
            let fits = u64::from(weight) <= room;
            if fits && window.append(weight, moment.now) {
                return true;
            }
        }
        self.try_add_after_all(weight, moment)
    }

    #[inline(never)]
    fn try_add_after_all(&mut self, weight: u32, moment: Moment) -> bool {
        let fits = self.fits_after_all(u64::from(weight), moment);
        if fits {
            self.add_now(weight, moment.now);
        }
        fits
    }

    /// Holds `weight` as something that was sent just now, if it fits, and says whether it did.
    #[inline(never)]
    pub(crate) fn try_send(&mut self, weight: u64, moment: Moment) -> bool {
        let fits = self.admits(weight, moment);
        if fits {
            self.hold(weight);
            self.send(weight);
        }
        fits
    }

    fn fits_after_all(&mut self, weight: u64, moment: Moment) -> bool {
        self.expire(moment);
        self.fits(weight)
    }

    pub(crate) fn fits(&self, weight: u64) -> bool {
        match &self.settled {
            Settled::Bucket(bucket) => bucket.fits(self.capacity, self.held.saturating_add(weight)),
            _ => self.used().saturating_add(weight) <= self.capacity,
        }
    }

    /// Forgets what no longer counts, and settles what was held for long enough.
    pub(crate) fn expire(&mut self, moment: Moment) {
        if !self.timed.is_empty() {
            self.expire_timed(moment);
        }
        self.expire_settled(moment);
    }

    fn expire_settled(&mut self, Moment { now, wall }: Moment) {
        match &mut self.settled {
            Settled::Sliding(window) => window.expire(now),
            Settled::Fixed(window) => window.expire(now, wall),
            Settled::Bucket(bucket) => bucket.expire(now),
        }
    }

    fn expire_timed(&mut self, moment: Moment) {
        while let Some(&timed) = self.timed.front().filter(|timed| timed.until <= moment.now) {
            self.timed.pop_front();
            self.held = self.held.saturating_sub(u64::from(timed.weight));
            if timed.then == Then::Settles {
                // Windows that ended before it settled are over first.
                self.expire_settled(Moment { now: timed.until, ..moment });
                self.add(timed.weight, timed.until, timed.until);
            }
        }
    }

    #[inline]
    pub(crate) fn hold(&mut self, weight: u64) {
        self.held = self.held.saturating_add(weight);
    }

    /// Gives back what was held and not sent.
    #[inline]
    pub(crate) fn release(&mut self, weight: u64) {
        self.held = self.held.saturating_sub(weight);
    }

    /// Turns held weight into settled.
    #[inline]
    pub(crate) fn settle(&mut self, weight: u64, now: Ticks) {
        self.release(weight);
        self.add_now(weight_of(weight), now);
    }

    /// Held weight was sent, and settles when it is answered.
    pub(crate) fn send(&mut self, weight: u64) {
        self.in_flight = self.in_flight.saturating_add(weight);
    }

    /// What was in flight is not any more: it was answered, or not sent after all.
    pub(crate) fn land(&mut self, weight: u64) {
        self.in_flight = self.in_flight.saturating_sub(weight);
    }

    /// What was in flight will not be answered, and settles then.
    pub(crate) fn linger(&mut self, weight: u64, until: Ticks) {
        self.land(weight);
        let until = until.rounded_up(self.grain);
        self.hold_until(Timed { until, weight: weight_of(weight), then: Then::Settles });
    }

    /// Somebody else has sent `weight`, which the server counts for `reset` from `now` on.
    pub(crate) fn adopt_for(&mut self, weight: u32, reset: Duration, now: Ticks) {
        self.hold(u64::from(weight));
        let until = (now + reset).rounded_up(nanos(reset) / MOST_ADOPTED);
        let leaves = |timed: &Timed| timed.then == Then::Leaves;
        let known = self.timed.iter().filter(|timed| leaves(timed)).count();
        let full = u64::try_from(known).is_ok_and(|known| known >= 2 * MOST_ADOPTED);
        if let Some(place) = self.timed.iter().rposition(leaves).filter(|_| full)
            && let Some(mut last) = self.timed.remove(place)
        {
            // The last but one to leave waits for the last: better than to keep count of them all.
            last.weight = last.weight.saturating_add(weight);
            last.until = last.until.max(until);
            return self.hold_until(last);
        }
        self.hold_until(Timed { until, weight, then: Then::Leaves });
    }

    fn hold_until(&mut self, timed: Timed) {
        let place = self.timed.partition_point(|other| other.until <= timed.until);
        match place.checked_sub(1).and_then(|before| self.timed.get_mut(before)) {
            Some(same) if same.until == timed.until && same.then == timed.then => {
                same.weight = same.weight.saturating_add(timed.weight);
            }
            _ => self.timed.insert(place, timed),
        }
    }

    /// Adds weight to what settled `at`, as far as that counts still.
    pub(crate) fn add(&mut self, weight: u32, at: Ticks, now: Ticks) {
        match &mut self.settled {
            Settled::Sliding(window) => window.add(weight, at, now),
            Settled::Fixed(window) => window.add(weight, at),
            Settled::Bucket(bucket) => bucket.add(weight, now),
        }
    }

    /// The same for what settles now, in a limit that is up to date.
    #[inline(always)]
    pub(crate) fn add_now(&mut self, weight: u32, now: Ticks) {
        match &mut self.settled {
            Settled::Sliding(window) => window.add_now(weight, now),
            Settled::Fixed(window) => window.add(weight, now),
            Settled::Bucket(bucket) => bucket.add(weight, now),
        }
    }

    /// Takes weight back from what settled `at`, as far as that counts still.
    pub(crate) fn remove(&mut self, weight: u32, at: Ticks, now: Ticks) {
        match &mut self.settled {
            Settled::Sliding(window) => window.remove(weight, at),
            Settled::Fixed(window) => window.remove(weight, at),
            Settled::Bucket(bucket) => bucket.remove(weight, at, now),
        }
    }

    /// When `weight` fits by the passing of time alone.
    pub(crate) fn free_at(&self, weight: u64) -> Free {
        let held = self.held.saturating_add(weight);
        let over = self.used().saturating_add(weight).saturating_sub(self.capacity);
        let at = match &self.settled {
            Settled::Bucket(bucket) => bucket.fits_at(self.capacity, held),
            _ if over == 0 => Some(Ticks::ZERO),
            Settled::Sliding(window) => window.drops_at(over),
            Settled::Fixed(window) => window.drops_at(over),
        };
        let needs_more = at.is_none();
        // What ends by itself may free enough before that, or say when something will.
        let next = self.timed.front().map(|timed| timed.until).filter(|_| over > 0);
        Free { at: at.into_iter().chain(next).min(), needs_more }
    }

    /// No earlier than this can `weight` be granted, given that `ahead` units of weight are granted before it and
    /// that nothing is given back.
    pub(crate) fn earliest(&self, ahead: u64, weight: u64, now: Ticks) -> Ticks {
        let mut earliest = self.earliest_beside(self.held, ahead, weight, now);
        // After each instant at which something of others leaves, less is in the way.
        let mut held = self.held;
        for others in self.timed.iter().filter(|timed| timed.then == Then::Leaves) {
            held = held.saturating_sub(u64::from(others.weight));
            let then = self.earliest_beside(held, ahead, weight, now).max(others.until);
            earliest = earliest.min(then);
        }
        earliest
    }

    /// The same if `held` were held, and settled now.
    fn earliest_beside(&self, held: u64, ahead: u64, weight: u64, now: Ticks) -> Ticks {
        let new = ahead.saturating_add(weight);
        match &self.settled {
            Settled::Sliding(window) => window.earliest(self.capacity, held, new, now),
            Settled::Fixed(window) => window.earliest(self.capacity, held, (ahead, weight), now),
            Settled::Bucket(bucket) => bucket.earliest(self.capacity, held, new, now),
        }
    }
}

/// How many instants are told apart within a reset at which what others have sent leaves, and half of how many in all.
const MOST_ADOPTED: u64 = 16;

trait RoundedUp {
    /// The first instant at or after this one that is a whole multiple of `step` nanoseconds.
    fn rounded_up(self, step: u64) -> Self;
}

impl RoundedUp for Ticks {
    fn rounded_up(self, step: u64) -> Self {
        let nanos = self.as_nanos();
        Self::from_nanos(nanos.checked_next_multiple_of(step.max(1)).unwrap_or(nanos))
    }
}

/// When something fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Free {
    /// The instant, or one at which more is known. `None` when time alone frees nothing.
    pub(crate) at: Option<Ticks>,
    /// Whether it takes more than has settled so far.
    pub(crate) needs_more: bool,
}

/// Saturates, which nothing that was checked against a capacity of 32 bits needs.
pub(crate) fn weight_of(weight: u64) -> u32 {
    u32::try_from(weight).unwrap_or(u32::MAX)
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
