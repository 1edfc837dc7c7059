//! The ready-made presets, and those that a user writes.

#![cfg(all(feature = "full", feature = "presets"))]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is the test's answer")]

mod files;
mod own;
mod setup;
