use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use networkpype_core::{LimitId, RestRequest};

use crate::{
    Accounting, LimitError, LimitKind, LinkedWeight, RateLimit, WeightRule,
    capacity::Reduction,
    meter::{Measures, nanos, weight_of},
    routes::Routes,
    shared::Shared,
    slots::{SlotHold, SlotKey, Slots},
};

/// When what was granted begins to age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settles {
    /// When it starts.
    AtStart,
    /// When it was answered, or so many nanoseconds after it was given up.
    AtAnswer { linger: u64 },
}

/// What one limit is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) slot: SlotKey,
    pub(crate) weight: u64,
    /// Whether what the request weighs on the limit that it names comes on top.
    follows: bool,
    pub(crate) settles: Settles,
}

impl Part {
    /// The same for a request that weighs `base` on the limit that it names.
    #[inline]
    fn following(self, base: u64) -> Self {
        let weight = if self.follows { self.weight.saturating_add(base) } else { self.weight };
        Self { weight, follows: false, ..self }
    }
}

/// What a request of weight `base` is charged on the limit that it names.
#[inline]
pub(crate) fn whole(base: u64, itself: u64, doubled: bool) -> u64 {
    let base = if doubled { base.saturating_mul(2) } else { base };
    base.saturating_add(itself)
}

/// Names a route among those that were in force at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteKey {
    /// How often limits had been replaced.
    pub(crate) epoch: u32,
    pub(crate) position: u32,
}

/// What a request that names one limit is charged: that limit, and those linked to it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) limit: LimitId,
    /// Which of the limits that is, in the order in which they were given.
    pub(crate) position: u32,
    /// The limit itself, with the weight that a charge may replace, and without what its links to itself add.
    own: Part,
    /// What they add.
    itself: u64,
    /// Whether they add what the request weighs, too.
    doubled: bool,
    /// What the other linked limits are charged; no limit twice.
    links: Box<[Part]>,
    /// What a request is charged that names no weight of its own: all of the above, and none of it zero.
    usual: Box<[Part]>,
    weight_rules: Box<[WeightRule]>,
    awaits_answer: bool,
    uncharged: bool,
    longest: u64,
    /// Whose limits these are: what permits report to. It lies here because a permit holds its route anyway.
    pub(crate) home: Weak<Shared>,
    /// A permit may be topped up on the limit that it named as long as it lives, even if nothing of it is charged
    /// there yet, and even if that limit was removed.
    _hold: SlotHold,
}

impl Route {
    /// The same route to the slots of a copy.
    pub(crate) fn copied(&self, slots: &Slots, home: &Weak<Shared>) -> Self {
        Self {
            limit: self.limit.clone(),
            home: home.clone(),
            links: self.links.clone(),
            usual: self.usual.clone(),
            weight_rules: self.weight_rules.clone(),
            _hold: slots.hold(self.own.slot),
            ..*self
        }
    }

    /// Where the limit that it begins with is counted.
    pub(crate) fn own_slot(&self) -> SlotKey {
        self.own.slot
    }

    /// Where everything that a request on it may charge is counted.
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotKey> {
        std::iter::once(self.own.slot).chain(self.links.iter().map(|part| part.slot))
    }

    /// What `request` weighs by the rules for its parameters, if any of them applies.
    pub(crate) fn weight_of(&self, request: &RestRequest) -> Option<u32> {
        WeightRule::first_of(&self.weight_rules, request)
    }

    /// Whether anything of it settles only when it was answered.
    #[inline(always)]
    pub(crate) fn awaits_answer(&self) -> bool {
        self.awaits_answer
    }

    /// For how long something on it may count that settled at its start, in nanoseconds.
    pub(crate) fn longest(&self) -> u64 {
        self.longest
    }

    /// Whether a request takes nothing of the limit that it names unless it says so.
    #[inline(always)]
    pub(crate) fn is_uncharged(&self) -> bool {
        self.uncharged
    }

    /// Whether requests on it are charged the same on the same limits as on `other`.
    pub(crate) fn charges_as(&self, other: &Self) -> bool {
        self.own == other.own
            && (self.itself, self.doubled) == (other.itself, other.doubled)
            && self.links == other.links
            && (&self.limit, self.position) == (&other.limit, other.position)
            && (&self.weight_rules, self.longest) == (&other.weight_rules, other.longest)
    }

