use std::time::Duration;

use networkpype_core::LimitId;

/// One rate limit: at most `limit` units of weight in any window of length `interval`.
///
/// Plain data. It is checked when it is given to a [`Throttler`](crate::Throttler).
///
/// ```
/// use networkpype_throttle::RateLimit;
/// use std::time::Duration;
///
/// // Ten orders a second; each also takes five of the account's shared "weight" limit.
/// let orders = RateLimit::new("orders", 10, Duration::from_secs(1)).linked("weight", 5);
/// assert_eq!(orders.weight, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The name that requests use.
    #[doc(alias = "limit_id")]
    pub id: LimitId,
    /// How many units of weight a window holds, before share and safety margin. Not zero.
    pub limit: u32,
    /// The length of the window. Not zero. Longer than 584 years means that nothing ever leaves it.
    #[doc(alias = "time_interval")]
    pub interval: Duration,
    /// What one request takes of this limit unless it says otherwise. 1 by default; 0 charges only the linked limits.
    pub weight: u32,
    /// What one request takes of other limits at the same time.
    pub linked_limits: Vec<LinkedLimit>,
}

impl RateLimit {
    /// At most `limit` units in any window of `interval`, one per request, linked to nothing.
    pub fn new(id: impl Into<LimitId>, limit: u32, interval: Duration) -> Self {
        Self { id: id.into(), limit, interval, weight: 1, linked_limits: Vec::new() }
    }

    /// The same with requests that weigh `weight` by default.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// The same, also charging `weight` to the limit named `id`. See [`LinkedLimit`].
    #[must_use]
    pub fn linked(self, id: impl Into<LimitId>, weight: u32) -> Self {
        self.linked_limit(LinkedLimit::new(id, weight))
    }

    /// The same with one more [`LinkedLimit`].
    #[must_use]
    pub fn linked_limit(mut self, linked: LinkedLimit) -> Self {
        self.linked_limits.push(linked);
        self
    }
}

/// Another limit that a request takes from, and how much.
///
/// Links reach one level: what the linked limit itself is linked to is not charged. A limit that is listed twice, or
/// that links to itself, is charged the sum. A weight of zero charges nothing.
#[doc(alias = "LinkedLimitWeightPair")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkedLimit {
    /// The name of the other limit.
    #[doc(alias = "limit_id")]
    pub id: LimitId,
    /// What one request takes of it, whatever the request weighs on its own limit.
    pub weight: u32,
}

impl LinkedLimit {
    /// `weight` units of the limit named `id`.
    pub fn new(id: impl Into<LimitId>, weight: u32) -> Self {
        Self { id: id.into(), weight }
    }
}
