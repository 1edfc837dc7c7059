use std::time::Duration;

use networkpype_core::Ticks;

use super::log::Log;

/// What settled in the sliding window of one limit.
///
/// Windows are closed: weight that settled at `t` counts through `t + interval` and is gone a nanosecond later.
#[derive(Debug)]
pub(super) struct SlidingWindow {
    /// In nanoseconds.
    interval: u64,
    /// Through this instant, in nanoseconds, there is nothing to forget.
    holds_through: u64,
    log: Log,
    /// While it matters that the interval was longer.
    shortened: Option<Box<Shortened>>,
}

/// What is known of a longer interval.
#[derive(Debug)]
struct Shortened {
    /// When it was shortened.
    at: Ticks,
    /// What it was, in nanoseconds.
    longest: u64,
    /// What left the window only because of that: older than all that is counted, and not counted. It is counted again if
    /// the interval grows back in time.
    past: Log,
}

impl Shortened {
    /// What settled `at` would count now if the interval had not been shortened since. What settled after that is not
    /// remembered: with a short interval that could be any number of entries.
    fn remembers(&self, at: Ticks, now: Ticks) -> bool {
        at <= self.at && now.as_nanos().saturating_sub(at.as_nanos()) <= self.longest
    }

    /// Forgets what the longer interval would have forgotten, and says whether it matters still.
    fn forget(&mut self, now: Ticks) -> bool {
        while self.past.front().is_some_and(|front| !self.remembers(front.at, now)) {
            self.past.pop_front();
        }
        self.remembers(self.at, now)
    }
}

impl SlidingWindow {
    pub(super) fn new(interval: u64, bounded: bool) -> Self {
        let step = step(interval, bounded);
        Self { interval, holds_through: u64::MAX, log: Log::new(step), shortened: None }
    }

    /// Takes another length and keeps what it holds.
    ///
    /// With a longer interval, what the old one holds counts for the longer time. What had left the old one is
    /// forgotten, with one exception: what was there when a longer interval was shortened is kept for as long as that
    /// would have held it, so that shortening an interval and taking that back loses nothing.
    pub(super) fn resize(&mut self, interval: u64, bounded: bool, now: Ticks) {
        self.forget(now);
        let step = step(interval, bounded);
        let mut former = self.shortened.take();
        let mut past = Log::new(step);
        if step != self.log.step() || former.is_some() {
            let mut log = Log::new(step);
            for entry in former.iter().flat_map(|former| former.past.iter()).chain(self.log.iter())
            {
                let held = now.as_nanos().saturating_sub(entry.at.as_nanos()) <= interval;
                if held { &mut log } else { &mut past }.add(entry.weight, entry.at);
            }
            self.log = log;
        }
        if interval < self.interval {
            let longest = former.map_or(0, |former| former.longest).max(self.interval);
            former = Some(Box::new(Shortened { at: now, longest, past: Log::new(step) }));
        }
        self.interval = interval;
        self.shortened = former;
        if let Some(shortened) = &mut self.shortened {
            shortened.past = past;
        }
        self.forget(now);
    }

    pub(super) fn level(&self) -> u64 {
        self.log.sum()
    }

    /// Nothing counts, nor would if the interval became what it was.
    pub(super) fn is_empty(&self) -> bool {
        self.log.is_empty()
            && self.shortened.as_ref().is_none_or(|shortened| shortened.past.is_empty())
    }

    /// Forgets what left the window.
    #[inline(always)]
    pub(super) fn expire(&mut self, now: Ticks) {
        if now.as_nanos() > self.holds_through {
            self.forget(now);
        }
    }

    fn forget(&mut self, now: Ticks) {
        if let Some(mut shortened) = self.shortened.take() {
            while let Some(front) = self.log.front().filter(|front| !self.holds(front.at, now)) {
                self.log.pop_front();
                if shortened.remembers(front.at, now) {
                    shortened.past.add(front.weight, front.at);
                }
            }
            if shortened.forget(now) {
                self.shortened = Some(shortened);
                self.holds_through = 0;
                return;
            }
        }
        let first = now.as_nanos().saturating_sub(self.interval);
        let oldest = self.log.forget_before(Ticks::from_nanos(first));
        self.holds_through = oldest.map_or(u64::MAX, |oldest| self.last_instant(oldest));
    }

