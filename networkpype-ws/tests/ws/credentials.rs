//! Where credentials go, what prints them, and what follows a rejection.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use networkpype_core::{
    Auth, AuthError, AuthErrorKind, BoxError, Error, ErrorKind, Outcome, Recovery, Rejection,
    RestRequest, RestResponse, Resync, WebSocketHandshake, WebSocketRequest, async_trait,
};
use networkpype_test::{Exchange, Reply};
use networkpype_ws::{WebSocketManager, WebSocketManagerBuilder};
use serde_json::json;

use crate::support::{HmacAuth, connected, counting, op, shown, text_of, unconnected};

fn origin_refused(error: &Error, naming: &[&str]) {
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::OriginRefused, Outcome::NotSent),
        "{error:?}"
    );
    for name in naming {
        assert!(shown(error).contains(name), "{error:?} does not name {name}");
    }
}

#[tokio::test]
async fn credentials_do_not_go_to_another_origin() {
    let (home, other) = (Exchange::start(), Exchange::start());
    let build = |configure: fn(WebSocketManagerBuilder) -> WebSocketManagerBuilder| {
        let builder = WebSocketManager::builder()
            .base_url(home.url())
            .default_header("X-Team", "t3am-key")
            .auth(HmacAuth::new());
        configure(builder).build().expect("manager")
    };
    // A handshake that is to be signed is not even dialled.
    let manager = build(|builder| builder.without_login());
    let error = manager
        .connect(WebSocketHandshake::new(other.ws_url("/ws/header")).auth_required())
        .await
        .expect_err("another origin");
    origin_refused(&error, &[&home.url(), &other.url()]);
    assert_eq!(other.connections(), 0);
    // A login message is not sent.
    let error =
        build(|builder| builder).connect(other.ws_url("/ws")).await.expect_err("another origin");
    origin_refused(&error, &[&home.url(), &other.url()]);
    // A public stream may go there, without the manager's headers; its messages are not signed.
    manager.connect(other.ws_url("/ws")).await.expect("connected");
    let error =
        manager.send(op("echo", json!({})).auth_required()).await.expect_err("another origin");
    origin_refused(&error, &[&home.url(), &other.url()]);
    manager.send(op("echo", json!({ "id": 7 }))).await.expect("sent");
    manager.receive().await.expect("message");
    for request in other.requests() {
        assert_eq!((request.header("x-api-key"), request.header("x-team")), (None, None));
    }
    let texts: Vec<_> =
        other.ws_received().iter().filter_map(|it| it.text().map(str::to_owned)).collect();
    assert_eq!(texts, [r#"{"id":7,"op":"echo"}"#]);
    // At home all of it goes out.
    let manager = build(|builder| builder);
    manager
        .connect(WebSocketHandshake::new("/ws/header").auth_required())
        .await
        .expect("connected");
    assert_eq!(home.requests()[0].header("x-team"), Some("t3am-key"));
    assert_eq!(home.requests()[0].header("x-api-key"), Some("test-key"));
}

#[tokio::test(start_paused = true)]
async fn credentials_go_to_origins_that_are_allowed() {
    for (allow, url, allowed) in [
        ("wss://stream.example.com", "wss://stream.example.com/ws", true),
        ("wss://stream.example.com", "wss://stream.example.com:444/ws", false),
        ("https://stream.example.com", "wss://evil.example.net/ws", false),
        ("https://stream.example.com", "wss://api.example.com/ws", true),
        ("ws://stream.example.com", "ws://stream.example.com/ws", false),
    ] {
        let (manager, transport) = unconnected(|builder| {
            builder
                .base_url("https://api.example.com")
                .allow_origin(allow)
                .auth(HmacAuth::new())
                .without_login()
        });
        let handshake = WebSocketHandshake::new(url).auth_required();
        match allowed {
            true => {
                let (connected, (handshake, _)) =
                    tokio::join!(manager.connect(handshake), transport.accept());
                connected.expect(url);
                assert!(handshake.request().headers()["x-api-key"].is_sensitive());
            }
            false => origin_refused(
                &manager.connect(handshake).await.expect_err(url),
                &["api.example.com"],
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_do_not_go_out_in_plain_text_unless_told_to() {
    let url = "ws://api.example.com/ws";
    let (manager, _transport) =
        unconnected(|builder| builder.auth(HmacAuth::new()).without_login());
    let handshake = || WebSocketHandshake::new(url).auth_required();
    origin_refused(
        &manager.connect(handshake()).await.expect_err(url),
        &["http://api.example.com"],
    );
    let (manager, transport) = unconnected(|builder| {
        builder.auth(HmacAuth::new()).without_login().danger_allow_plaintext_credentials()
    });
    let (connected, _) = tokio::join!(manager.connect(handshake()), transport.accept());
    connected.expect("connected");
}

#[tokio::test(start_paused = true)]
async fn a_scheme_may_narrow_where_credentials_go() {
    let auth = HmacAuth {
        only: Some("https://only.example.com".parse().expect("origin")),
        ..HmacAuth::new()
    };
    let (manager, peer) = connected(|builder| builder.auth(auth).without_login()).await;
    let error = manager
        .send(WebSocketRequest::json_text("{}").auth_required())
        .await
        .expect_err("narrowed");
    origin_refused(&error, &["https://api.example.com"]);
    manager.send(WebSocketRequest::text("public")).await.expect("sent");
    assert_eq!(text_of(peer.receive().await).as_deref(), Some("public"));
}

#[tokio::test(start_paused = true)]
async fn what_asks_for_authentication_is_never_sent_without_it() {
    let (manager, peer) = connected(|builder| builder).await;
    let error =
        manager.send(WebSocketRequest::text("order").auth_required()).await.expect_err("no auth");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent));
    let (fresh, _transport) = unconnected(|builder| builder);
    let error = fresh
        .connect(WebSocketHandshake::new("wss://h/").auth_required())
        .await
        .expect_err("no auth");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent));
    // A message that the scheme cannot sign is not sent either.
    let (signing, signing_peer) =
        connected(|builder| builder.auth(HmacAuth::new()).without_login()).await;
    let error = signing
        .send(WebSocketRequest::text("no json").auth_required())
        .await
        .expect_err("unsigned");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent));
    drop((manager, signing));
    for peer in [peer, signing_peer] {
        assert!(matches!(peer.receive().await, Some(networkpype_core::Frame::Close(_))));
    }
}

