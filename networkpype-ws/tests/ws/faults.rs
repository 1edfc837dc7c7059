//! What servers and networks do wrong.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use networkpype_core::{
    Error, ErrorKind, Frame, Outcome, Progress, WebSocketEvent, WebSocketTransport,
};
use networkpype_test::{Exchange, MessageKind, RawServer, Step};
use networkpype_ws::{WebSocketConnection, WebSocketHandshake, WebSocketManager};
use serde_json::json;

use crate::{
    messages::dial,
    support::{message_of, op, shown},
};

/// The error that ends a stream, after which nothing follows.
async fn last_error(manager: &WebSocketManager) -> Error {
    let mut messages = manager.iter_messages();
    let error = messages.next().await.expect("an item").map(|_| ()).expect_err("an error");
    assert!(messages.next().await.is_none());
    error
}

#[tokio::test]
async fn a_lost_connection_ends_the_stream_with_its_reason() {
    let exchange = Exchange::start();
    for fault in ["drop", "reset"] {
        let manager = dial(&exchange).await;
        manager.send(op("echo", json!({ "id": 1 }))).await.expect("sent");
        let mut messages = manager.iter_messages();
        message_of(messages.next().await);
        manager.send(op(fault, json!({}))).await.expect("sent");
        let error = messages.next().await.expect("an item").map(|_| ()).expect_err("lost");
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Transport, Outcome::Unknown),
            "{fault}"
        );
        assert!(messages.next().await.is_none());
        // A second reader learns the same, and a message is known not to have been sent.
        assert_eq!(last_error(&manager).await.kind(), ErrorKind::Transport);
        let error = manager.send(op("echo", json!({}))).await.expect_err("lost");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::NotSent));
    }
}

/// A connection on which the server writes these bytes behind its upgrade, and the server.
async fn served(bytes: &'static [u8], max_message_size: usize) -> (WebSocketManager, RawServer) {
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::AcceptWebSocket,
        Step::write(bytes),
        Step::ReadToEnd,
    ]);
    let connection = WebSocketConnection::builder()
        .max_message_size(max_message_size)
        .build()
        .expect("connection");
    let manager = WebSocketManager::builder().connection(connection).build().expect("manager");
    manager.connect(server.ws_url("/")).await.expect("connected");
    (manager, server)
}

/// The close code of the only frame that the client sent: masked, payload of two bytes.
async fn close_code_sent(server: &RawServer) -> u16 {
    server.wait_until(|server| server.finished() == 1).await;
    let received = server.received().swap_remove(0);
    let head = received.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4;
    let frame = &received[head..];
    assert_eq!((frame.len(), &frame[..2]), (8, &[0x88, 0x82][..]));
    u16::from_be_bytes([frame[6] ^ frame[2], frame[7] ^ frame[3]])
}

#[tokio::test]
async fn w03_a_frame_that_is_cut_off_is_not_delivered() {
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::AcceptWebSocket,
        Step::write(&b"\x81\x01a\x81\x05hal"[..]),
        Step::Close,
    ]);
    let manager = WebSocketManager::builder().build().expect("manager");
    manager.connect(server.ws_url("/")).await.expect("connected");
    assert_eq!(manager.receive().await.expect("message").text(), "a");
    assert_eq!(last_error(&manager).await.kind(), ErrorKind::Transport);
}

#[tokio::test]
async fn w31_an_oversized_message_is_refused_with_1009() {
    // Only the length of 4 GiB is sent, so nothing was allocated for it.
    let (manager, server) = served(b"\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00", 1000).await;
    let error = last_error(&manager).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(error.close().map(|close| close.code()), Some(1009));
    assert_eq!(close_code_sent(&server).await, 1009);
}

#[tokio::test]
async fn w32_fragments_are_bounded_together() {
    let (manager, server) = served(b"\x01\x03abc\x00\x03def\x80\x03ghi", 8).await;
    assert_eq!(last_error(&manager).await.kind(), ErrorKind::TooLarge);
    assert_eq!(close_code_sent(&server).await, 1009);
    let (manager, _server) = served(b"\x01\x03abc\x00\x03def\x80\x02gh", 8).await;
    assert_eq!(manager.receive().await.expect("message").text(), "abcdefgh");
}

#[tokio::test]
async fn w31_a_large_message_of_a_real_server_is_refused_with_1009_too() {
    let exchange = Exchange::start();
    let connection =
        WebSocketConnection::builder().max_message_size(100_000).build().expect("connection");
    let manager = WebSocketManager::builder().connection(connection).build().expect("manager");
    manager.connect(exchange.ws_url("/ws")).await.expect("connected");
    manager.send(op("big", json!({ "bytes": 100_000 }))).await.expect("sent");
    assert_eq!(manager.receive().await.expect("message").bytes().len(), 100_000);
    manager.send(op("big", json!({ "bytes": 8_000_000 }))).await.expect("sent");
    assert_eq!(last_error(&manager).await.kind(), ErrorKind::TooLarge);
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
    assert_eq!(
        exchange.ws_received().last().map(|last| last.kind),
        Some(MessageKind::Close(Some(1009)))
    );
}

#[tokio::test]
async fn w34_text_that_is_not_utf_8_is_refused_with_1007() {
    let (manager, server) = served(b"\x81\x06c4nar\xff", 1000).await;
    let error = last_error(&manager).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(!shown(&error).contains("c4nar"), "{error:?}");
    assert_eq!(close_code_sent(&server).await, 1007);
}

