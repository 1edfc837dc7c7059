use std::collections::VecDeque;

use networkpype_core::Ticks;

/// Weights by instant, the oldest first: 12 bytes each, in chunks, so that no growth ever copies what is there.
///
/// Sums saturate at weights of 32 bits an instant: that is more than any limit, and as full as full can be.
#[derive(Debug)]
pub(super) struct Log {
    /// Where entries leave. Empty only while there are no others but in `last`.
    first: Vec<Packed>,
    /// How many entries of `first` have left.
    gone: usize,
    middle: VecDeque<Vec<Packed>>,
    /// Where entries come.
    last: Vec<Packed>,
    /// A chunk that has left, kept for the next one.
    spare: Vec<Packed>,
    sum: u64,
    /// When the newest entry was. Meaningless in an empty log.
    newest: Ticks,
    /// Instants are told apart in steps of so many nanoseconds, and stand for the latest of their step.
    step: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: Ticks,
    pub(super) weight: u32,
}

/// An entry without the padding that a whole number of 64 bits asks for.
#[derive(Clone, Copy, Debug)]
struct Packed {
    at: [u8; 8],
    weight: u32,
}

impl Packed {
    #[inline(always)]
    fn new(at: Ticks, weight: u32) -> Self {
        Self { at: at.as_nanos().to_ne_bytes(), weight }
    }

    #[inline(always)]
    fn at(self) -> Ticks {
        Ticks::from_nanos(u64::from_ne_bytes(self.at))
    }

    /// Adds `weight` as far as that goes, and says how much that was.
    fn raise(&mut self, weight: u32) -> u64 {
        let sum = self.weight.saturating_add(weight);
        let raised = u64::from(sum - self.weight);
        self.weight = sum;
        raised
    }
}

/// Small enough that a bounded log, with the chunks at its ends and the spare one, stays below 16 KiB.
const CHUNK: usize = 128;

impl Log {
    /// An empty log that tells instants apart in steps of `step` nanoseconds; 0 and 1 tell all apart.
    pub(super) fn new(step: u64) -> Self {
        Self {
            first: Vec::new(),
            gone: 0,
            middle: VecDeque::new(),
            last: Vec::new(),
            spare: Vec::new(),
            sum: 0,
            newest: Ticks::ZERO,
            step: step.max(1),
        }
    }

    pub(super) fn step(&self) -> u64 {
        self.step
    }

    #[inline]
    pub(super) fn sum(&self) -> u64 {
        self.sum
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.sum == 0
    }

    /// Whether anything may have been logged at `at` or later.
    pub(super) fn reaches(&self, at: Ticks) -> bool {
        !self.is_empty() && self.newest >= at
    }

    /// The oldest entry.
    #[inline(always)]
    pub(super) fn front(&self) -> Option<Entry> {
        let packed = self.first.get(self.gone).or_else(|| self.last.first())?;
        Some(Entry { at: packed.at(), weight: packed.weight })
    }

    /// Forgets what was logged before `first`, and says when the oldest of the rest was.
    pub(super) fn forget_before(&mut self, first: Ticks) -> Option<Ticks> {
        loop {
            let live = self.first.get(self.gone..).unwrap_or_default();
            let (mut passed, mut left, mut oldest) = (0, 0, None);
            for packed in live {
                if packed.at() >= first {
                    oldest = Some(packed.at());
                    break;
                }
                passed += 1;
                left += u64::from(packed.weight);
            }
            self.gone += passed;
            self.sum -= left;
            if oldest.is_some() {
                return oldest;
            }
            if self.last.is_empty() && self.middle.is_empty() {
                self.refill();
                return None;
            }
            self.refill();
        }
    }

    #[inline(always)]
    pub(super) fn pop_front(&mut self) {
        if self.first.is_empty() {
            self.refill();
        }
        let Some(packed) = self.first.get(self.gone) else { return };
        self.sum -= u64::from(packed.weight);
        self.gone += 1;
        if self.gone == self.first.len() {
            self.refill();
        }
    }

    /// Nothing is left in the first chunk: the next one takes its place.
    fn refill(&mut self) {
        self.gone = 0;
        self.first.clear();
        match self.middle.pop_front() {
            Some(next) => self.spare = std::mem::replace(&mut self.first, next),
            None => std::mem::swap(&mut self.first, &mut self.last),
        }
    }

    /// Adds `weight` at an instant behind all others, where that is as simple as can be, and says whether it was.
    #[inline(always)]
    pub(super) fn append(&mut self, weight: u32, at: Ticks) -> bool {
        // Room that is there already: neither growth nor another chunk.
        let room = self.last.len() < self.last.capacity();
        let simple = at > self.newest && self.step == 1 && room;
        if simple {
            self.newest = at;
            self.sum += u64::from(weight);
            self.last.push(Packed::new(at, weight));
        }
        simple
    }

