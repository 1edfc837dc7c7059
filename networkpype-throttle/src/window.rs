use std::{collections::VecDeque, time::Duration};

use networkpype_core::Ticks;

/// The sliding window of one limit: what started in it, and what was granted and has yet to start.
///
/// Windows are closed: weight that started at `t` counts through `t + interval` and is gone a nanosecond later.
/// Callers [`expire`](Window::expire) before they ask for anything that depends on the time. Sums saturate; they
/// cannot get near `u64::MAX` by weights of 32 bits.
#[derive(Debug)]
pub(crate) struct Window {
    /// In nanoseconds.
    interval: u64,
    /// Never zero.
    capacity: u64,
    /// In order of time, one entry per instant, so that bursts at one instant take one entry.
    log: VecDeque<Entry>,
    /// The sum of `log`.
    logged: u64,
    /// Granted and not started: counts in every window until it is.
    reserved: u64,
    /// What left the window only because its interval was shortened: older than all of `log`, and not counted. It is
    /// counted again if the interval grows back in time.
    past: VecDeque<Entry>,
    /// When the interval was shortened, and what it was, in nanoseconds, while that matters.
    shortened: Option<(Ticks, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    at: Ticks,
    weight: u64,
}

impl Window {
    pub(crate) fn new(capacity: u32, interval: Duration) -> Self {
        Self {
            interval: nanos(interval),
            capacity: u64::from(capacity.max(1)),
            log: VecDeque::new(),
            logged: 0,
            reserved: 0,
            past: VecDeque::new(),
            shortened: None,
        }
    }

    /// Takes other measures and keeps what it holds.
    ///
    /// With a longer interval, what the old one holds counts for the longer time. What had left the old one is
    /// forgotten, with one exception: what was there when a longer interval was shortened is kept for as long as that
    /// would have held it, so that shortening an interval and taking that back loses nothing.
    pub(crate) fn resize(&mut self, capacity: u32, interval: Duration, now: Ticks) {
        self.expire(now);
        let interval = nanos(interval);
        self.capacity = u64::from(capacity.max(1));
        if interval < self.interval {
            let longest = self.shortened.map_or(0, |(_, longest)| longest).max(self.interval);
            self.shortened = Some((now, longest));
        }
        self.interval = interval;
        while let Some(last) = self.past.back().copied().filter(|last| self.holds(last.at, now)) {
            self.past.pop_back();
            self.logged = self.logged.saturating_add(last.weight);
            self.log.push_front(last);
        }
        self.expire(now);
    }

