use networkpype_core::LimitId;

/// A header, or some that belong together, that tells how much of a limit is used.
///
/// A header that is missing or cannot be understood changes nothing.
///
/// ```
/// use networkpype_throttle::{HeaderRule, ResetAs};
///
/// let used = HeaderRule::used("X-MBX-USED-WEIGHT-1M").of("weight");
/// let left = HeaderRule::Remaining {
///     remaining: "x-ratelimit-remaining-requests".into(),
///     quota: Some("x-ratelimit-limit-requests".into()),
///     reset: Some("x-ratelimit-reset-requests".into()),
///     reset_as: ResetAs::Auto,
///     limit: Some("requests".into()),
/// };
/// # let _ = (used, left);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderRule {
    /// One header with the weight used so far, such as `X-MBX-USED-WEIGHT-1M: 212`. Where it says `32/40`, the second
    /// number is what there is in all.
    Used {
        /// The header's name.
        header: String,
        /// The limit that it speaks of. `None`: the one that the request named.
        limit: Option<LimitId>,
    },
    /// Headers with what is left, such as `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.
    Remaining {
        /// The header with what is left.
        remaining: String,
        /// The header with what there is in all, if there is one.
        quota: Option<String>,
        /// The header that says when it starts anew, if there is one.
        reset: Option<String>,
        /// What the header `reset` holds.
        reset_as: ResetAs,
        /// The limit that they speak of. `None`: the one that the request named.
        limit: Option<LimitId>,
    },
    /// The fields `RateLimit` and `RateLimit-Policy` of the
    /// [IETF draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/):
    /// `RateLimit: "default";r=50;t=30`. Its older versions are read too: `RateLimit: limit=100, remaining=50, reset=5`,
    /// and the three fields `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`.
    ///
    /// Policies that count anything but requests, such as bytes, are left out.
    RateLimitFields {
        /// The limit of each policy, by its name in the field.
        policies: Vec<(String, LimitId)>,
        /// The limit of a policy that is not listed or has no name. `None`: the one that the request named.
        limit: Option<LimitId>,
    },
}

/// What a reset header holds. Fractions are understood, and a wait is cut to one day.
///
/// Instants are seen from the response's own `Date`, where it has one, so that the server's clock is compared with itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetAs {
    /// Told apart by what it looks like: a number below 10^9 is seconds from now, above that seconds, milliseconds,
    /// microseconds or nanoseconds since the Unix epoch, by size; `6m0s` or `120ms` is a time from now; and a date may
    /// be an HTTP date or RFC 3339. Milliseconds from now are not recognized.
    #[default]
    Auto,
    /// Seconds from now.
    SecondsFromNow,
    /// Milliseconds from now.
    MillisFromNow,
    /// Seconds since the Unix epoch.
    EpochSeconds,
    /// Milliseconds since the Unix epoch.
    EpochMillis,
}

impl HeaderRule {
    /// `header` tells what the limit that the request named has used.
    pub fn used(header: impl Into<String>) -> Self {
        Self::Used { header: header.into(), limit: None }
    }

    /// `header` tells what the limit that the request named has left.
    pub fn remaining(header: impl Into<String>) -> Self {
        Self::Remaining {
            remaining: header.into(),
            quota: None,
            reset: None,
            reset_as: ResetAs::Auto,
            limit: None,
        }
    }

    /// `X-RateLimit-Remaining`, `X-RateLimit-Limit` and `X-RateLimit-Reset` tell of the limit that the request named.
    pub fn x_rate_limit(reset_as: ResetAs) -> Self {
        Self::Remaining {
            remaining: "X-RateLimit-Remaining".to_owned(),
            quota: Some("X-RateLimit-Limit".to_owned()),
            reset: Some("X-RateLimit-Reset".to_owned()),
            reset_as,
            limit: None,
        }
    }

    /// The fields of the IETF draft tell of the limit that the request named. See [`Self::RateLimitFields`].
    pub fn ietf() -> Self {
        Self::ietf_policies([] as [(String, LimitId); 0])
    }

    /// The fields of the IETF draft tell of these limits, by the names of their policies.
    pub fn ietf_policies<N: Into<String>, L: Into<LimitId>>(
        policies: impl IntoIterator<Item = (N, L)>,
    ) -> Self {
        let policies =
            policies.into_iter().map(|(name, limit)| (name.into(), limit.into())).collect();
        Self::RateLimitFields { policies, limit: None }
    }

    /// The same, telling of the limit named `id` instead of the one that the request named.
    #[must_use]
    pub fn of(mut self, id: impl Into<LimitId>) -> Self {
        let (Self::Used { limit, .. }
        | Self::Remaining { limit, .. }
        | Self::RateLimitFields { limit, .. }) = &mut self;
        *limit = Some(id.into());
        self
    }

    /// The names of headers that the rule was given.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::Used { header, .. } => [Some(header), None, None],
            Self::Remaining { remaining, quota, reset, .. } => {
                [Some(remaining), quota.as_ref(), reset.as_ref()]
            }
            Self::RateLimitFields { .. } => [None; 3],
        };
        names.into_iter().flatten().map(String::as_str)
    }

    /// The limits that the rule was given.
    pub(crate) fn limit_ids(&self) -> impl Iterator<Item = &LimitId> {
        let (limit, policies) = match self {
            Self::Used { limit, .. } | Self::Remaining { limit, .. } => (limit, [].as_slice()),
            Self::RateLimitFields { policies, limit } => (limit, policies.as_slice()),
        };
        limit.iter().chain(policies.iter().map(|(_, limit)| limit))
    }
}
