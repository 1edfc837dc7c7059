use networkpype_core::{ThrottleError, Ticks};

use crate::{engine::Engine, queue::Ticket, route::Cost};

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
    #[inline]
    pub(super) fn catch_up(&mut self, now: Ticks) {
        if !self.queue.is_empty() || self.slots.retired() > 0 {
            self.do_what_is_due(now);
        }
    }

    fn do_what_is_due(&mut self, now: Ticks) {
        if self.slots.retired() > 0 {
            self.former.forget(now);
            self.slots.forget_one(self.moment(now));
        }
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
        let mut granted = false;
        let mut last = None;
        while let Some((ticket, waiter)) = self.queue.next_head(last) {
            last = Some(ticket);
            let cost = waiter.cost.clone();
            let claimed = cost
                .parts()
                .any(|part| self.slots.get(part.slot).is_some_and(|s| s.claimed(walk).is_some()));
            if !claimed && self.fits(&cost, now) {
                self.each_slot(&cost, |slot, part| slot.grant(part.weight, now));
                if let Some((waiter, _)) = self.dequeue(ticket) {
                    self.settle(ticket, waiter, Ok(Some(cost)));
                }
                granted = true;
                continue;
            }
            if !claimed {
                self.note_next(&cost, granted, now);
            }
            self.each_slot(&cost, |slot, _| slot.claim(walk, now));
        }
    }

    /// Notes when time alone lets `cost` go, which has nobody older before it.
    ///
    /// That may depend on when others start who were `granted` just now. Most do so at once, so that the driver need not
    /// be told: it looks again, once, at the instant at which that would let `cost` go.
    pub(super) fn note_next(&mut self, cost: &Cost, granted: bool, now: Ticks) {
        let moment = self.moment(now);
        let own = self.slots.get(cost.own().slot);
        let mut ready = Some(own.map_or(Ticks::ZERO, |slot| slot.gate.opens_at(Ticks::ZERO)));
        for part in cost.parts() {
            let Some(slot) = self.slots.get_mut(part.slot) else { continue };
            slot.meter.expire(moment);
            let free = slot.meter.free_at(part.weight);
            // Once what is held has settled, more is known.
            self.held |= free.needs_more;
            let opens = slot.gate.opens_at(Ticks::ZERO);
            let at = free.at.or_else(|| granted.then(|| slot.meter.earliest(0, part.weight, now)));
            ready = ready.zip(at).map(|(ready, free)| ready.max(free).max(opens));
        }
        if let Some(at) = ready {
            self.next_grant = Some(self.next_grant.map_or(at, |next| next.min(at)));
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
            let cost = waiter.cost.clone();
            let until = self.earliest(&cost, false, walk, now);
            self.each_slot(&cost, |slot, _| slot.claim(walk, until));
        }
        self.earliest(cost, place.is_none(), walk, now)
    }

    /// No earlier than this can `cost` be granted, by each limit alone and by the claims of walk `walk`.
    fn earliest(&mut self, cost: &Cost, behind_all: bool, walk: u64, now: Ticks) -> Ticks {
        let moment = self.moment(now);
        let own = self.slots.get(cost.own().slot);
        let mut earliest = own.map_or(now, |slot| slot.gate.opens_at(now));
        self.each_slot(cost, |slot, part| {
            slot.meter.expire(moment);
            let ahead = if behind_all { slot.queued } else { 0 };
            let claimed = slot.claimed(walk).unwrap_or(now);
            earliest = earliest.max(slot.earliest(ahead, part.weight, now)).max(claimed);
        });
        earliest
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

pub(super) fn deadline_exceeded(cost: &Cost, ready_at: Ticks, now: Ticks) -> ThrottleError {
    ThrottleError::DeadlineExceeded {
        limit: cost.route.limit.clone(),
        ready_at,
        wait: ready_at.saturating_since(now),
    }
}
