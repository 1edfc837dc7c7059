use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Weak,
};

use networkpype_core::Ticks;

use super::{Effects, Engine, Former, Wish};
use crate::{
    LimitError, LimitKind, RateLimit,
    capacity::Reduction,
    meter::Measures,
    queue::Queue,
    route::{MOST_LIMITS, Plan},
    routes::Routes,
    shared::Shared,
    slots::Slots,
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
        let keys: Vec<_> =
            plan.limits.iter().map(|planned| slots.insert(planned.measures)).collect();
        let routes = plan.routes(&keys, &slots, &Weak::new());
        let (by_clock, heaviest) = (by_clock(&limits), plan.heaviest());
        Ok(Self {
            limits,
            heaviest,
            routes,
            slots,
            by_clock,
            ..Self::empty(reduction, max_waiters)
        })
    }

    /// An engine with the same configuration on which nothing was charged and nobody waits.
    pub(crate) fn fresh(&self) -> Self {
        let slots = self.slots.emptied();
        Self {
            limits: self.limits.clone(),
            heaviest: self.heaviest.clone(),
            banned: self.banned,
            routes: self.routes.iter().map(|route| route.copied(&slots, &Weak::new())).collect(),
            slots,
            by_clock: self.by_clock,
            ..Self::empty(self.reduction, self.max_waiters)
        }
    }

    /// From now on, its permits report to `home`.
    pub(crate) fn move_in(&mut self, home: &Weak<Shared>) {
        self.home = home.clone();
        self.routes = self.routes.iter().map(|route| route.copied(&self.slots, home)).collect();
    }

    fn empty(reduction: Reduction, max_waiters: usize) -> Self {
        Self {
            limits: Vec::new(),
            heaviest: Vec::new(),
            reduction,
            max_waiters,
            routes: Routes::default(),
            former: Former::default(),
            slots: Slots::default(),
            by_clock: false,
            wall: 0,
            banned: Ticks::ZERO,
            home: Weak::new(),
            queue: Queue::default(),
            settled: HashMap::default(),
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
        let moment = self.moment(now);
        self.former.forget(now);
        self.slots.forget_idle(moment);
        let kept = self.slots.retired() + self.limits.len();
        if limits.len() + kept > 2 * MOST_LIMITS {
            return Err(LimitError::TooManyLimits {
                limits: limits.len() + kept,
                most: 2 * MOST_LIMITS,
            });
        }
        let mut keys = Vec::with_capacity(plan.limits.len());
        let mut kept = HashSet::with_capacity(plan.limits.len());
        for planned in &plan.limits {
            let id = &planned.limit.id;
            let there = self.routes.get(id.as_str()).map(|route| route.own_slot());
            let there = there.or_else(|| self.slots.revive(id));
            let key = match there.and_then(|key| Some((key, self.slots.get_mut(key)?))) {
                Some((key, slot)) => {
                    slot.quota = slot.quota.filter(|quota| *quota < planned.limit.limit);
                    let measures = measures(planned.limit, reduction, slot.quota, planned.heaviest);
                    slot.resize(measures, moment);
                    key
                }
                None => self.slots.insert(planned.measures),
            };
            kept.insert(key);
            keys.push(key);
        }
        for gone in self.routes.iter().filter(|route| !kept.contains(&route.own_slot())) {
            self.slots.retire(gone.limit.clone(), gone.own_slot());
        }
        let routes = plan.routes(&keys, &self.slots, &self.home);
        if !routes.charge_the_same(&self.routes) {
            let longest = routes.longest();
            self.former.keep(mem::replace(&mut self.routes, routes), longest, now);
        }
        self.heaviest = plan.heaviest();
        self.ban_new(&keys, now);
        self.by_clock = by_clock(&limits);
        self.limits = limits;
        self.reduction = reduction;
        self.restore_waiters();
        self.advance(now);
        // Here and not only in passing, so that replacing limits forever keeps no more than what still counts.
        self.slots.forget_idle(moment);
        Ok(())
    }

    /// Works out anew what those who wait are charged. They keep their places; those whose limit is gone or can no longer
    /// hold their weight get an error.
    pub(super) fn restore_waiters(&mut self) {
        let waiters = self.queue.drain();
        for waiter in waiters.values() {
            self.count_out(&waiter.cost);
        }
        for (ticket, mut waiter) in waiters {
            let limit = waiter.cost.route.limit.clone();
            let wish = Wish { limit: limit.as_str(), weight: waiter.weight, request: None };
            let priced = self.price(wish).and_then(|priced| {
                let fits = priced.as_ref().map_or(Ok(()), |(cost, _)| self.check_weights(cost));
                fits.map(|()| priced)
            });
            match priced {
                Ok(Some((cost, _))) => {
                    waiter.cost = cost;
                    self.count_in(&waiter.cost);
                    self.queue.restore(ticket, waiter);
                }
                Ok(None) => self.settle(ticket, waiter, Ok(None)),
                Err(error) => self.settle(ticket, waiter, Err(error)),
            }
        }
    }
}

/// The measures of `limit`, of which the server may hold less than was configured. What a request on it usually weighs
/// fits all the same: nothing could go out to learn better.
pub(super) fn measures(
    limit: &RateLimit,
    reduction: Reduction,
    quota: Option<u32>,
    heaviest: u32,
) -> Measures {
    let part = reduction.part(limit.accounting);
    let whole = reduction.apply(limit.limit, limit.accounting);
    let capacity = quota.map_or(whole, |quota| {
        reduction.apply(quota.min(limit.limit), limit.accounting).max(heaviest).min(whole)
    });
    Measures::new(limit, capacity, part)
}

fn by_clock(limits: &[RateLimit]) -> bool {
    limits.iter().any(|limit| matches!(limit.kind, LimitKind::FixedWindow { .. }))
}
