use std::time::Duration;

use networkpype_core::LimitId;

use crate::WeightRule;

/// One rate limit: how much may be sent in what time, how the server counts that, and what a request takes of it.
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
    /// How many units of weight a window holds, or a bucket at most, before share and safety margin. Not zero.
    pub limit: u32,
    /// The length of the window, or how often a bucket gets its refill. Not zero. Longer than 584 years means that
    /// nothing ever leaves a window.
    #[doc(alias = "time_interval")]
    pub interval: Duration,
    /// What one request takes of this limit unless it says otherwise. 1 by default; 0 charges only the linked limits.
    pub weight: u32,
    /// What one request takes of other limits at the same time.
    pub linked_limits: Vec<LinkedLimit>,
    /// How the server counts. By default a [sliding window](LimitKind::SlidingWindow).
    pub kind: LimitKind,
    /// How long a request counts. By default [from its start](Accounting::FromStart).
    pub accounting: Accounting,
    /// How exact a sliding window is. By default [`Exact`](Precision::Exact).
    pub precision: Precision,
    /// What a request weighs by its parameters. The first rule that applies decides; where none does,
    /// [`weight`](Self::weight) does. A weight that the request itself names goes before both.
    pub weight_rules: Vec<WeightRule>,
}

/// How a server counts what it allows.
///
/// Where that is not known, the [sliding window](Self::SlidingWindow) is the safe choice: whoever never crosses it
/// crosses no fixed window of that length and limit either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// At most `limit` units in any window of length `interval`, wherever it begins.
    #[default]
    SlidingWindow,
    /// At most `limit` units in each of the windows that follow one another without a gap, and begin at whole multiples
    /// of `interval` since the Unix epoch on the server's clock. Its length is at most a hundred years.
    ///
    /// The throttler's [clock](crate::ThrottlerBuilder::clock) decides which window it is: give it the server's.
    FixedWindow {
        /// How much later than at whole multiples of `interval` the windows begin. Zero by default.
        offset: Duration,
        /// How far the clock may be off, in either direction. What starts that near to a boundary counts in both
        /// windows, and the next one opens that much later. By default 250 ms, and a quarter of the interval at most.
        tolerance: Duration,
    },
    /// At most `limit` units are saved up, and `refill` more come every `interval`, evenly spread over it: a token
    /// bucket, or seen from the other side a counter that decays.
    ///
    /// The share applies to both numbers, and so does the safety margin.
    #[doc(alias("DecayingCounter", "LeakyBucket"))]
    TokenBucket {
        /// How many units come back every `interval`. Not zero.
        refill: u32,
    },
}

impl LimitKind {
    /// A [`FixedWindow`](Self::FixedWindow) that begins `offset` after whole multiples of its interval, on a clock that may
    /// be off by `tolerance`.
    pub const fn fixed_window(offset: Duration, tolerance: Duration) -> Self {
        Self::FixedWindow { offset, tolerance }
    }
}

/// How long a request counts against a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accounting {
    /// From the instant at which it starts. What is sent exactly at the limit may arrive above it, if one request is
    /// slow on its way and the next ones are fast; the safety margin, 5 % by default, is for that.
    #[default]
    FromStart,
    /// From its start until one interval after it was answered. However the network delays requests, the server never
    /// sees more than the limit in any of its windows, so that the safety margin is 0 by default. The price is that
    /// capacity comes back one round trip later.
    ///
    /// The guarantee rests on this: that the server counts a request before it answers it, and that a request whose
    /// answer never came is counted no later than `linger` after its connection was given up.
    UntilAnswered {
        /// How long after its connection was given up the server may still count a request that was not answered.
        /// `None`, the default, means one interval.
        linger: Option<Duration>,
    },
}

/// How exact a sliding window is, and how much memory that takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// Every instant at which something started is remembered: 12 bytes each.
    #[default]
    Exact,
    /// At most 16 KiB, whatever the limit: instants are merged into eight hundred steps, each counted as its latest. So
    /// the limit holds as before, and capacity comes back up to an eight hundredth of the interval late.
    Bounded,
}

impl RateLimit {
    /// At most `limit` units in any window of `interval`, one per request, linked to nothing.
    pub fn new(id: impl Into<LimitId>, limit: u32, interval: Duration) -> Self {
        Self {
            id: id.into(),
            limit,
            interval,
            weight: 1,
            linked_limits: Vec::new(),
            kind: LimitKind::default(),
            accounting: Accounting::default(),
            precision: Precision::default(),
            weight_rules: Vec::new(),
        }
    }

