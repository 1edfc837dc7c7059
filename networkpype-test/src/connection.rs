//! How is one connection served?

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::record::Recorded;
use crate::routes;
use crate::state::State;
use crate::wire::{Head, Incoming, ReadError, Reply, ReplyContext, Socket, write_reply};
use crate::ws;

/// How long to wait for the peer's close after ours.
const LINGER: Duration = Duration::from_secs(5);

pub(crate) async fn serve(
    state: Arc<State>,
    tls: Option<TlsAcceptor>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let connection = state.journal.write(|entries| {
        entries.connections += 1;
        entries.connections
    });
    // Only a matter of speed, and the peer may be gone already.
    let _ = stream.set_nodelay(true);
    let socket = match tls {
        None => Socket::Plain(stream),
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => Socket::Tls(Box::new(stream)),
            Err(failure) => {
                let failure = failure.to_string();
                state.journal.write(|entries| entries.tls_failures.push(failure));
                return;
            }
        },
    };
    let mut incoming = Incoming::new(socket);
    loop {
        let (request, keep_alive) = match receive(&state, &mut incoming, peer, connection).await {
            Ok(received) => received,
            Err(ReadError::Closed) => return,
            Err(ReadError::Refused(status, why)) => {
                let refusal = Reply::error(status, i64::from(status), why);
                return finish(&state, incoming, &refusal, false).await;
            }
        };
        let reply = match ws::plan(&state, &request) {
            None if routes::is_limited(&request) => {
                state.travel().await;
                let reply = routes::answer(&state, &request);
                state.travel().await;
                reply
            }
            None => routes::answer(&state, &request),
            Some(ws::Plan::Answer(reply)) => reply,
            Some(ws::Plan::Take(take)) => return ws::run(state, incoming, take).await,
        };
        let to_head = request.method == "HEAD";
        if !keep_alive {
            return finish(&state, incoming, &reply, to_head).await;
        }
        let context = context(&state, to_head, true);
        if write_reply(&mut incoming.socket, &reply, &context).await.is_err() {
            return;
        }
    }
}

/// Reads one request and records it, whole or not.
async fn receive(
    state: &State,
    incoming: &mut Incoming,
    peer: SocketAddr,
    connection: usize,
) -> Result<(Recorded, bool), ReadError> {
    let raw = incoming.head().await?;
    let at = state.clock.elapsed();
    let head = Head::parse(&raw);
    let (fault, framing) = (head.fault, head.framing());
    let (keep_alive, expects_continue) = (head.keep_alive(), head.expects_continue());
    let mut request = Recorded::new(head, raw, peer, connection, at);
    let body = match (fault, framing) {
        (Some(why), _) | (None, Err(why)) => Err(ReadError::Refused(400, why)),
        (None, Ok(framing)) => {
            if expects_continue {
                let socket = &mut incoming.socket;
                socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                socket.flush().await?;
            }
            incoming.body(framing).await
        }
    };
    request.complete = body.is_ok();
    let outcome = body.map(|body| {
        request.body = body;
        (request.clone(), keep_alive)
    });
    state.journal.write(|entries| entries.requests.push(request));
    outcome
}

/// Answers and closes in an orderly way.
async fn finish(state: &State, mut incoming: Incoming, reply: &Reply, to_head: bool) {
    let context = context(state, to_head, false);
    let socket = &mut incoming.socket;
    let written = write_reply(socket, reply, &context).await;
    if written.is_ok() && socket.shutdown().await.is_ok() {
        // Whoever does not close in time is closed upon.
        let _ = tokio::time::timeout(LINGER, incoming.drain()).await;
    }
}

fn context(state: &State, to_head: bool, keep_alive: bool) -> ReplyContext<'_> {
    ReplyContext { to_head, keep_alive, date: state.clock.now(), gate: &state.gate }
}