    /// The last instant at which weight that settled `at` counts.
    #[inline(always)]
    fn last_instant(&self, at: Ticks) -> u64 {
        at.as_nanos().saturating_add(self.interval)
    }

    /// Adds weight that settles now.
    pub(super) fn add_now(&mut self, weight: u32, now: Ticks) {
        if !self.append(weight, now) {
            self.add(weight, now, now);
        }
    }

    /// The same where it is as simple as can be. Says whether it was.
    #[inline(always)]
    pub(super) fn append(&mut self, weight: u32, now: Ticks) -> bool {
        let simple = self.log.append(weight, now);
        if simple && self.holds_through == u64::MAX {
            self.holds_through = self.last_instant(now);
        }
        simple
    }

    /// Adds weight to what settled `at`, unless that left the window.
    pub(super) fn add(&mut self, weight: u32, at: Ticks, now: Ticks) {
        if self.holds(at, now) {
            if self.log.is_full() {
                // So that what has left does not gather where nobody asks for it.
                self.forget(now);
            }
            self.holds_through = self.holds_through.min(self.last_instant(at));
            self.log.add(weight, at);
        } else if let Some(shortened) = &mut self.shortened
            && shortened.remembers(at, now)
        {
            shortened.past.add(weight, at);
        }
    }

    /// Takes weight back from what settled `at`. Nothing happens if that left the window.
    pub(super) fn remove(&mut self, weight: u32, at: Ticks) {
        if self.log.remove(weight, at) == 0
            && let Some(shortened) = &mut self.shortened
        {
            shortened.past.remove(weight, at);
        }
    }

    /// When `over` units have left by the passing of time. `None` when there are fewer, or time never frees them.
    pub(super) fn drops_at(&self, over: u64) -> Option<Ticks> {
        if over > self.log.sum() { None } else { self.leaves(self.log.at_place(over)) }
    }

    /// No earlier than this can the last of `new` units be granted behind those that settled and `held` others, given
    /// that nothing is given back.
    ///
    /// All units are put in order: settled, held, and the new ones last. Any `capacity + 1` consecutive units do not
    /// fit into one window, so each unit comes more than an interval after the one `capacity` places before it. Going
    /// back in such steps from the last unit leads to one whose time is known.
    pub(super) fn earliest(&self, capacity: u64, held: u64, new: u64, now: Ticks) -> Ticks {
        let steps = new.div_ceil(capacity);
        let back = steps.saturating_mul(capacity) - new;
        let (from, steps) = match self.level().saturating_add(held).saturating_sub(back) {
            0 => (now, steps.saturating_sub(1)),
            place if place > self.level() => (now, steps),
            place => (self.log.at_place(place), steps),
        };
        let step = self.interval.saturating_add(1);
        now.max(from + Duration::from_nanos(step.saturating_mul(steps)))
    }

    #[inline(always)]
    fn holds(&self, at: Ticks, now: Ticks) -> bool {
        now.as_nanos().saturating_sub(at.as_nanos()) <= self.interval
    }

    /// The first instant at which weight that settled `at` no longer counts.
    fn leaves(&self, at: Ticks) -> Option<Ticks> {
        let last = at.as_nanos().checked_add(self.interval)?;
        last.checked_add(1).map(Ticks::from_nanos)
    }

    /// How many entries it holds, and how many it remembers beside.
    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.log.len(), self.shortened.as_ref().map_or(0, |shortened| shortened.past.len()))
    }

    #[cfg(test)]
    pub(super) fn shortened(&self) -> Option<(Ticks, u64)> {
        self.shortened.as_ref().map(|shortened| (shortened.at, shortened.longest))
    }
}

/// A closed window touches at most two steps more than fit into it.
pub(super) fn step(interval: u64, bounded: bool) -> u64 {
    if bounded { interval.div_ceil(MOST_ENTRIES - 2) } else { 1 }
}

/// Of a bounded window, which then stays below 16 KiB.
const MOST_ENTRIES: u64 = 800;
