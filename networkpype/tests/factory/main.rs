//! The factory from outside, against the local exchange.

#![cfg(feature = "full")]
#![allow(clippy::expect_used, reason = "a failed expectation is the test's answer")]

use std::{error::Error as _, sync::Arc, time::Duration};

use networkpype::{
    Clock, ConnectionManagersFactory, ConnectionManagersFactoryBuilder, ConnectionsFactory,
    ErrorKind, ManualClock, Outcome, RateLimit, RestRequest, RestTimeProvider, Throttler,
    Timestamp, TlsOptions, WebSocketHandshake, WebSocketRequest,
    schemes::hmac::{DigestEncoding, Hmac, HmacBuilder, Login, Part, Placement, fields_are},
};
use networkpype_test::Exchange;
use serde_json::Value;

fn okx(clock: impl Clock + 'static) -> HmacBuilder {
    let login = Login::new(
        r#"{"op":"login","key":"{key}","timestamp":"{timestamp}","sign":"{signature}"}"#,
    )
    .sign([Part::Timestamp, Part::literal("GET/users/self/verify")])
    .accepted_when(fields_are([("event", "login"), ("code", "0")]))
    .refused_when(fields_are([("event", "error")]))
    .refusal_code("code")
    .unlimited();
    Hmac::builder("test-key", "test-secret")
        .clock(clock)
        .key_in(Placement::header("ACCESS-KEY"))
        .timestamp_in(Placement::header("ACCESS-TIMESTAMP"))
        .sign([Part::Timestamp, Part::Method, Part::Target, Part::Body])
        .digest(DigestEncoding::Base64)
        .signature_in(Placement::header("ACCESS-SIGN"))
        .resync_on_code("50102")
        .ws_login(login)
}

fn factory(exchange: &Exchange) -> ConnectionManagersFactoryBuilder {
    ConnectionManagersFactory::builder()
        .base_url(exchange.url())
        .ws_url(exchange.ws_url(""))
        .time_provider(|api| {
            RestTimeProvider::json_millis(
                api,
                RestRequest::get("/time").limit("time"),
                "serverTime",
            )
        })
        .auth_with(|api| okx(api.clock()).build())
}

fn account() -> RestRequest {
    RestRequest::get("/api/body/account").auth_required()
}

fn paths(exchange: &Exchange) -> Vec<String> {
    exchange.requests().iter().map(|request| request.path().to_owned()).collect()
}

#[tokio::test]
async fn the_first_signed_call_learns_the_servers_time() {
    let exchange = Exchange::builder().clock_skew_ms(90_000).start();
    let api = factory(&exchange).build().expect("factory");
    assert_eq!(api.time_synchronizer().expect("synchronizer").offset_nanos(), None);
    let rest = api.rest_manager();
    for number in 0..3 {
        let account: Value =
            rest.execute_request(account().param("number", number)).await.expect("accepted");
        assert_eq!(account["ok"], true);
    }
    assert_eq!(paths(&exchange)[..2], ["/time", "/api/body/account"]);
    assert_eq!(exchange.requests().len(), 4, "the time is asked for once");
    let offset = api.time_synchronizer().and_then(|time| time.offset_nanos()).expect("learnt");
    assert!((offset - 90_000_000_000).abs() < 1_000_000_000, "{offset}");
}

/// Row T1: skew learnt, one more attempt, and the call succeeds.
#[tokio::test]
async fn t01_a_servers_clock_that_jumps_is_learnt_within_the_call() {
    let exchange = Exchange::start();
    let api = factory(&exchange).build().expect("factory");
    let rest = api.rest_manager();
    rest.execute_request::<Value>(account()).await.expect("accepted");
    exchange.set_clock_skew_ms(3_600_000);
    rest.execute_request::<Value>(account()).await.expect("accepted after a resync");
    let expected =
        ["/time", "/api/body/account", "/api/body/account", "/time", "/api/body/account"];
    assert_eq!(paths(&exchange), expected);
}

#[tokio::test]
async fn a_scheme_that_stamps_with_another_clock_is_refused() {
    let exchange = Exchange::start();
    let other = Arc::new(ManualClock::new(Timestamp::from_secs(1)));
    let error = factory(&exchange)
        .auth(okx(other).build().expect("scheme"))
        .build()
        .expect_err("two clocks");
    assert!(error.to_string().contains("context.clock()"), "{error}");
}

