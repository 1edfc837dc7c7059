use futures_util::StreamExt as _;
use networkpype::{
    ErrorKind, WebSocketEvent, WebSocketHandshake, WebSocketManager, WebSocketRequest,
};
use networkpype_test::{Exchange, ExchangeBuilder, Reply};

use super::{check_transcript, exchanges, factory, harmless, scheme::Undeclared};
use crate::{canary::CANARY, transcript};

/// `/refuse/STATUS` quotes the handshake instead of upgrading.
fn refusing(builder: ExchangeBuilder) -> ExchangeBuilder {
    builder.handler("/refuse/", |request| {
        let status = request.path().rsplit('/').next().and_then(|status| status.parse().ok());
        let cookies = request.header("cookie").unwrap_or_default();
        let credential = request.header("x-credential").unwrap_or_default();
        let quoted = format!("{} {cookies} {credential}", request.target);
        Reply::text(status.expect("a status"), quoted)
    })
}

#[tokio::test]
async fn no_error_or_trace_of_a_stream_shows_what_a_scheme_placed() {
    transcript::record();
    for exchange in exchanges(refusing) {
        let factory = factory(&exchange, Undeclared::new()).build().expect("factory");
        transcript::note(&factory);
        refused_handshakes_are_harmless(&factory.ws_manager()).await;
        messages_are_harmless(&factory.ws_manager()).await;
        for login in [quoted_by_a_message, quoted_by_a_close] {
            refused_login_is_harmless(&exchange, login).await;
        }
        factory.close().await;
    }
    check_transcript(&[
        "websocket connected",
        "websocket handshake failed",
        "websocket login failed",
        "rustls",
        "[redacted]",
    ]);
}

async fn refused_handshakes_are_harmless(manager: &WebSocketManager) {
    for status in [302, 400, 401, 500] {
        let handshake = WebSocketHandshake::new(format!("/refuse/{status}")).auth_required();
        let error = manager.connect(handshake).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Status, "{error:?}");
        assert!(error.body_excerpt().is_some_and(|it| it.contains("[redacted]")), "{error:?}");
        transcript::append(&harmless(&error));
    }
}

/// The exchange sends back what it is sent, and closes with the reason that it is told.
async fn messages_are_harmless(manager: &WebSocketManager) {
    manager.connect(WebSocketHandshake::new("/ws").auth_required()).await.expect("connected");
    let mut stream = manager.iter_messages();
    for op in ["echo", "close"] {
        manager
            .send(WebSocketRequest::json_object([("op", op)]).auth_required())
            .await
            .expect("sent");
        transcript::note(manager);
        let event = stream.next().await.expect("an event").expect("no failure");
        let quoted = match &event {
            WebSocketEvent::Message(message) => message.text().into_owned(),
            WebSocketEvent::Closed(close) => close.as_ref().expect("a reason").reason().to_owned(),
            other => panic!("{other:?} was not asked for"),
        };
        assert!(quoted.contains(CANARY), "the server quotes what it was sent");
        transcript::note(&event);
        transcript::note(&stream);
    }
    for error in [
        manager.receive().await.expect_err("closed"),
        manager.send(WebSocketRequest::text(CANARY)).await.expect_err("closed"),
    ] {
        assert!(error.close().is_some_and(|close| close.reason().contains(CANARY)));
        transcript::append(&harmless(&error));
    }
}

/// The exchange sends this message back.
fn quoted_by_a_message() -> WebSocketRequest {
    WebSocketRequest::json_object([("op", "echo"), ("key", CANARY)])
}

/// The exchange closes with this reason.
fn quoted_by_a_close() -> WebSocketRequest {
    WebSocketRequest::json_object([("op", "close"), ("reason", CANARY)])
}

async fn refused_login_is_harmless(exchange: &Exchange, login: fn() -> WebSocketRequest) {
    let factory = factory(exchange, Undeclared::with_login(login)).build().expect("factory");
    let error = factory.ws_manager().connect("/ws").await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Login, "{error:?}");
    transcript::append(&harmless(&error));
    factory.close().await;
}