/// A scheme whose keys are stale but for one, and which says what to do about it.
struct Stale {
    good: Option<usize>,
    recoveries: Vec<Recovery>,
    asked: AtomicUsize,
    signed: Arc<AtomicUsize>,
    /// The statuses of what was answered.
    seen: Arc<Mutex<Vec<u16>>>,
    /// The status that it does not believe.
    disbelieves: Option<u16>,
}

impl Stale {
    fn new(recoveries: impl Into<Vec<Recovery>>) -> Self {
        Self {
            good: None,
            recoveries: recoveries.into(),
            asked: AtomicUsize::new(0),
            signed: Arc::default(),
            seen: Arc::default(),
            disbelieves: None,
        }
    }
}

#[async_trait]
impl Auth for Stale {
    async fn rest_authenticate(&self, _: RestRequest) -> Result<RestRequest, AuthError> {
        Err(AuthError::unsupported("not for REST"))
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("not for messages"))
    }

    async fn ws_handshake(
        &self,
        mut handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        let number = self.signed.fetch_add(1, Ordering::SeqCst);
        let cause = handshake.request().extensions().get::<Recovery>();
        assert_eq!(cause, number.checked_sub(1).and_then(|before| self.recoveries.get(before)));
        assert!(
            !handshake.request().headers().contains_key("x-api-key"),
            "signed from the unsigned original"
        );
        let key = match self.good == Some(number) {
            true => "test-key".to_owned(),
            false => format!("c4nary-{number}"),
        };
        handshake.request_mut().insert_sensitive_header("X-API-KEY", key)?;
        Ok(handshake)
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        assert!(signed.headers().contains_key("x-api-key"));
        assert!(!response.headers().is_empty());
        let status = response.status().as_u16();
        self.seen.lock().expect("lock").push(status);
        match self.disbelieves == Some(status) {
            true => Err(AuthError::new(AuthErrorKind::Verification, "not the server")),
            false => Ok(()),
        }
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        assert!(rejection.signed.headers().contains_key("x-api-key"));
        assert!(rejection.response.json::<serde_json::Value>().expect("json")["code"].is_i64());
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.recoveries.get(asked).copied().unwrap_or(Recovery::GiveUp))
    }
}

struct Counted(Arc<AtomicUsize>);

