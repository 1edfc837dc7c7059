//! REST requests and responses.

mod request;
mod response;

pub use request::{LimitChoice, RestRequest};
pub use response::{DecodeError, RestResponse, Timing};
