//! The exchange and the raw server, seen by clients that share no code with them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may unwrap like the tests themselves"
)]

mod client;
mod credentials;
mod digest;
mod http;
mod key;
mod life;
mod limits;
mod oauth1;
mod oauth2;
mod raw;
mod signing;
mod tls;
mod websocket;
