//! A login that ends before its connection.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use networkpype_core::{
    Auth, AuthError, AuthErrorKind, ErrorKind, Extensions, LoginRefusal, LoginStep, Outcome,
    RestRequest, Ticker, Ticks, TokioTicker, WebSocketHandshake, WebSocketRequest,
    WebSocketResponse, async_trait, mock::MockPeer,
};
use networkpype_ws::{WebSocketManager, WebSocketManagerBuilder};

use crate::support::{connected, counting, message_of, text, text_of, unconnected};

/// Logs in with `login N`, every hundred seconds, `renewals` times; `hello N` is answered with `proof N`.
struct Hourly {
    renewals: usize,
    /// What the sessions held when a renewal was due.
    seen: Arc<Mutex<Vec<usize>>>,
}

#[derive(Clone)]
struct Logins(usize);

#[derive(Clone)]
struct Handshake(&'static str);

fn hourly(renewals: usize) -> Hourly {
    Hourly { renewals, seen: Arc::default() }
}

#[async_trait]
impl Auth for Hourly {
    async fn rest_authenticate(&self, _: RestRequest) -> Result<RestRequest, AuthError> {
        Err(AuthError::unsupported("not for REST"))
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        Ok(request)
    }

    async fn ws_handshake(
        &self,
        mut handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        handshake.request_mut().extensions_mut().insert(Handshake("noted"));
        Ok(handshake)
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let Some(received) = received else {
            assert!(session.get::<Logins>().is_none(), "a session for each login");
            session.insert(Logins(1));
            return Ok(LoginStep::Send(WebSocketRequest::text("login 1")));
        };
        let Logins(number) = session.get().cloned().expect("a session");
        Ok(match &*received.text() {
            it if it == format!("hello {number}") => {
                LoginStep::Send(WebSocketRequest::text(format!("proof {number}")))
            }
            it if it == format!("welcome {number}") => LoginStep::Done,
            it if it == format!("no {number}") => LoginStep::Refused(LoginRefusal::new("told so")),
            _ => LoginStep::Wait,
        })
    }

    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        let Logins(number) = session.get().cloned().expect("the session of the login");
        tokio::time::sleep(Duration::from_secs(100)).await;
        if number > self.renewals {
            return Err(AuthError::new(AuthErrorKind::Credentials, "nobody is left"));
        }
        self.seen.lock().expect("lock").push(number);
        session.insert(Logins(number + 1));
        Ok(WebSocketRequest::text(format!("login {}", number + 1)))
    }
}

/// Logged in for the first time; without pings, whose time is another.
async fn logged_in(
    renewals: usize,
    build: impl FnOnce(WebSocketManagerBuilder) -> WebSocketManagerBuilder,
) -> (WebSocketManager, MockPeer) {
    let (manager, transport) = unconnected(|builder| {
        build(builder.auth(hourly(renewals)).ping_interval(None).idle_timeout(None))
    });
    let server = async {
        let (_, peer) = transport.accept().await;
        assert_eq!(sent(&peer).await, "login 1");
        peer.send(text("welcome 1"));
        peer
    };
    let both = async { tokio::join!(manager.connect("wss://h/"), server) };
    let (result, peer) =
        tokio::time::timeout(Duration::from_secs(60), both).await.expect("no login");
    result.expect("connected");
    (manager, peer)
}

async fn sent(peer: &MockPeer) -> String {
    text_of(peer.receive().await).expect("a text")
}

async fn received(manager: &WebSocketManager) -> String {
    manager.receive().await.expect("a message").text().into_owned()
}

fn after(secs: u64) -> Ticks {
    Ticks::ZERO + Duration::from_secs(secs)
}

