//! Tokens that are bound to a key, at servers that others wrote.

#![cfg(feature = "full")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is the test's answer")]

#[path = "../support/counted.rs"]
mod counted;
mod handshake;
mod issued;
mod judged;
