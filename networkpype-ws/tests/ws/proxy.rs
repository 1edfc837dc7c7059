//! Through an HTTP proxy.

use std::time::Duration;

use networkpype_core::{ErrorKind, Outcome, ProxyOptions, Secret};
use networkpype_test::{RawServer, Step};
use networkpype_ws::{WebSocketConnection, WebSocketConnectionBuilder, WebSocketManager};

use crate::support::shown;

fn through(proxy: &RawServer) -> WebSocketConnectionBuilder {
    let options =
        ProxyOptions::new(&proxy.url()).expect("proxy").basic_auth("user", Secret::new("c4nary"));
    WebSocketConnection::builder().proxy(options)
}

fn manager(connection: WebSocketConnectionBuilder) -> WebSocketManager {
    let connection = connection.build().expect("connection");
    assert!(!format!("{connection:?}").contains("c4nary"));
    WebSocketManager::builder().connection(connection).build().expect("manager")
}

#[tokio::test]
async fn a_tunnel_is_asked_for_and_the_password_stays_with_the_proxy() {
    let proxy = RawServer::start(vec![
        Step::ReadHead,
        Step::write("HTTP/1.0 200 Connection established\r\n\r\n"),
        Step::ReadHead,
        Step::AcceptWebSocket,
        Step::write(&b"\x81\x02hi"[..]),
        Step::ReadToEnd,
    ]);
    let manager = manager(through(&proxy));
    manager.connect("ws://origin.example:8080/ws").await.expect("connected");
    assert_eq!(manager.receive().await.expect("message").text(), "hi");
    let received = String::from_utf8(proxy.received().swap_remove(0)).expect("text");
    let (connect, upgrade) = received.split_once("\r\n\r\n").expect("two heads");
    assert_eq!(
        connect,
        "CONNECT origin.example:8080 HTTP/1.1\r\nHost: origin.example:8080\r\nProxy-Authorization: Basic dXNlcjpjNG5hcnk="
    );
    assert!(upgrade.starts_with("GET /ws HTTP/1.1\r\nHost: origin.example:8080\r\n"));
    assert!(!upgrade.to_lowercase().contains("proxy-"));
}

#[tokio::test]
async fn h18_a_proxy_that_refuses_or_hangs_is_a_typed_error_without_the_password() {
    let answer = |answer: &'static str| vec![Step::ReadHead, Step::write(answer)];
    for (script, timed_out, says) in [
        (answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), false, "status 407"),
        (answer("HTTP/1.1 200 OK\r\n\r\nearly"), false, "bytes of its own"),
        (answer("nonsense\r\n\r\n"), false, "not HTTP"),
        (answer(""), false, "closed"),
        (vec![Step::Hang], true, "did not answer"),
    ] {
        let proxy = RawServer::start(script);
        let timeout = Duration::from_millis(if timed_out { 100 } else { 10_000 });
        let manager = manager(through(&proxy).connect_timeout(timeout));
        let error = manager.connect("wss://origin.example/ws").await.expect_err("no tunnel");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
        assert_eq!(error.is_timeout(), timed_out, "{error:?}");
        assert!(shown(&error).contains(says), "{error:?} does not say {says:?}");
        assert!(!shown(&error).contains("c4nary") && !shown(&error).contains("dXNlcjpjNG5hcnk"));
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_refused_and_not_shown() {
    for url in ["https://c4nary.example", "http://p.example/c4nary", "socks5://c4nary.example"] {
        let error = ProxyOptions::new(url).expect_err("refused");
        assert!(!format!("{error} {error:?}").contains("c4"), "{error}");
    }
    let options =
        ProxyOptions::new("http://p.example").expect("proxy").basic_auth("c4:nary", "c4nary");
    let error = WebSocketConnection::builder().proxy(options).build().expect_err("refused");
    assert!(format!("{error}").contains("proxy") && !format!("{error} {error:?}").contains("c4"));
}
