//! Pings, pongs and silence, on paused time over an in-memory transport.

use std::time::Duration;

use futures_util::StreamExt;
use networkpype_core::{Error, ErrorKind, Frame, mock::MockPeer};
use networkpype_ws::{WebSocketManager, WebSocketRequest};
use tokio::time::{Instant, sleep};

use crate::support::{connected, message_of, text, text_of};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How long until `work` is done.
#[allow(clippy::disallowed_methods, reason = "a test that measures paused time")]
async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let done = work.await;
    (start.elapsed(), done)
}

async fn loss(manager: &WebSocketManager) -> Error {
    loop {
        match manager.iter_messages().next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return error,
            None => panic!("ended without a reason"),
        }
    }
}

async fn ping_of(peer: &MockPeer) -> bytes::Bytes {
    match peer.receive().await {
        Some(Frame::Ping(payload)) => payload,
        other => panic!("{other:?} is no ping"),
    }
}

#[tokio::test(start_paused = true)]
async fn pings_go_out_although_nobody_receives_and_pongs_keep_the_connection() {
    let (manager, peer) = connected(|builder| builder).await;
    let mut payloads = Vec::new();
    for _ in 0..100 {
        let (waited, payload) = timed(ping_of(&peer)).await;
        assert_eq!(waited.as_secs(), 15);
        peer.send(Frame::Pong(payload.clone()));
        payloads.push(payload);
    }
    assert!(manager.is_connected());
    payloads.dedup();
    assert_eq!(payloads.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn w04_a_silent_peer_is_dead_after_ping_and_pong() {
    let (manager, peer) = connected(|builder| builder).await;
    let (waited, error) = timed(loss(&manager)).await;
    assert_eq!(waited.as_secs(), 25);
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // One ping and no close: the socket was dropped as it was.
    ping_of(&peer).await;
    assert_eq!(peer.receive().await, None);
}

#[tokio::test(start_paused = true)]
async fn w05_data_does_not_stand_for_a_pong() {
    let (manager, peer) = connected(|builder| builder).await;
    let feed = async {
        loop {
            peer.send(text("data"));
            sleep(seconds(1)).await;
        }
    };
    tokio::select! {
        (waited, error) = timed(loss(&manager)) => {
            assert_eq!(waited.as_secs(), 25);
            assert!(error.is_timeout());
        }
        () = feed => {}
    }
}

#[tokio::test(start_paused = true)]
async fn w06_pings_of_the_server_do_not_stand_for_messages() {
    let (manager, peer) =
        connected(|builder| builder.ping_interval(None).message_timeout(Some(seconds(60)))).await;
    let server = async {
        sleep(seconds(30)).await;
        peer.send(text("message"));
        for _ in 0..100 {
            sleep(seconds(5)).await;
            peer.send(Frame::Ping("p".into()));
            assert_eq!(peer.receive().await, Some(Frame::Pong("p".into())));
        }
    };
    tokio::select! {
        (waited, error) = timed(loss(&manager)) => {
            assert_eq!(waited.as_secs(), 90);
            assert!(error.is_timeout());
        }
        () = server => panic!("never found out"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_of_the_server_is_answered_at_once_over_any_transport() {
    let (_manager, peer) = connected(|builder| builder).await;
    for payload in ["a", "b", "", "b"] {
        peer.send(Frame::Ping(payload.into()));
        let (waited, answer) = timed(peer.receive()).await;
        assert_eq!((waited.as_secs(), answer), (0, Some(Frame::Pong(payload.into()))));
    }
}

#[tokio::test(start_paused = true)]
async fn without_pings_a_quiet_connection_lives() {
    let (manager, peer) = connected(|builder| builder.ping_interval(None)).await;
    sleep(seconds(24 * 60 * 60)).await;
    assert!(manager.is_connected());
    peer.send(text("at last"));
    assert_eq!(manager.receive().await.expect("message").text(), "at last");
    let (manager, _peer) =
        connected(|builder| builder.ping_interval(None).idle_timeout(Some(seconds(45)))).await;
    let (waited, error) = timed(loss(&manager)).await;
    assert_eq!((waited.as_secs(), error.is_timeout()), (45, true));
}

#[tokio::test(start_paused = true)]
async fn w29_a_slow_consumer_is_not_a_dead_connection_and_loses_nothing() {
    let (manager, peer) = connected(|builder| builder.queue_capacity(4)).await;
    for number in 0..20 {
        peer.send(text(&number.to_string()));
    }
    // The pong waits behind messages that nobody takes.
    let payload = ping_of(&peer).await;
    peer.send(Frame::Pong(payload));
    sleep(seconds(3600)).await;
    assert!(manager.is_connected());
    let mut messages = manager.iter_messages();
    for number in 0..20 {
        assert_eq!(message_of(messages.next().await), number.to_string());
        if number < 12 {
            sleep(seconds(60)).await;
        }
    }
    assert!(manager.is_connected());
    // Once it reads again, a missing pong is noticed again.
    let (_, error) = timed(loss(&manager)).await;
    assert!(error.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn a_slow_post_processor_stops_reading_and_not_the_pings() {
    struct Slow;
    #[networkpype_core::async_trait]
    impl networkpype_ws::WebSocketPostProcessor for Slow {
        async fn post_process(
            &self,
            message: networkpype_ws::WebSocketResponse,
        ) -> Result<networkpype_ws::WebSocketResponse, networkpype_core::BoxError> {
            sleep(seconds(100)).await;
            Ok(message)
        }
    }
    let (manager, peer) =
        connected(|builder| builder.post_processor(Slow).ping_interval(None)).await;
    peer.send(text("a"));
    sleep(seconds(99)).await;
    // It was received before the end, so it is delivered before it.
    let end = async {
        peer.receive().await;
        peer.send(Frame::Close(None));
    };
    tokio::join!(manager.disconnect(), end);
    assert_eq!(manager.receive().await.expect("message").text(), "a");
    assert_eq!(manager.receive().await.expect_err("over").kind(), ErrorKind::Disconnected);

    let (manager, peer) = connected(|builder| builder.post_processor(Slow)).await;
    peer.send(text("a"));
    peer.send(text("b"));
    ping_of(&peer).await;
    let (waited, _) = timed(manager.receive()).await;
    assert_eq!(waited.as_secs(), 100 - 15);
    manager.send(WebSocketRequest::text("out")).await.expect("sent");
    assert_eq!(text_of(peer.receive().await).as_deref(), Some("out"));
    assert_eq!(manager.receive().await.expect("message").text(), "b");
}

#[tokio::test(start_paused = true)]
async fn last_recv_time_is_when_anything_was_received() {
    let ticker = networkpype_core::TokioTicker::new();
    let (manager, peer) = connected(|builder| builder.ticker(ticker)).await;
    assert_eq!(
        manager.last_recv_time(),
        Some(networkpype_core::Ticks::ZERO),
        "the handshake's answer"
    );
    sleep(seconds(5)).await;
    peer.send(Frame::Ping("p".into()));
    assert!(peer.receive().await.is_some());
    sleep(seconds(5)).await;
    let last = manager.last_recv_time().expect("received");
    assert_eq!(manager.ticker().now().saturating_since(last).as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn disconnect_does_not_wait_long_for_a_peer_that_does_not_answer() {
    let (manager, peer) = connected(|builder| builder).await;
    manager.send(WebSocketRequest::text("last words")).await.expect("sent");
    let (waited, ()) = timed(manager.disconnect()).await;
    assert_eq!(waited.as_secs(), 1);
    assert_eq!(text_of(peer.receive().await).as_deref(), Some("last words"));
    assert!(
        matches!(peer.receive().await, Some(Frame::Close(Some(close))) if close.code() == 1000)
    );
    assert_eq!(peer.receive().await, None);
    let end = manager.iter_messages().next().await.expect("an item").expect("in order");
    assert_eq!(end, networkpype_ws::WebSocketEvent::Closed(None));
}
