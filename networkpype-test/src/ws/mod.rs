//! The WebSocket endpoints: who gets an upgrade, and what becomes of the connection.

mod login;
mod session;

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use self::session::Session;
use crate::params;
use crate::record::Recorded;
use crate::routes;
use crate::state::State;
use crate::wire::{Incoming, Reply};

/// What to do with a request for a WebSocket endpoint.
pub(crate) enum Plan {
    Answer(Reply),
    Take(Take),
}

/// Why a connection stops being HTTP.
pub(crate) enum Take {
    /// The head of the 101, and whether anybody listens afterwards.
    Upgrade { head: String, silent: bool },
    /// Not even a 101.
    NeverAnswer,
}

/// None for requests that have nothing to do with WebSockets.
pub(crate) fn plan(state: &State, request: &Recorded) -> Option<Plan> {
    let endpoint = match request.path().strip_prefix("/ws")? {
        "" => "",
        rest => rest.strip_prefix('/')?,
    };
    let query = request.query();
    Some(match endpoint {
        "" => upgrade(request, false),
        "silent" => upgrade(request, true),
        "no-upgrade" => Plan::Take(Take::NeverAnswer),
        "refuse" => {
            let status = params::number(query, "status").and_then(|code| u16::try_from(code).ok());
            Plan::Answer(routes::status(status.unwrap_or(403), query))
        }
        "redirect" => Plan::Answer(routes::redirect(query)),
        "header" if routes::header_is_key(state, request, "X-API-KEY") => upgrade(request, false),
        "header" => Plan::Answer(Reply::error(401, -2014, "API-key format invalid.")),
        "digest" => match routes::enter(state, request, b"") {
            Ok(_) => upgrade(request, false),
            Err(refusal) => Plan::Answer(refusal),
        },
        "query" => match routes::check_signed_query(state, request) {
            Ok(()) => upgrade(request, false),
            Err(refusal) => Plan::Answer(refusal),
        },
        _ => return None,
    })
}

/// Serves the connection until the client, the session or a kick ends it.
pub(crate) async fn run(state: Arc<State>, incoming: Incoming, take: Take) {
    let mut kicked = state.kick.subscribe();
    let serving = async {
        match take {
            Take::NeverAnswer => {
                let _held_open = incoming;
                std::future::pending().await
            }
            Take::Upgrade { head, silent } => serve(&state, incoming, &head, silent).await,
        }
    };
    // Whoever loses is dropped, and the socket with it: no close frame, no TLS goodbye.
    tokio::select! {
        _ = kicked.changed() => {}
        () = serving => {}
    }
}

async fn serve(state: &Arc<State>, incoming: Incoming, head: &str, silent: bool) {
    // Counted before the client can know that it is connected.
    let open = Open::count(state);
    let (mut socket, early) = incoming.into_parts();
    let written = socket.write_all(head.as_bytes()).await;
    if written.is_err() || socket.flush().await.is_err() {
        return;
    }
    if silent {
        let _held_open = socket;
        return std::future::pending().await;
    }
    let stream = WebSocketStream::from_partially_read(socket, early, Role::Server, None).await;
    Session::new(stream, Arc::clone(state), open.connection).run().await;
}

/// A connection counts as open until this is dropped.
struct Open<'a> {
    state: &'a State,
    connection: usize,
}

impl<'a> Open<'a> {
    fn count(state: &'a State) -> Self {
        let connection = state.journal.write(|entries| {
            entries.ws_connections += 1;
            entries.ws_open += 1;
            entries.ws_connections
        });
        Self { state, connection }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.state.journal.write(|entries| entries.ws_open -= 1);
    }
}

fn upgrade(request: &Recorded, silent: bool) -> Plan {
    let has = |name, token: &str| {
        request.header(name).is_some_and(|value| {
            value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
        })
    };
    if request.method != "GET" || !has("connection", "upgrade") || !has("upgrade", "websocket") {
        let refusal = Reply::error(426, 426, "This endpoint speaks WebSocket.");
        return Plan::Answer(refusal.header("Upgrade", "websocket"));
    }
    let key = request.header("sec-websocket-key").unwrap_or_default();
    // RFC 6455 4.1: 16 bytes in base64.
    if request.header("sec-websocket-version") != Some("13") || key.len() != 24 {
        let refusal = Reply::error(400, 400, "The WebSocket handshake is malformed.");
        return Plan::Answer(refusal.header("Sec-WebSocket-Version", "13"));
    }
    let mut head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n",
        derive_accept_key(key.as_bytes())
    );
    let offered = request.header("sec-websocket-protocol").unwrap_or_default();
    if let Some(protocol) = offered.split(',').map(str::trim).find(|name| !name.is_empty()) {
        head += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
    }
    head += "\r\n";
    Plan::Take(Take::Upgrade { head, silent })
}
