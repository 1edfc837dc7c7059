#![doc = include_str!("../README.md")]

#[cfg(feature = "__fuzz")]
#[doc(hidden)]
pub mod __fuzz;
mod acquire;
mod builder;
mod capacity;
#[cfg(feature = "config")]
mod config;
mod driver;
mod engine;
mod feedback;
mod gate;
mod limit;
mod limit_error;
mod meter;
mod permit;
mod queue;
#[cfg(feature = "redis")]
mod redis;
mod route;
mod routes;
mod shared;
mod slots;
mod started_permit;
mod throttler;
mod ticker;
mod usage;
mod weight_rule;

pub use builder::ThrottlerBuilder;
#[cfg(feature = "config")]
pub use config::{ConfigError, ThrottlerConfig};
pub use feedback::{Feedback, HeaderRule, ResetAs, Scope};
pub use limit::{Accounting, LimitKind, LinkedLimit, LinkedWeight, Precision, RateLimit};
pub use limit_error::LimitError;
#[cfg(feature = "redis")]
pub use redis::{OnFailure, RedisThrottler, RedisThrottlerBuilder, RedisThrottlerError};
pub use started_permit::StartedPermit;
pub use throttler::Throttler;
#[cfg(feature = "fast-clock")]
pub use ticker::FastTicker;
pub use ticker::PreciseTicker;
pub use usage::Usage;
pub use weight_rule::{ParamValue, WeightRule};

#[doc(no_inline)]
pub use networkpype_core::{Charge, LimitId, Permit, Throttle, ThrottleError};

#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../../docs/shared-limits.md")]
struct SharedLimitsGuide;

#[cfg(doctest)]
#[doc = include_str!("../../docs/throttling.md")]
struct ThrottlingGuide;
