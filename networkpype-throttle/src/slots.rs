use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use networkpype_core::{LimitId, Ticks};

use crate::{
    gate::Gate,
    meter::{Measures, Meter, Moment},
};

/// Names one slot. Outlives it: a key of a limit that was removed finds nothing, even if its place was taken again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotKey {
    index: u32,
    generation: u32,
}

/// How much of a limit is used, what the server has said about it, and what is known of the queue in front of it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) meter: Meter,
    pub(crate) gate: Gate,
    /// What the server has said that there is in all, where that is less than was configured.
    pub(crate) quota: Option<u32>,
    /// Whose keys lead here.
    generation: u32,
    measures: Measures,
    /// How many waiters charge this limit.
    pub(crate) waiting: usize,
    /// What they weigh together.
    pub(crate) queued: u64,
    /// The last walk over the queue in which somebody who has to wait wanted this limit.
    claimed_in: u64,
    /// No earlier than this is that one granted.
    claimed_until: Ticks,
    hold: SlotHold,
}

/// Whoever has a clone of this may still charge its slot, which is not forgotten until all are dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct SlotHold(Arc<()>);

impl Slot {
    fn new(measures: Measures) -> Self {
        Self {
            meter: Meter::new(&measures),
            gate: Gate::default(),
            quota: None,
            generation: 0,
            measures,
            waiting: 0,
            queued: 0,
            claimed_in: 0,
            claimed_until: Ticks::ZERO,
            hold: SlotHold::default(),
        }
    }

    /// One of the same measures with nothing in it, of which the server has said the same.
    fn emptied(&self, generation: u32) -> Self {
        let (gate, quota) = (self.gate, self.quota);
        Self { generation, gate, quota, ..Self::new(self.measures) }
    }

    pub(crate) fn measures(&self) -> &Measures {
        &self.measures
    }

    /// Takes other measures and keeps what counts.
    pub(crate) fn resize(&mut self, measures: Measures, moment: Moment) {
        if measures == self.measures {
            return;
        }
        self.meter.resize(&measures, moment);
        self.measures = measures;
    }

    /// Whether `weight` may be granted now, by the numbers and by the server's word.
    #[inline(always)]
    pub(crate) fn admits(&mut self, weight: u64, moment: Moment) -> bool {
        self.meter.admits(weight, moment) && self.gate.opens_at(moment.now) <= moment.now
    }

    /// Grants `weight`.
    #[inline]
    pub(crate) fn grant(&mut self, weight: u64, now: Ticks) {
        self.meter.hold(weight);
        self.gate.pass(weight, &self.measures, now);
    }

    /// No earlier than this can `weight` be granted behind `ahead` units that are granted before it.
    pub(crate) fn earliest(&self, ahead: u64, weight: u64, now: Ticks) -> Ticks {
        let gate = self.gate.earliest(ahead, self.measures.spacing(), now);
        self.meter.earliest(ahead, weight, now).max(gate)
    }

    /// In walk `walk`, somebody waits for this limit, at least until `until`: nobody younger may take it.
    pub(crate) fn claim(&mut self, walk: u64, until: Ticks) {
        self.claimed_until =
            if self.claimed_in == walk { self.claimed_until.max(until) } else { until };
        self.claimed_in = walk;
    }

    /// Until when somebody older waits for this limit.
    pub(crate) fn claimed(&self, walk: u64) -> Option<Ticks> {
        (self.claimed_in == walk).then_some(self.claimed_until)
    }

    /// Nothing counts here, and nothing can come to count here any more but for the limits in force.
    fn is_idle(&mut self, moment: Moment) -> bool {
        self.meter.expire(moment);
        self.meter.is_empty()
            && self.gate.opens_at(moment.now) <= moment.now
            && Arc::strong_count(&self.hold.0) == 1
    }
}

/// The slots of all limits, and of those that were removed while something counted in them.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// The free ones among them are empty, and no key leads there.
    places: Vec<Slot>,
    free: Vec<u32>,
    /// Slots of limits that are no longer in force. The server goes on counting what was sent, so they are needed if
    /// the limit returns. Bounded, since each of them goes when what it holds has expired and its permits are gone.
    retired: HashMap<LimitId, SlotKey>,
    /// The names of those, in the order in which they are looked at, and of some that are not among them any more.
    round: VecDeque<LimitId>,
}

impl Slots {
    /// The same slots under the same keys, with nothing in them and none retired.
    pub(crate) fn emptied(&self) -> Self {
        let places = self.places.iter().map(|slot| slot.emptied(slot.generation));
        let places = places.collect();
        let mut slots = Self { places, free: self.free.clone(), ..Self::default() };
        for key in self.retired.values() {
            slots.remove(*key);
        }
        slots
    }

