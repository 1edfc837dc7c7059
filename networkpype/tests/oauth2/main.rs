//! OAuth 2 through the factory, over real sockets: what is sent, and what servers of others make of it.

#![cfg(feature = "full")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is the test's answer")]

mod issuer;
mod judged;
mod processes;
mod storms;
mod websocket;
mod wire;
