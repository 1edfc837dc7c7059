//! A throttler seen from outside, on clocks that move only when they are told to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation is the test's answer, in helpers too"
)]

mod configuration;
mod deadlines;
mod driver;
mod errors;
mod feedback;
mod kinds;
mod kinds_property;
mod linked;
mod model;
mod permits;
mod property;
mod refusals;
mod run;
mod script;
mod support;
mod threads;
mod waiting;