    /// What a request is charged that names no weight of its own.
    #[inline]
    pub(crate) fn usual(&self) -> &[Part] {
        &self.usual
    }

    /// What one request costs, with `weight` in place of the limit's own.
    #[inline]
    pub(crate) fn cost(self: &Arc<Self>, weight: Option<u32>) -> Cost {
        let base = weight.map_or(self.own.weight, u64::from);
        let own = whole(base, self.itself, self.doubled);
        Cost { own, base, route: Arc::clone(self) }
    }
}

/// What one request is charged. Keeps its meaning when limits are replaced.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    pub(crate) route: Arc<Route>,
    own: u64,
    /// What links that follow take.
    base: u64,
}

impl Cost {
    /// The limits charged and how much each; none of it zero, no limit twice.
    #[inline]
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> {
        let links = self.route.links.iter().map(|link| link.following(self.base));
        std::iter::once(self.own()).chain(links).filter(|part| part.weight > 0)
    }

    /// What the limit that was named is charged.
    #[inline]
    pub(crate) fn own(&self) -> Part {
        Part { weight: self.own, ..self.route.own }
    }

    /// Raises what the limit that was named is charged.
    pub(crate) fn raise(&mut self, weight: u64) {
        self.own = self.own.saturating_add(weight);
    }

    /// Whether anything of it settles only when it was answered.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.route.awaits_answer
    }

    /// The waiters of one lane charge exactly the same limits, if not the same weights.
    pub(crate) fn lane(&self) -> Lane {
        Lane(self.route.own.slot, self.own > 0)
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
    pub(crate) measures: Measures,
    itself: u64,
    doubled: bool,
    links: Vec<Link>,
    /// What the heaviest request weighs on it that names no weight of its own, whichever limit it names.
    pub(crate) heaviest: u32,
}

/// What another limit is charged.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// Its position.
    to: usize,
    weight: u64,
    /// Whether what the request weighs comes on top.
    follows: bool,
}

impl<'a> Plan<'a> {
    /// Checks `limits` and adds up their links.
    pub(crate) fn new(limits: &'a [RateLimit], reduction: Reduction) -> Result<Self, LimitError> {
        if limits.len() > MOST_LIMITS {
            return Err(LimitError::TooManyLimits { limits: limits.len(), most: MOST_LIMITS });
        }
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
            if matches!(limit.kind, LimitKind::TokenBucket { refill: 0 }) {
                return Err(LimitError::ZeroRefill(limit.id.clone()));
            }
        }
        let mut planned = Vec::with_capacity(limits.len());
        let mut heaviest = vec![1_u32; limits.len()];
        for (position, limit) in limits.iter().enumerate() {
            let (mut itself, mut doubled) = (0_u64, false);
            let mut links: Vec<Link> = Vec::new();
            for linked in &limit.linked_limits {
                let Some(&to) = positions.get(&linked.id) else {
                    return Err(LimitError::UnknownLinkedLimit {
                        limit: limit.id.clone(),
                        linked: linked.id.clone(),
                    });
                };
                let (weight, follows) = match linked.weight {
                    LinkedWeight::Fixed(weight) => (u64::from(weight), false),
                    LinkedWeight::Own => (0, true),
                };
                if to == position {
                    itself = itself.saturating_add(weight);
                    doubled |= follows;
                } else if let Some(link) = links.iter_mut().find(|link| link.to == to) {
                    link.weight = link.weight.saturating_add(weight);
                    link.follows |= follows;
                } else {
                    links.push(Link { to, weight, follows });
                }
            }
            links.retain(|link| link.weight > 0 || link.follows);
            // The heaviest that a request on it can be without naming a weight of its own.
            let rules = limit.weight_rules.iter().map(|rule| rule.weight);
            let base = u64::from(rules.fold(limit.weight, u32::max));
            let own = (position, whole(base, itself, doubled));
            let linked = links.iter().map(|link| {
                (link.to, link.weight.saturating_add(if link.follows { base } else { 0 }))
            });
            for (position, weight) in std::iter::once(own).chain(linked) {
                heaviest[position] = heaviest[position].max(weight_of(weight));
                let charged = &limits[position];
                let capacity = reduction.apply(charged.limit, charged.accounting);
                if weight > u64::from(capacity) {
                    return Err(LimitError::WeightAboveLimit {
                        limit: charged.id.clone(),
                        charged_by: limit.id.clone(),
                        weight,
                        capacity,
                    });
                }
            }
            let capacity = reduction.apply(limit.limit, limit.accounting);
            let measures = Measures::new(limit, capacity, reduction.part(limit.accounting));
            planned.push(Planned { limit, measures, itself, doubled, links, heaviest: 1 });
        }
        for (planned, heaviest) in planned.iter_mut().zip(heaviest) {
            planned.heaviest = heaviest;
        }
        Ok(Self { limits: planned })
    }

    /// Of each limit, what the heaviest request weighs on it that names no weight of its own.
    pub(crate) fn heaviest(&self) -> Vec<u32> {
        self.limits.iter().map(|planned| planned.heaviest).collect()
    }

    /// The routes to `slots`, given the key of each limit in the same order, for the throttler `home`.
    pub(crate) fn routes(&self, keys: &[SlotKey], slots: &Slots, home: &Weak<Shared>) -> Routes {
        let part = |at: usize, weight: u64, follows: bool| Part {
            slot: keys[at],
            weight,
            follows,
            settles: settles(self.limits[at].limit),
        };
        let route = |(at, planned): (usize, &Planned<'_>)| {
            let own = part(at, u64::from(planned.limit.weight), false);
            let links: Box<[Part]> =
                planned.links.iter().map(|link| part(link.to, link.weight, link.follows)).collect();
            let awaits_answer = std::iter::once(&own)
                .chain(&links)
                .any(|part| matches!(part.settles, Settles::AtAnswer { .. }));
            let charged = std::iter::once(at).chain(planned.links.iter().map(|link| link.to));
            let longest = charged.map(|at| self.limits[at].longest()).max().unwrap_or(0);
            let usually = whole(own.weight, planned.itself, planned.doubled);
            let usual = std::iter::once(Part { weight: usually, ..own })
                .chain(links.iter().map(|link| link.following(own.weight)));
            let usual = usual.filter(|part| part.weight > 0).collect();
            Route {
                limit: planned.limit.id.clone(),
                // Far fewer than that are taken.
                position: u32::try_from(at).unwrap_or(u32::MAX),
                own,
                itself: planned.itself,
                doubled: planned.doubled,
                links,
                usual,
                weight_rules: planned.limit.weight_rules.clone().into(),
                awaits_answer,
                uncharged: usually == 0,
                longest,
                home: home.clone(),
                _hold: slots.hold(own.slot),
            }
        };
        self.limits.iter().enumerate().map(route).collect()
    }
}

