//! The shared throttler on a real server. Needs `redis-server` (Debian: `apt-get install redis-server`), or another one
//! that the variable `NETWORKPYPE_REDIS_SERVER` names, such as a `valkey-server`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation is the test's answer, in helpers too"
)]

mod cluster;
mod exact;
mod failure;
mod line;
mod permits;
mod server;
mod store;
