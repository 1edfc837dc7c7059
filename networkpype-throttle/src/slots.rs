use networkpype_core::Ticks;

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
}

impl Slot {
    fn new(window: Window) -> Self {
        Self { window, waiting: 0, queued: 0, claimed_in: 0, claimed_until: Ticks::ZERO }
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
}

/// The slots of all limits.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    places: Vec<Place>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Place {
    generation: u64,
    slot: Option<Slot>,
}

impl Slots {
    /// The same slots under the same keys, with nothing in them.
    pub(crate) fn emptied(&self) -> Self {
        let places = self.places.iter().map(|place| Place {
            generation: place.generation,
            slot: place.slot.as_ref().map(|slot| Slot::new(slot.window.emptied())),
        });
        Self { places: places.collect(), free: self.free.clone() }
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

    pub(crate) fn remove(&mut self, key: SlotKey) {
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
}