    /// Adds `weight` to what is logged at `at`. Fast at the end, and as slow as moving a chunk elsewhere.
    pub(super) fn add(&mut self, weight: u32, at: Ticks) {
        if weight == 0 {
            return;
        }
        if (at > self.newest && self.step == 1) || self.sum == 0 {
            self.push(weight, at);
        } else {
            self.insert(weight, at);
        }
    }

    fn push(&mut self, weight: u32, at: Ticks) {
        if self.is_full() {
            self.make_room();
        }
        self.newest = at;
        self.sum += u64::from(weight);
        self.last.push(Packed::new(at, weight));
    }

    /// Whether another entry would take another chunk.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.last.len() >= CHUNK
    }

    /// The last chunk is full.
    fn make_room(&mut self) {
        let mut next = std::mem::take(&mut self.spare);
        next.clear();
        // Insertions may have made it longer.
        next.shrink_to(CHUNK);
        next.reserve_exact(CHUNK);
        let full = std::mem::replace(&mut self.last, next);
        if self.first.is_empty() { self.first = full } else { self.middle.push_back(full) }
    }

    /// Adds `weight` at an instant that may be that of an entry, or before the newest.
    fn insert(&mut self, weight: u32, at: Ticks) {
        let step = self.step;
        if at > self.newest && !same(step, at, self.newest) {
            return self.push(weight, at);
        }
        let (chunk, place) = self.find(at);
        self.newest = self.newest.max(at);
        let Some(found) = self.chunk_mut(chunk) else { return };
        let raised = match found.get_mut(place) {
            Some(there) if same(step, there.at(), at) => {
                let raised = there.raise(weight);
                *there = Packed::new(at.max(there.at()), there.weight);
                raised
            }
            _ => {
                found.insert(place, Packed::new(at, weight));
                u64::from(weight)
            }
        };
        self.sum += raised;
        self.split_if_long(chunk);
    }

    /// Takes `weight` from what is logged at `at`, and says how much there was to take.
    pub(super) fn remove(&mut self, weight: u32, at: Ticks) -> u32 {
        let (chunk, place) = self.find(at);
        let step = self.step;
        let Some(found) = self.chunk_mut(chunk) else { return 0 };
        let Some(there) = found.get_mut(place).filter(|there| same(step, there.at(), at)) else {
            return 0;
        };
        let taken = there.weight.min(weight);
        there.weight -= taken;
        if there.weight == 0 {
            found.remove(place);
        }
        self.sum -= u64::from(taken);
        self.drop_if_spent(chunk);
        taken
    }

    /// When the `place`-th unit was logged, counted from 1 at the oldest.
    ///
    /// Goes through the entries: sums for a binary search would have to be corrected behind every refund and top-up.
    /// Most ask for a place near the front.
    pub(super) fn at_place(&self, place: u64) -> Ticks {
        let mut passed = 0_u64;
        for entry in self.iter() {
            passed += u64::from(entry.weight);
            if passed >= place {
                return entry.at;
            }
        }
        Ticks::MAX
    }

    /// The sum of what was logged at `first` and later.
    pub(super) fn sum_from(&self, first: Ticks) -> u64 {
        let newest = self.chunks().rev().flat_map(|chunk| chunk.iter().rev());
        let since = newest.take_while(|packed| packed.at() >= first);
        // What has left is older than all that counts, and so is not among them, unless all is asked for.
        since.map(|packed| u64::from(packed.weight)).sum::<u64>().min(self.sum)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entry> {
        let entries = self.chunks().flatten().skip(self.gone);
        entries.map(|packed| Entry { at: packed.at(), weight: packed.weight })
    }

    fn chunks(&self) -> impl DoubleEndedIterator<Item = &Vec<Packed>> {
        std::iter::once(&self.first).chain(&self.middle).chain([&self.last])
    }

    /// The chunk of this number, counted from 0 at the first.
    fn chunk(&self, number: usize) -> Option<&Vec<Packed>> {
        match number.checked_sub(1) {
            None => Some(&self.first),
            Some(place) if place == self.middle.len() => Some(&self.last),
            Some(place) => self.middle.get(place),
        }
    }

    fn chunk_mut(&mut self, number: usize) -> Option<&mut Vec<Packed>> {
        match number.checked_sub(1) {
            None => Some(&mut self.first),
            Some(place) if place == self.middle.len() => Some(&mut self.last),
            Some(place) => self.middle.get_mut(place),
        }
    }

    /// The chunk and the place in it of the first entry at or after the step of `at`, or where that would go.
    fn find(&self, at: Ticks) -> (usize, usize) {
        let before = |there: &Packed| there.at() < at && !same(self.step, there.at(), at);
        let ends_before = |chunk: &Vec<Packed>| chunk.last().is_some_and(before);
        let number = match ends_before(&self.first) || self.first.is_empty() {
            false => 0,
            true => 1 + self.middle.partition_point(ends_before),
        };
        let live = if number == 0 { self.gone } else { 0 };
        let found = self.chunk(number).and_then(|chunk| chunk.get(live..)).unwrap_or_default();
        (number, live + found.partition_point(before))
    }

    /// Halves a chunk that insertions have made too long, so that the next ones stay cheap.
    fn split_if_long(&mut self, number: usize) {
        let Some(found) = self.chunk_mut(number).filter(|found| found.len() > 2 * CHUNK) else {
            return;
        };
        let rest = found.split_off(CHUNK);
        match number.checked_sub(1) {
            Some(place) if place == self.middle.len() => {
                let half = std::mem::replace(&mut self.last, rest);
                if self.first.is_empty() { self.first = half } else { self.middle.push_back(half) }
            }
            Some(place) => self.middle.insert(place + 1, rest),
            None if self.gone >= CHUNK => {
                // The other half holds nothing but what has left.
                self.gone -= CHUNK;
                self.first = rest;
            }
            None => self.middle.push_front(rest),
        }
    }

    fn drop_if_spent(&mut self, number: usize) {
        match number.checked_sub(1) {
            None if self.gone == self.first.len() => self.refill(),
            Some(place) if self.middle.get(place).is_some_and(Vec::is_empty) => {
                self.middle.remove(place);
            }
            // The last may be empty.
            _ => {}
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }
}

/// Whether two instants are the same to a log with steps of `step` nanoseconds.
fn same(step: u64, one: Ticks, other: Ticks) -> bool {
    one == other || (step > 1 && one.as_nanos() / step == other.as_nanos() / step)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn at(nanos: u64) -> Ticks {
        Ticks::from_nanos(nanos)
    }

    proptest! {
        /// Against a map, with enough entries for several chunks and insertions anywhere.
        #[test]
        fn a_log_is_a_map_from_instants_to_weights(
            actions in prop::collection::vec((0_u64..2_000, 1_u32..5, 0_u8..10), 1..3_000),
            burst in 0_u64..2_000,
        ) {
            let mut log = Log::new(1);
            let mut map = BTreeMap::new();
            for instant in 0..burst {
                log.add(1, at(instant));
                map.insert(instant, 1);
            }
            for (instant, weight, kind) in actions {
                match kind {
                    0..=5 => {
                        log.add(weight, at(instant));
                        *map.entry(instant).or_insert(0) += weight;
                    }
                    6 | 7 => {
                        let there = map.get(&instant).copied().unwrap_or(0);
                        let taken = there.min(weight);
                        prop_assert_eq!(log.remove(weight, at(instant)), taken);
                        if there == taken {
                            map.remove(&instant);
                        } else {
                            map.insert(instant, there - taken);
                        }
                    }
                    _ => {
                        let first = map.pop_first().map(|(instant, weight)| (at(instant), weight));
                        prop_assert_eq!(log.front().map(|entry| (entry.at, entry.weight)), first);
                        log.pop_front();
                    }
                }
            }
            let logged: Vec<_> = log.iter().map(|entry| (entry.at.as_nanos(), entry.weight)).collect();
            let expected: Vec<_> = map.into_iter().collect();
            prop_assert_eq!(log.sum(), expected.iter().map(|(_, weight)| u64::from(*weight)).sum::<u64>());
            prop_assert_eq!(logged, expected);
        }
    }

    #[test]
    fn instants_of_one_step_are_one_entry_at_the_latest_of_them() {
        let mut log = Log::new(10);
        for (instant, weight) in [(3, 1), (7, 1), (12, 1), (5, 1), (19, 1), (4, 2)] {
            log.add(weight, at(instant));
        }
        let entries: Vec<_> = log.iter().map(|e| (e.at.as_nanos(), e.weight)).collect();
        assert_eq!(entries, [(7, 5), (19, 2)]);
        assert_eq!(log.remove(2, at(3)), 2);
        assert_eq!(log.sum(), 5);
    }

    #[test]
    fn a_sum_at_one_instant_saturates_and_still_comes_out_even() {
        let mut log = Log::new(1);
        log.add(u32::MAX, at(1));
        log.add(u32::MAX, at(1));
        assert_eq!(log.sum(), u64::from(u32::MAX));
        log.pop_front();
        assert!(log.is_empty());
    }

    #[test]
    fn places_are_counted_from_the_oldest_unit() {
        let mut log = Log::new(1);
        for (instant, weight) in [(1, 2), (5, 3)] {
            log.add(weight, at(instant));
        }
        for (place, instant) in [(1, 1), (2, 1), (3, 5), (5, 5)] {
            assert_eq!(log.at_place(place), at(instant), "{place}");
        }
        assert_eq!(log.at_place(6), Ticks::MAX);
    }
}
