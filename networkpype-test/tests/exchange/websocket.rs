use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use networkpype_test::{Exchange, MessageKind};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::{Client, base64_signature, get, hex_signature};

const NOW: i64 = 1_700_000_000_000;

type Stream = WebSocketStream<TcpStream>;

async fn dial(
    exchange: &Exchange,
    request: impl IntoClientRequest + Unpin,
) -> Result<Stream, Error> {
    let socket = TcpStream::connect(exchange.addr()).await.unwrap();
    // Or the second of two small frames waits for an acknowledgement that is delayed too.
    socket.set_nodelay(true).unwrap();
    client_async(request, socket).await.map(|(stream, _)| stream)
}

async fn connect(exchange: &Exchange) -> Stream {
    dial(exchange, exchange.ws_url("/ws")).await.unwrap()
}

async fn send(stream: &mut Stream, message: Value) {
    stream.send(Message::text(message.to_string())).await.unwrap();
}

async fn receive(stream: &mut Stream) -> Value {
    let message = stream.next().await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

/// The code of the close frame that comes next.
async fn close_code(stream: &mut Stream) -> u16 {
    match stream.next().await.unwrap().unwrap() {
        Message::Close(Some(CloseFrame { code, .. })) => code.into(),
        other => panic!("not a close frame: {other:?}"),
    }
}

fn login(timestamp: &str) -> Value {
    let sign = base64_signature(&format!("{timestamp}GET/users/self/verify"));
    json!({ "op": "login", "key": "test-key", "timestamp": timestamp, "sign": sign })
}

#[tokio::test]
async fn a_subscription_gets_its_messages_in_order() {
    let exchange = Exchange::builder().ticks(3).start();
    let mut stream = connect(&exchange).await;
    send(&mut stream, json!({ "op": "subscribe", "channel": "ticker", "id": 7 })).await;
    assert_eq!(
        receive(&mut stream).await,
        json!({ "event": "subscribed", "channel": "ticker", "id": 7 })
    );
    for seq in 1..=3 {
        let tick = receive(&mut stream).await;
        assert_eq!((&tick["channel"], &tick["seq"]), (&json!("ticker"), &json!(seq)));
    }
    // The three were all: the next message is the answer.
    send(&mut stream, json!({ "op": "unsubscribe", "channel": "ticker" })).await;
    assert_eq!(receive(&mut stream).await["event"], "unsubscribed");
    send(&mut stream, json!({ "op": "unsubscribe", "channel": "ticker" })).await;
    assert_eq!(receive(&mut stream).await["code"], "60018");
}

#[tokio::test]
async fn a_finished_subscription_stays_so_beside_another() {
    let exchange = Exchange::builder().frozen_at_ms(NOW).ticks(2).start();
    let mut stream = connect(&exchange).await;
    send(&mut stream, login("1700000000")).await;
    send(&mut stream, json!({ "op": "subscribe", "channel": "ticker" })).await;
    for _ in 0..4 {
        receive(&mut stream).await;
    }
    send(&mut stream, json!({ "op": "subscribe", "channel": "orders" })).await;
    assert_eq!(receive(&mut stream).await["event"], "subscribed");
    for seq in 1..=2 {
        let order = receive(&mut stream).await;
        assert_eq!((&order["channel"], &order["seq"]), (&json!("orders"), &json!(seq)));
    }
}

#[tokio::test]
async fn nothing_is_published_after_a_close() {
    let exchange = Exchange::builder().tick_interval(Duration::from_millis(1)).start();
    let mut stream = connect(&exchange).await;
    send(&mut stream, json!({ "op": "subscribe", "channel": "ticker" })).await;
    send(&mut stream, json!({ "op": "close", "code": 4001 })).await;
    // Not read for some ticks of another connection; then there are ticks, the close and the end.
    let mut witness = connect(&exchange).await;
    send(&mut witness, json!({ "op": "subscribe", "channel": "ticker" })).await;
    for _ in 0..5 {
        receive(&mut witness).await;
    }
    let closed = loop {
        match stream.next().await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            tick => assert!(tick.is_text()),
        }
    };
    assert_eq!(u16::from(closed.code), 4001);
    assert!(stream.next().await.is_none());
    // A tick after the close would have ended the session before it read the client's close.
    let answer = MessageKind::Close(Some(4001));
    exchange.wait_until(|exchange| exchange.ws_received().iter().any(|it| it.kind == answer)).await;
}

