//! Limits that several processes and machines share, kept in Redis or Valkey.
//!
//! `plan` says what a request is charged and under which keys, the scripts decide, `link` carries them to the server,
//! `acquire` waits, `permit` reports, `courier` delivers reports, `fallback` stands in for a server that is lost.

mod acquire;
mod build_error;
mod builder;
mod courier;
mod fallback;
mod identity;
mod link;
mod permit;
mod plan;
mod script;
mod shared;
mod stops;
mod store_error;
mod tell;
mod throttler;

pub use build_error::RedisThrottlerError;
pub use builder::RedisThrottlerBuilder;
pub use fallback::OnFailure;
pub use throttler::RedisThrottler;
