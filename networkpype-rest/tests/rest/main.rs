//! The REST manager from outside: its pipeline over in-memory transports, its bytes over real sockets.

#![allow(clippy::expect_used, reason = "a failed expectation is the test's answer")]

mod arrivals;
mod bytes;
mod errors;
mod faults;
mod given_signers;
mod limits;
mod origins;
mod pipeline;
mod refusals;
mod secrets;
mod support;
mod timeouts;
