//! What a `WebSocketManager` and a `WebSocketConnection` promise.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation is the test's answer, in its helpers too"
)]

mod cancelling;
mod connecting;
mod credentials;
mod faults;
mod limits;
mod liveness;
mod login;
mod messages;
mod proxy;
mod renewal;
mod support;
#[cfg(feature = "rustls")]
mod tls;
