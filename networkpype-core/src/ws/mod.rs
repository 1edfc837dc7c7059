//! WebSocket handshakes and messages.

mod handshake;
mod request;
mod response;

pub use handshake::WebSocketHandshake;
pub use request::WebSocketRequest;
pub use response::{CloseFrame, WebSocketEvent, WebSocketResponse};