    /// At most `limit` units in each window of `interval` that begins at a whole multiple of it on the server's clock:
    /// each minute, say, from its first second. See [`LimitKind::FixedWindow`].
    pub fn fixed_window(id: impl Into<LimitId>, limit: u32, interval: Duration) -> Self {
        let tolerance = DEFAULT_TOLERANCE.min(interval / 4);
        Self::new(id, limit, interval).kind(LimitKind::fixed_window(Duration::ZERO, tolerance))
    }

    /// At most `limit` units at once, of which `refill` come back every `interval`. See [`LimitKind::TokenBucket`].
    ///
    /// ```
    /// use networkpype_throttle::RateLimit;
    /// use std::time::Duration;
    ///
    /// // Ten a second, and bursts of fifteen.
    /// let public = RateLimit::token_bucket("public", 15, 10, Duration::from_secs(1));
    /// // A counter that may rise to 15 and falls by one every three seconds.
    /// let private = RateLimit::token_bucket("private", 15, 1, Duration::from_secs(3));
    /// # let _ = (public, private);
    /// ```
    pub fn token_bucket(
        id: impl Into<LimitId>,
        limit: u32,
        refill: u32,
        interval: Duration,
    ) -> Self {
        Self::new(id, limit, interval).kind(LimitKind::TokenBucket { refill })
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

    /// The same, also charging the limit named `id` what the request weighs on this one, by rule or by name. See
    /// [`LinkedWeight::Own`].
    ///
    /// ```
    /// use networkpype_throttle::{RateLimit, WeightRule};
    /// use std::time::Duration;
    ///
    /// let minute = Duration::from_secs(60);
    /// let pool = RateLimit::new("weight", 1_200, minute);
    /// // `limit=100` costs 5 of the pool, `limit=500` costs 25, and all else 50.
    /// let depth = RateLimit::new("depth", 1_200, minute)
    ///     .weight(50)
    ///     .weight_rule(WeightRule::at_most("limit", 100, 5))
    ///     .weight_rule(WeightRule::at_most("limit", 500, 25))
    ///     .linked_own("weight");
    /// # let _ = (pool, depth);
    /// ```
    #[must_use]
    pub fn linked_own(self, id: impl Into<LimitId>) -> Self {
        self.linked_limit(LinkedLimit { id: id.into(), weight: LinkedWeight::Own })
    }

    /// The same with one more [`LinkedLimit`].
    #[must_use]
    pub fn linked_limit(mut self, linked: LinkedLimit) -> Self {
        self.linked_limits.push(linked);
        self
    }

    /// The same, counted in another way by the server.
    #[must_use]
    pub fn kind(mut self, kind: LimitKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same with requests that count until one interval after their answer. See [`Accounting::UntilAnswered`].
    #[must_use]
    pub fn until_answered(self) -> Self {
        self.accounting(Accounting::UntilAnswered { linger: None })
    }

    /// The same with requests that count for another time.
    #[must_use]
    pub fn accounting(mut self, accounting: Accounting) -> Self {
        self.accounting = accounting;
        self
    }

    /// The same in at most 16 KiB of memory. See [`Precision::Bounded`].
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.precision = Precision::Bounded;
        self
    }

    /// The same with one more rule for what a request weighs. See [`weight_rules`](Self::weight_rules).
    #[must_use]
    pub fn weight_rule(mut self, rule: WeightRule) -> Self {
        self.weight_rules.push(rule);
        self
    }
}

/// What a clock that is kept synchronized over the internet is off by, and some more.
const DEFAULT_TOLERANCE: Duration = Duration::from_millis(250);

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
    /// What one request takes of it.
    pub weight: LinkedWeight,
}

/// What a request takes of a limit that the one which it names is linked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkedWeight {
    /// So much, whatever it weighs on its own limit.
    Fixed(u32),
    /// What it weighs on its own limit: for a pool of weight that many kinds of requests draw on, each by rules of its
    /// own. A [top-up](crate::StartedPermit::top_up) is for the limit that was named alone.
    Own,
}

impl LinkedLimit {
    /// `weight` units of the limit named `id`.
    pub fn new(id: impl Into<LimitId>, weight: u32) -> Self {
        Self { id: id.into(), weight: LinkedWeight::Fixed(weight) }
    }
}
