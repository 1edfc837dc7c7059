use std::{collections::HashMap, sync::Arc, time::Duration};

use networkpype_core::{Charge, LimitId, ThrottleError};

use super::RedisThrottlerError;
use crate::{
    Accounting, LimitKind, LinkedWeight, Precision, RateLimit, WeightRule,
    capacity::Reduction,
    route::{Plan, whole},
};

/// One of the limits that a request is charged on.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) limit: LimitId,
    pub(crate) capacity: u32,
    /// Microseconds for which an entry counts: the interval and the tolerance.
    pub(crate) window: u64,
    /// How long after the instant that it counts from a request may start.
    pub(crate) tolerance: Duration,
    /// Where a request counts until it is answered: for how long one that is not may still arrive.
    pub(crate) linger: Option<Duration>,
    /// What is charged by whoever names another limit that is linked to this one.
    link: u64,
    /// Whether what the request weighs on the limit that it names comes on top.
    follows: bool,
}

/// What a request that names one limit is charged, and under which keys. The limit itself comes first.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) limit: RateLimit,
    pub(crate) parts: Vec<Part>,
    /// The state; then log, line and dues of each part.
    pub(crate) keys: Arc<[String]>,
    /// What the script seldom needs: for how many milliseconds the state lives, and the windows.
    pub(crate) seldom: String,
    itself: u64,
    /// Whether the limit is linked to itself by what a request weighs.
    doubled: bool,
}

/// By the limit that a request names.
pub(crate) type Routes = HashMap<LimitId, Arc<Route>, foldhash::fast::RandomState>;

/// What one request is charged.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    pub(crate) route: Arc<Route>,
    pub(crate) own: u64,
    /// What links that follow take.
    base: u64,
}

impl Route {
    /// What `charge` costs. `None` when it charges nothing.
    pub(crate) fn cost(
        self: &Arc<Self>,
        charge: &Charge<'_>,
    ) -> Result<Option<Cost>, ThrottleError> {
        let ruled = || {
            let request = charge.request?;
            WeightRule::first_of(&self.limit.weight_rules, request)
        };
        let weight = charge.weight.or_else(ruled).unwrap_or(self.limit.weight);
        let base = u64::from(weight);
        let own = whole(base, self.itself, self.doubled);
        let capacity = self.parts.first().map_or(0, |part| part.capacity);
        if own > u64::from(capacity) {
            return Err(ThrottleError::WeightAboveLimit {
                limit: self.limit.id.clone(),
                weight: u32::try_from(own).unwrap_or(u32::MAX),
                capacity,
            });
        }
        let cost = Cost { route: Arc::clone(self), own, base };
        let too_heavy =
            cost.charged().skip(1).find(|(part, weight)| *weight > u64::from(part.capacity));
        if let Some((part, weight)) = too_heavy {
            return Err(ThrottleError::WeightAboveLimit {
                limit: part.limit.clone(),
                weight: u32::try_from(weight).unwrap_or(u32::MAX),
                capacity: part.capacity,
            });
        }
        let charged = cost.weights().any(|weight| weight > 0);
        Ok(charged.then_some(cost))
    }
}

impl Cost {
    /// What is charged on each part.
    pub(crate) fn weights(&self) -> impl Iterator<Item = u64> {
        let links = self.route.parts.iter().skip(1).map(|part| match part.follows {
            true => part.link.saturating_add(self.base),
            false => part.link,
        });
        std::iter::once(self.own).chain(links)
    }

    /// The parts that are charged, and how much.
    pub(crate) fn charged(&self) -> impl Iterator<Item = (&Part, u64)> {
        self.route.parts.iter().zip(self.weights()).filter(|(_, weight)| *weight > 0)
    }

    /// How long a permit may wait to start without anybody having to be told.
    pub(crate) fn tolerance(&self) -> Duration {
        self.charged().map(|(part, _)| part.tolerance).min().unwrap_or_default()
    }

    /// How often the store is told that a permit is still held: twice in the shortest window.
    pub(crate) fn keep_alive(&self) -> Duration {
        let shortest = self.charged().map(|(part, _)| part.window).min().unwrap_or(0);
        Duration::from_micros(shortest / 2)
    }

    /// The longest of its windows.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_micros(self.charged().map(|(part, _)| part.window).max().unwrap_or(0))
    }

    pub(crate) fn counts_until_answered(&self) -> bool {
        self.charged().any(|(part, _)| part.linger.is_some())
    }
}

/// The routes of consistent limits, by name. `margin`: `None` for the default of each limit.
pub(crate) fn routes(
    limits: &[RateLimit],
    prefix: &str,
    share: f64,
    margin: Option<f64>,
) -> Result<Routes, RedisThrottlerError> {
    for limit in limits {
        if limit.kind != LimitKind::SlidingWindow || limit.precision != Precision::Exact {
            return Err(RedisThrottlerError::Unsupported(limit.id.clone()));
        }
    }
    let reduction = Reduction::new(share, margin)?;
    Plan::new(limits, reduction)?;
    let capacity = |limit: &RateLimit| reduction.apply(limit.limit, limit.accounting);
    let parts: HashMap<_, _> =
        limits.iter().map(|limit| (limit.id.clone(), part(limit, capacity(limit)))).collect();
    let longest = parts.values().map(|part| part.window).max().unwrap_or(0);
    let route =
        |limit: &RateLimit| (limit.id.clone(), Arc::new(route(limit, &parts, prefix, longest)));
    Ok(limits.iter().map(route).collect())
}

