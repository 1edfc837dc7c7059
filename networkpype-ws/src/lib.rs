#![doc = include_str!("../README.md")]

mod builder;
mod connect_proxy;
mod connection;
mod dial;
mod end;
mod family;
mod http_head;
mod inbox;
mod io;
mod limits;
mod liveness;
mod login;
mod manager;
mod opening;
mod pump;
mod recoveries;
mod renewal;
mod socket;
mod stream;
mod timer;
mod upgrade;

pub use builder::WebSocketManagerBuilder;
pub use connection::{ConnectionError, WebSocketConnection, WebSocketConnectionBuilder};
pub use manager::WebSocketManager;
pub use stream::WebSocketMessages;

#[doc(no_inline)]
pub use networkpype_core::{
    Auth, CloseFrame, Error, ErrorKind, Outcome, ProxyOptions, TlsOptions, WebSocketEvent,
    WebSocketHandshake, WebSocketPostProcessor, WebSocketPreProcessor, WebSocketRequest,
    WebSocketResponse, WebSocketTransport,
};

#[cfg(doctest)]
#[doc = include_str!("../../docs/websocket.md")]
struct Guide;