    /// Keeps the slot `key` from being forgotten.
    pub(crate) fn hold(&self, key: SlotKey) -> SlotHold {
        self.get(key).map(|slot| slot.hold.clone()).unwrap_or_default()
    }

    /// The limit `id` is no longer in force. Its slot stays until nothing counts in it any more.
    pub(crate) fn retire(&mut self, id: LimitId, key: SlotKey) {
        self.round.push_back(id.clone());
        self.retired.insert(id, key);
    }

    /// The slot that the limit `id` had when it was in force, if anything counts in it still.
    pub(crate) fn revive(&mut self, id: &LimitId) -> Option<SlotKey> {
        self.retired.remove(id)
    }

    /// Forgets all retired slots that nothing counts in.
    pub(crate) fn forget_idle(&mut self, moment: Moment) {
        for _ in 0..self.round.len() {
            self.forget_one(moment);
        }
    }

    /// Forgets one retired slot if nothing counts in it. The next call looks at another, so that calling this now
    /// and then forgets all of them, at no cost worth mentioning each time.
    pub(crate) fn forget_one(&mut self, moment: Moment) {
        let Some(id) = self.round.pop_front() else { return };
        let Some(key) = self.retired.get(&id).copied() else { return };
        if self.get_mut(key).is_none_or(|slot| slot.is_idle(moment)) {
            self.retired.remove(&id);
            self.remove(key);
        } else {
            self.round.push_back(id);
        }
    }

    /// How many slots there are, the retired ones among them.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// How many slots of limits that are no longer in force are kept.
    #[inline]
    pub(crate) fn retired(&self) -> usize {
        self.retired.len()
    }

    pub(crate) fn insert(&mut self, measures: Measures) -> SlotKey {
        if let Some(index) = self.free.pop()
            && let Some(place) = self.places.get_mut(at(index))
        {
            let generation = place.generation;
            *place = Slot { generation, ..Slot::new(measures) };
            return SlotKey { index, generation };
        }
        self.places.push(Slot::new(measures));
        // There are never more than two hundred thousand.
        let index = u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX);
        SlotKey { index, generation: 0 }
    }

    fn remove(&mut self, key: SlotKey) {
        if let Some(slot) = self.get_mut(key) {
            *slot = slot.emptied(key.generation.wrapping_add(1));
            self.free.push(key.index);
        }
    }

    pub(crate) fn get(&self, key: SlotKey) -> Option<&Slot> {
        self.places.get(at(key.index)).filter(|slot| slot.generation == key.generation)
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, key: SlotKey) -> Option<&mut Slot> {
        self.places.get_mut(at(key.index)).filter(|slot| slot.generation == key.generation)
    }

    /// The keys of all slots, the retired ones among them, and of places that will be made anew before they are used.
    pub(crate) fn keys(&self) -> impl Iterator<Item = SlotKey> {
        (0..).zip(&self.places).map(|(index, slot)| SlotKey { index, generation: slot.generation })
    }
}

#[inline(always)]
fn at(index: u32) -> usize {
    // Wide enough wherever this runs.
    usize::try_from(index).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RateLimit;
    use std::time::Duration;

    fn measures(capacity: u32) -> Measures {
        let limit = RateLimit::new("a", capacity, Duration::from_secs(1));
        Measures::new(&limit, capacity, 1.0)
    }

    fn at(now: Ticks) -> Moment {
        Moment { now, wall: 0 }
    }

    #[test]
    fn a_stale_key_finds_nothing_after_its_place_was_taken_again() {
        let mut slots = Slots::default();
        let first = slots.insert(measures(1));
        slots.remove(first);
        slots.remove(first);
        let second = slots.insert(measures(2));
        assert_eq!(first.index, second.index);
        assert!(slots.get(first).is_none() && slots.get_mut(first).is_none());
        assert_eq!(slots.get(second).unwrap().meter.capacity(), 2);
        slots.remove(first);
        assert!(slots.get(second).is_some());
    }

    #[test]
    fn a_retired_slot_stays_until_its_log_and_its_permits_are_gone() {
        let second = Ticks::from_nanos(1_000_000_000);
        let after = second + Duration::from_nanos(1);
        let mut slots = Slots::default();
        let key = slots.insert(measures(1));
        slots.get_mut(key).unwrap().meter.add(1, Ticks::ZERO, Ticks::ZERO);
        let permit = slots.hold(key);
        slots.retire("a".into(), key);
        slots.forget_idle(at(second));
        assert_eq!(slots.revive(&"b".into()), None);
        assert_eq!(slots.revive(&"a".into()), Some(key));
        slots.retire("a".into(), key);
        slots.forget_idle(at(after));
        assert_eq!((slots.len(), slots.emptied().len()), (1, 0), "a permit may be topped up");
        drop(permit);
        slots.forget_one(at(after));
        assert_eq!((slots.len(), slots.revive(&"a".into())), (0, None));
    }
}
