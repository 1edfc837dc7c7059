//! What the synchronizer does, seen from outside: in memory, on tokio's paused clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may unwrap as tests may"
)]

mod asking;
mod learning;
mod pre_processor;
mod reading;
mod refreshing;
mod rest_provider;
mod steps;
mod support;
