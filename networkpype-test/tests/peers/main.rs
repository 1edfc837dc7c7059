//! The servers of others: each takes what is right and refuses what is wrong. What is sent here is
//! made by hand, so that it is the servers that are tested, and not a client of ours.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may unwrap like the tests themselves"
)]

mod authlib;
mod digest;
mod http;
mod jwt;
mod life;
mod oauth1;
mod oidc;
mod resources;
