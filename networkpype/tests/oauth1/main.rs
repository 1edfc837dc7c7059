//! OAuth 1.0a over real sockets: what is sent, and what PyPI's oauthlib makes of it.

#![cfg(feature = "full")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is the test's answer")]

mod judged;
mod observed;
mod steps;
mod wire;