#[tokio::test]
async fn a_private_channel_needs_a_login() {
    let exchange = Exchange::builder().frozen_at_ms(NOW).start();
    for timestamp in ["1700000000", "1700000000000", "1699999995", "1700000001000"] {
        let mut stream = connect(&exchange).await;
        send(&mut stream, json!({ "op": "subscribe", "channel": "orders" })).await;
        assert_eq!(
            receive(&mut stream).await,
            json!({ "event": "error", "code": "60011", "msg": "Please log in." })
        );
        send(&mut stream, login(timestamp)).await;
        assert_eq!(receive(&mut stream).await, json!({ "event": "login", "code": "0" }));
        send(&mut stream, json!({ "op": "subscribe", "channel": "orders" })).await;
        assert_eq!(receive(&mut stream).await["event"], "subscribed");
        assert_eq!(receive(&mut stream).await["channel"], "orders");
    }
}

#[tokio::test]
async fn a_bad_login_is_refused_and_closed() {
    let exchange = Exchange::builder().frozen_at_ms(NOW).start();
    let mut wrong_sign = login("1700000000");
    wrong_sign["timestamp"] = json!("1700000001");
    let mut wrong_key = login("1700000000");
    wrong_key["key"] = json!("other");
    for (login, code) in [
        (wrong_sign, "60009"),
        (wrong_key, "60009"),
        (login("1699999994999"), "60006"),
        (login("1700000001001"), "60006"),
        (login("1699999994"), "60006"),
        (login("now"), "60004"),
    ] {
        let mut stream = connect(&exchange).await;
        send(&mut stream, login).await;
        let refusal = receive(&mut stream).await;
        assert_eq!((&refusal["event"], &refusal["code"]), (&json!("error"), &json!(code)));
        assert_eq!(close_code(&mut stream).await, 4003);
    }
}

#[tokio::test]
async fn echoes_are_verbatim() {
    let exchange = Exchange::start();
    let mut stream = connect(&exchange).await;
    let text = Message::text("{\"op\": \"echo\",  \"payload\":1.0}");
    let binary = Message::binary(&b"\x00\xff"[..]);
    for message in [text, binary] {
        stream.send(message.clone()).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), message);
    }
    let received = exchange.ws_received();
    assert_eq!(received[0].text(), Some("{\"op\": \"echo\",  \"payload\":1.0}"));
    assert_eq!(received[1].kind, MessageKind::Binary);
    assert_eq!(exchange.requests()[0].target, "/ws");
}

#[tokio::test]
async fn faults_come_to_order() {
    let exchange = Exchange::start();
    let mut stream = connect(&exchange).await;
    send(&mut stream, json!({ "op": "big", "bytes": 70_000 })).await;
    assert_eq!(stream.next().await.unwrap().unwrap().len(), 70_000);
    send(&mut stream, json!({ "op": "bad_json" })).await;
    let text = stream.next().await.unwrap().unwrap();
    assert!(serde_json::from_str::<Value>(text.to_text().unwrap()).is_err());
    stream.send(Message::text("not json")).await.unwrap();
    assert_eq!(receive(&mut stream).await["code"], "60012");
    send(&mut stream, json!({ "op": "close", "code": 4001, "reason": "x" })).await;
    assert_eq!(close_code(&mut stream).await, 4001);
    assert!(stream.next().await.is_none());
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
    let last = exchange.ws_received().pop().unwrap();
    assert_eq!(last.kind, MessageKind::Close(Some(4001)));

    for op in ["drop", "reset"] {
        let mut stream = connect(&exchange).await;
        send(&mut stream, json!({ "op": op })).await;
        assert!(stream.next().await.unwrap().is_err(), "{op}");
    }
}

#[tokio::test]
async fn pings_go_both_ways() {
    let exchange = Exchange::start();
    let mut stream = connect(&exchange).await;
    stream.send(Message::Ping("up".into())).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), Message::Pong("up".into()));
    send(&mut stream, json!({ "op": "ping", "payload": "down" })).await;
    assert_eq!(stream.next().await.unwrap().unwrap(), Message::Ping("down".into()));
    // The pong goes out with the next flush.
    stream.flush().await.unwrap();
    exchange.wait_until(|exchange| !exchange.pongs().is_empty()).await;
    assert_eq!(exchange.pongs(), ["down"]);
}

#[tokio::test]
async fn a_kick_drops_those_who_are_there() {
    let exchange = Exchange::start();
    let mut first = connect(&exchange).await;
    let mut silent = dial(&exchange, exchange.ws_url("/ws/silent")).await.unwrap();
    assert_eq!((exchange.ws_connections(), exchange.ws_open()), (2, 2));
    exchange.kick_ws_clients();
    assert!(first.next().await.unwrap().is_err());
    assert!(silent.next().await.unwrap().is_err());
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
    let mut later = connect(&exchange).await;
    send(&mut later, json!({ "op": "echo" })).await;
    assert_eq!(receive(&mut later).await["op"], "echo");
    assert_eq!((exchange.ws_connections(), exchange.ws_open()), (3, 1));
}