#[tokio::test]
async fn w35_breaches_of_the_protocol_are_refused_with_1002() {
    for bytes in [
        &b"\xc1\x01a"[..],            // a reserved bit
        b"\x83\x01a",                 // a reserved opcode
        b"\x81\x81\x00\x00\x00\x00a", // masked
        b"\x09\x00",                  // a fragmented ping
        b"\x80\x01a",                 // a continuation of nothing
        b"\x89\x7e\x00\x7e",          // a ping of 126 bytes
    ] {
        let long: Vec<u8> = bytes.iter().copied().chain([0; 126]).collect();
        let (manager, server) = served(long.leak(), 1000).await;
        let error = last_error(&manager).await;
        assert_eq!(error.kind(), ErrorKind::Transport, "{bytes:?}");
        assert_eq!(close_code_sent(&server).await, 1002, "{bytes:?}");
    }
}

#[tokio::test]
async fn w37_bad_json_is_a_message_and_the_stream_goes_on() {
    let exchange = Exchange::start();
    let manager = dial(&exchange).await;
    manager.send(op("bad_json", json!({}))).await.expect("sent");
    manager.send(op("echo", json!({}))).await.expect("sent");
    let bad = manager.receive().await.expect("message");
    assert!(bad.json::<serde_json::Value>().is_err());
    assert!(manager.receive().await.expect("message").json::<serde_json::Value>().is_ok());
}

#[tokio::test]
async fn w30_a_server_that_stops_reading_is_found_out_by_writing() {
    let server = RawServer::start(vec![Step::ReadHead, Step::AcceptWebSocket, Step::Hang]);
    let manager = WebSocketManager::builder()
        .ping_interval(None)
        .send_timeout(Duration::from_millis(100))
        .build()
        .expect("manager");
    manager.connect(server.ws_url("/")).await.expect("connected");
    let big = "x".repeat(4 << 20);
    let mut sends = Vec::new();
    for _ in 0..8 {
        let (manager, big) = (manager.clone(), big.clone());
        sends.push(tokio::spawn(async move {
            manager.send(networkpype_ws::WebSocketRequest::text(big)).await
        }));
    }
    let error = last_error(&manager).await;
    assert_eq!((error.kind(), error.is_timeout()), (ErrorKind::Timeout, true));
    // Every send is answered: those begun with doubt, those behind them without.
    let mut outcomes = Vec::new();
    for send in sends {
        if let Err(error) = send.await.expect("no panic") {
            assert_eq!(error.kind(), ErrorKind::Disconnected);
            outcomes.push(error.outcome());
        }
    }
    outcomes.sort();
    assert_eq!(outcomes.last(), Some(&Outcome::Unknown));
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Unknown).count(), 1);
}

#[tokio::test]
async fn a_ping_has_one_pong_whether_or_not_the_holder_of_a_channel_answers_it() {
    let exchange = Exchange::start();
    let connection = WebSocketConnection::new().expect("connection");
    let handshake = WebSocketHandshake::new(exchange.ws_url("/ws"));
    let mut channel = connection.connect(handshake).await.expect("connected");
    for (payload, answers) in [("a", 0), ("b", 1), ("c", 0)] {
        let ping = op("ping", json!({ "payload": payload })).into_frame().expect("frame");
        channel.sink.send(ping).await.expect("sent");
        let frame = channel.stream.next().await.expect("a frame").expect("a frame");
        assert_eq!(frame, Frame::Ping(payload.into()));
        channel.sink.flush().await.expect("flushed");
        for _ in 0..answers {
            channel.sink.send(Frame::Pong(payload.into())).await.expect("sent");
        }
    }
    // One that answers no ping goes out.
    channel.sink.send(Frame::Pong("own".into())).await.expect("sent");
    exchange.wait_until(|exchange| exchange.pongs().len() >= 4).await;
    assert_eq!(exchange.pongs(), ["a", "b", "c", "own"]);
    for frame in [Frame::Text(b"\xff"[..].into()), Frame::Ping(vec![0; 126].into())] {
        let error = channel.sink.send(frame).await.expect_err("cannot be sent");
        assert_eq!(error.progress(), Progress::NotSent);
    }
}

#[tokio::test]
async fn a_channel_tells_the_peer_why_it_failed_before_it_tells_its_holder() {
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::AcceptWebSocket,
        Step::write(&b"\x81\x01\xff"[..]),
        Step::ReadToEnd,
    ]);
    let connection = WebSocketConnection::new().expect("connection");
    let handshake = WebSocketHandshake::new(server.ws_url("/"));
    let mut channel = connection.connect(handshake).await.expect("connected");
    let error = channel.stream.next().await.expect("an item").expect_err("not UTF-8");
    assert_eq!(error.close().map(|close| close.code()), Some(1007));
    assert!(channel.stream.next().await.is_none());
    // The channel is held, and nothing is flushed.
    server.wait_until(|server| server.received()[0].windows(2).any(|it| it == [0x88, 0x82])).await;
    drop(channel);
    assert_eq!(close_code_sent(&server).await, 1007);
}

#[tokio::test]
async fn messages_before_the_loss_are_delivered_before_it() {
    let exchange = Exchange::start();
    let manager = dial(&exchange).await;
    for id in 0..3 {
        manager.send(op("echo", json!({ "id": id }))).await.expect("sent");
    }
    manager.send(op("drop", json!({}))).await.expect("sent");
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
    let events: Vec<_> = manager.iter_messages().collect().await;
    assert_eq!(events.len(), 4);
    assert!(events[..3].iter().all(|event| matches!(event, Ok(WebSocketEvent::Message(_)))));
    assert!(events[3].is_err());
}
