//! The words and seams of NetworkPype: what its crates, and programs that extend it, have in common.
//!
//! - What is sent and received: [`RestRequest`], [`RestResponse`], [`WebSocketHandshake`], [`WebSocketRequest`],
//!   [`WebSocketResponse`], and the bytes they are made of: [`Pairs`], [`JsonMembers`], [`Encoding`].
//! - What can be exchanged: [`Auth`], [`Throttle`], [`Clock`], [`Ticker`], [`Resync`], [`Caller`], the transports
//!   [`RestTransport`] and [`WebSocketTransport`], and four kinds of processors.
//! - What went wrong: [`Error`] with its [`Outcome`], and the errors of each seam.
//!
//! There is no I/O and no runtime here.
//!
//! # Features
//!
//! - `tokio`: [`TokioTicker`], a [`Ticker`] over tokio's clock.
//! - `mock`: the module `mock`, in-memory transports for unit tests.

mod auth;
mod backoff;
mod caller;
mod connection_header;
mod error;
mod explanation;
#[cfg(feature = "mock")]
pub mod mock;
mod origin;
mod origin_policy;
mod outcome;
mod processor;
mod redact;
mod rest;
mod retry_after;
mod secret;
mod send_progress;
mod shared;
mod show;
mod single_flight;
mod throttle;
mod time;
mod tls_options;
mod transport;
mod unescape;
mod wire;
mod ws;

pub use async_trait::async_trait;
pub use auth::{Auth, AuthError, AuthErrorKind, LoginRefusal, LoginStep, Recovery, Rejection};
pub use backoff::Backoff;
pub use caller::{Caller, Resync};
pub use connection_header::is_connection_header;
pub use error::{BoxError, Error, ErrorKind, Result, retry_after_of};
pub use explanation::{Difference, Explanation, ExplanationBuilder};
#[doc(no_inline)]
pub use http::Extensions;
pub use origin::{Origin, OriginPattern};
pub use origin_policy::{OriginPolicy, OriginRefused};
pub use outcome::{Outcome, OutcomeRules};
pub use processor::{
    RestPostProcessor, RestPreProcessor, WebSocketPostProcessor, WebSocketPreProcessor,
};
pub use redact::Redactor;
pub use rest::{DecodeError, LimitChoice, RestRequest, RestResponse, Timing};
pub use retry_after::{MAX_RETRY_AFTER, retry_after, retry_after_within};
pub use secret::Secret;
pub use send_progress::SendProgress;
pub use single_flight::SingleFlight;
pub use throttle::{Charge, LimitId, Permit, PermitHandle, ResponseHead, Throttle, ThrottleError};
#[cfg(feature = "tokio")]
pub use time::TokioTicker;
pub use time::{Clock, ManualClock, Sleep, SystemClock, Ticker, Ticks, Timestamp};
pub use tls_options::{ProxyOptions, TlsIdentity, TlsOptions};
pub use transport::{
    Frame, FrameSink, FrameStream, Progress, RestTransport, TransportError, TransportErrorKind,
    WebSocketChannel, WebSocketTransport,
};
pub use wire::{
    BaseUrl, BodyStream, Encoding, JsonMembers, Kept, Pair, Pairs, StreamedBody, WireError,
    WireErrorKind,
};
pub use ws::{CloseFrame, WebSocketEvent, WebSocketHandshake, WebSocketRequest, WebSocketResponse};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
