//! The managers for REST and WebSocket. What they do while connected is in `calls`.

use networkpype_core::mock::{MockRest, MockWebSocket};
use networkpype_rest::{RestManager, RestManagerBuilder};
use networkpype_ws::{WebSocketManager, WebSocketManagerBuilder};

use super::{core_messages::response, schemes::hmac};
use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    let streaming = ws().build().expect("manager");
    specimens! {
        debug networkpype_rest::RestManager => [rest_manager()];
        debug networkpype_rest::RestManagerBuilder => [
            rest(),
            // A URL that cannot be used is known to be so only when it is built.
            rest().base_url(format!("https://user:{CANARY}@h/?key={CANARY}")),
            rest().allow_origin(format!("https://user:{CANARY}@h")),
        ];
        debug networkpype_ws::WebSocketManager => [streaming.clone()];
        debug networkpype_ws::WebSocketManagerBuilder => [
            ws(),
            ws().base_url(format!("https://user:{CANARY}@h/?key={CANARY}")),
            ws().default_header("x-key", format!("{CANARY}\n")),
        ];
        debug networkpype_ws::WebSocketMessages => [streaming.iter_messages()];
    }
}

fn rest() -> RestManagerBuilder {
    RestManager::builder()
        .base_url("https://api.example.com")
        .connection(MockRest::new(|_| Ok(response())))
        .auth(hmac().build().expect("scheme"))
        .default_header("x-key", CANARY)
        .default_header("cookie", format!("session={CANARY}"))
        .user_agent(CANARY)
        .default_limit("orders")
}

/// A manager that answers every request with the canary, and sends it.
pub(crate) fn rest_manager() -> RestManager {
    rest().build().expect("manager")
}

fn ws() -> WebSocketManagerBuilder {
    WebSocketManager::builder()
        .base_url("wss://api.example.com")
        .connection(MockWebSocket::new())
        .auth(hmac().build().expect("scheme"))
        .default_header("x-key", CANARY)
        .user_agent(CANARY)
        .default_limit("messages")
}
