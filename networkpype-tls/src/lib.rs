#![doc = include_str!("../README.md")]

mod config;
mod error;
mod identity;
mod roots;

pub use config::{client_config, refusing_everyone};
pub use error::{TlsError, TlsOption, is_tls_failure};