#[tokio::test]
async fn a_scheme_that_cannot_be_built_says_why() {
    let exchange = Exchange::start();
    let error = factory(&exchange)
        .auth_with(|_| Hmac::builder("k", "").build())
        .build()
        .expect_err("no secret");
    assert_eq!(
        error.source().map(ToString::to_string).as_deref(),
        Some("nothing is signed: say what with `payload` in a recipe, or `sign` in Rust")
    );
}

#[tokio::test]
async fn everything_that_is_sent_is_charged_to_one_throttler() {
    let exchange = Exchange::start();
    let limits =
        ["time", "calls", "messages"].map(|id| RateLimit::new(id, 100, Duration::from_secs(60)));
    let throttler = Throttler::new(limits).expect("limits");
    let api = factory(&exchange)
        .throttler(throttler.clone())
        .default_limit("calls")
        .build()
        .expect("factory");
    api.rest_manager().call(account()).await.expect("response");
    let stream = api.ws_manager();
    stream.connect(WebSocketHandshake::new("/ws").header("x", "1")).await.expect("connected");
    stream
        .send(
            WebSocketRequest::json_object([("op", "subscribe"), ("channel", "orders")])
                .limit("messages"),
        )
        .await
        .expect("sent");
    let used = |id| throttler.usage(id).expect("limit").used;
    assert_eq!((used("time"), used("calls"), used("messages")), (1, 2, 1));
}

#[tokio::test]
async fn a_private_stream_opens_after_login() {
    let exchange = Exchange::builder().clock_skew_ms(-50_000).start();
    let api = factory(&exchange).build().expect("factory");
    // The login is stamped too; nothing else has asked for the time yet.
    let stream = api.ws_manager();
    stream.connect("/ws").await.expect("logged in");
    stream
        .subscribe(WebSocketRequest::json_object([("op", "subscribe"), ("channel", "orders")]))
        .await
        .expect("sent");
    let subscribed: Value = stream.receive().await.expect("message").json().expect("json");
    assert_eq!(subscribed["event"], "subscribed");
    let order: Value = stream.receive().await.expect("message").json().expect("json");
    assert_eq!(order["channel"], "orders");
}

#[tokio::test]
async fn cookies_and_default_headers_go_home_and_nowhere_else() {
    let home = Exchange::start();
    let away = Exchange::start();
    let api = ConnectionManagersFactory::builder()
        .base_url(home.url())
        .ws_url(home.ws_url(""))
        .cookie("session", "abc")
        .cookie("theme", "dark")
        .default_header("X-Key", "k")
        .build()
        .expect("factory");
    api.rest_manager().call(RestRequest::get("/echo")).await.expect("home");
    api.ws_manager().connect("/ws").await.expect("home");
    api.rest_manager().call(RestRequest::get(away.url())).await.expect("away");
    api.ws_manager().connect(away.ws_url("/ws")).await.expect("away");
    for (exchange, cookie, key) in
        [(&home, Some("session=abc; theme=dark"), Some("k")), (&away, None, None)]
    {
        assert_eq!(exchange.requests().len(), 2);
        for request in exchange.requests() {
            assert_eq!((request.header("cookie"), request.header("x-key")), (cookie, key));
            assert!(
                request.header("user-agent").is_some_and(|agent| agent.starts_with("networkpype/"))
            );
        }
    }
}

#[tokio::test]
async fn connections_share_their_tls_options() {
    let exchange = Exchange::builder().tls().start();
    let tls =
        TlsOptions::new().root_certificate(exchange.ca_pem().expect("tls")).only_these_roots();
    let connections = ConnectionsFactory::builder().tls(tls).build().expect("connections");
    let api = factory(&exchange).connections(connections).build().expect("factory");
    let rest = api.rest_manager();
    rest.call(account().param("number", 1)).await.expect("https");
    rest.call(account().param("number", 2)).await.expect("https");
    api.ws_manager().connect("/ws").await.expect("wss");
    assert_eq!(exchange.connections(), 2, "one pool for REST, one connection for the stream");
}

