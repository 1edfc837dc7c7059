//! Digest over real sockets: what is sent, and what servers of others make of it.

#![cfg(feature = "full")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is the test's answer")]

#[path = "../support/counted.rs"]
mod counted;
mod judged;
mod local;
mod unruly;
