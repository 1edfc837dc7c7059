use std::time::Duration;

use networkpype_core::Ticks;

use super::log::Log;

/// What settled in the present one of the windows that a server counts by its clock.
///
/// The clock may be off by the tolerance, in either direction. So a window opens that much after its boundary, and what
/// settled within the tolerance of a boundary counts in both windows: the present one has all that settled since the
/// tolerance before it began.
///
/// Everything is remembered by its instant on the ticker for a little longer than a window, so that a clock that is set
/// moves boundaries, and neither forgets nor charges anything.
#[derive(Debug)]
pub(super) struct FixedWindow {
    /// All in nanoseconds. The tolerance is at most a quarter of the interval.
    interval: u64,
    offset: u64,
    tolerance: u64,
    /// What is to be added to ticks for the server's time since the epoch, when that was last looked at.
    wall: i64,
    /// When the next window opens. Before the clock was first looked at, never.
    next: Ticks,
    /// What counts in the present window.
    log: Log,
    /// What settled before, and might belong to the present window if the clock were set.
    past: Log,
}

/// What the reading of two clocks one after the other may differ by: no reason to work boundaries out anew.
const JITTER: u64 = 1_000;

impl FixedWindow {
    /// A window that does not know the server's time before it is first brought up to date. `step`: in how many
    /// nanoseconds instants are not told apart.
    pub(super) fn new(interval: u64, offset: u64, tolerance: u64, step: u64) -> Self {
        let interval = interval.clamp(1, LONGEST);
        Self {
            interval,
            offset: offset % interval,
            tolerance: tolerance.min(interval / 4),
            wall: i64::MIN,
            next: Ticks::MAX,
            log: Log::new(step),
            past: Log::new(step),
        }
    }

    pub(super) fn resize(&mut self, to: Self, now: Ticks) {
        let before = std::mem::replace(self, to);
        for entry in before.past.iter().chain(before.log.iter()) {
            self.log.add(entry.weight, entry.at);
        }
        self.align(now, before.wall);
    }

    pub(super) fn level(&self) -> u64 {
        self.log.sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.log.is_empty() && self.past.is_empty()
    }

    /// Opens the windows that are due. `wall` is what is to be added to ticks for the server's time.
    pub(super) fn expire(&mut self, now: Ticks, wall: i64) {
        let set = self.wall.abs_diff(wall) > JITTER;
        if set || now >= self.next || self.next == Ticks::MAX {
            self.align(now, wall);
        }
    }

    /// Works out which window it is, and what counts in it.
    fn align(&mut self, now: Ticks, wall: i64) {
        self.wall = wall;
        self.next = self.opens_after(now);
        let first = self.first();
        while let Some(front) = self.log.front().filter(|front| front.at < first) {
            self.log.pop_front();
            self.past.add(front.weight, front.at);
        }
        // A clock that was set back lets some of what was over count again.
        if self.past.reaches(first) {
            let again: Vec<_> = self.past.iter().filter(|entry| entry.at >= first).collect();
            for entry in again {
                self.past.remove(entry.weight, entry.at);
                self.log.add(entry.weight, entry.at);
            }
        }
        // No window of any clock that holds the present reaches further back.
        let reach = self.interval.saturating_add(2 * self.tolerance);
        self.past.forget_before(now - Duration::from_nanos(reach));
    }

    pub(super) fn add(&mut self, weight: u32, at: Ticks) {
        if at < self.first() { &mut self.past } else { &mut self.log }.add(weight, at);
    }

    /// From when on what settled counts in the present window.
    fn first(&self) -> Ticks {
        self.next - Duration::from_nanos(self.interval.saturating_add(2 * self.tolerance))
    }

    /// When the present window began, by the clock.
    pub(super) fn began(&self) -> Ticks {
        self.next - Duration::from_nanos(self.interval.saturating_add(self.tolerance))
    }

    /// Takes weight back from what settled `at`.
    pub(super) fn remove(&mut self, weight: u32, at: Ticks) {
        if self.log.remove(weight, at) == 0 {
            self.past.remove(weight, at);
        }
    }

    /// When `over` units have left by the passing of time. `None` when there are fewer.
    pub(super) fn drops_at(&self, over: u64) -> Option<Ticks> {
        if over > self.level() {
            None
        } else if over <= self.level() - self.late() {
            Some(self.next)
        } else {
            Some(self.next + Duration::from_nanos(self.interval))
        }
    }

    /// No earlier than this can `weight` be granted behind `ahead` and `held` others.
    pub(super) fn earliest(
        &self,
        capacity: u64,
        held: u64,
        (ahead, weight): (u64, u64),
        now: Ticks,
    ) -> Ticks {
        let present = capacity.saturating_sub(self.level().saturating_add(held));
        let next = capacity.saturating_sub(self.late());
        let new = ahead.saturating_add(weight);
        let windows = match new.saturating_sub(present) {
            0 => return now,
            beyond if beyond <= next && weight <= next => 0,
            beyond => beyond.saturating_sub(next).div_ceil(capacity).max(1),
        };
        now.max(self.next + Duration::from_nanos(self.interval.saturating_mul(windows)))
    }

