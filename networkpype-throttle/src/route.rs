use std::{collections::HashMap, sync::Arc};

use networkpype_core::LimitId;

use crate::{
    LimitError, RateLimit,
    capacity::Reduction,
    slots::{SlotHold, SlotKey, Slots},
};

/// What a request that names one limit is charged: that limit, and those linked to it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) limit: LimitId,
    slot: SlotKey,
    /// The limit's own weight, which a charge may replace.
    weight: u32,
    /// What the limit's links to itself add to that.
    itself: u64,
    /// What the other linked limits are charged; none of it zero, no limit twice.
    links: Box<[(SlotKey, u64)]>,
    /// A permit may be topped up on the limit that it named as long as it lives, even if nothing of it is charged
    /// there yet, and even if that limit was removed.
    _hold: SlotHold,
}

impl Route {
    /// The same route to the slots of a copy.
    pub(crate) fn copied(&self, slots: &Slots) -> Self {
        Self {
            limit: self.limit.clone(),
            links: self.links.clone(),
            _hold: slots.hold(self.slot),
            ..*self
        }
    }

    /// What one request costs, with `weight` in place of the limit's own.
    pub(crate) fn cost(self: &Arc<Self>, weight: Option<u32>) -> Cost {
        let own = u64::from(weight.unwrap_or(self.weight)).saturating_add(self.itself);
        Cost { own, route: Arc::clone(self) }
    }
}

/// What one request is charged. Keeps its meaning when limits are replaced.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    pub(crate) route: Arc<Route>,
    own: u64,
}

impl Cost {
    /// The limits charged and how much each; none of it zero, no limit twice.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (SlotKey, u64)> {
        let own = Some((self.route.slot, self.own)).filter(|(_, weight)| *weight > 0);
        own.into_iter().chain(self.route.links.iter().copied())
    }

    /// What the limit that was named is charged.
    pub(crate) fn own(&self) -> (SlotKey, u64) {
        (self.route.slot, self.own)
    }

    /// Raises what the limit that was named is charged.
    pub(crate) fn raise(&mut self, weight: u64) {
        self.own = self.own.saturating_add(weight);
    }

    /// The waiters of one lane charge exactly the same limits, if not the same weights.
    pub(crate) fn lane(&self) -> Lane {
        Lane(self.route.slot, self.own > 0)
    }
}

/// A set of limits that is charged by some waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane(SlotKey, bool);

/// A set of limits that was found to be consistent, by position.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) limits: Vec<Planned<'a>>,
}

#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) limit: &'a RateLimit,
    pub(crate) capacity: u32,
    itself: u64,
    /// Positions of other limits, and what they are charged.
    links: Vec<(usize, u64)>,
}

impl<'a> Plan<'a> {
    /// Checks `limits` and adds up their links.
    pub(crate) fn new(limits: &'a [RateLimit], reduction: Reduction) -> Result<Self, LimitError> {
        let mut positions = HashMap::with_capacity(limits.len());
        for (position, limit) in limits.iter().enumerate() {
            if positions.insert(&limit.id, position).is_some() {
                return Err(LimitError::DuplicateLimit(limit.id.clone()));
            }
            if limit.limit == 0 {
                return Err(LimitError::ZeroLimit(limit.id.clone()));
            }
            if limit.interval.is_zero() {
                return Err(LimitError::ZeroInterval(limit.id.clone()));
            }
        }
        let mut planned = Vec::with_capacity(limits.len());
        for (position, limit) in limits.iter().enumerate() {
            let mut itself = 0_u64;
            let mut links: Vec<(usize, u64)> = Vec::new();
            for linked in &limit.linked_limits {
                let Some(&other) = positions.get(&linked.id) else {
                    return Err(LimitError::UnknownLinkedLimit {
                        limit: limit.id.clone(),
                        linked: linked.id.clone(),
                    });
                };
                let weight = u64::from(linked.weight);
                if other == position {
                    itself = itself.saturating_add(weight);
                } else if let Some((_, sum)) = links.iter_mut().find(|(at, _)| *at == other) {
                    *sum = sum.saturating_add(weight);
                } else {
                    links.push((other, weight));
                }
            }
            links.retain(|(_, weight)| *weight > 0);
            let own = u64::from(limit.weight).saturating_add(itself);
            for (charged, weight) in std::iter::once((position, own)).chain(links.iter().copied()) {
                let charged = &limits[charged];
                let capacity = reduction.apply(charged.limit);
                if weight > u64::from(capacity) {
                    return Err(LimitError::WeightAboveLimit {
                        limit: charged.id.clone(),
                        charged_by: limit.id.clone(),
                        weight,
                        capacity,
                    });
                }
            }
            let capacity = reduction.apply(limit.limit);
            planned.push(Planned { limit, capacity, itself, links });
        }
        Ok(Self { limits: planned })
    }

