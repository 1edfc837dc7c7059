use std::{error::Error as StdError, fmt};

use networkpype_core::LimitId;

use crate::LimitError;

/// Why a [`RedisThrottler`](crate::RedisThrottler) could not be built.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RedisThrottlerError {
    /// The limits are not consistent.
    Limits(LimitError),
    /// This limit is counted in a way that the shared throttler does not offer: it keeps exact sliding windows only. A
    /// sliding window of the same length and limit is safe in place of a fixed one.
    Unsupported(LimitId),
    /// The address is not one: `redis://[user:password@]host[:port][/database]`. It is not repeated here, as it may hold
    /// a password.
    InvalidUrl,
    /// The prefix is empty or contains a brace.
    InvalidPrefix(String),
    /// The share that a process may use on its own is not above 0 and at most 1.
    InvalidLocalShare(f64),
    /// This setting is a time, and zero.
    ZeroDuration(&'static str),
}

impl RedisThrottlerError {
    /// The limit at fault, where there is one.
    pub fn limit_id(&self) -> Option<&LimitId> {
        match self {
            Self::Limits(error) => error.limit_id(),
            Self::Unsupported(limit) => Some(limit),
            _ => None,
        }
    }
}

impl fmt::Display for RedisThrottlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limits(_) => f.write_str("the limits are not consistent"),
            Self::Unsupported(limit) => {
                write!(f, "limit {limit:?} is not an exact sliding window, and only those can be shared")
            }
            Self::InvalidUrl => f.write_str(
                "the address of the server is not of the form `redis://[user:password@]host[:port][/database]`",
            ),
            Self::InvalidPrefix(prefix) => {
                write!(f, "the prefix {prefix:?} is empty or contains a brace")
            }
            Self::InvalidLocalShare(share) => {
                write!(f, "the local share is {share}: it must be above 0 and at most 1")
            }
            Self::ZeroDuration(setting) => write!(f, "`{setting}` is zero"),
        }
    }
}

impl StdError for RedisThrottlerError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Limits(error) => Some(error),
            _ => None,
        }
    }
}

impl From<LimitError> for RedisThrottlerError {
    fn from(error: LimitError) -> Self {
        Self::Limits(error)
    }
}