    /// A window of the same measures that holds nothing.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            log: VecDeque::new(),
            logged: 0,
            reserved: 0,
            past: VecDeque::new(),
            shortened: None,
            ..*self
        }
    }

    pub(crate) fn capacity(&self) -> u32 {
        // It came from a `u32`.
        u32::try_from(self.capacity).unwrap_or(u32::MAX)
    }

    pub(crate) fn used(&self) -> u64 {
        self.logged.saturating_add(self.reserved)
    }

    /// Nothing counts, nor would if the interval became what it was.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty() && self.past.is_empty() && self.reserved == 0
    }

    pub(crate) fn fits(&self, weight: u64) -> bool {
        self.used().saturating_add(weight) <= self.capacity
    }

    /// Forgets what left the window.
    pub(crate) fn expire(&mut self, now: Ticks) {
        while let Some(front) = self.log.front() {
            if self.holds(front.at, now) {
                break;
            }
            let front = *front;
            self.logged = self.logged.saturating_sub(front.weight);
            self.log.pop_front();
            if self.remembers(front.at, now) {
                self.past.push_back(front);
            }
        }
        while self.past.front().is_some_and(|front| !self.remembers(front.at, now)) {
            self.past.pop_front();
        }
        if self.shortened.is_some_and(|(at, _)| !self.remembers(at, now)) {
            self.shortened = None;
        }
    }

    pub(crate) fn reserve(&mut self, weight: u64) {
        self.reserved = self.reserved.saturating_add(weight);
    }

    pub(crate) fn release(&mut self, weight: u64) {
        self.reserved = self.reserved.saturating_sub(weight);
    }

    /// Turns reserved weight into weight that started `now`.
    pub(crate) fn start(&mut self, weight: u64, now: Ticks) {
        self.release(weight);
        self.add(weight, now, now);
    }

    /// Adds weight to what started `at`, unless that left the window.
    pub(crate) fn add(&mut self, weight: u64, at: Ticks, now: Ticks) {
        if self.holds(at, now) {
            self.logged = self.logged.saturating_add(weight);
            add(&mut self.log, weight, at);
        } else if self.remembers(at, now) {
            add(&mut self.past, weight, at);
        }
    }

    /// Takes weight back from what started `at`. Nothing happens if that left the window.
    pub(crate) fn remove(&mut self, weight: u64, at: Ticks) {
        self.logged = self.logged.saturating_sub(remove(&mut self.log, weight, at));
        remove(&mut self.past, weight, at);
    }

    /// When `weight` fits by the passing of time alone. `None` when that depends on a permit that has yet to start,
    /// or when time never frees enough.
    pub(crate) fn free_at(&self, weight: u64) -> Option<Ticks> {
        match self.used().saturating_add(weight).saturating_sub(self.capacity) {
            0 => Some(Ticks::ZERO),
            over if over > self.logged => None,
            over => self.leaves(self.started_at(over)),
        }
    }

    /// No earlier than this can `weight` be granted, given that `ahead` units of weight are granted before it and
    /// that nothing is given back.
    ///
    /// All units are put in order: logged, reserved, ahead, and the new ones last. Any `capacity + 1` consecutive
    /// units do not fit into one window, so each unit comes more than an interval after the one `capacity` places
    /// before it. Going back in such steps from the last unit leads to one whose time is known.
    pub(crate) fn earliest(&self, ahead: u64, weight: u64, now: Ticks) -> Ticks {
        let new = ahead.saturating_add(weight);
        let steps = new.div_ceil(self.capacity);
        let back = steps.saturating_mul(self.capacity) - new;
        let (from, steps) = match self.used().saturating_sub(back) {
            0 => (now, steps.saturating_sub(1)),
            place if place > self.logged => (now, steps),
            place => (self.started_at(place), steps),
        };
        let step = self.interval.saturating_add(1);
        now.max(from + Duration::from_nanos(step.saturating_mul(steps)))
    }

    /// When the `place`-th logged unit started, counted from 1 at the oldest.
    ///
    /// Goes through the entries: sums for a binary search would have to be corrected behind every refund and top-up. Most
    /// ask for a place near the front, and one entry covers all that started at the same instant.
    fn started_at(&self, place: u64) -> Ticks {
        let mut passed = 0_u64;
        for entry in &self.log {
            passed = passed.saturating_add(entry.weight);
            if passed >= place {
                return entry.at;
            }
        }
        Ticks::MAX
    }

    fn holds(&self, at: Ticks, now: Ticks) -> bool {
        now.as_nanos().saturating_sub(at.as_nanos()) <= self.interval
    }

    /// What started `at` would count now if the interval had not been shortened since. What started after that is
    /// not remembered: with a short interval that could be any number of entries.
    fn remembers(&self, at: Ticks, now: Ticks) -> bool {
        self.shortened.is_some_and(|(shortened, longest)| {
            at <= shortened && now.as_nanos().saturating_sub(at.as_nanos()) <= longest
        })
    }

    /// The first instant at which weight that started `at` no longer counts.
    fn leaves(&self, at: Ticks) -> Option<Ticks> {
        let last = at.as_nanos().checked_add(self.interval)?;
        last.checked_add(1).map(Ticks::from_nanos)
    }
}

fn add(log: &mut VecDeque<Entry>, weight: u64, at: Ticks) {
    match log.back_mut() {
        Some(last) if last.at == at => last.weight = last.weight.saturating_add(weight),
        Some(last) if last.at > at => match log.binary_search_by_key(&at, |entry| entry.at) {
            Ok(found) => log[found].weight = log[found].weight.saturating_add(weight),
            Err(place) => log.insert(place, Entry { at, weight }),
        },
        _ => log.push_back(Entry { at, weight }),
    }
}

/// How much there was to take.
fn remove(log: &mut VecDeque<Entry>, weight: u64, at: Ticks) -> u64 {
    let Ok(found) = log.binary_search_by_key(&at, |entry| entry.at) else {
        return 0;
    };
    let entry = &mut log[found];
    let taken = entry.weight.min(weight);
    entry.weight -= taken;
    if entry.weight == 0 {
        log.remove(found);
    }
    taken
}