    /// The routes to `slots`, given the key of each limit in the same order.
    pub(crate) fn routes(&self, keys: &[SlotKey], slots: &Slots) -> HashMap<LimitId, Arc<Route>> {
        let route = |planned: &Planned<'_>, slot: SlotKey| Route {
            limit: planned.limit.id.clone(),
            slot,
            weight: planned.limit.weight,
            itself: planned.itself,
            links: planned.links.iter().map(|&(other, weight)| (keys[other], weight)).collect(),
            _hold: slots.hold(slot),
        };
        self.limits
            .iter()
            .zip(keys)
            .map(|(planned, &slot)| (planned.limit.id.clone(), Arc::new(route(planned, slot))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::Slots;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn check(limits: &[RateLimit]) -> Result<(), LimitError> {
        Plan::new(limits, Reduction::new(1.0, 0.0)?).map(|_| ())
    }

    #[test]
    fn what_cannot_work_is_refused_and_named() {
        let raw = || RateLimit::new("raw", 10, SECOND);
        for (limits, message) in [
            (vec![raw(), raw()], r#"limit "raw" is given twice"#),
            (vec![raw(), RateLimit::new("none", 0, SECOND)], r#"limit "none" is zero"#),
            (
                vec![raw(), RateLimit::new("now", 1, Duration::ZERO)],
                r#"the interval of limit "now" is zero"#,
            ),
            (
                vec![raw(), RateLimit::new("orders", 1, SECOND).linked("rwa", 1)],
                r#"limit "orders" is linked to "rwa", which is unknown"#,
            ),
            (
                vec![raw().weight(11)],
                r#"weight 11 of a request on "raw" is above what limit "raw" holds after share and safety margin (10)"#,
            ),
            (
                vec![RateLimit::new("orders", 1, SECOND).linked("raw", 6).linked("raw", 5), raw()],
                r#"weight 11 of a request on "orders" is above what limit "raw" holds after share and safety margin (10)"#,
            ),
            (
                vec![raw().weight(9).linked("raw", 2)],
                r#"weight 11 of a request on "raw" is above what limit "raw" holds after share and safety margin (10)"#,
            ),
        ] {
            let error = check(&limits).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(error.limit_id().is_some());
        }
    }

    #[test]
    fn links_are_summed_and_empty_ones_dropped() {
        let limits = [
            RateLimit::new("a", 100, SECOND)
                .weight(2)
                .linked("b", 3)
                .linked("c", 0)
                .linked("a", 5)
                .linked("b", 4),
            RateLimit::new("b", 100, SECOND).weight(0),
            RateLimit::new("c", 100, SECOND),
        ];
        let plan = Plan::new(&limits, Reduction::new(1.0, 0.0).unwrap()).unwrap();
        let mut slots = Slots::default();
        let keys: Vec<_> =
            (0..3).map(|_| slots.insert(crate::window::Window::new(100, SECOND))).collect();
        let routes = plan.routes(&keys, &slots);
        let parts = |id, weight| -> Vec<_> { routes[id].cost(weight).parts().collect() };
        assert_eq!(parts("a", None), [(keys[0], 7), (keys[1], 7)]);
        assert_eq!(parts("a", Some(1)), [(keys[0], 6), (keys[1], 7)]);
        assert_eq!(parts("b", None), []);
        assert_eq!(parts("b", Some(3)), [(keys[1], 3)]);
        assert_ne!(routes["b"].cost(None).lane(), routes["b"].cost(Some(3)).lane());
    }
}
