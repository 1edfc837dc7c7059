//! A local exchange that verifies signatures, limits and logins by its own means.
//!
//! [`Exchange`] is a real HTTP and WebSocket server on a free port of 127.0.0.1. It shares no code
//! with the other NetworkPype crates, so a mistake cannot hide on both sides, and it parses
//! HTTP/1.1 itself, so [`Exchange::requests`] shows the exact bytes received. [`RawServer`] follows
//! scripts over raw TCP, for servers that misbehave; [`TestCa`] makes certificates. [`peers`] starts
//! servers that others wrote.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use networkpype_test::Exchange;
//!
//! let exchange = Exchange::builder().clock_skew_ms(90_000).start();
//! let mut client = TcpStream::connect(exchange.addr())?;
//! client.write_all(b"GET /echo/a%2Fb?x=1&&y=+ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
//! assert_eq!(exchange.requests()[0].target, "/echo/a%2Fb?x=1&&y=+");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Endpoints
//!
//! | Path | Answer |
//! |---|---|
//! | `/time` | `{"serverTime": ms}`, skew included |
//! | `/public/ping`, `/public/ticker?symbol=` | market data |
//! | `/public/status/{code}?retry_after=&body=` | this status |
//! | `/public/redirect?to=&status=` | a redirect |
//! | `/public/slow?head_ms=&body_ms=` | waits before the head, within the body |
//! | `/public/gate` | waits for [`Exchange::open_gate`] |
//! | `/public/big?bytes=&chunked=1` | so many bytes |
//! | `/echo...`, `/raw-head` | what was received, as JSON or as the raw head |
//! | `/api/key/`, `/api/key-query/`, `/api/key-cookie/` | needs `X-API-KEY`, `?api_key=`, the cookie `api_key` |
//! | `/api/query/` | needs `X-MBX-APIKEY`, `timestamp` and, last, `signature`: hex HMAC-SHA256 over query and body |
//! | `/api/body/` | needs `ACCESS-KEY`, `ACCESS-TIMESTAMP`, `ACCESS-SIGN`: base64 HMAC-SHA256 over timestamp, method, target and body; `ACCESS-NONCE` must increase if sent |
//! | `/api/digest/` | needs Digest, as [`ExchangeBuilder::digest`] says |
//! | `/oauth1/initiate`, `/oauth1/authorize`, `/oauth1/token` | the three steps of OAuth 1.0a to a token; at the second the resource owner says yes |
//! | `/oauth1/...` | needs OAuth 1.0a in the header: HMAC-SHA256, with such a token or none; says `oauth_problem` |
//! | `/api/basic/` | needs Basic, as [`ExchangeBuilder::basic`] says |
//! | `/api/jwt/` | needs a token that the client signs, as [`ExchangeBuilder::jwt_key`] says |
//! | `/oauth2/token`, `/api/token/` | gives tokens out, and needs one: Bearer, or DPoP with its proof, as [`ExchangeBuilder::issuer`] says |
//! | `/ws`, `/ws/header`, `/ws/query`, `/ws/digest` | a WebSocket: open to all, with `X-API-KEY`, with a signed query, with Digest |
//! | `/ws/silent`, `/ws/no-upgrade` | upgrades and hangs, hangs before the upgrade |
//! | `/ws/refuse?status=&retry_after=`, `/ws/redirect?to=` | anything but an upgrade |
//!
//! Everything under `/api/` is counted by the limiter of [`ExchangeBuilder::rate_limit`].
//!
//! # The WebSocket
//!
//! Text messages are JSON with an `op`; an `id` comes back in the answer. `subscribe` and
//! `unsubscribe` take a `channel`: `ticker`, or `orders` after a `login` with `key`, `timestamp`
//! (seconds or milliseconds, as text) and `sign`, the base64 HMAC-SHA256 over timestamp, `GET` and
//! `/users/self/verify`. `echo` comes back as it is, and so do binary messages. The rest are faults
//! to order: `ping` (`payload`), `big` (`bytes`), `bad_json`, `close` (`code`, `reason`), `drop`,
//! `reset`, and `silence`, after which nothing is read or written any more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test library: what cannot go on must fail the test"
)]

mod builder;
mod ca;
mod clock;
mod connection;
mod digest;
mod dpop;
mod exchange;
mod host;
mod issuer;
mod jws;
mod limiter;
mod params;
mod path;
pub mod peers;
mod raw;
mod record;
mod routes;
mod state;
mod verify;
mod wire;
mod ws;

pub use crate::builder::ExchangeBuilder;
pub use crate::ca::{IssuedCert, TestCa};
pub use crate::digest::{DigestCounts, DigestRealm};
pub use crate::exchange::Exchange;
pub use crate::issuer::TokenIssuer;
pub use crate::raw::{RawServer, Step};
pub use crate::record::{MessageKind, ReceivedMessage, Recorded};
pub use crate::wire::Reply;
