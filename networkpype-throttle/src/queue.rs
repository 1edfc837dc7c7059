use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    task::Waker,
};

use networkpype_core::Ticks;

use crate::route::{Cost, Lane};

/// A place in the queue. Older ones are smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u64);

impl Ticket {
    /// Younger than every other.
    pub(crate) const LAST: Self = Self(u64::MAX);
}

/// Somebody who waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) cost: Cost,
    /// The weight that was asked for, to work the cost out again when limits are replaced.
    pub(crate) weight: Option<u32>,
    pub(crate) deadline: Option<Ticks>,
    pub(crate) waker: Waker,
}

/// Everybody who waits, in order of arrival, and by lane.
///
/// All waiters of a lane charge the same limits, so behind one who has to wait so does the rest of the lane: whoever
/// looks for somebody to grant looks at the heads only.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    issued: u64,
    waiters: BTreeMap<Ticket, Waiter>,
    lanes: BTreeMap<Lane, BTreeSet<Ticket>>,
    heads: BTreeSet<Ticket>,
    deadlines: BTreeSet<(Ticks, Ticket)>,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Takes a place behind everybody.
    pub(crate) fn push(&mut self, waiter: Waiter) -> Ticket {
        let ticket = Ticket(self.issued);
        self.issued += 1;
        self.restore(ticket, waiter);
        ticket
    }

    /// Puts somebody who was [drained](Queue::drain) back into the same place.
    pub(crate) fn restore(&mut self, ticket: Ticket, waiter: Waiter) {
        let lane = self.lanes.entry(waiter.cost.lane()).or_default();
        let head = lane.first().copied();
        lane.insert(ticket);
        if head.is_none_or(|head| ticket < head) {
            self.heads.insert(ticket);
            if let Some(head) = head {
                self.heads.remove(&head);
            }
        }
        if let Some(deadline) = waiter.deadline {
            self.deadlines.insert((deadline, ticket));
        }
        self.waiters.insert(ticket, waiter);
    }

    /// Gives up the place `ticket`, and says whether it was the first of its lane.
    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<(Waiter, bool)> {
        let waiter = self.waiters.remove(&ticket)?;
        if let Some(deadline) = waiter.deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
        let first = self.heads.remove(&ticket);
        let lane = waiter.cost.lane();
        if let Some(tickets) = self.lanes.get_mut(&lane) {
            tickets.remove(&ticket);
            match tickets.first() {
                Some(next) if first => {
                    self.heads.insert(*next);
                }
                Some(_) => {}
                None => {
                    self.lanes.remove(&lane);
                }
            }
        }
        Some((waiter, first))
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Waiter> {
        self.waiters.get(&ticket)
    }

    pub(crate) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Waiter> {
        self.waiters.get_mut(&ticket)
    }

    /// The oldest head that is younger than `after`, or the oldest of all.
    pub(crate) fn next_head(&self, after: Option<Ticket>) -> Option<(Ticket, &Waiter)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ticket = *self.heads.range((start, Bound::Unbounded)).next()?;
        self.waiters.get(&ticket).map(|waiter| (ticket, waiter))
    }

    /// The waiter with the earliest deadline.
    pub(crate) fn first_deadline(&self) -> Option<(Ticks, Ticket)> {
        self.deadlines.first().copied()
    }

    pub(crate) fn waiters(&self) -> impl Iterator<Item = &Waiter> {
        self.waiters.values()
    }

    /// Sends everybody away, in order of arrival.
    pub(crate) fn drain(&mut self) -> BTreeMap<Ticket, Waiter> {
        self.lanes.clear();
        self.heads.clear();
        self.deadlines.clear();
        std::mem::take(&mut self.waiters)
    }
}