    /// As much of what counts now as counts in the next window too.
    fn late(&self) -> u64 {
        if self.tolerance == 0 {
            return 0;
        }
        self.log.sum_from(self.next - Duration::from_nanos(2 * self.tolerance))
    }

    /// The first instant after `now` at which a window opens.
    fn opens_after(&self, now: Ticks) -> Ticks {
        let interval = i128::from(self.interval);
        let phase = i128::from(self.offset) + i128::from(self.tolerance) - i128::from(self.wall);
        let since = (i128::from(now.as_nanos()) - phase).rem_euclid(interval);
        // At most an interval, which is below a hundred years.
        let left = u64::try_from(interval - since).unwrap_or(self.interval);
        now + Duration::from_nanos(left)
    }
}

/// A hundred years: what a window can be at most.
const LONGEST: u64 = 100 * 366 * 86_400 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Ticks {
        Ticks::from_nanos(nanos)
    }

    /// Windows of 100 µs whose boundaries are at 30, 130, 230 µs of the ticker.
    fn window(tolerance: u64) -> FixedWindow {
        let mut window = FixedWindow::new(100_000, 0, tolerance, 1);
        window.expire(at(0), 70_000);
        window
    }

    #[test]
    fn a_window_ends_where_the_clock_says() {
        let mut window = window(0);
        window.expire(at(29_999), 70_000);
        window.add(3, at(29_999));
        for (now, level) in [(29_999, 3), (30_000, 0), (130_000, 0)] {
            window.expire(at(now), 70_000);
            assert_eq!(window.level(), level, "at {now}");
        }
    }

    #[test]
    fn what_is_near_a_boundary_counts_on_both_sides() {
        let mut window = window(10_000);
        window.add(1, at(19_999));
        window.add(2, at(20_000));
        window.add(4, at(39_999));
        assert_eq!(window.drops_at(1), Some(at(40_000)));
        assert_eq!(window.drops_at(2), Some(at(140_000)));
        for (now, level) in [(39_999, 7), (40_000, 6), (139_999, 6), (140_000, 0)] {
            window.expire(at(now), 70_000);
            assert_eq!(window.level(), level, "at {now}");
        }
    }

    #[test]
    fn a_clock_that_is_set_moves_boundaries_and_forgets_nothing() {
        let mut window = window(0);
        window.add(5, at(10_000));
        window.expire(at(10_001), 0);
        assert_eq!((window.level(), window.next), (5, at(100_000)));
        window.expire(at(10_002), 99_000);
        assert_eq!((window.level(), window.next), (5, at(101_000)));
        window.expire(at(10_003), 1_000_000_000_070_000);
        assert_eq!((window.level(), window.next), (5, at(30_000)));
        window.expire(at(30_000), 1_000_000_000_070_000);
        assert_eq!(window.level(), 0);
    }

    #[test]
    fn a_refund_is_for_the_window_that_was_charged() {
        let mut window = window(10_000);
        window.add(5, at(0));
        window.remove(2, at(0));
        assert_eq!(window.level(), 3);
        window.add(5, at(25_000));
        window.expire(at(45_000), 70_000);
        window.add(1, at(45_000));
        window.remove(3, at(0));
        assert_eq!(window.level(), 6);
        window.remove(1, at(45_000));
        assert_eq!(window.level(), 5);
    }

    #[test]
    fn windows_are_counted_for_those_who_wait() {
        let mut window = window(0);
        window.add(10, at(0));
        for (held, new, instant) in
            [(0, 1, 30_000), (0, 10, 30_000), (0, 11, 130_000), (10, 1, 30_000), (0, 25, 230_000)]
        {
            assert_eq!(window.earliest(10, held, (0, new), at(5)), at(instant), "{held} {new}");
        }
        assert_eq!(window.earliest(20, 0, (0, 10), at(5)), at(5));
        let mut late = self::window(10_000);
        late.add(7, at(25_000));
        assert_eq!(late.earliest(10, 0, (0, 3), at(25_000)), at(25_000));
        assert_eq!(late.earliest(10, 0, (0, 4), at(25_000)), at(140_000), "counted twice");
        assert_eq!(late.earliest(10, 0, (3, 3), at(25_000)), at(40_000));
        assert_eq!(window.earliest(14, 0, (4, 14), at(5)), at(30_000), "four go at once");
        assert_eq!(window.earliest(4, 0, (0, 1), at(5)), at(30_000), "however full it is");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut window = FixedWindow::new(u64::MAX, u64::MAX, u64::MAX, 1);
        window.expire(Ticks::MAX, i64::MIN);
        window.add(u32::MAX, Ticks::MAX);
        window.expire(Ticks::MAX, i64::MAX);
        window.expire(at(0), i64::MIN);
        assert!(window.earliest(1, u64::MAX, (u64::MAX, u64::MAX), at(0)) > at(0));
        let mut tiny = FixedWindow::new(0, 7, 7, 1);
        tiny.expire(at(0), 0);
        tiny.add(1, at(0));
        tiny.expire(at(1), 0);
        assert_eq!(tiny.level(), 0);
    }
}
