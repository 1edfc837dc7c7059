mod configure;
mod former;
mod learn;
mod schedule;
#[cfg(test)]
mod tests;
mod use_of;

use std::{collections::HashMap, mem, sync::Weak, task::Waker};

use networkpype_core::{RestRequest, ThrottleError, Ticks};

use self::former::Former;
pub(crate) use self::use_of::Stage;
use crate::{
    RateLimit,
    capacity::Reduction,
    engine::schedule::deadline_exceeded,
    meter::{Moment, weight_of},
    queue::{Queue, Ticket, Waiter},
    route::{Cost, Part, RouteKey, Settles},
    routes::Routes,
    shared::Shared,
    slots::{Slot, Slots},
    started_permit::Charge,
};

/// What was granted. `None` where nothing limits, and so nothing is charged.
pub(crate) type Grant = Option<Cost>;

/// What somebody asks for.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) limit: &'a str,
    /// In place of the limit's own.
    pub(crate) weight: Option<u32>,
    /// What the weight depends on, where it is not named.
    pub(crate) request: Option<&'a RestRequest>,
}

impl<'a> Wish<'a> {
    pub(crate) fn new(limit: &'a str) -> Self {
        Self { limit, weight: None, request: None }
    }

    /// What `charge` asks for. `None` if that is nothing.
    pub(crate) fn of(charge: &networkpype_core::Charge<'a>) -> Option<Self> {
        let limit = charge.limit?.as_str();
        Some(Self { limit, weight: charge.weight, request: charge.request })
    }
}

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
    /// Of each limit, what the heaviest request weighs on it that names no weight of its own.
    heaviest: Vec<u32>,
    reduction: Reduction,
    max_waiters: usize,
    routes: Routes,
    former: Former,
    slots: Slots,
    /// Whether any limit counts by the server's clock.
    by_clock: bool,
    /// What is to be added to ticks for the server's time, when the shell last looked.
    wall: i64,
    /// Until when all requests are banned, whatever limit they name.
    banned: Ticks,
    /// What permits report to.
    home: Weak<Shared>,
    queue: Queue,
    /// The answers for waiters that have not come for theirs yet.
    settled: HashMap<Ticket, Result<Grant, ThrottleError>, foldhash::fast::RandomState>,
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

    /// Whether the server's time matters: then the shell [tells](Engine::set_wall) it.
    pub(crate) fn needs_wall(&self) -> bool {
        self.by_clock
    }

    /// `wall` is what is to be added to ticks for the server's time since the epoch, in nanoseconds.
    pub(crate) fn set_wall(&mut self, wall: i64) {
        self.wall = wall;
    }

    fn moment(&self, now: Ticks) -> Moment {
        Moment { now, wall: self.wall }
    }

    /// The slot of `limit`, up to date.
    pub(crate) fn look(&mut self, limit: &str, now: Ticks) -> Option<&Slot> {
        let moment = self.moment(now);
        let slot = self.slots.get_mut(self.routes.get(limit)?.own_slot())?;
        slot.meter.expire(moment);
        Some(slot)
    }

    /// Until when all requests are banned, if that is later than `now`.
    pub(crate) fn banned_until(&self, now: Ticks) -> Option<Ticks> {
        Some(self.banned).filter(|banned| *banned > now)
    }

    /// Grants what `wish` asks for, or gives it a place in the queue.
    pub(crate) fn ask(
        &mut self,
        wish: Wish<'_>,
        deadline: Option<Ticks>,
        waker: &Waker,
        now: Ticks,
    ) -> Result<Asked, ThrottleError> {
        let Some((cost, weight)) = self.price(wish)? else {
            return Ok(Asked::Granted(None));
        };
        self.catch_up(now);
        if self.take_now(&cost, now) {
            return Ok(Asked::Granted(Some(cost)));
        }
        self.check_weights(&cost)?;
        self.check_ban(&cost, now)?;
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
            cost.parts().any(|part| self.slots.get(part.slot).is_some_and(|s| s.waiting > 0));
        if !behind {
            self.note_next(&cost, false, now);
        }
        let waiter = Waiter { cost, weight, deadline, waker: waker.clone() };
        self.count_in(&waiter.cost);
        Ok(Asked::Waits(self.queue.push(waiter)))
    }

    /// Grants what `wish` asks for now or not at all.
    pub(crate) fn try_ask(&mut self, wish: Wish<'_>, now: Ticks) -> Result<Grant, ThrottleError> {
        let Some((cost, _)) = self.price(wish)? else {
            return Ok(None);
        };
        self.catch_up(now);
        if self.take_now(&cost, now) { Ok(Some(cost)) } else { Err(self.not_yet(&cost, now)) }
    }

    /// Grants a request on `limit` and starts it, if that is as simple as can be: nobody waits, nothing is due, and it
    /// fits. `None` says nothing of why not.
    #[inline(always)]
    pub(crate) fn start_at_once(&mut self, limit: &str, now: Ticks) -> Option<Charge> {
        if !self.queue.is_empty() || self.slots.retired() > 0 || self.banned > now {
            return None;
        }
        let moment = self.moment(now);
        let route = self.routes.get(limit)?;
        if route.is_uncharged() {
            return None;
        }
        let parts = route.usual();
        if let [part] = parts {
            if !start_on(self.slots.get_mut(part.slot)?, part, moment) {
                return None;
            }
        } else {
            for part in parts {
                let slot = self.slots.get_mut(part.slot);
                if !slot.is_some_and(|slot| start_on(slot, part, moment)) {
                    // Rare enough that looking at all of them first, each time, would cost more.
                    undo(&mut self.slots, parts, part, now);
                    return None;
                }
            }
        }
        if route.awaits_answer() {
            return Some(Charge::Cost(route.cost(None)));
        }
        let (epoch, position) = (self.former.epoch(), route.position);
        Some(Charge::Usual(RouteKey { epoch, position }))
    }

    /// What a request was charged on the route `key`, if that may count still.
    pub(crate) fn find(&self, key: RouteKey) -> Option<Cost> {
        let routes = if key.epoch == self.former.epoch() {
            &self.routes
        } else {
            self.former.routes(key.epoch)?
        };
        routes.at(key.position).map(|route| route.cost(None))
    }

    #[cold]
    fn not_yet(&mut self, cost: &Cost, now: Ticks) -> ThrottleError {
        let never = self.check_weights(cost).and_then(|()| self.check_ban(cost, now));
        never.err().unwrap_or_else(|| {
            let retry_at = self.estimate(cost, None, now);
            ThrottleError::NotYet {
                limit: cost.route.limit.clone(),
                retry_at,
                retry_after: retry_at.saturating_since(now),
            }
        })
    }

    /// When what `wish` asks for could be granted, by the same estimate as that of deadlines. Nothing is charged.
    pub(crate) fn when_free(&mut self, wish: Wish<'_>, now: Ticks) -> Result<Ticks, ThrottleError> {
        let Some((cost, _)) = self.price(wish)? else {
            return self.check_ban_of_all(now).map(|()| now);
        };
        self.catch_up(now);
        self.check_weights(&cost)?;
        self.check_ban(&cost, now)?;
        Ok(if self.is_free(&cost, now) { now } else { self.estimate(&cost, None, now) })
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
            self.give_back(&cost, Stage::Granted, now);
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

    #[inline]
    pub(crate) fn has_no_effects(&self) -> bool {
        self.effects.wake.is_empty() && self.effects.discard.is_empty()
    }

    /// What to wake and to drop, outside of all locks.
    pub(crate) fn take_effects(&mut self) -> Effects {
        mem::take(&mut self.effects)
    }

    /// What `wish` costs, and the weight that was named, by the caller or by a rule. `None` where nothing limits.
    #[inline]
    fn price(&self, wish: Wish<'_>) -> Result<Option<(Cost, Option<u32>)>, ThrottleError> {
        let Some(route) = self.routes.get(wish.limit) else {
            return if self.routes.is_empty() {
                Ok(None)
            } else {
                Err(ThrottleError::UnknownLimit(wish.limit.into()))
            };
        };
        let by_rule = || wish.request.and_then(|request| route.weight_of(request));
        let weight = wish.weight.or_else(by_rule);
        Ok(Some((route.cost(weight), weight)))
    }

    /// Whether `cost` could ever be granted. What cannot does not fit either, so this is asked only of what does not.
    fn check_weights(&self, cost: &Cost) -> Result<(), ThrottleError> {
        for part in cost.parts() {
            let capacity = self.slots.get(part.slot).map_or(0, |slot| slot.meter.capacity());
            if part.weight > u64::from(capacity) {
                return Err(ThrottleError::WeightAboveLimit {
                    limit: self.name_of(part.slot, cost),
                    weight: weight_of(part.weight),
                    capacity,
                });
            }
        }
        Ok(())
    }

    /// Takes all of `cost` if all of it fits and nobody older waits for any of it; otherwise none.
    #[inline]
    fn take_now(&mut self, cost: &Cost, now: Ticks) -> bool {
        let free = self.is_free(cost, now);
        if free {
            self.each_slot(cost, |slot, part| slot.grant(part.weight, now));
        }
        free
    }

    #[inline]
    fn is_free(&mut self, cost: &Cost, now: Ticks) -> bool {
        // A ban closes the gates of all limits, and there may be none among them that this charges.
        self.banned <= now
            && cost.parts().all(|part| self.slots.get(part.slot).is_none_or(|s| s.waiting == 0))
            && self.fits(cost, now)
    }

    /// Whether the server lets anything go on the limit that was named, where nothing of it is charged.
    #[inline]
    fn uncharged_open(&self, cost: &Cost, now: Ticks) -> bool {
        let own = cost.own();
        own.weight > 0 || self.slots.get(own.slot).is_none_or(|slot| slot.gate.opens_at(now) <= now)
    }

    fn fits(&mut self, cost: &Cost, now: Ticks) -> bool {
        let moment = self.moment(now);
        self.uncharged_open(cost, now)
            && cost.parts().all(|part| {
                self.slots.get_mut(part.slot).is_none_or(|slot| slot.admits(part.weight, moment))
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
        self.each_slot(cost, |slot, part| {
            slot.waiting += 1;
            slot.queued = slot.queued.saturating_add(part.weight);
        });
    }

    fn count_out(&mut self, cost: &Cost) {
        self.each_slot(cost, |slot, part| {
            slot.waiting = slot.waiting.saturating_sub(1);
            slot.queued = slot.queued.saturating_sub(part.weight);
        });
    }

    #[inline]
    fn each_slot(&mut self, cost: &Cost, mut act: impl FnMut(&mut Slot, Part)) {
        for part in cost.parts() {
            if let Some(slot) = self.slots.get_mut(part.slot) {
                act(slot, part);
            }
        }
    }
}

/// Charges `part` as something that starts now, if it fits.
#[inline(always)]
fn start_on(slot: &mut Slot, part: &Part, moment: Moment) -> bool {
    slot.gate.is_open(moment.now)
        && match part.settles {
            Settles::AtStart => slot.meter.try_add_now(weight_of(part.weight), moment),
            Settles::AtAnswer { .. } => slot.meter.try_send(part.weight, moment),
        }
}

/// `failed` did not fit, and what stands before it among `parts` has just started.
#[cold]
fn undo(slots: &mut Slots, parts: &[Part], failed: &Part, now: Ticks) {
    // No limit is there twice.
    for part in parts.iter().take_while(|part| part.slot != failed.slot) {
        if let Some(slot) = slots.get_mut(part.slot) {
            use_of::give_back(&mut slot.meter, *part, Stage::Started(now), now);
        }
    }
}
