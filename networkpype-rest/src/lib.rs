#![doc = include_str!("../README.md")]

mod attempt;
mod builder;
mod connection;
mod decode;
mod exact_url;
mod failure;
mod gate;
mod journal;
mod manager;
mod recoveries;
mod watched_body;

pub use builder::RestManagerBuilder;
pub use connection::{ConnectionError, RestConnection, RestConnectionBuilder};
pub use manager::RestManager;
#[doc(no_inline)]
pub use networkpype_core::{
    Auth, Error, ErrorKind, Outcome, ProxyOptions, RestPostProcessor, RestPreProcessor,
    RestRequest, RestResponse, RestTransport, TlsOptions,
};

#[cfg(doctest)]
#[doc = include_str!("../../docs/rest.md")]
struct Guide;
