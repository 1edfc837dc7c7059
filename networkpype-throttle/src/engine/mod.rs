mod configure;
mod schedule;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, mem, sync::Arc, task::Waker};

use networkpype_core::{LimitId, ThrottleError, Ticks};

use crate::{
    RateLimit,
    capacity::Reduction,
    engine::schedule::deadline_exceeded,
    queue::{Queue, Ticket, Waiter},
    route::{Cost, Route},
    slots::Slots,
    window::Window,
};

/// What was granted. `None` where nothing limits, and so nothing is charged.
pub(crate) type Grant = Option<Cost>;

/// The answer to somebody who is prepared to wait.
#[derive(Debug)]
pub(crate) enum Asked {
    Granted(Grant),
    Waits(Ticket),
}

/// Who may go, and when: all decisions of a throttler, without a clock, a lock or a task.
///
/// Every method takes the present instant, which never goes backwards. Wakers are not woken here, since that runs
/// foreign code: the shell [takes](Engine::take_effects) them and wakes outside its lock.
///
/// Between calls, nobody waits who could have been granted at the instant of the last call but for the passing of
/// time; [`wake_at`](Engine::wake_at) says when time changes that.
#[derive(Debug)]
pub(crate) struct Engine {
    limits: Vec<RateLimit>,
    reduction: Reduction,
    max_waiters: usize,
    routes: HashMap<LimitId, Arc<Route>>,
    slots: Slots,
    queue: Queue,
    /// The answers for waiters that have not come for theirs yet.
    settled: HashMap<Ticket, Result<Grant, ThrottleError>>,
    /// When the first of those who wait can be granted by the passing of time.
    next_grant: Option<Ticks>,
    /// Somebody waits for weight that is reserved: once it starts, time will free it.
    held: bool,
    /// How many walks over the queue there were, so that marks of earlier ones need no clearing.
    walks: u64,
    effects: Effects,
}

/// Wakers to wake, and wakers to drop, which may run foreign code as well.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) wake: Vec<Waker>,
    pub(crate) discard: Vec<Waker>,
}

impl Engine {
    pub(crate) fn limits(&self) -> &[RateLimit] {
        &self.limits
    }

    pub(crate) fn reduction(&self) -> Reduction {
        self.reduction
    }

