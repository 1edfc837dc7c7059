use std::{error::Error as StdError, fmt};

use networkpype_core::LimitId;

/// Why a set of limits was not accepted. Whatever was in force before still is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LimitError {
    /// Two limits have this name.
    DuplicateLimit(LimitId),
    /// This limit would hold nothing.
    ZeroLimit(LimitId),
    /// The window of this limit has no length.
    ZeroInterval(LimitId),
    /// A link leads to a limit that does not exist.
    UnknownLinkedLimit {
        /// The limit that has the link.
        limit: LimitId,
        /// The name that it leads to.
        linked: LimitId,
    },
    /// One request would weigh more than a window ever holds, so that none could go out.
    ///
    /// A window holds what share and safety margin leave of the limit. With the default margin of 5 %, nine are left of
    /// ten, so that `RateLimit::new("x", 10, interval).weight(10)` is refused: raise the limit, or lower the margin.
    WeightAboveLimit {
        /// The limit that cannot hold it.
        limit: LimitId,
        /// The limit that such a request names: the same one, or one that is linked to it.
        charged_by: LimitId,
        /// What the request weighs on `limit`.
        weight: u64,
        /// What `limit` holds at most, after share and safety margin.
        capacity: u32,
    },
    /// The share is not above 0 and at most 1.
    InvalidShare(f64),
    /// The safety margin is not at least 0 and below 1.
    InvalidSafetyMargin(f64),
}

impl LimitError {
    /// The limit at fault, where there is one.
    pub fn limit_id(&self) -> Option<&LimitId> {
        match self {
            Self::DuplicateLimit(limit)
            | Self::ZeroLimit(limit)
            | Self::ZeroInterval(limit)
            | Self::UnknownLinkedLimit { limit, .. }
            | Self::WeightAboveLimit { limit, .. } => Some(limit),
            Self::InvalidShare(_) | Self::InvalidSafetyMargin(_) => None,
        }
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateLimit(limit) => write!(f, "limit {limit:?} is given twice"),
            Self::ZeroLimit(limit) => write!(f, "limit {limit:?} is zero"),
            Self::ZeroInterval(limit) => write!(f, "the interval of limit {limit:?} is zero"),
            Self::UnknownLinkedLimit { limit, linked } => {
                write!(f, "limit {limit:?} is linked to {linked:?}, which is unknown")
            }
            Self::WeightAboveLimit { limit, charged_by, weight, capacity } => {
                write!(
                    f,
                    "weight {weight} of a request on {charged_by:?} is above what limit {limit:?} holds \
                     after share and safety margin ({capacity})"
                )
            }
            Self::InvalidShare(share) => {
                write!(f, "the share is {share}: it must be above 0 and at most 1")
            }
            Self::InvalidSafetyMargin(margin) => {
                write!(f, "the safety margin is {margin}: it must be at least 0 and below 1")
            }
        }
    }
}

impl StdError for LimitError {}
