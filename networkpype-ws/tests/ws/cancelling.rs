//! Futures, streams and managers that are dropped.

use std::{
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use futures_util::{FutureExt, SinkExt, StreamExt};
use networkpype_core::{
    ErrorKind, Frame, Outcome, TransportError, WebSocketChannel, WebSocketTransport, async_trait,
};
use networkpype_test::Exchange;
use networkpype_ws::{WebSocketEvent, WebSocketHandshake, WebSocketManager, WebSocketRequest};
use serde_json::json;

use crate::{
    messages::dial,
    support::{connected, counting, message_of, op, text, text_of, unconnected},
};

#[tokio::test]
async fn w38_receive_cancelled_many_times_loses_nothing() {
    let (manager, peer) = connected(|builder| builder.queue_capacity(16)).await;
    let mut messages = manager.iter_messages();
    let (mut next, mut cancelled) = (0, 0);
    while cancelled < 100_000 || next < 1_000 {
        if cancelled % 50 == 0 {
            peer.send(text(&(cancelled / 50).to_string()));
        }
        // Polled once and dropped: by the manager and by a stream in turn.
        let received = match cancelled % 2 {
            0 => manager
                .receive()
                .now_or_never()
                .map(|message| message.expect("message").text().into_owned()),
            _ => messages.next().now_or_never().map(message_of),
        };
        match received {
            Some(message) => {
                assert_eq!(message, next.to_string());
                next += 1;
            }
            None => {
                cancelled += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    peer.send(Frame::Close(None));
    loop {
        match messages.next().await {
            Some(Ok(WebSocketEvent::Message(_))) => {}
            Some(Ok(WebSocketEvent::Closed(None))) => break,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn w39_dropping_the_manager_ends_its_task() {
    let exchange = Exchange::start();
    let manager = dial(&exchange).await;
    let clone = manager.clone();
    let stream = manager.iter_messages();
    drop((manager, clone));
    // A stream alone keeps the connection.
    assert_eq!(exchange.ws_open(), 1);
    drop(stream);
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
    assert_eq!(exchange.ws_received().len(), 1);
    while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn w39_a_full_queue_does_not_keep_the_task() {
    let (manager, peer) = connected(|builder| builder.queue_capacity(1)).await;
    for _ in 0..10 {
        peer.send(text("x"));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(manager);
    assert!(matches!(peer.receive().await, Some(Frame::Close(_))));
    peer.send(Frame::Close(None));
    assert_eq!(peer.receive().await, None);
}

#[test]
fn a_runtime_that_goes_away_ends_the_connection() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let first = runtime();
    let (manager, _peer) = first.block_on(connected(|builder| builder));
    drop(first);
    let error = runtime().block_on(manager.receive()).expect_err("over");
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    let error = runtime().block_on(manager.send(WebSocketRequest::text("x"))).expect_err("over");
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[tokio::test(start_paused = true)]
async fn a_post_processor_that_panics_ends_the_connection() {
    let (manager, peer) = connected(|builder| {
        builder.post_processor(|message: networkpype_ws::WebSocketResponse| {
            match message.text().len() {
                0 => panic!("as the test wants"),
                _ => Ok(message),
            }
        })
    })
    .await;
    peer.send(text(""));
    let error = manager.receive().await.expect_err("over");
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    manager.disconnect().await;
}

#[tokio::test]
async fn a_connect_that_is_dropped_leaves_no_connection() {
    let exchange = Exchange::start();
    let manager = WebSocketManager::builder().build().expect("manager");
    let connecting = manager.connect(exchange.ws_url("/ws/no-upgrade"));
    tokio::select! {
        _ = connecting => panic!("never answered"),
        () = exchange.wait_until(|exchange| exchange.requests().len() == 1) => {}
    }
    assert!(!manager.is_connected());
    manager.connect(exchange.ws_url("/ws")).await.expect("connected");
}

#[tokio::test(start_paused = true)]
async fn a_send_dropped_while_it_waits_is_not_charged() {
    let throttle = counting(1);
    let (manager, peer) =
        connected(|builder| builder.throttler(throttle.clone()).default_limit("messages")).await;
    assert_eq!(throttle.charged.load(Ordering::SeqCst), 1);
    assert!(manager.send(WebSocketRequest::text("dropped")).now_or_never().is_none());
    throttle.gate.add_permits(1);
    manager.send(WebSocketRequest::text("sent")).await.expect("sent");
    assert_eq!(text_of(peer.receive().await).as_deref(), Some("sent"));
    assert_eq!(throttle.charged.load(Ordering::SeqCst), 2);
}

/// A connection that takes no frame, and ends when the sender is dropped.
struct Stuck(Mutex<Option<tokio::sync::oneshot::Receiver<()>>>);

#[async_trait]
impl WebSocketTransport for Stuck {
    async fn connect(&self, _: WebSocketHandshake) -> Result<WebSocketChannel, TransportError> {
        let end = self.0.lock().expect("lock").take().expect("one connection");
        let stream = futures_util::stream::once(end).filter_map(async |_| None);
        let sink = futures_util::sink::unfold((), async |(), _: Frame| Ok(()))
            .with(async |_: Frame| std::future::pending::<Result<Frame, TransportError>>().await);
        Ok(WebSocketChannel::new(Box::pin(sink), Box::pin(stream)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_sent_is_not_charged() {
    let throttle = counting(4);
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let manager = WebSocketManager::builder()
        .connection(Stuck(Mutex::new(Some(ended))))
        .throttler(throttle.clone())
        .default_limit("messages")
        .build()
        .expect("manager");
    manager.connect("wss://h/").await.expect("connected");
    let sends =
        futures_util::future::join_all((0..3).map(|_| manager.send(WebSocketRequest::text("x"))));
    let (sent, ()) = tokio::join!(sends, async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(end);
    });
    let outcomes: Vec<_> = sent
        .into_iter()
        .map(|sent| sent.expect_err("lost"))
        .map(|error| (error.kind(), error.outcome()))
        .collect();
    // The first was begun, the others were not.
    let disconnected = |outcome| (ErrorKind::Disconnected, outcome);
    assert_eq!(outcomes, [Outcome::Unknown, Outcome::NotSent, Outcome::NotSent].map(disconnected));
    // The connect and the message that was begun.
    assert_eq!(throttle.charged.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_capacity_ends_with_the_connection() {
    let throttle = counting(1);
    let (manager, peer) =
        connected(|builder| builder.throttler(throttle.clone()).default_limit("messages")).await;
    let (sent, ()) = tokio::join!(manager.send(WebSocketRequest::text("x")), async {
        tokio::task::yield_now().await;
        drop(peer);
    });
    let error = sent.expect_err("lost");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::NotSent));
}

#[tokio::test(start_paused = true)]
async fn a_connect_dropped_while_it_waits_for_capacity_dials_nothing() {
    let throttle = counting(0);
    let (manager, transport) =
        unconnected(|builder| builder.throttler(throttle.clone()).default_limit("connects"));
    assert!(manager.connect("wss://h/").now_or_never().is_none());
    assert!(transport.accept().now_or_never().is_none());
    assert_eq!(throttle.charged.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn sends_of_many_callers_arrive_whole_and_once() {
    let exchange = Exchange::start();
    let manager = dial(&exchange).await;
    let sends = (0..200).map(|id| {
        let manager = manager.clone();
        tokio::spawn(async move {
            // Every other one is dropped after it was polled once.
            let send = manager.send(op("echo", json!({ "id": id, "pad": "x".repeat(1000) })));
            match id % 2 {
                0 => send.await.expect("sent"),
                _ => drop(send.now_or_never()),
            }
        })
    });
    for send in sends.collect::<Vec<_>>() {
        send.await.expect("no panic");
    }
    manager.disconnect().await;
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
    let mut ids: Vec<u64> = exchange
        .ws_received()
        .iter()
        .filter_map(|message| message.text())
        .map(|text| {
            serde_json::from_str::<serde_json::Value>(text).expect("whole")["id"]
                .as_u64()
                .expect("id")
        })
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    assert_eq!(ids.iter().filter(|id| **id % 2 == 0).count(), 100);
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_a_connect_that_nobody_polls() {
    let transport = networkpype_core::mock::MockWebSocket::new();
    let manager = WebSocketManager::builder()
        .connection(transport.clone())
        .auth(crate::support::HmacAuth::new())
        .build()
        .expect("manager");
    let mut connecting = Box::pin(manager.connect("wss://h/"));
    // It waits for the answer to its login.
    assert!(futures_util::poll!(&mut connecting).is_pending());
    manager.close().await;
    let error = connecting.await.expect_err("closed");
    assert_eq!(error.kind(), networkpype_core::ErrorKind::Closed);
}
