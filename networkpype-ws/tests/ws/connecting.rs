//! Handshakes: the bytes that go out, and what becomes of the answers.

use std::time::Duration;

use networkpype_core::{
    Encoding, ErrorKind, Outcome, Pair, Progress, RestRequest, TransportErrorKind,
    WebSocketTransport,
};
use networkpype_test::{Exchange, RawServer, Step};
use networkpype_ws::{WebSocketConnection, WebSocketHandshake, WebSocketManager};

use crate::support::{counting, shown};

fn manager() -> WebSocketManager {
    WebSocketManager::builder().build().expect("manager")
}

#[tokio::test]
async fn the_whole_head_is_what_was_asked_for_and_no_more() {
    let exchange = Exchange::start();
    let manager = WebSocketManager::builder()
        .base_url(exchange.ws_url("/ws"))
        .default_header("X-Default", "d")
        .default_header("X-Own", "default")
        .build()
        .expect("manager");
    let handshake = WebSocketHandshake::new("?a=%2F&&b=+|[]\"<>\\^`{}'")
        .param("c", "x y/ü")
        .header("X-Own", b"caf\xe9  kept")
        .header("Sec-WebSocket-Protocol", "v2.test, v1.test");
    manager.connect(handshake).await.expect("connected");
    let received = &exchange.requests()[0];
    assert_eq!(received.target, "/ws?a=%2F&&b=+|[]\"<>\\^`{}'&c=x%20y%2F%C3%BC");
    let key = received.header("sec-websocket-key").expect("a key").to_owned();
    assert_eq!(key.len(), 24);
    let head =
        String::from_utf8_lossy(&received.head).replace(&key, "KEY").replace('\u{fffd}', "é");
    let expected = [
        &format!("GET {} HTTP/1.1", received.target),
        &format!("Host: {}", exchange.addr()),
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: KEY",
        "x-own: café  kept",
        "Sec-WebSocket-Protocol: v2.test, v1.test",
        "x-default: d",
        "user-agent: networkpype/0.1",
        "",
        "",
    ];
    assert_eq!(head, expected.join("\r\n"));
    // A key is drawn anew for every handshake.
    manager.disconnect().await;
    manager.connect("").await.expect("connected");
    assert_ne!(exchange.requests()[1].header("sec-websocket-key"), Some(&*key));
}

#[tokio::test]
async fn headers_of_the_upgrade_cannot_be_set_and_host_can() {
    let exchange = Exchange::start();
    let manager = manager();
    for name in [
        "Connection",
        "Upgrade",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Extensions",
    ] {
        let handshake = WebSocketHandshake::new(exchange.ws_url("/ws")).header(name, "c4nary");
        let error = manager.connect(handshake).await.expect_err(name);
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
        assert!(shown(&error).contains(&name.to_lowercase()) && !shown(&error).contains("c4nary"));
    }
    assert_eq!(exchange.connections(), 0);
    let handshake = WebSocketHandshake::new(exchange.ws_url("/ws")).header("Host", "other.example");
    manager.connect(handshake).await.expect("connected");
    let received = &exchange.requests()[0];
    assert_eq!(
        received.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host")).count(),
        1
    );
    assert_eq!(received.header("host"), Some("other.example"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is() {
    let exchange = Exchange::start();
    let mut unsendable = RestRequest::get(exchange.ws_url("/ws"));
    unsendable.append_query(Pair::encoded_as(Encoding::AsIs, "a", "c4nary x"));
    for handshake in [
        WebSocketHandshake::from_request(unsendable),
        WebSocketHandshake::new(exchange.ws_url("/ws?c4nary x")),
        WebSocketHandshake::new(exchange.ws_url("/ws")).header("X-A", "c4nary\r\nX-B: y"),
        WebSocketHandshake::new("/relative/c4nary"),
        WebSocketHandshake::new("ftp://c4nary"),
    ] {
        let error = manager().connect(handshake).await.expect_err("refused");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
        assert!(!shown(&error).contains("c4nary"), "{error:?}");
    }
    assert_eq!(exchange.connections(), 0);
}

#[tokio::test]
async fn a_refused_upgrade_says_what_the_server_said() {
    let exchange = Exchange::start();
    for (path, status, outcome) in [
        ("/ws/refuse?status=429&retry_after=7", 429, Outcome::Refused),
        ("/ws/refuse?status=503", 503, Outcome::Unknown),
        ("/ws/refuse?status=403", 403, Outcome::Refused),
        ("/public/ping", 200, Outcome::Refused),
    ] {
        let error = manager().connect(exchange.ws_url(path)).await.expect_err(path);
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Status, outcome), "{path}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{path}");
        assert_eq!(error.is_throttled(), status == 429);
        assert_eq!(error.is_auth(), status == 403);
        assert_eq!(error.retry_after(), (status == 429).then(|| Duration::from_secs(7)));
        assert!(error.body_excerpt().is_some());
    }
}

#[tokio::test]
async fn w11_a_redirect_is_not_followed() {
    let (exchange, other) = (Exchange::start(), Exchange::start());
    let url = exchange.ws_url(&format!("/ws/redirect?to={}", other.ws_url("/ws")));
    let error = manager().connect(url).await.expect_err("a redirect");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(302));
    assert_eq!((exchange.connections(), other.connections()), (1, 0));
}

