use std::{collections::VecDeque, sync::Arc};

use networkpype_core::{LimitId, Ticks};

use crate::window::Window;

/// Names one slot. Outlives it: a key of a limit that was removed finds nothing, even if its place was taken again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlotKey {
    index: usize,
    generation: u64,
}

/// A limit's window and what is known of the queue in front of it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) window: Window,
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
    fn new(window: Window) -> Self {
        Self {
            window,
            waiting: 0,
            queued: 0,
            claimed_in: 0,
            claimed_until: Ticks::ZERO,
            hold: SlotHold::default(),
        }
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
    fn is_idle(&mut self, now: Ticks) -> bool {
        self.window.expire(now);
        self.window.is_empty() && Arc::strong_count(&self.hold.0) == 1
    }
}

/// The slots of all limits, and of those that were removed while something counted in them.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    places: Vec<Place>,
    free: Vec<usize>,
    /// Slots of limits that are no longer in force. The server goes on counting what was sent, so they are needed if
    /// the limit returns. Bounded, since each of them goes when what it holds has expired and its permits are gone.
    retired: VecDeque<(LimitId, SlotKey)>,
}

#[derive(Debug)]
struct Place {
    generation: u64,
    slot: Option<Slot>,
}

impl Slots {
    /// The same slots under the same keys, with nothing in them and none retired.
    pub(crate) fn emptied(&self) -> Self {
        let places = self.places.iter().map(|place| Place {
            generation: place.generation,
            slot: place.slot.as_ref().map(|slot| Slot::new(slot.window.emptied())),
        });
        let mut slots =
            Self { places: places.collect(), free: self.free.clone(), retired: VecDeque::new() };
        for (_, key) in &self.retired {
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
        self.retired.push_back((id, key));
    }

    /// The slot that the limit `id` had when it was in force, if anything counts in it still.
    pub(crate) fn revive(&mut self, id: &LimitId) -> Option<SlotKey> {
        let place = self.retired.iter().position(|(retired, _)| retired == id)?;
        self.retired.remove(place).map(|(_, key)| key)
    }

    /// Forgets all retired slots that nothing counts in.
    pub(crate) fn forget_idle(&mut self, now: Ticks) {
        for _ in 0..self.retired.len() {
            self.forget_one(now);
        }
    }

    /// Forgets one retired slot if nothing counts in it. The next call looks at another, so that calling this now
    /// and then forgets all of them, at no cost worth mentioning each time.
    pub(crate) fn forget_one(&mut self, now: Ticks) {
        let Some((id, key)) = self.retired.pop_front() else { return };
        if self.get_mut(key).is_none_or(|slot| slot.is_idle(now)) {
            self.remove(key);
        } else {
            self.retired.push_back((id, key));
        }
    }

    /// How many slots there are, the retired ones among them.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.iter().filter(|place| place.slot.is_some()).count()
    }

    pub(crate) fn insert(&mut self, window: Window) -> SlotKey {
        let slot = Slot::new(window);
        match self.free.pop() {
            Some(index) => {
                let place = &mut self.places[index];
                place.slot = Some(slot);
                SlotKey { index, generation: place.generation }
            }
            None => {
                self.places.push(Place { generation: 0, slot: Some(slot) });
                SlotKey { index: self.places.len() - 1, generation: 0 }
            }
        }
    }

    fn remove(&mut self, key: SlotKey) {
        if let Some(place) = self.places.get_mut(key.index)
            && place.generation == key.generation
            && place.slot.take().is_some()
        {
            place.generation += 1;
            self.free.push(key.index);
        }
    }

    pub(crate) fn get(&self, key: SlotKey) -> Option<&Slot> {
        let place = self.places.get(key.index)?;
        place.slot.as_ref().filter(|_| place.generation == key.generation)
    }

    pub(crate) fn get_mut(&mut self, key: SlotKey) -> Option<&mut Slot> {
        let place = self.places.get_mut(key.index)?;
        place.slot.as_mut().filter(|_| place.generation == key.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_stale_key_finds_nothing_after_its_place_was_taken_again() {
        let mut slots = Slots::default();
        let window = |capacity| Window::new(capacity, Duration::from_secs(1));
        let first = slots.insert(window(1));
        slots.remove(first);
        slots.remove(first);
        let second = slots.insert(window(2));
        assert_eq!(first.index, second.index);
        assert!(slots.get(first).is_none() && slots.get_mut(first).is_none());
        assert_eq!(slots.get(second).unwrap().window.capacity(), 2);
        slots.remove(first);
        assert!(slots.get(second).is_some());
    }

    #[test]
    fn a_retired_slot_stays_until_its_log_and_its_permits_are_gone() {
        let second = Ticks::from_nanos(1_000_000_000);
        let after = second + Duration::from_nanos(1);
        let mut slots = Slots::default();
        let key = slots.insert(Window::new(1, Duration::from_secs(1)));
        slots.get_mut(key).unwrap().window.start(1, Ticks::ZERO);
        let permit = slots.hold(key);
        slots.retire("a".into(), key);
        slots.forget_idle(second);
        assert_eq!(slots.revive(&"b".into()), None);
        assert_eq!(slots.revive(&"a".into()), Some(key));
        slots.retire("a".into(), key);
        slots.forget_idle(after);
        assert_eq!((slots.len(), slots.emptied().len()), (1, 0), "a permit may be topped up");
        drop(permit);
        slots.forget_one(after);
        assert_eq!((slots.len(), slots.revive(&"a".into())), (0, None));
    }
}
