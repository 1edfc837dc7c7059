//! What the seams of the core crate are given and give, and its in-memory transports.

use std::sync::Arc;

use http::StatusCode;
use networkpype_core::{
    Charge, Frame, LimitId, Permit, PermitHandle, ResponseHead, RestRequest, SendProgress,
    SingleFlight, ThrottleError, TokioTicker, WebSocketChannel, WebSocketTransport as _,
    mock::{MockPeer, MockRest, MockWebSocket},
};
use networkpype_rest::RestManager;

use super::core_messages::{form_request, handshake, headers, response};
use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) async fn specimens() -> Vec<Specimen> {
    let limit = LimitId::new("orders");
    let (request, headers) = (form_request(), headers());
    let rest = MockRest::new(|_| Ok(response()));
    let manager = RestManager::builder().connection(rest.clone()).build().expect("manager");
    let asked = RestRequest::get(format!("https://h/?key={CANARY}")).header("x-key", CANARY);
    manager.call(asked).await.expect("response");
    let waiting = MockWebSocket::new();
    waiting.connect(handshake()).await.expect("connected");
    let (channel, peer) = connected().await;
    specimens! {
        debug networkpype_core::Charge<'_> => [Charge::new(&limit).with_request(&request)];
        debug networkpype_core::Permit => [Permit::new(Handle(CANARY))];
        debug networkpype_core::ResponseHead<'_> => [ResponseHead::new(StatusCode::OK, &headers)];
        debug networkpype_core::SendProgress => [progress()];
        debug networkpype_core::SingleFlight<String> => [SingleFlight::new()];
        debug networkpype_core::WebSocketChannel => [channel];
        debug networkpype_core::mock::MockPeer => [peer];
        debug networkpype_core::mock::MockRest => [rest];
        debug networkpype_core::mock::MockWebSocket => [waiting];
    }
}

struct Handle(#[allow(dead_code, reason = "only held")] &'static str);

impl PermitHandle for Handle {
    fn started(&mut self) -> Result<(), ThrottleError> {
        Ok(())
    }

    fn refund(&mut self) {}
}

/// That of a request which was answered.
fn progress() -> SendProgress {
    let progress = SendProgress::new(Permit::new(Handle(CANARY)), Arc::new(TokioTicker::new()));
    progress.answered(StatusCode::OK, &headers());
    progress
}

/// Both ends of a connection on which messages wait.
async fn connected() -> (WebSocketChannel, MockPeer) {
    let transport = MockWebSocket::new();
    let channel = transport.connect(handshake()).await.expect("connected");
    let (_, peer) = transport.accept().await;
    peer.send(Frame::Text(CANARY.into()));
    (channel.with_headers(headers()), peer)
}