fn nanos(interval: Duration) -> u64 {
    u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Ticks {
        Ticks::from_nanos(nanos)
    }

    /// A window of `capacity` per 100 ns that holds `log`, at the instant of its last entry.
    fn window(capacity: u32, log: &[(u64, u64)]) -> Window {
        let mut window = Window::new(capacity, Duration::from_nanos(100));
        for &(instant, weight) in log {
            window.reserve(weight);
            window.start(weight, at(instant));
        }
        window
    }

    #[test]
    fn weight_counts_through_the_last_nanosecond_of_its_window() {
        for (now, used) in [(0, 3), (99, 3), (100, 3), (101, 2), (110, 2), (111, 0)] {
            let mut window = window(10, &[(0, 1), (10, 2)]);
            window.expire(at(now));
            assert_eq!(window.used(), used, "at {now}");
        }
    }

    #[test]
    fn entries_of_one_instant_are_one_entry() {
        let mut window = window(1_000, &[(5, 1), (5, 2), (6, 1)]);
        assert_eq!(window.log.len(), 2);
        window.expire(at(106));
        assert_eq!((window.log.len(), window.used()), (1, 1));
    }

    #[test]
    fn weight_is_added_and_taken_where_it_started() {
        let mut window = window(10, &[(0, 2), (10, 3), (20, 1)]);
        window.add(4, at(10), at(20));
        window.add(1, at(5), at(20));
        window.remove(2, at(0));
        window.remove(99, at(20));
        window.remove(7, at(1));
        let entries: Vec<_> = window.log.iter().map(|e| (e.at.as_nanos(), e.weight)).collect();
        assert_eq!(entries, [(5, 1), (10, 7)]);
        assert_eq!(window.used(), 8);
        window.add(4, at(10), at(111));
        assert_eq!(window.used(), 8, "what left the window takes no more");
    }

    #[test]
    fn reserved_weight_counts_until_it_is_released_or_started() {
        let mut window = window(10, &[]);
        window.reserve(7);
        window.expire(at(1_000_000));
        assert!(window.fits(3) && !window.fits(4));
        assert_eq!(window.free_at(4), None, "time alone frees nothing");
        window.start(7, at(1_000_000));
        assert_eq!(window.free_at(4), Some(at(1_000_101)));
    }

    #[test]
    fn room_appears_when_enough_has_left() {
        let window = window(10, &[(0, 2), (10, 3), (20, 5)]);
        for (weight, instant) in
            [(0, 0), (1, 101), (2, 101), (3, 111), (5, 111), (6, 121), (10, 121)]
        {
            assert_eq!(window.free_at(weight), Some(at(instant)), "weight {weight}");
        }
    }

    #[test]
    fn the_earliest_grant_counts_whole_windows_of_what_is_ahead() {
        let full = window(10, &[(0, 4), (10, 6)]);
        let half = window(10, &[(0, 4)]);
        for (window, ahead, weight, instant) in [
            (&full, 0, 1, 101),
            (&full, 3, 1, 101),
            (&full, 4, 1, 111),
            (&full, 0, 10, 111),
            (&full, 9, 1, 111),
            (&full, 10, 1, 202),
            (&full, 99, 1, 10 + 10 * 101),
            (&half, 0, 6, 10),
            (&half, 0, 7, 101),
            (&half, 6, 1, 101),
            (&half, 9, 1, 101),
            (&half, 10, 1, 10 + 101),
            (&half, 16, 1, 202),
        ] {
            assert_eq!(
                window.earliest(ahead, weight, at(10)),
                at(instant),
                "{weight} after {ahead}"
            );
        }
    }

    fn nanos(nanos: u64) -> Duration {
        Duration::from_nanos(nanos)
    }

    #[test]
    fn what_a_window_holds_when_it_grows_counts_for_the_longer_time() {
        let mut window = window(10, &[(0, 1), (50, 2)]);
        window.resize(10, nanos(1_000), at(101));
        assert_eq!(window.used(), 2, "what had left is not known any more");
        window.expire(at(1_050));
        assert_eq!(window.used(), 2);
        window.expire(at(1_051));
        assert_eq!(window.used(), 0);
    }

    #[test]
    fn an_interval_that_is_shortened_and_restored_loses_nothing() {
        let mut window = window(10, &[(0, 1), (50, 2)]);
        window.resize(10, nanos(10), at(55));
        assert_eq!(window.used(), 2);
        window.expire(at(61));
        assert_eq!(window.used(), 0);
        window.add(4, at(0), at(61));
        window.remove(1, at(50));
        window.resize(10, nanos(100), at(100));
        assert_eq!(window.used(), 6, "five from 0, one from 50");
        window.expire(at(101));
        assert_eq!(window.used(), 1);
        window.expire(at(151));
        assert!(window.is_empty());
    }

    #[test]
    fn what_a_shortened_interval_forgot_is_bounded_by_what_it_held_before() {
        let mut window = window(10, &[(0, 1)]);
        window.resize(10, nanos(10), at(5));
        for now in 6..90 {
            window.reserve(1);
            window.start(1, at(now));
            window.expire(at(now));
            assert!(window.log.len() <= 11 && window.past.len() <= 1, "at {now}");
        }
        window.expire(at(101));
        assert_eq!((window.past.len(), window.shortened), (0, Some((at(5), 100))));
        window.expire(at(106));
        assert!(window.is_empty() && window.shortened.is_none());
    }

    #[test]
    fn a_window_without_end_neither_frees_nor_overflows() {
        let mut window = Window::new(u32::MAX, Duration::MAX);
        window.reserve(u64::from(u32::MAX));
        window.start(u64::from(u32::MAX), at(7));
        window.expire(Ticks::MAX);
        assert!(!window.fits(1));
        assert_eq!(window.free_at(1), None);
        assert_eq!(window.earliest(u64::MAX, u64::MAX, Ticks::MAX), Ticks::MAX);
        window.reserve(u64::MAX);
        assert_eq!(window.used(), u64::MAX);
    }
}
