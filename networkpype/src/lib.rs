#![cfg_attr(feature = "full", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "full"),
    doc = "Signed REST calls and live WebSocket streams, inside an API's rate limits, on its server's clock."
)]

#[cfg(feature = "rest")]
mod factory;
#[cfg(feature = "presets")]
mod preset;

#[cfg(feature = "rest")]
pub use factory::{
    AuthContext, ConnectionManagersFactory, ConnectionManagersFactoryBuilder, ConnectionsFactory,
    ConnectionsFactoryBuilder, FactoryError,
};

#[cfg(feature = "presets")]
pub use preset::{LimitsOf, Preset, PresetError, Service, TimeOf};

#[doc(no_inline)]
pub use http::{HeaderMap, Method, StatusCode};
#[doc(no_inline)]
pub use networkpype_core::{
    Auth, AuthError, AuthErrorKind, BaseUrl, BodyStream, BoxError, Caller, Charge, Clock,
    CloseFrame, DecodeError, Difference, Encoding, Error, ErrorKind, Explanation, Extensions,
    JsonMembers, Kept, LimitChoice, LimitId, LoginRefusal, LoginStep, ManualClock, Origin,
    OriginPattern, Outcome, OutcomeRules, Pair, Pairs, Permit, ProxyOptions, Recovery, Rejection,
    ResponseHead, RestPostProcessor, RestPreProcessor, RestRequest, RestResponse, RestTransport,
    Resync, Secret, Sleep, SystemClock, Throttle, ThrottleError, Ticker, Ticks, Timestamp, Timing,
    TlsOptions, TokioTicker, TransportError, TransportErrorKind, WebSocketEvent,
    WebSocketHandshake, WebSocketPostProcessor, WebSocketPreProcessor, WebSocketRequest,
    WebSocketResponse, WebSocketTransport, WireError, async_trait,
};

#[doc(inline)]
pub use networkpype_auth as auth;
#[cfg(feature = "rest")]
#[doc(inline)]
pub use networkpype_rest as rest;
#[cfg(feature = "rest")]
#[doc(no_inline)]
pub use networkpype_rest::{RestConnection, RestManager, RestManagerBuilder};
#[doc(inline)]
pub use networkpype_schemes as schemes;
#[doc(inline)]
pub use networkpype_throttle as throttle;
#[doc(no_inline)]
pub use networkpype_throttle::{
    Accounting, Feedback, HeaderRule, LimitError, LimitKind, LinkedLimit, LinkedWeight, ParamValue,
    PreciseTicker, Precision, RateLimit, ResetAs, Scope, StartedPermit, Throttler,
    ThrottlerBuilder, Usage, WeightRule,
};
#[cfg(feature = "config")]
#[doc(no_inline)]
pub use networkpype_throttle::{ConfigError, ThrottlerConfig};
#[cfg(feature = "redis")]
#[doc(no_inline)]
pub use networkpype_throttle::{
    OnFailure, RedisThrottler, RedisThrottlerBuilder, RedisThrottlerError,
};
#[doc(inline)]
pub use networkpype_time as time;
#[doc(no_inline)]
pub use networkpype_time::{
    RestTimeProvider, TimeFormat, TimeProvider, TimeSynchronizer, TimeSynchronizerRestPreProcessor,
};
#[cfg(feature = "ws")]
#[doc(inline)]
pub use networkpype_ws as ws;
#[cfg(feature = "ws")]
#[doc(no_inline)]
pub use networkpype_ws::{
    WebSocketConnection, WebSocketManager, WebSocketManagerBuilder, WebSocketMessages,
};

#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../../docs/factory.md")]
struct FactoryGuide;

#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../../docs/coming-from-python.md")]
struct ComingFromPython;