#[async_trait]
impl Resync for Counted {
    async fn resync(&self) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn w10_a_rejected_handshake_is_mended_once_per_cause_and_then_final() {
    use Recovery::{GiveUp, Refreshed, ResyncTime, SignAgain};
    for (recoveries, resyncs, attempts) in [
        (vec![], 0, 1),
        (vec![GiveUp, SignAgain], 0, 1),
        (vec![Refreshed, Refreshed, SignAgain], 0, 2),
        (vec![ResyncTime, SignAgain, Refreshed, SignAgain], 1, 4),
    ] {
        // Refuses every key, quoting it.
        let exchange = Exchange::builder()
            .handler("/private", |request| {
                let key = request.header("x-api-key").unwrap_or_default();
                Reply::json(401, &json!({ "code": -1, "msg": format!("bad key {key}") }))
            })
            .start();
        let resynced = Arc::new(AtomicUsize::new(0));
        let throttle = counting(10);
        let manager = WebSocketManager::builder()
            .throttler(throttle.clone())
            .default_limit("connects")
            .auth(Stale::new(recoveries))
            .resync(Counted(Arc::clone(&resynced)))
            .build()
            .expect("manager");
        let handshake = WebSocketHandshake::new(exchange.ws_url("/private")).auth_required();
        let error = manager.connect(handshake).await.expect_err("rejected");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Status, Outcome::Refused));
        assert_eq!(error.body_excerpt(), Some(r#"{"code":-1,"msg":"bad key [redacted]"}"#));
        assert!(!shown(&error).contains("c4nary"), "{error:?}");
        assert_eq!(resynced.load(Ordering::SeqCst), resyncs);
        // Every attempt was charged, and the throttle saw every answer.
        assert_eq!(throttle.charged.load(Ordering::SeqCst), attempts);
        assert_eq!(*throttle.observed.lock().expect("lock"), vec![401; attempts]);
        let keys: Vec<_> = exchange
            .requests()
            .iter()
            .map(|it| it.header("x-api-key").map(str::to_owned))
            .collect();
        let expected: Vec<_> =
            (0..attempts).map(|number| Some(format!("c4nary-{number}"))).collect();
        assert_eq!(keys, expected);
    }
}

#[tokio::test]
async fn a_mended_handshake_connects() {
    let exchange = Exchange::start();
    let auth = Stale { good: Some(1), ..Stale::new([Recovery::Refreshed]) };
    let manager = WebSocketManager::builder().auth(auth).build().expect("manager");
    let handshake = WebSocketHandshake::new(exchange.ws_url("/ws/header")).auth_required();
    manager.connect(handshake).await.expect("connected");
    let keys: Vec<_> =
        exchange.requests().iter().map(|it| it.header("x-api-key").map(str::to_owned)).collect();
    assert_eq!(keys, [Some("c4nary-0".to_owned()), Some("test-key".to_owned())]);
}

#[tokio::test]
async fn a_scheme_sees_every_answer_to_a_handshake_and_may_disbelieve_it() {
    let exchange = Exchange::start();
    for (disbelieves, seen, outcome) in [
        (None, vec![401, 101], None),
        (Some(101), vec![401, 101], Some(Outcome::Done)),
        (Some(401), vec![401], Some(Outcome::Refused)),
    ] {
        let auth = Stale { good: Some(1), disbelieves, ..Stale::new([Recovery::Refreshed]) };
        let statuses = Arc::clone(&auth.seen);
        let manager = WebSocketManager::builder().auth(auth).build().expect("manager");
        let handshake = WebSocketHandshake::new(exchange.ws_url("/ws/header")).auth_required();
        let result = manager.connect(handshake).await;
        assert_eq!(*statuses.lock().expect("lock"), seen);
        assert_eq!(result.as_ref().err().map(Error::outcome), outcome, "{result:?}");
        assert_eq!(result.err().is_some_and(|error| error.is_auth()), outcome.is_some());
    }
}

#[tokio::test]
async fn h20_nothing_prints_a_credential() {
    let exchange = Exchange::start();
    let auth = HmacAuth { secret: "c4nary", ..HmacAuth::new() };
    let builder =
        WebSocketManager::builder().default_header("X-Key", "c4nary").auth(auth).without_login();
    let mut printed = format!("{builder:?}");
    let manager = builder.build().expect("manager");
    manager.connect(exchange.ws_url("/ws?key=c4nary")).await.expect("connected");
    manager.send(op("echo", json!({ "x": "c4nary" })).auth_required()).await.expect("sent");
    printed += &format!("{manager:?} {:?} {:?}", manager.iter_messages(), manager.receive().await);
    manager.disconnect().await;
    let refused = exchange.ws_url("/ws/refuse?key=c4nary&body=c4nary");
    printed += &shown(&manager.connect(refused).await.expect_err("refused"))
        .replace(r#"excerpt: Some("c4nary")"#, "");
    assert!(!printed.contains("c4nary"), "{printed}");
}
