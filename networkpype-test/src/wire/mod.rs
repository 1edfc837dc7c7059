//! HTTP/1.1 by hand, so that the bytes received are known exactly.

mod head;
mod incoming;
mod reply;
mod socket;

pub(crate) use self::head::{Framing, Head};
pub(crate) use self::incoming::{Incoming, ReadError};
pub use self::reply::Reply;
pub(crate) use self::reply::{ReplyContext, write_reply};
pub(crate) use self::socket::Socket;