    pub(crate) fn max_waiters(&self) -> usize {
        self.max_waiters
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether `ticket` waits: neither answered nor gone.
    pub(crate) fn waits(&self, ticket: Ticket) -> bool {
        self.queue.get(ticket).is_some()
    }

    /// What counts in the window of `limit` now, and what it holds at most.
    pub(crate) fn usage(&mut self, limit: &str, now: Ticks) -> Option<(u64, u32)> {
        let (key, _) = self.routes.get(limit)?.cost(None).own();
        let window = &mut self.slots.get_mut(key)?.window;
        window.expire(now);
        Some((window.used(), window.capacity()))
    }

    /// Grants a request on `limit`, or gives it a place in the queue.
    pub(crate) fn ask(
        &mut self,
        limit: &str,
        weight: Option<u32>,
        deadline: Option<Ticks>,
        waker: &Waker,
        now: Ticks,
    ) -> Result<Asked, ThrottleError> {
        let Some(cost) = self.cost(limit, weight)? else {
            return Ok(Asked::Granted(None));
        };
        self.catch_up(now);
        if self.take_now(&cost, now) {
            return Ok(Asked::Granted(Some(cost)));
        }
        if let Some(deadline) = deadline {
            let ready_at = self.estimate(&cost, None, now);
            if ready_at > deadline {
                return Err(deadline_exceeded(&cost, ready_at, now));
            }
        }
        if self.queue.len() >= self.max_waiters {
            return Err(ThrottleError::QueueFull {
                limit: cost.route.limit.clone(),
                max_waiters: self.max_waiters,
            });
        }
        // Behind somebody older it cannot be the next to go, so that the queue need not be walked.
        let behind =
            cost.parts().any(|(key, _)| self.slots.get(key).is_some_and(|s| s.waiting > 0));
        if !behind {
            self.note_next(&cost);
        }
        let waiter = Waiter { cost, weight, deadline, waker: waker.clone() };
        self.count_in(&waiter.cost);
        Ok(Asked::Waits(self.queue.push(waiter)))
    }

    /// Grants a request on `limit` now or not at all.
    pub(crate) fn try_ask(
        &mut self,
        limit: &str,
        weight: Option<u32>,
        now: Ticks,
    ) -> Result<Grant, ThrottleError> {
        let Some(cost) = self.cost(limit, weight)? else {
            return Ok(None);
        };
        self.catch_up(now);
        if self.take_now(&cost, now) {
            return Ok(Some(cost));
        }
        let retry_at = self.estimate(&cost, None, now);
        Err(ThrottleError::NotYet {
            limit: cost.route.limit.clone(),
            retry_at,
            retry_after: retry_at.saturating_since(now),
        })
    }

    /// The answer for the waiter `ticket`, once there is one. Until then, `waker` is who to wake.
    pub(crate) fn poll(
        &mut self,
        ticket: Ticket,
        waker: &Waker,
        now: Ticks,
    ) -> Option<Result<Grant, ThrottleError>> {
        self.catch_up(now);
        if let Some(answer) = self.settled.remove(&ticket) {
            return Some(answer);
        }
        match self.queue.get_mut(ticket) {
            Some(waiter) if waiter.waker.will_wake(waker) => {}
            Some(waiter) => {
                self.effects.discard.push(mem::replace(&mut waiter.waker, waker.clone()));
            }
            // Neither waiting nor answered: the answer was given to an earlier call.
            None => return Some(Err(ThrottleError::Closed)),
        }
        None
    }

    /// The waiter `ticket` gave up: it leaves the queue, or gives back what it was granted and had not come for.
    pub(crate) fn cancel(&mut self, ticket: Ticket, now: Ticks) {
        if let Some((waiter, first)) = self.dequeue(ticket) {
            self.effects.discard.push(waiter.waker);
            if first {
                self.advance(now);
            }
        } else if let Some(Ok(Some(cost))) = self.settled.remove(&ticket) {
            self.release(&cost, now);
        }
    }

    /// Everybody who waits gets `error`.
    pub(crate) fn fail_all(&mut self, error: &ThrottleError) {
        for (ticket, waiter) in self.queue.drain() {
            self.count_out(&waiter.cost);
            self.settle(ticket, waiter, Err(error.clone()));
        }
        self.next_grant = None;
        self.held = false;
    }

    /// Everybody who waits is to be woken, without an answer.
    pub(crate) fn wake_all(&mut self) {
        self.effects.wake.extend(self.queue.waiters().map(|waiter| waiter.waker.clone()));
    }

    /// A grant that has not started is given back.
    pub(crate) fn release(&mut self, cost: &Cost, now: Ticks) {
        self.each_window(cost, |window, weight| window.release(weight));
        self.advance(now);
    }

    /// A grant starts: from now on its weight ages.
    pub(crate) fn start(&mut self, cost: &Cost, now: Ticks) {
        self.each_window(cost, |window, weight| {
            window.expire(now);
            window.start(weight, now);
        });
        if self.held {
            self.advance(now);
        }
    }

    /// A grant that started `at` is given back.
    pub(crate) fn refund(&mut self, cost: &Cost, at: Ticks, now: Ticks) {
        self.each_window(cost, |window, weight| window.remove(weight, at));
        self.advance(now);
    }

    /// A grant weighs `weight` more on the limit that it named than was charged. `started`: when, if it did.
    pub(crate) fn top_up(
        &mut self,
        cost: &mut Cost,
        weight: u32,
        started: Option<Ticks>,
        now: Ticks,
    ) {
        let weight = u64::from(weight);
        if weight == 0 {
            return;
        }
        cost.raise(weight);
        if let Some(slot) = self.slots.get_mut(cost.own().0) {
            match started {
                Some(at) => slot.window.add(weight, at, now),
                None => slot.window.reserve(weight),
            }
        }
    }

    /// What to wake and to drop, outside of all locks.
    pub(crate) fn take_effects(&mut self) -> Effects {
        mem::take(&mut self.effects)
    }

    fn cost(&self, limit: &str, weight: Option<u32>) -> Result<Grant, ThrottleError> {
        if self.routes.is_empty() {
            return Ok(None);
        }
        let Some(route) = self.routes.get(limit) else {
            return Err(ThrottleError::UnknownLimit(limit.into()));
        };
        let cost = route.cost(weight);
        let (key, own) = cost.own();
        let capacity = self.slots.get(key).map_or(0, |slot| slot.window.capacity());
        // The linked weights were checked with the limits.
        if own > u64::from(capacity) {
            return Err(ThrottleError::WeightAboveLimit {
                limit: route.limit.clone(),
                weight: u32::try_from(own).unwrap_or(u32::MAX),
                capacity,
            });
        }
        Ok(Some(cost))
    }

    /// Reserves all of `cost` if all of it fits and nobody older waits for any of it; otherwise none.
    fn take_now(&mut self, cost: &Cost, now: Ticks) -> bool {
        let free = self.fits(cost, now)
            && cost.parts().all(|(key, _)| self.slots.get(key).is_none_or(|s| s.waiting == 0));
        if free {
            self.each_window(cost, |window, weight| window.reserve(weight));
        }
        free
    }

    fn fits(&mut self, cost: &Cost, now: Ticks) -> bool {
        cost.parts().all(|(key, weight)| {
            self.slots.get_mut(key).is_none_or(|slot| {
                slot.window.expire(now);
                slot.window.fits(weight)
            })
        })
    }

    fn dequeue(&mut self, ticket: Ticket) -> Option<(Waiter, bool)> {
        let (waiter, first) = self.queue.remove(ticket)?;
        self.count_out(&waiter.cost);
        Some((waiter, first))
    }

    fn settle(&mut self, ticket: Ticket, waiter: Waiter, answer: Result<Grant, ThrottleError>) {
        self.settled.insert(ticket, answer);
        self.effects.wake.push(waiter.waker);
    }

    fn count_in(&mut self, cost: &Cost) {
        for (key, weight) in cost.parts() {
            if let Some(slot) = self.slots.get_mut(key) {
                slot.waiting += 1;
                slot.queued = slot.queued.saturating_add(weight);
            }
        }
    }

    fn count_out(&mut self, cost: &Cost) {
        for (key, weight) in cost.parts() {
            if let Some(slot) = self.slots.get_mut(key) {
                slot.waiting = slot.waiting.saturating_sub(1);
                slot.queued = slot.queued.saturating_sub(weight);
            }
        }
    }

    fn each_window(&mut self, cost: &Cost, mut act: impl FnMut(&mut Window, u64)) {
        for (key, weight) in cost.parts() {
            if let Some(slot) = self.slots.get_mut(key) {
                act(&mut slot.window, weight);
            }
        }
    }
}
