use networkpype_core::{ThrottleError, Ticks};

use crate::{engine::Engine, queue::Ticket, route::Cost, slots::Slots};

/// Who of those who wait is next, and when.
impl Engine {
    /// Grants everybody who fits and sends away everybody whose deadline has passed.
    pub(crate) fn advance(&mut self, now: Ticks) {
        // A deadline that passed before now is missed, even if there is room by now; one at this instant is not.
        self.expire(now, |deadline| deadline < now);
        self.grant(now);
        if self.expire(now, |deadline| deadline <= now) {
            self.grant(now);
        }
    }

    /// When [`advance`](Engine::advance) is to be called next. `None`: not before something else happens.
    pub(crate) fn wake_at(&self) -> Option<Ticks> {
        let deadline = self.queue.first_deadline().map(|(deadline, _)| deadline);
        [self.next_grant, deadline].into_iter().flatten().min()
    }

    /// Does what the passing of time makes due, in case the driver is late.
    pub(super) fn catch_up(&mut self, now: Ticks) {
        self.slots.forget_one(now);
        if self.wake_at().is_some_and(|due| due <= now) {
            self.advance(now);
        }
    }

    /// Walks the heads of the queue in order of arrival. Whoever has to wait claims all limits that it charges, so
    /// that nobody younger takes them first; whoever finds its limits unclaimed and with room is granted.
    fn grant(&mut self, now: Ticks) {
        self.next_grant = None;
        self.held = false;
        self.walks += 1;
        let walk = self.walks;
        let mut last = None;
        while let Some((ticket, waiter)) = self.queue.next_head(last) {
            last = Some(ticket);
            let cost = waiter.cost.clone();
            let claimed = cost
                .parts()
                .any(|(key, _)| self.slots.get(key).is_some_and(|s| s.claimed(walk).is_some()));
            if !claimed && self.fits(&cost, now) {
                self.each_window(&cost, |window, weight| window.reserve(weight));
                if let Some((waiter, _)) = self.dequeue(ticket) {
                    self.settle(ticket, waiter, Ok(Some(cost)));
                }
                continue;
            }
            if !claimed {
                self.note_next(&cost);
            }
            for (key, _) in cost.parts() {
                if let Some(slot) = self.slots.get_mut(key) {
                    slot.claim(walk, now);
                }
            }
        }
    }

    /// Notes when time alone lets `cost` go, which has nobody older before it.
    pub(super) fn note_next(&mut self, cost: &Cost) {
        let ready = cost.parts().try_fold(Ticks::ZERO, |ready, (key, weight)| {
            let Some(slot) = self.slots.get(key) else { return Some(ready) };
            slot.window.free_at(weight).map(|at| at.max(ready))
        });
        match ready {
            Some(at) => self.next_grant = Some(self.next_grant.map_or(at, |next| next.min(at))),
            None => self.held = true,
        }
    }

    /// No earlier than this can `cost` be granted if everybody older than `place` goes first and nobody gives
    /// anything back; `None` for somebody who has yet to take a place.
    ///
    /// What older waiters are known to wait for is followed from head to head, so that somebody behind a waiter that
    /// waits for another limit is told of that. Those in the middle of a lane are only counted by their weight.
    pub(super) fn estimate(&mut self, cost: &Cost, place: Option<Ticket>, now: Ticks) -> Ticks {
        self.walks += 1;
        let walk = self.walks;
        let before = place.unwrap_or(Ticket::LAST);
        let mut last = None;
        while let Some((ticket, waiter)) = self.queue.next_head(last).filter(|(at, _)| *at < before)
        {
            last = Some(ticket);
            let until = self.slots.earliest(&waiter.cost, false, walk, now);
            for (key, _) in waiter.cost.parts() {
                if let Some(slot) = self.slots.get_mut(key) {
                    slot.claim(walk, until);
                }
            }
        }
        self.slots.earliest(cost, place.is_none(), walk, now)
    }

    /// Sends away those whose deadline `is_over`, and says whether there were any.
    fn expire(&mut self, now: Ticks, is_over: impl Fn(Ticks) -> bool) -> bool {
        let mut any = false;
        while let Some((_, ticket)) = self.queue.first_deadline().filter(|(at, _)| is_over(*at)) {
            let Some(cost) = self.queue.get(ticket).map(|waiter| waiter.cost.clone()) else {
                break;
            };
            let ready_at = self.estimate(&cost, Some(ticket), now);
            if let Some((waiter, _)) = self.dequeue(ticket) {
                self.settle(ticket, waiter, Err(deadline_exceeded(&cost, ready_at, now)));
            }
            any = true;
        }
        any
    }
}

impl Slots {
    /// No earlier than this can `cost` be granted, by each window alone and by the claims of walk `walk`.
    fn earliest(&self, cost: &Cost, behind_all: bool, walk: u64, now: Ticks) -> Ticks {
        cost.parts().fold(now, |earliest, (key, weight)| {
            let Some(slot) = self.get(key) else { return earliest };
            let ahead = if behind_all { slot.queued } else { 0 };
            let claimed = slot.claimed(walk).unwrap_or(now);
            earliest.max(slot.window.earliest(ahead, weight, now)).max(claimed)
        })
    }
}

pub(super) fn deadline_exceeded(cost: &Cost, ready_at: Ticks, now: Ticks) -> ThrottleError {
    ThrottleError::DeadlineExceeded {
        limit: cost.route.limit.clone(),
        ready_at,
        wait: ready_at.saturating_since(now),
    }
}