impl Planned<'_> {
    /// For how long something may count on this limit that settled at its start.
    fn longest(&self) -> u64 {
        let interval = nanos(self.limit.interval);
        match self.limit.kind {
            LimitKind::TokenBucket { refill } => {
                interval.saturating_mul(u64::from(self.limit.limit / refill.max(1)) + 1)
            }
            _ => interval,
        }
    }
}

fn settles(limit: &RateLimit) -> Settles {
    match limit.accounting {
        Accounting::FromStart => Settles::AtStart,
        Accounting::UntilAnswered { linger } => {
            Settles::AtAnswer { linger: nanos(linger.unwrap_or(limit.interval)) }
        }
    }
}

/// Each takes about half a kilobyte, however little is counted.
pub(crate) const MOST_LIMITS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::Slots;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn check(limits: &[RateLimit]) -> Result<(), LimitError> {
        Plan::new(limits, Reduction::new(1.0, Some(0.0))?).map(|_| ())
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
        let plan = Plan::new(&limits, Reduction::new(1.0, Some(0.0)).unwrap()).unwrap();
        let mut slots = Slots::default();
        let keys: Vec<_> =
            plan.limits.iter().map(|planned| slots.insert(planned.measures)).collect();
        let routes = plan.routes(&keys, &slots, &Weak::new());
        let parts = |id, weight| -> Vec<_> {
            routes
                .get(id)
                .unwrap()
                .cost(weight)
                .parts()
                .map(|part| (part.slot, part.weight))
                .collect()
        };
        assert_eq!(parts("a", None), [(keys[0], 7), (keys[1], 7)]);
        assert_eq!(parts("a", Some(1)), [(keys[0], 6), (keys[1], 7)]);
        assert_eq!(parts("b", None), []);
        assert_eq!(parts("b", Some(3)), [(keys[1], 3)]);
        let b = routes.get("b").unwrap();
        assert_ne!(b.cost(None).lane(), b.cost(Some(3)).lane());
    }
}
