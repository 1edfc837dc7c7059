#![doc = include_str!("../README.md")]

mod acquire;
mod builder;
mod capacity;
mod driver;
mod engine;
mod limit;
mod limit_error;
mod permit;
mod queue;
mod route;
mod shared;
mod slots;
mod throttler;
mod window;

pub use builder::ThrottlerBuilder;
pub use limit::{LinkedLimit, RateLimit};
pub use limit_error::LimitError;
pub use throttler::{Throttler, Usage};

#[doc(no_inline)]
pub use networkpype_core::{Charge, LimitId, Permit, Throttle, ThrottleError};

#[cfg(doctest)]
#[doc = include_str!("../../docs/throttling.md")]
struct ThrottlingGuide;
