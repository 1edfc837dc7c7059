use std::{error::Error as StdError, fmt};

use networkpype_core::LimitId;

/// Why a set of limits was not accepted. Whatever was in force before still is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LimitError {
    /// There is no limit, and there [has to be](crate::ThrottlerBuilder::needs_limits) one.
    NoLimits,
    /// Two limits have this name.
    DuplicateLimit(LimitId),
    /// This limit would hold nothing.
    ZeroLimit(LimitId),
    /// The window of this limit has no length.
    ZeroInterval(LimitId),
    /// Nothing would ever come back to this bucket.
    ZeroRefill(LimitId),
    /// There are more limits than may be, those among them that were removed and still hold something.
    TooManyLimits {
        /// How many there would be.
        limits: usize,
        /// How many may be.
        most: usize,
    },
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
    /// A rule of the [feedback](crate::ThrottlerBuilder::feedback) names a limit that does not exist.
    UnknownFeedbackLimit(LimitId),
    /// A rule of the feedback names what cannot be the name of a header.
    InvalidFeedbackHeader(String),
    /// The feedback lists what cannot be the status of a response.
    InvalidFeedbackStatus(u16),
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
            | Self::ZeroRefill(limit)
            | Self::UnknownLinkedLimit { limit, .. }
            | Self::UnknownFeedbackLimit(limit)
            | Self::WeightAboveLimit { limit, .. } => Some(limit),
            Self::NoLimits
            | Self::TooManyLimits { .. }
            | Self::InvalidFeedbackHeader(_)
            | Self::InvalidFeedbackStatus(_)
            | Self::InvalidShare(_)
            | Self::InvalidSafetyMargin(_) => None,
        }
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLimits => f.write_str("there are no limits, so that everything would pass"),
            Self::DuplicateLimit(limit) => write!(f, "limit {limit:?} is given twice"),
            Self::ZeroLimit(limit) => write!(f, "limit {limit:?} is zero"),
            Self::ZeroInterval(limit) => write!(f, "the interval of limit {limit:?} is zero"),
            Self::ZeroRefill(limit) => write!(f, "the refill of limit {limit:?} is zero"),
            Self::TooManyLimits { limits, most } => {
                write!(f, "{limits} limits are too many: at most {most} can be kept")
            }
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
            Self::UnknownFeedbackLimit(limit) => {
                write!(f, "the feedback names limit {limit:?}, which is unknown")
            }
            Self::InvalidFeedbackHeader(name) => {
                write!(f, "the feedback reads {name:?}, which cannot be the name of a header")
            }
            Self::InvalidFeedbackStatus(status) => {
                write!(f, "the feedback lists {status}, which cannot be the status of a response")
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
