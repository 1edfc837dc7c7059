//! Logging in by message.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use networkpype_core::{
    Auth, AuthError, BoxError, ErrorKind, Extensions, Frame, LoginRefusal, LoginStep, Outcome,
    Recovery, RestRequest, Resync, WebSocketResponse, async_trait,
};
use networkpype_test::{Exchange, MessageKind};
use networkpype_ws::{WebSocketManager, WebSocketRequest};
use serde_json::json;

use crate::support::{HmacAuth, op, text, text_of, unconnected};

#[tokio::test]
async fn login_comes_before_anything_else() {
    let exchange = Exchange::start();
    let manager = WebSocketManager::builder().auth(HmacAuth::new()).build().expect("manager");
    manager.connect(exchange.ws_url("/ws")).await.expect("logged in");
    manager.subscribe(op("subscribe", json!({ "channel": "orders" }))).await.expect("sent");
    // The answer to the login was the scheme's, so this is the first message.
    let first = manager.receive().await.expect("message");
    assert_eq!(first.json::<serde_json::Value>().expect("json")["event"], "subscribed");
    let sent = exchange.ws_received();
    assert!(sent[0].text().expect("text").contains(r#""op":"login""#));
    assert!(sent[1].text().expect("text").contains(r#""op":"subscribe""#));
}

#[tokio::test]
async fn a_refused_login_is_an_error_that_says_so() {
    let exchange = Exchange::start();
    let auth = HmacAuth { secret: "wrong", ..HmacAuth::new() };
    let manager = WebSocketManager::builder().auth(auth).build().expect("manager");
    let error = manager.connect(exchange.ws_url("/ws")).await.expect_err("refused");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Login, Outcome::Refused));
    assert!(error.is_auth() && !error.is_timeout());
    assert_eq!(
        std::error::Error::source(&error).map(ToString::to_string).as_deref(),
        Some("\"60009\"")
    );
    assert!(!manager.is_connected());
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
    let kinds: Vec<_> = exchange.ws_received().into_iter().map(|message| message.kind).collect();
    assert_eq!(kinds.len(), 2);
    assert!(matches!(kinds[1], MessageKind::Close(_)));
}

#[tokio::test(start_paused = true)]
async fn messages_before_the_login_is_done_are_not_delivered_and_pings_are_answered() {
    let (manager, transport) = unconnected(|builder| builder.auth(HmacAuth::new()));
    let server = async {
        let (_, peer) = transport.accept().await;
        assert!(text_of(peer.receive().await).expect("login").contains("login"));
        peer.send(text("hello"));
        peer.send(Frame::Ping("early".into()));
        assert_eq!(peer.receive().await, Some(Frame::Pong("early".into())));
        peer.send(text(r#"{"event":"login"}"#));
        peer.send(text("first"));
        peer
    };
    let (connected, _peer) = tokio::join!(manager.connect("wss://h/"), server);
    connected.expect("connected");
    assert_eq!(manager.receive().await.expect("message").text(), "first");
}

#[tokio::test(start_paused = true)]
async fn w16_a_login_that_is_not_answered_ends() {
    let (manager, transport) =
        unconnected(|builder| builder.auth(HmacAuth::new()).login_timeout(Duration::from_secs(3)));
    let server = async {
        let (_, peer) = transport.accept().await;
        peer.receive().await;
        // It talks, but not about that, and then its client is gone.
        for _ in 0..3 {
            peer.send(text("chatter"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        peer.receive().await
    };
    let (connected, gone) = tokio::join!(manager.connect("wss://h/"), server);
    let error = connected.expect_err("no answer");
    assert_eq!(
        (error.kind(), error.outcome(), error.is_timeout()),
        (ErrorKind::Login, Outcome::Unknown, true)
    );
    assert_eq!(gone, None);
    assert!(!manager.is_connected());
}

#[tokio::test(start_paused = true)]
async fn w15_a_loss_during_the_login_sends_nothing_more_and_the_next_login_is_signed_anew() {
    let auth = HmacAuth::new();
    let signed = std::sync::Arc::clone(&auth.signed);
    let (manager, transport) = unconnected(|builder| builder.auth(auth));
    for (attempt, close) in [None, Some(Frame::Close(None))].into_iter().enumerate() {
        let server = async {
            let (_, peer) = transport.accept().await;
            peer.receive().await;
            if let Some(close) = close {
                peer.send(close);
            }
        };
        let (connected, ()) = tokio::join!(manager.connect("wss://h/"), server);
        let error = connected.expect_err("lost");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Login, Outcome::Unknown));
        assert_eq!(signed.load(std::sync::atomic::Ordering::SeqCst), attempt + 1);
        let error = manager.send(WebSocketRequest::text("x")).await.expect_err("not connected");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::NotSent));
    }
}

#[tokio::test]
async fn without_login_a_scheme_is_there_for_messages_only() {
    let exchange = Exchange::start();
    let auth = HmacAuth::new();
    let manager = WebSocketManager::builder().auth(auth).without_login().build().expect("manager");
    manager.connect(exchange.ws_url("/ws")).await.expect("connected");
    manager.send(op("echo", json!({})).auth_required()).await.expect("sent");
    let echo: serde_json::Value = manager.receive().await.expect("message").json().expect("json");
    assert!(echo["sign"].is_string());
    assert_eq!(exchange.ws_received().len(), 1);
}

/// A scheme whose logins are refused for their timestamp until the time was learnt anew `enough` times.
struct Stale {
    learnt: Arc<AtomicUsize>,
    enough: usize,
}

#[async_trait]
impl Auth for Stale {
    async fn rest_authenticate(&self, _: RestRequest) -> Result<RestRequest, AuthError> {
        Err(AuthError::unsupported("not for REST"))
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no messages"))
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        assert_eq!(session.insert(()).is_some(), received.is_some(), "a session for each login");
        Ok(match received {
            None => LoginStep::Send(WebSocketRequest::text("login")),
            Some(_) if self.learnt.load(Ordering::Relaxed) >= self.enough => LoginStep::Done,
            Some(_) => {
                let refusal = LoginRefusal::new("stale").with_recovery(Recovery::ResyncTime);
                LoginStep::Refused(refusal)
            }
        })
    }
}

struct Learn(Arc<AtomicUsize>);

#[async_trait]
impl Resync for Learn {
    async fn resync(&self) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn w17_a_login_refused_for_its_clock_is_tried_once_more_after_a_resync() {
    for (enough, connects) in [(1, true), (2, false)] {
        let learnt = Arc::new(AtomicUsize::new(0));
        let auth = Stale { learnt: Arc::clone(&learnt), enough };
        let resync = Learn(Arc::clone(&learnt));
        let (manager, transport) = unconnected(|builder| builder.auth(auth).resync(resync));
        let server = async {
            let mut peers = Vec::new();
            for _ in 0..2 {
                let (_, peer) = transport.accept().await;
                assert_eq!(text_of(peer.receive().await).expect("login"), "login");
                peer.send(text("answer"));
                peer.send(Frame::Close(None));
                peers.push(peer);
            }
            peers
        };
        let (result, _peers) = tokio::join!(manager.connect("wss://h/"), server);
        assert_eq!(result.is_ok(), connects, "{result:?}");
        assert_eq!(learnt.load(Ordering::Relaxed), 1);
    }
}
