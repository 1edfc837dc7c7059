//! Which limits are charged, against the real throttler.

use std::time::Duration;

use networkpype_core::{ErrorKind, LimitId, Outcome};
use networkpype_throttle::{RateLimit, Throttler};
use networkpype_ws::{WebSocketHandshake, WebSocketRequest};
use tokio::time::Instant;

use crate::support::{HmacAuth, connected, text, text_of, unconnected};

fn throttler() -> Throttler {
    Throttler::builder()
        // The throttler's safety margin leaves 2 and 5 of these.
        .limit(RateLimit::new("messages", 3, Duration::from_secs(60)))
        .limit(RateLimit::new("orders", 6, Duration::from_secs(60)))
        .limit(RateLimit::new("connects", 1, Duration::from_secs(300)))
        .limit(RateLimit::new("logins", 1, Duration::from_secs(60)))
        .build()
        .expect("throttler")
}

fn used(throttler: &Throttler, limit: &str) -> Option<bool> {
    // Whether there is room for one more.
    Some(throttler.when_free(limit, None).expect("limit") > throttler.ticker().now())
}

#[tokio::test(start_paused = true)]
#[allow(clippy::disallowed_methods, reason = "a test that measures paused time")]
async fn messages_wait_for_the_limit_they_name() {
    let throttler = throttler();
    let (manager, peer) = connected(|builder| {
        builder
            .throttler(throttler.clone())
            .default_limit("messages")
            .connect_limit("connects")
            .ping_interval(None)
    })
    .await;
    let start = Instant::now();
    for _ in 0..2 {
        manager.send(WebSocketRequest::text("free")).await.expect("sent");
    }
    manager.send(WebSocketRequest::text("order").limit("orders").weight(5)).await.expect("sent");
    manager.send(WebSocketRequest::text("free").unlimited()).await.expect("sent");
    assert_eq!(start.elapsed().as_secs(), 0);
    manager.subscribe(WebSocketRequest::text("waited")).await.expect("sent");
    assert!(start.elapsed() >= Duration::from_secs(60), "{:?}", start.elapsed());
    let mut arrived = Vec::new();
    for _ in 0..5 {
        arrived.extend(text_of(peer.receive().await));
    }
    assert_eq!(arrived, ["free", "free", "order", "free", "waited"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_limit_is_refused_when_there_are_limits() {
    let (manager, peer) =
        connected(|builder| builder.throttler(throttler()).connect_limit("connects")).await;
    let error = manager.send(WebSocketRequest::text("x")).await.expect_err("no limit");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Throttled, Outcome::NotSent));
    let error =
        manager.send(WebSocketRequest::text("x").limit("unknown")).await.expect_err("unknown");
    assert_eq!(error.limit_id(), Some(&LimitId::from("unknown")));
    let error = manager
        .send(WebSocketRequest::text("x").limit("orders").weight(6))
        .await
        .expect_err("never");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Throttled, Outcome::NotSent));
    manager.send(WebSocketRequest::text("aloud").unlimited()).await.expect("sent");
    assert_eq!(text_of(peer.receive().await).as_deref(), Some("aloud"));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_without_a_limit_is_refused_when_there_are_limits() {
    let (manager, transport) = unconnected(|builder| builder.throttler(throttler()));
    let error = manager.connect("wss://h/").await.expect_err("no limit");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Throttled, Outcome::NotSent));
    let aloud = WebSocketHandshake::from_request(
        networkpype_core::RestRequest::get("wss://h/").unlimited(),
    );
    let (connected, _) = tokio::join!(manager.connect(aloud), transport.accept());
    connected.expect("connected");
}

#[tokio::test(start_paused = true)]
async fn handshake_and_login_have_limits_of_their_own() {
    let throttler = throttler();
    let (manager, transport) = unconnected(|builder| {
        builder
            .throttler(throttler.clone())
            .default_limit("messages")
            .connect_limit("connects")
            .login_limit("logins")
            .auth(HmacAuth::new())
    });
    let server = async {
        let (_, peer) = transport.accept().await;
        peer.receive().await;
        peer.send(text(r#"{"event":"login"}"#));
        peer
    };
    let (connected, _peer) = tokio::join!(manager.connect("wss://h/"), server);
    connected.expect("connected");
    for (limit, expected) in [("connects", true), ("logins", true), ("messages", false)] {
        assert_eq!(used(&throttler, limit), Some(expected), "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_go_out_in_time_fails_at_once() {
    let throttler = throttler();
    let logins = LimitId::from("logins");
    drop(throttler.try_acquire("logins").expect("room"));
    let (manager, transport) = unconnected(|builder| {
        builder
            .throttler(throttler)
            .default_limit("messages")
            .login_limit("logins")
            .auth(HmacAuth::new())
    });
    let (connected, _) = tokio::join!(manager.connect("wss://h/"), async {
        let (_, peer) = transport.accept().await;
        while peer.receive().await.is_some() {}
    });
    let error = connected.expect_err("no room");
    assert_eq!((error.is_timeout(), error.outcome()), (true, Outcome::NotSent));
    assert_eq!(error.limit_id(), Some(&logins));
    assert!(!manager.is_connected());
}