#[tokio::test]
async fn closing_ends_calls_and_streams_and_may_be_repeated() {
    let exchange = Exchange::start();
    let api = factory(&exchange).build().expect("factory");
    let (rest, stream) = (api.rest_manager(), api.ws_manager());
    stream.connect("/ws").await.expect("connected");
    tokio::join!(api.close(), api.close());
    api.close().await;

    let error = rest.call(account()).await.expect_err("closed");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Closed, Outcome::NotSent));
    let error = stream.send(WebSocketRequest::text("x")).await.expect_err("closed");
    assert_eq!(error.outcome(), Outcome::NotSent);
    for stream in [stream, api.ws_manager()] {
        let error = stream.connect("/ws").await.expect_err("closed");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Closed, Outcome::NotSent));
    }
    exchange.wait_until(|exchange| exchange.ws_open() == 0).await;
}

#[tokio::test]
async fn the_time_is_asked_for_without_credentials_or_processors() {
    let exchange = Exchange::start();
    let api = factory(&exchange)
        .cookie("session", "abc")
        .default_header("X-Key", "k")
        .rest_pre_processor(|request: RestRequest| Ok(request.header("X-Added", "1")))
        .rest_options(|rest| {
            rest.pre_processor(|request: RestRequest| Ok(request.header("X-More", "1")))
        })
        .build()
        .expect("factory");
    api.rest_manager().call(account()).await.expect("response");
    let requests = exchange.requests();
    let names = ["cookie", "x-key", "x-added", "x-more", "access-key"];
    let sent = |index: usize| names.map(|name| requests[index].header(name).is_some());
    assert_eq!((requests[0].path(), sent(0)), ("/time", [false; 5]));
    assert_eq!((requests[1].path(), sent(1)), ("/api/body/account", [true; 5]));
}

#[tokio::test]
async fn options_that_do_not_go_together_are_refused_and_named() {
    let exchange = Exchange::start();
    let two = factory(&exchange).clock(networkpype::SystemClock).build().expect_err("two clocks");
    assert!(two.to_string().contains("clock"), "{two}");
    for (name, value) in
        [("", "x"), ("a b", "x"), ("a=b", "c"), ("a", "x; evil=1"), ("a", "c4nary\n")]
    {
        let error = factory(&exchange).cookie(name, value).build().expect_err("no such cookie");
        assert!(
            error.to_string().contains("cookie") && !error.to_string().contains("c4nary"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_time_endpoint_that_fails_is_what_the_caller_learns() {
    let exchange = Exchange::start();
    let api = factory(&exchange)
        .time_provider(|api| {
            let busy = RestRequest::get("/public/status/429?retry_after=7");
            RestTimeProvider::json_millis(api, busy, "serverTime")
        })
        .build()
        .expect("factory");
    let error = api.rest_manager().call(account()).await.expect_err("no time");
    assert!(error.is_throttled() && error.outcome() == Outcome::NotSent, "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(paths(&exchange), ["/public/status/429"]);
}

#[tokio::test]
async fn a_throttler_can_be_built_on_the_servers_clock() {
    let exchange = Exchange::builder().clock_skew_ms(3_600_000).start();
    let given = Arc::new(std::sync::Mutex::new(None));
    let kept = Arc::clone(&given);
    let api = factory(&exchange)
        .throttler_with(move |clock| {
            *kept.lock().expect("lock") = Some(Arc::clone(&clock));
            let hour = Duration::from_secs(3_600);
            let limits = ["time", "all"].map(|id| RateLimit::fixed_window(id, 10, hour));
            Throttler::builder().limits(limits).clock(clock).build()
        })
        .default_limit("all")
        .build()
        .expect("factory");
    // Not signed: nothing but the throttler needs the time.
    api.rest_manager().call(RestRequest::get("/public/ping")).await.expect("response");
    let clock = given.lock().expect("lock").take().expect("it was built");
    let ahead = clock.now().signed_nanos_since(networkpype::SystemClock.now());
    assert!((3_590_000_000_000..3_610_000_000_000).contains(&ahead), "{ahead}");

    let error = factory(&exchange)
        .throttler_with(|_| Throttler::new([RateLimit::new("a", 0, Duration::from_secs(1))]))
        .build()
        .expect_err("a limit of zero");
    assert_eq!(error.to_string(), "cannot build the throttler");
    assert_eq!(error.source().expect("why").to_string(), "limit \"a\" is zero");
}