#[tokio::test]
async fn silence_answers_nothing_and_stays_open() {
    let exchange = Exchange::start();
    let mut stream = connect(&exchange).await;
    send(&mut stream, json!({ "op": "silence" })).await;
    send(&mut stream, json!({ "op": "echo" })).await;
    stream.send(Message::Ping("?".into())).await.unwrap();
    exchange.wait_until(|exchange| !exchange.ws_received().is_empty()).await;
    // A round trip on another connection is time enough for an answer that must not come.
    let mut witness = connect(&exchange).await;
    send(&mut witness, json!({ "op": "echo" })).await;
    receive(&mut witness).await;
    assert_eq!(exchange.ws_open(), 2);
    exchange.kick_ws_clients();
    assert!(stream.next().await.unwrap().is_err());
    let silenced: Vec<_> =
        exchange.ws_received().into_iter().filter(|it| it.connection == 1).collect();
    assert_eq!(silenced.len(), 1);
}

#[tokio::test]
async fn an_upgrade_may_need_credentials() {
    let exchange = Exchange::builder().frozen_at_ms(NOW).start();
    let status = async |url: String, key: Option<&str>| {
        let mut request = url.into_client_request().unwrap();
        if let Some(key) = key {
            request.headers_mut().insert("X-API-KEY", key.parse().unwrap());
        }
        match dial(&exchange, request).await {
            Ok(_) => 101,
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other}"),
        }
    };
    let header = exchange.ws_url("/ws/header");
    assert_eq!(status(header.clone(), Some("test-key")).await, 101);
    assert_eq!(status(header.clone(), Some("other")).await, 401);
    assert_eq!(status(header, None).await, 401);
    let query = format!("apiKey=test-key&timestamp={NOW}");
    let signed = format!("/ws/query?{query}&signature={}", hex_signature(&query));
    assert_eq!(status(exchange.ws_url(&signed), None).await, 101);
    assert_eq!(status(exchange.ws_url(&signed), None).await, 400);
    let unsigned = exchange.ws_url(&format!("/ws/query?{query}"));
    assert_eq!(status(unsigned, None).await, 400);
}

#[tokio::test]
async fn a_handshake_may_be_refused() {
    let exchange = Exchange::start();
    let refused = get(&exchange, "/ws/refuse?status=429&retry_after=5");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("5")));
    let redirect = get(&exchange, "/ws/redirect?to=ws://other/ws");
    assert_eq!((redirect.status, redirect.header("location")), (302, Some("ws://other/ws")));
    assert_eq!(get(&exchange, "/ws").status, 426);
    assert_eq!(get(&exchange, "/ws/nowhere").status, 404);
    let mut client = Client::connect(exchange.addr());
    let headers =
        [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "8")];
    assert_eq!(client.call("GET", "/ws", &headers, "").status, 400);
    assert_eq!(exchange.ws_connections(), 0);
}

#[tokio::test]
async fn an_upgrade_may_never_come() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    client.send("GET", "/ws/no-upgrade", &[], "");
    exchange.wait_until(|exchange| exchange.requests().len() == 1).await;
    assert_eq!(get(&exchange, "/public/ping").status, 200);
    exchange.kick_ws_clients();
    assert_eq!(client.rest(), b"");
    assert_eq!(exchange.ws_connections(), 0);
}

#[tokio::test]
async fn an_offered_protocol_is_chosen() {
    let exchange = Exchange::start();
    let mut request = exchange.ws_url("/ws").into_client_request().unwrap();
    let offer = "v2.test, v1.test".parse().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", offer);
    let socket = TcpStream::connect(exchange.addr()).await.unwrap();
    let (_, response) = client_async(request, socket).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "v2.test");
}

#[tokio::test]
async fn frames_sent_with_the_handshake_are_not_lost() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    let head = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A masked ping with an empty payload.
    client.write([head.as_bytes(), &[0x89, 0x80, 1, 2, 3, 4]].concat());
    let response = client.head();
    assert_eq!(response.status, 101);
    // RFC 6455 1.3.
    assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    exchange.wait_until(|exchange| exchange.ws_received().len() == 1).await;
    assert_eq!(exchange.ws_received()[0].kind, MessageKind::Ping);
}
