//! The bytes of a request: open to changes until somebody asks for them, append-only from then on.

mod body;
mod encode;
mod error;
mod json;
mod pairs;
mod target;

pub(crate) use body::{Body, Content, Json};
pub use body::{BodyStream, StreamedBody};
pub use encode::{Encoding, Kept};
pub use error::{WireError, WireErrorKind};
pub use json::JsonMembers;
pub(crate) use json::to_text;
pub use pairs::{Pair, Pairs};
pub use target::BaseUrl;
pub(crate) use target::Target;
