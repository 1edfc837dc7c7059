//! What a run of the property is made of: limits, and what people do.

use std::time::Duration;

use networkpype_throttle::RateLimit;

use crate::model::Window;

#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) limit: u32,
    pub(crate) interval: u64,
    pub(crate) weight: u32,
    pub(crate) links: Vec<(usize, u32)>,
    /// Whether requests count until they were answered.
    pub(crate) answered: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// `polled`: whether it is polled when it is woken, or only in the end. `starts`: whether at once when granted.
    Arrive {
        limit: usize,
        weight: Option<u32>,
        patience: Option<u64>,
        polled: bool,
        starts: bool,
    },
    Try {
        limit: usize,
        weight: Option<u32>,
        starts: bool,
    },
    /// Somebody goes away, whatever state it is in.
    Cancel(usize),
    /// Somebody starts, if they hold a permit, or comes for the one that they were granted.
    Start(usize),
    /// Somebody who started is answered.
    Answer(usize),
    /// Somebody gives back what they had started.
    Refund(usize),
    /// Somebody who waits is polled without having been woken.
    Poll(usize),
    /// Somebody who holds a permit needs more.
    TopUp(usize, u32),
    /// The share becomes so many percent.
    Share(u32),
    /// A limit is removed and returns at once.
    Flip(usize),
}

pub(crate) fn name(limit: usize) -> String {
    format!("limit {limit}")
}

/// The limits as a throttler takes them, all or all but one.
pub(crate) fn rate_limits(limits: &[Limit], but: Option<usize>) -> Vec<RateLimit> {
    let rate_limit = |(at, limit): (usize, &Limit)| {
        let mut start = RateLimit::new(name(at), limit.limit, Duration::from_nanos(limit.interval));
        if limit.answered {
            start = start.until_answered();
        }
        let links = limit.links.iter().filter(|(to, _)| Some(*to) != but);
        links.fold(start.weight(limit.weight), |made, (to, weight)| made.linked(name(*to), *weight))
    };
    limits.iter().enumerate().filter(|(at, _)| Some(*at) != but).map(rate_limit).collect()
}

/// What is left of them, in percent.
pub(crate) fn windows(limits: &[Limit], share: u32, margin: u32) -> Vec<Window> {
    let window = |limit: &Limit| Window {
        capacity: u64::from((limit.limit * share * (100 - margin) / 10_000).max(1)),
        interval: limit.interval,
        answered: limit.answered,
    };
    limits.iter().map(window).collect()
}