#[tokio::test]
async fn w08_an_upgrade_that_is_never_answered_ends_at_the_deadline() {
    let exchange = Exchange::start();
    let connection = WebSocketConnection::builder().connect_timeout(Duration::from_millis(100));
    let manager = WebSocketManager::builder()
        .connection(connection.build().expect("connection"))
        .build()
        .expect("manager");
    let error = manager.connect(exchange.ws_url("/ws/no-upgrade")).await.expect_err("no answer");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
    exchange.wait_until(|exchange| exchange.requests().len() == 1).await;
}

#[tokio::test]
async fn h02_a_connection_that_is_refused_was_not_sent() {
    let addr =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
    let error = manager().connect(format!("ws://{addr}/")).await.expect_err("refused");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
    let throttle = counting(1);
    let limited =
        WebSocketManager::builder().throttler(throttle.clone()).default_limit("connects").build();
    limited.expect("manager").connect(format!("ws://{addr}/")).await.expect_err("refused");
    assert_eq!(throttle.charged.load(std::sync::atomic::Ordering::SeqCst), 0, "given back");
    let error = manager().connect("ws://no-such-host.invalid/").await.expect_err("unknown");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
}

#[tokio::test]
async fn w12_an_answer_that_is_no_upgrade_is_a_typed_error() {
    let upgrade =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let page = "x".repeat(100_000);
    for (answer, kind, body) in [
        (format!("{upgrade}Sec-WebSocket-Accept: AAAA\r\n\r\n"), TransportErrorKind::Protocol, 0),
        (format!("{upgrade}\r\n"), TransportErrorKind::Protocol, 0),
        ("SSH-2.0-OpenSSH\r\n\r\n".to_owned(), TransportErrorKind::Protocol, 0),
        (String::new(), TransportErrorKind::Io, 0),
        (format!("HTTP/1.1 200 OK\r\n\r\n{page}"), TransportErrorKind::Handshake, 65_536),
        (
            "HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nforbidden".to_owned(),
            TransportErrorKind::Handshake,
            9,
        ),
        (
            "HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nforb\r\n5\r\nidden\r\n0\r\n\r\n".to_owned(),
            TransportErrorKind::Handshake,
            9,
        ),
    ] {
        let server = RawServer::start(vec![Step::ReadHead, Step::write(answer.clone())]);
        let connection = WebSocketConnection::new().expect("connection");
        let handshake = WebSocketHandshake::new(server.ws_url("/"));
        let error = connection.connect(handshake).await.expect_err("no upgrade");
        assert_eq!((error.kind(), error.body().len()), (kind, body), "{answer:.60}");
        assert_ne!(error.progress(), Progress::NotSent);
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_an_excerpt_all_the_same() {
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::write("HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nbegin"),
        Step::Reset,
    ]);
    let error = manager().connect(server.ws_url("/")).await.expect_err("refused");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(403));
    assert_eq!(error.body_excerpt(), Some("begin"));
}

#[tokio::test]
async fn a_server_may_spell_its_upgrade_as_http_allows() {
    let exchange = Exchange::start();
    // The accept value of RFC 6455, section 1.3, cannot be scripted for a random key, so only refusals are here.
    for answer in [
        "HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n",
    ] {
        let server = RawServer::start(vec![Step::ReadHead, Step::write(answer)]);
        let error = manager().connect(server.ws_url("/")).await.expect_err(answer);
        assert_eq!(error.kind(), ErrorKind::Transport, "{answer}");
    }
    // A subprotocol that was offered may be chosen, or none.
    for protocol in ["v2.test, v1.test", ""] {
        let handshake = WebSocketHandshake::new(exchange.ws_url("/ws"))
            .header("Sec-WebSocket-Protocol", protocol);
        manager().connect(handshake).await.expect("connected");
    }
}

#[tokio::test]
async fn a_message_in_the_same_packet_as_the_upgrade_is_not_lost() {
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::AcceptWebSocket,
        Step::write(&b"\x81\x02hi"[..]),
        Step::ReadToEnd,
    ]);
    let manager = manager();
    manager.connect(server.ws_url("/")).await.expect("connected");
    assert_eq!(manager.receive().await.expect("message").text(), "hi");
}

#[tokio::test]
async fn options_that_cannot_be_used_are_named_and_not_shown() {
    for (builder, option) in [
        (WebSocketManager::builder().base_url("c4nary"), "base_url"),
        (WebSocketManager::builder().allow_origin("c4nary"), "allow_origin"),
        (WebSocketManager::builder().allow_origins_of("*.c4nary"), "allow_origins_of"),
        (WebSocketManager::builder().default_header("x", "c4nary\n"), "default_header"),
    ] {
        let error = builder.build().expect_err(option);
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
        assert!(shown(&error).contains(option) && !shown(&error).contains("c4nary"), "{error:?}");
    }
}
