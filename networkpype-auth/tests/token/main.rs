//! The life of tokens, as those who need them see it. Time is tokio's, paused.

#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a test's answer")]

mod changes;
mod failed_logouts;
mod files;
mod given_up;
mod issuer;
mod locks;
mod processes;
mod refusals;
mod renewal;
mod sharing;
mod shutdown;
mod stores;
mod succession;
mod time_limits;