fn part(limit: &RateLimit, capacity: u32) -> Part {
    // Microseconds, rounded up; a hundred years at most, so that instants stay exact in the script's numbers.
    let interval = limit.interval.saturating_add(Duration::from_nanos(999)).min(CENTURY);
    let tolerance = (interval / 100).clamp(Duration::from_millis(1), Duration::from_millis(20));
    let linger = match limit.accounting {
        Accounting::UntilAnswered { linger } => Some(linger.unwrap_or(interval).min(CENTURY)),
        _ => None,
    };
    Part {
        limit: limit.id.clone(),
        capacity,
        window: micros(interval.saturating_add(tolerance)),
        tolerance,
        linger,
        link: 0,
        follows: false,
    }
}

fn route(limit: &RateLimit, all: &HashMap<LimitId, Part>, prefix: &str, longest: u64) -> Route {
    let mut parts: Vec<Part> = all.get(&limit.id).cloned().into_iter().collect();
    let (mut itself, mut doubled) = (0_u64, false);
    for linked in &limit.linked_limits {
        let (weight, follows) = match linked.weight {
            LinkedWeight::Fixed(weight) => (u64::from(weight), false),
            LinkedWeight::Own => (0, true),
        };
        if linked.id == limit.id {
            itself = itself.saturating_add(weight);
            doubled |= follows;
        } else if let Some(part) = parts.iter_mut().skip(1).find(|part| part.limit == linked.id) {
            part.link = part.link.saturating_add(weight);
            part.follows |= follows;
        } else if let Some(part) = all.get(&linked.id).filter(|_| weight > 0 || follows) {
            parts.push(Part { link: weight, follows, ..part.clone() });
        }
    }
    let mut keys = vec![state_key(prefix)];
    for part in &parts {
        keys.extend(
            ["log", "line", "dues"].map(|what| format!("{{{prefix}}}:{what}:{}", part.limit)),
        );
    }
    let mut seldom = (longest / 500 + 60_000).to_string();
    for part in &parts {
        seldom.push_str(&format!(" {}", part.window));
    }
    Route { limit: limit.clone(), parts, keys: keys.into(), seldom, itself, doubled }
}

/// Where it is kept which server this is, and who is banned.
pub(crate) fn state_key(prefix: &str) -> String {
    format!("{{{prefix}}}:state")
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

const CENTURY: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LimitError;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn every_key_of_a_throttler_is_in_one_slot() {
        let limits =
            [RateLimit::new("a}{x", 10, SECOND).linked("b", 2), RateLimit::new("b", 10, SECOND)];
        let routes = routes(&limits, "app", 1.0, None).unwrap();
        assert_eq!(routes["a}{x"].keys.len(), 7);
        assert!(routes["a}{x"].keys.iter().all(|key| key.starts_with("{app}:")));
    }

    #[test]
    fn limits_that_are_awaited_need_no_margin() {
        let limits = [
            RateLimit::new("sent", 100, SECOND),
            RateLimit::new("answered", 100, SECOND).until_answered(),
        ];
        let capacity =
            |margin, id: &str| routes(&limits, "app", 1.0, margin).unwrap()[id].parts[0].capacity;
        assert_eq!((capacity(None, "sent"), capacity(None, "answered")), (95, 100));
        assert_eq!((capacity(Some(0.1), "sent"), capacity(Some(0.1), "answered")), (90, 90));
    }

    #[test]
    fn weights_that_fit_without_the_margin_only_are_refused_as_in_a_local_throttler() {
        let limits = [RateLimit::new("a", 10, SECOND).weight(10)];
        let error = routes(&limits, "app", 1.0, None).unwrap_err();
        assert_eq!(error.limit_id(), Some(&LimitId::from("a")));
        assert!(matches!(
            error,
            RedisThrottlerError::Limits(LimitError::WeightAboveLimit {
                weight: 10,
                capacity: 9,
                ..
            })
        ));
        assert!(routes(&limits, "app", 1.0, Some(0.0)).is_ok());
    }

    #[test]
    fn other_kinds_than_exact_sliding_windows_are_refused_and_named() {
        for limit in [
            RateLimit::fixed_window("odd", 10, SECOND),
            RateLimit::token_bucket("odd", 10, 1, SECOND),
            RateLimit::new("odd", 10, SECOND).bounded(),
        ] {
            let error = routes(&[limit], "app", 1.0, None).unwrap_err();
            assert_eq!(error, RedisThrottlerError::Unsupported("odd".into()));
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
            RateLimit::new("c", 100, Duration::MAX),
        ];
        let routes = routes(&limits, "app", 1.0, None).unwrap();
        let (a, b) = (LimitId::new("a"), LimitId::new("b"));
        let cost = routes["a"].cost(&Charge::new(&a)).unwrap().unwrap();
        assert_eq!(cost.weights().collect::<Vec<_>>(), [7, 7]);
        assert!(routes["b"].cost(&Charge::new(&b)).unwrap().is_none());
        assert!(routes["c"].parts[0].window < 1 << 52);
    }
}