#[tokio::test(start_paused = true)]
async fn w18_a_login_is_renewed_in_place_and_the_users_messages_go_on() {
    let (manager, peer) = logged_in(9, |builder| builder).await;
    let ticker = TokioTicker::new();
    for (number, secs) in [(2, 100), (3, 200)] {
        assert_eq!(sent(&peer).await, format!("login {number}"));
        assert!((after(secs)..after(secs + 1)).contains(&ticker.now()));
        // What comes between, and an answer of the scheme's own in two steps.
        for message in ["data a", &format!("hello {number}"), "data b"] {
            peer.send(text(message));
        }
        assert_eq!(sent(&peer).await, format!("proof {number}"));
        manager.send(WebSocketRequest::text("subscribe")).await.expect("sent");
        assert_eq!(sent(&peer).await, "subscribe");
        for message in [&format!("welcome {number}"), "data c"] {
            peer.send(text(message));
        }
        for message in ["data a", "data b", "data c"] {
            assert_eq!(received(&manager).await, message);
        }
        // A second answer is nobody's, so it is the user's.
        peer.send(text(&format!("welcome {number}")));
        assert_eq!(received(&manager).await, format!("welcome {number}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_refused_or_not_answered_or_impossible_ends_the_connection_with_its_reason()
 {
    for (renewals, answer, secs, kind, reason) in [
        (9, Some("no 2"), 100, ErrorKind::Login, "told so"),
        (9, None, 110, ErrorKind::Login, "timed out after 10s"),
        (0, None, 100, ErrorKind::Auth, "nobody is left"),
    ] {
        let (manager, peer) =
            logged_in(renewals, |builder| builder.login_timeout(Duration::from_secs(10))).await;
        let ticker = TokioTicker::new();
        let mut messages = manager.iter_messages();
        if renewals > 0 {
            assert_eq!(sent(&peer).await, "login 2");
        }
        peer.send(text("data"));
        if let Some(answer) = answer {
            peer.send(text(answer));
        }
        let mut next = async || futures_util::StreamExt::next(&mut messages).await;
        assert_eq!(message_of(next().await), "data");
        let error = next().await.expect("an end").expect_err("not in order");
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(crate::support::shown(&error).contains(reason), "{error:?}");
        assert!((after(secs)..after(secs + 1)).contains(&ticker.now()), "{:?}", ticker.now());
        let send = manager.send(WebSocketRequest::text("x")).await.expect_err("it is over");
        assert_eq!(send.kind(), ErrorKind::Disconnected);
    }
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_reads_is_not_the_servers() {
    let (manager, peer) =
        logged_in(9, |builder| builder.login_timeout(Duration::from_secs(10)).queue_capacity(1))
            .await;
    assert_eq!(sent(&peer).await, "login 2");
    for message in ["data a", "data b", "data c"] {
        peer.send(text(message));
    }
    tokio::time::sleep(Duration::from_secs(1000)).await;
    for message in ["data a", "data b", "data c"] {
        assert_eq!(received(&manager).await, message);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    for message in ["welcome 2", "data d"] {
        peer.send(text(message));
    }
    assert_eq!(received(&manager).await, "data d");
    assert_eq!(sent(&peer).await, "login 3", "the second answer was found");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_waits_for_its_limit_and_a_connection_without_login_has_none() {
    let throttle = counting(2);
    let (charged, gate) = (Arc::clone(&throttle.charged), Arc::clone(&throttle.gate));
    let (_manager, peer) =
        logged_in(9, |builder| builder.throttler(throttle).default_limit("all")).await;
    let charges = || charged.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(charges(), 2, "the handshake and the login");
    tokio::time::sleep(Duration::from_secs(500)).await;
    gate.add_permits(1);
    assert_eq!(sent(&peer).await, "login 2");
    assert_eq!(charges(), 3);

    let (manager, peer) = connected(|builder| {
        builder.auth(hourly(9)).without_login().ping_interval(None).idle_timeout(None)
    })
    .await;
    tokio::time::sleep(Duration::from_secs(500)).await;
    manager.send(WebSocketRequest::text("first")).await.expect("sent");
    assert_eq!(sent(&peer).await, "first");
}

/// Notes in the handshake, logs in with nothing, and renews by what was noted.
struct Noting;

#[async_trait]
impl Auth for Noting {
    async fn rest_authenticate(&self, _: RestRequest) -> Result<RestRequest, AuthError> {
        Err(AuthError::unsupported("not for REST"))
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        Ok(request)
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        hourly(0).ws_handshake(handshake).await
    }

    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        match session.remove::<Handshake>() {
            Some(Handshake(noted)) => Ok(WebSocketRequest::text(noted)),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_knows_what_was_noted_in_the_handshake() {
    let (manager, transport) = unconnected(|builder| builder.auth(Noting));
    let handshake = WebSocketHandshake::new("wss://h/").auth_required();
    let (result, (_, peer)) = tokio::join!(manager.connect(handshake), transport.accept());
    result.expect("connected");
    assert_eq!(sent(&peer).await, "noted");
}

/// Says nothing to a message, or signs no handshake.
struct Stuck {
    signs: bool,
}

#[async_trait]
impl Auth for Stuck {
    async fn rest_authenticate(&self, _: RestRequest) -> Result<RestRequest, AuthError> {
        Err(AuthError::unsupported("not for REST"))
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        Ok(request)
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        if !self.signs {
            std::future::pending::<()>().await;
        }
        Ok(handshake)
    }

    async fn ws_login(
        &self,
        _: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        match received {
            None => Ok(LoginStep::NotNeeded),
            Some(_) => std::future::pending().await,
        }
    }

    async fn ws_renewal(&self, _: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        Ok(WebSocketRequest::text("renew"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_scheme_that_does_not_make_up_its_mind_ends_the_connection_in_time() {
    let (manager, peer) = connected(|builder| {
        builder.auth(Stuck { signs: true }).login_timeout(Duration::from_secs(10))
    })
    .await;
    let ticker = TokioTicker::new();
    assert_eq!(sent(&peer).await, "renew");
    peer.send(text("no"));
    let error = manager.receive().await.expect_err("an end");
    assert_eq!(error.kind(), ErrorKind::Login, "{error:?}");
    assert!((after(10)..after(12)).contains(&ticker.now()), "{:?}", ticker.now());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_not_signed_in_time_is_not_sent() {
    let (manager, _transport) = unconnected(|builder| builder.auth(Stuck { signs: false }));
    let handshake = WebSocketHandshake::new("wss://h/").auth_required();
    let error = manager.connect(handshake).await.expect_err("not signed");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent));
}

struct Slow;

#[async_trait]
impl networkpype_core::WebSocketPostProcessor for Slow {
    async fn post_process(
        &self,
        message: WebSocketResponse,
    ) -> Result<WebSocketResponse, networkpype_core::BoxError> {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(message)
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_post_processor_is_not_the_servers_delay() {
    let (manager, peer) =
        logged_in(9, |builder| builder.login_timeout(Duration::from_secs(10)).post_processor(Slow))
            .await;
    assert_eq!(sent(&peer).await, "login 2");
    peer.send(text("data a"));
    assert_eq!(received(&manager).await, "data a");
    peer.send(text("welcome 2"));
    assert_eq!(sent(&peer).await, "login 3");
}
