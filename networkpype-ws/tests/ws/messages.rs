//! What goes over a connection, against a real server.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use networkpype_core::{ErrorKind, Outcome, WebSocketEvent, WebSocketRequest, WebSocketResponse};
use networkpype_test::{Exchange, MessageKind};
use networkpype_ws::WebSocketManager;
use serde_json::{Value, json};

use crate::support::{connected, message_of, op, text, text_of};

pub(crate) async fn dial(exchange: &Exchange) -> WebSocketManager {
    let manager = WebSocketManager::builder().build().expect("manager");
    manager.connect(exchange.ws_url("/ws")).await.expect("connected");
    manager
}

#[tokio::test]
async fn what_is_sent_arrives_and_what_comes_is_received_in_order() {
    let exchange = Exchange::builder().ticks(50).start();
    let manager = dial(&exchange).await;
    let connected = manager.last_recv_time();
    assert!(connected.is_some());
    manager
        .subscribe(op("subscribe", json!({ "channel": "ticker", "id": 1 })))
        .await
        .expect("sent");
    let first: Value = manager.receive().await.expect("message").json().expect("json");
    assert_eq!(first, json!({ "event": "subscribed", "channel": "ticker", "id": 1 }));
    let mut messages = manager.iter_messages();
    for seq in 1..=50 {
        let message = message_of(messages.next().await);
        assert_eq!(serde_json::from_str::<Value>(&message).expect("json")["seq"], seq);
    }
    assert!(manager.last_recv_time() > connected);
    manager.send(WebSocketRequest::binary(&b"\x00\xff"[..])).await.expect("sent");
    let echo = manager.receive().await.expect("message");
    assert!(echo.is_binary());
    assert_eq!(echo.bytes(), &b"\x00\xff"[..]);
}

#[tokio::test]
async fn ping_is_answered_with_its_own_payload_and_exactly_once() {
    let exchange = Exchange::start();
    let manager = dial(&exchange).await;
    let payloads: Vec<String> = (0..20).map(|n| format!("{n:0>125}")).collect();
    for payload in &payloads {
        manager.send(op("ping", json!({ "payload": payload }))).await.expect("sent");
        // Nobody receives: the answer comes by itself, and nothing else is sent that could carry it.
        exchange
            .wait_until(|exchange| {
                exchange.pongs().last().is_some_and(|last| last == payload.as_bytes())
            })
            .await;
    }
    manager.send(op("echo", json!({}))).await.expect("sent");
    manager.receive().await.expect("message");
    assert_eq!(exchange.pongs(), payloads);
}

#[tokio::test]
async fn a_ping_of_ones_own_goes_out_as_given() {
    let exchange = Exchange::start();
    let manager = dial(&exchange).await;
    manager.ping("mine").await.expect("sent");
    exchange.wait_until(|exchange| !exchange.ws_received().is_empty()).await;
    let received = exchange.ws_received();
    assert_eq!((received[0].kind, &received[0].data[..]), (MessageKind::Ping, &b"mine"[..]));
    let error = manager.ping(vec![0; 126]).await.expect_err("too long");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
}

#[tokio::test]
async fn w01_a_close_by_the_server_is_answered_and_is_no_error() {
    let exchange = Exchange::start();
    for code in [1000, 1001, 1008, 4003] {
        let manager = dial(&exchange).await;
        let before = exchange.ws_received().len();
        manager.send(op("echo", json!({}))).await.expect("sent");
        manager
            .send(op("close", json!({ "code": code, "reason": "because" })))
            .await
            .expect("sent");
        let mut messages = manager.iter_messages();
        message_of(messages.next().await);
        match messages.next().await {
            Some(Ok(WebSocketEvent::Closed(Some(close)))) => {
                assert_eq!((close.code(), close.reason()), (code, "because"));
            }
            other => panic!("{other:?}"),
        }
        assert!(messages.next().await.is_none());
        assert!(!manager.is_connected());
        exchange.wait_until(|exchange| exchange.ws_received().len() == before + 3).await;
        assert_eq!(exchange.ws_received()[before + 2].kind, MessageKind::Close(Some(code)));
        for error in [
            manager.receive().await.map(|_| ()).expect_err("over"),
            manager.send(op("echo", json!({}))).await.expect_err("over"),
        ] {
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Disconnected, Outcome::NotSent)
            );
            assert_eq!(error.close().map(|close| close.code()), Some(code));
        }
    }
}

