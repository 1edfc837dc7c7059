//! `wss`.

use networkpype_core::{ErrorKind, Outcome, TlsOptions};
use networkpype_test::{Exchange, RawServer, Step, TestCa};
use networkpype_ws::{WebSocketConnection, WebSocketManager};
use serde_json::json;

use crate::support::{op, shown};

fn manager(tls: TlsOptions) -> WebSocketManager {
    let connection = WebSocketConnection::builder().tls(tls).build().expect("connection");
    WebSocketManager::builder().connection(connection).build().expect("manager")
}

#[tokio::test]
async fn a_server_whose_root_is_trusted_is_talked_to() {
    let ca = TestCa::new();
    let exchange = Exchange::builder().tls_from(&ca).start();
    let manager = manager(TlsOptions::new().root_certificate(ca.pem()).only_these_roots());
    manager.connect(exchange.ws_url("/ws")).await.expect("connected");
    manager.send(op("echo", json!({ "id": 1 }))).await.expect("sent");
    assert!(manager.receive().await.expect("message").text().contains("echo"));
    manager.send(op("drop", json!({}))).await.expect("sent");
    let error = manager.receive().await.expect_err("lost");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Transport, Outcome::Unknown));
    // The close handshake works over TLS too.
    manager.connect(exchange.ws_url("/ws")).await.expect("connected");
    manager.send(op("close", json!({ "code": 1000 }))).await.expect("sent");
    let error = manager.receive().await.expect_err("closed");
    assert_eq!(error.close().map(|close| close.code()), Some(1000));
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
}

#[tokio::test]
async fn h17_certificates_that_do_not_hold_are_refused_before_anything_is_sent() {
    let ca = TestCa::new();
    let trusted = TlsOptions::new().root_certificate(ca.pem()).only_these_roots();
    let stranger = TestCa::new();
    let untrusting = TlsOptions::new().root_certificate(stranger.pem()).only_these_roots();
    let good = Exchange::builder().tls_from(&ca).start();
    let expired =
        Exchange::builder().tls_config(ca.issue_expired(&["127.0.0.1"]).server_config()).start();
    let other_host =
        Exchange::builder().tls_config(ca.issue(&["other.test"]).server_config()).start();
    let plain =
        RawServer::start(vec![Step::ReadBody(1), Step::write("HTTP/1.1 400 Bad Request\r\n\r\n")]);
    for (tls, url) in [
        (untrusting, good.ws_url("/ws")),
        (trusted.clone(), expired.ws_url("/ws")),
        (trusted.clone(), other_host.ws_url("/ws")),
        (trusted, plain.ws_url("/ws").replace("ws://", "wss://")),
    ] {
        let error = manager(tls).connect(url.clone()).await.expect_err(&url);
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Connect, Outcome::NotSent),
            "{url}"
        );
        assert!(shown(&error).contains("TLS"), "{error:?}");
    }
    for exchange in [good, expired, other_host] {
        assert!(exchange.requests().is_empty());
    }
}

#[tokio::test]
async fn a_client_certificate_is_presented_to_who_asks() {
    let ca = TestCa::new();
    let exchange =
        Exchange::builder().tls_config(ca.server_config_with_client_auth(&["127.0.0.1"])).start();
    let trusted = TlsOptions::new().root_certificate(ca.pem()).only_these_roots();
    let error =
        manager(trusted.clone()).connect(exchange.ws_url("/ws")).await.expect_err("no certificate");
    assert_eq!(error.kind(), ErrorKind::Connect);
    let issued = ca.issue_client("trader");
    let with = trusted.identity(issued.cert_pem.clone(), issued.key_pem.clone());
    manager(with.clone()).connect(exchange.ws_url("/ws")).await.expect("connected");
    manager(with.only_tls_13()).connect(exchange.ws_url("/ws")).await.expect("connected");
}

#[tokio::test]
async fn tls_options_that_cannot_be_used_are_refused_when_they_are_given() {
    let error = WebSocketConnection::builder()
        .tls(TlsOptions::new().only_these_roots())
        .build()
        .expect_err("no roots");
    assert_eq!(error.to_string(), "cannot use the option tls");
    assert!(std::error::Error::source(&error).is_some());
}
