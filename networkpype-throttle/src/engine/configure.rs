use std::{collections::HashMap, mem, sync::Arc};

use networkpype_core::{LimitId, Ticks};

use super::{Effects, Engine};
use crate::{
    LimitError, RateLimit,
    capacity::Reduction,
    queue::Queue,
    route::{Plan, Planned, Route},
    slots::Slots,
    window::Window,
};

/// Which limits are in force.
impl Engine {
    pub(crate) fn new(
        limits: Vec<RateLimit>,
        reduction: Reduction,
        max_waiters: usize,
    ) -> Result<Self, LimitError> {
        let plan = Plan::new(&limits, reduction)?;
        let mut slots = Slots::default();
        let window = |planned: &Planned<'_>| Window::new(planned.capacity, planned.limit.interval);
        let keys: Vec<_> = plan.limits.iter().map(|limit| slots.insert(window(limit))).collect();
        let routes = plan.routes(&keys, &slots);
        Ok(Self { limits, routes, slots, ..Self::empty(reduction, max_waiters) })
    }

    /// An engine with the same configuration on which nothing was charged and nobody waits.
    pub(crate) fn fresh(&self) -> Self {
        let slots = self.slots.emptied();
        let copied =
            |(id, route): (&LimitId, &Arc<Route>)| (id.clone(), Arc::new(route.copied(&slots)));
        Self {
            limits: self.limits.clone(),
            routes: self.routes.iter().map(copied).collect(),
            slots,
            ..Self::empty(self.reduction, self.max_waiters)
        }
    }

    fn empty(reduction: Reduction, max_waiters: usize) -> Self {
        Self {
            limits: Vec::new(),
            reduction,
            max_waiters,
            routes: HashMap::new(),
            slots: Slots::default(),
            queue: Queue::default(),
            settled: HashMap::new(),
            next_grant: None,
            held: false,
            walks: 0,
            effects: Effects::default(),
        }
    }

    /// Puts other limits in force, or the same with another reduction. Nothing changes if they are not consistent.
    ///
    /// A limit whose name stays or returns keeps what it counted. Waiters keep their places; those whose limit is gone or can
    /// no longer hold their weight get an error.
    pub(crate) fn configure(
        &mut self,
        limits: Vec<RateLimit>,
        reduction: Reduction,
        now: Ticks,
    ) -> Result<(), LimitError> {
        let plan = Plan::new(&limits, reduction)?;
        let waiters = self.queue.drain();
        for waiter in waiters.values() {
            self.count_out(&waiter.cost);
        }
        let mut before = mem::take(&mut self.routes);
        let mut keys = Vec::with_capacity(plan.limits.len());
        for planned in &plan.limits {
            let RateLimit { id, interval, .. } = planned.limit;
            let kept = before.remove(id).map(|route| route.cost(None).own().0);
            let kept = kept.or_else(|| self.slots.revive(id));
            keys.push(match kept.and_then(|key| Some((key, self.slots.get_mut(key)?))) {
                Some((key, slot)) => {
                    slot.window.resize(planned.capacity, *interval, now);
                    key
                }
                None => self.slots.insert(Window::new(planned.capacity, *interval)),
            });
        }
        for (id, gone) in before {
            self.slots.retire(id, gone.cost(None).own().0);
        }
        self.routes = plan.routes(&keys, &self.slots);
        self.limits = limits;
        self.reduction = reduction;
        for (ticket, mut waiter) in waiters {
            match self.cost(waiter.cost.route.limit.as_str(), waiter.weight) {
                Ok(Some(cost)) => {
                    waiter.cost = cost;
                    self.count_in(&waiter.cost);
                    self.queue.restore(ticket, waiter);
                }
                Ok(None) => self.settle(ticket, waiter, Ok(None)),
                Err(error) => self.settle(ticket, waiter, Err(error)),
            }
        }
        self.advance(now);
        // Here and not only in passing, so that replacing limits forever keeps no more than what still counts.
        self.slots.forget_idle(now);
        Ok(())
    }
}