#[tokio::test]
async fn disconnect_says_goodbye_and_may_be_said_twice() {
    let exchange = Exchange::start();
    let manager = dial(&exchange).await;
    let mut messages = manager.iter_messages();
    manager.send(op("echo", json!({}))).await.expect("sent");
    message_of(messages.next().await);
    tokio::join!(manager.disconnect(), manager.disconnect());
    manager.disconnect().await;
    assert!(
        matches!(messages.next().await, Some(Ok(WebSocketEvent::Closed(Some(close)))) if close.code() == 1000)
    );
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
    let kinds: Vec<_> = exchange.ws_received().into_iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [MessageKind::Text, MessageKind::Close(Some(1000))]);
}

#[tokio::test]
async fn a_closed_manager_connects_again_and_old_streams_stay_with_the_old_connection() {
    let exchange = Exchange::start();
    let manager = dial(&exchange).await;
    let error = manager.connect(exchange.ws_url("/ws")).await.expect_err("connected already");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
    let mut old = manager.iter_messages();
    manager.disconnect().await;
    manager.connect(exchange.ws_url("/ws")).await.expect("connected");
    manager.send(op("echo", json!({ "id": 2 }))).await.expect("sent");
    assert!(manager.receive().await.expect("message").text().contains("echo"));
    assert!(matches!(old.next().await, Some(Ok(WebSocketEvent::Closed(_)))));
    assert!(old.next().await.is_none());
}

#[tokio::test]
async fn without_a_connection_everything_says_so() {
    let manager = WebSocketManager::builder().build().expect("manager");
    manager.disconnect().await;
    assert!(!manager.is_connected());
    for error in [
        manager.send(WebSocketRequest::text("x")).await.expect_err("not connected"),
        manager.ping("x").await.expect_err("not connected"),
        manager.receive().await.map(|_| ()).expect_err("not connected"),
        manager
            .iter_messages()
            .next()
            .await
            .expect("an item")
            .map(|_| ())
            .expect_err("not connected"),
    ] {
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::NotSent));
    }
}

#[tokio::test(start_paused = true)]
async fn processors_run_in_order_and_each_failure_concerns_one_message() {
    let mark = |mark: &'static str| {
        move |request: WebSocketRequest| {
            let mut request = request;
            let text = String::from_utf8(request.bytes()?.to_vec())?;
            Ok(WebSocketRequest::text(text + mark))
        }
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let also_seen = Arc::clone(&seen);
    let (manager, peer) = connected(|builder| {
        builder
            .pre_processor(mark("1"))
            .pre_processor(mark("2"))
            .post_processor(move |message: WebSocketResponse| {
                also_seen.lock().expect("lock").push(message.text().into_owned());
                Ok(message)
            })
            .post_processor(|message: WebSocketResponse| match &*message.text() {
                "bad" => Err("bad message".into()),
                text => Ok(WebSocketResponse::from_text(format!("<{text}>"))),
            })
    })
    .await;
    manager.send(WebSocketRequest::text("x")).await.expect("sent");
    assert_eq!(text_of(peer.receive().await).as_deref(), Some("x12"));
    for message in ["a", "bad", "b"] {
        peer.send(text(message));
    }
    let mut messages = manager.iter_messages();
    assert_eq!(message_of(messages.next().await), "<a>");
    let error = messages.next().await.expect("an item").map(|_| ()).expect_err("bad");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Processor, Outcome::Done));
    assert_eq!(message_of(messages.next().await), "<b>");
    assert_eq!(*seen.lock().expect("lock"), ["a", "bad", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_pre_processor_sends_nothing() {
    let (manager, peer) = connected(|builder| {
        builder.pre_processor(|request: WebSocketRequest| match request.is_auth_required() {
            true => Err("no".into()),
            false => Ok(request),
        })
    })
    .await;
    let error =
        manager.send(WebSocketRequest::text("x").auth_required()).await.expect_err("refused");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Processor, Outcome::NotSent));
    let error = manager.send(WebSocketRequest::json(&f64::NAN)).await;
    assert!(error.is_ok(), "NaN is null in JSON");
    let unwritable =
        WebSocketRequest::json_object([("x", std::collections::HashMap::from([((1, 2), 3)]))]);
    let error = manager.send(unwritable).await.expect_err("not JSON");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
    assert_eq!(text_of(peer.receive().await).as_deref(), Some("null"));
}

#[test]
fn everything_may_move_between_threads() {
    fn send<T: Send>(_: T) {}
    fn send_sync<T: Send + Sync + 'static>(_: &T) {}
    let manager = WebSocketManager::builder().build().expect("manager");
    send_sync(&manager);
    send(manager.connect("wss://h/"));
    send(manager.send(WebSocketRequest::text("")));
    send(manager.subscribe(WebSocketRequest::text("")));
    send(manager.ping(""));
    send(manager.receive());
    send(manager.disconnect());
    send_sync(&manager.iter_messages());
}
