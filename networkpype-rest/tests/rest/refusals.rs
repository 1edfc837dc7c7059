//! Servers that refuse for reasons of limits, on real sockets: what they see of a whole program's calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use networkpype_core::{RestRequest, Throttle};
use networkpype_rest::{Outcome, RestManager};
use networkpype_test::{Exchange, Recorded, Reply};
use networkpype_throttle::{Feedback, RateLimit, Throttler};

const SECOND: Duration = Duration::from_secs(1);

fn ok() -> Reply {
    Reply::json(200, &serde_json::json!({}))
}

/// An exchange whose answers under `/api/` are `answer`'s, given how many it has answered.
fn answering(answer: impl Fn(usize, &Recorded) -> Reply + Send + Sync + 'static) -> Exchange {
    let answered = AtomicUsize::new(0);
    Exchange::builder()
        .handler("/api/", move |request| answer(answered.fetch_add(1, Ordering::SeqCst), request))
        .start()
}

fn manager(exchange: &Exchange, feedback: Feedback) -> (RestManager, Throttler) {
    let limits = [RateLimit::new("a", 50, SECOND), RateLimit::new("b", 50, SECOND)];
    let throttler = Throttler::builder().limits(limits).feedback(feedback).build().expect("limits");
    let manager = RestManager::builder()
        .base_url(exchange.url())
        .throttler(throttler.clone())
        .default_limit("a")
        .build()
        .expect("manager");
    (manager, throttler)
}

/// When the exchange received what.
fn received(exchange: &Exchange) -> Vec<Duration> {
    exchange.requests().iter().map(|request| request.at).collect()
}

#[tokio::test]
async fn h11_after_a_429_nothing_arrives_before_its_time_and_no_two_at_once() {
    let exchange = answering(|number, _| match number {
        0 => Reply::text(429, "Too many requests.").header("Retry-After", "1"),
        _ => ok(),
    });
    let (manager, _) = manager(&exchange, Feedback::new());
    let refused = manager.call(RestRequest::get("/api/x")).await.expect("an answer");
    assert_eq!(refused.status(), 429);
    let calls = (0..10).map(|_| manager.call(RestRequest::get("/api/x")));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    let at = received(&exchange);
    assert!(at[1] - at[0] >= SECOND, "{at:?}");
    // Ten at 47 a second, one by one, take nine times 21 ms and cannot come sooner.
    assert!(at[10] - at[1] >= Duration::from_millis(150), "{at:?}");
}

#[tokio::test]
async fn h12_a_retry_after_of_any_form_is_survived() {
    for retry_after in ["Fri, 31 Dec 9999 23:59:59 GMT", "-1", "soon", "99999999999999999999999"] {
        let exchange = answering(move |_, _| {
            Reply::text(429, "Too many requests.").header("Retry-After", retry_after)
        });
        let (manager, throttler) = manager(&exchange, Feedback::new());
        manager.call(RestRequest::get("/api/x")).await.expect("an answer");
        let now = throttler.ticker().now();
        let paused = throttler.usage("a").expect("limit").paused_until.expect("a pause");
        assert!(paused.saturating_since(now) <= 24 * 3_600 * SECOND, "{retry_after}");
        let request = RestRequest::get("/api/x").deadline(Duration::from_millis(50));
        let error = manager.call(request).await.expect_err("a pause");
        assert!(error.is_throttled() && error.is_timeout(), "{retry_after}: {error:?}");
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(exchange.requests().len(), 1, "{retry_after}");
    }
}

#[tokio::test]
async fn h13_after_a_ban_not_one_request_leaks() {
    let exchange = answering(|number, _| match number {
        20 => Reply::text(418, "Banned.").header("Retry-After", "600"),
        _ => ok(),
    });
    let (manager, _) = manager(&exchange, Feedback::new());
    let one = || {
        let manager = manager.clone();
        async move {
            let mut banned = 0;
            for number in 0..40 {
                let limit = if number % 2 == 0 { "a" } else { "b" };
                let request = match number % 5 {
                    4 => RestRequest::get("/api/x").unlimited(),
                    _ => RestRequest::get("/api/x").limit(limit),
                };
                match manager.call(request).await {
                    Ok(_) => {}
                    Err(error) => {
                        assert!(error.is_throttled() && error.outcome() == Outcome::NotSent);
                        assert!(error.retry_after().expect("until when") <= 600 * SECOND);
                        banned += 1;
                    }
                }
            }
            banned
        }
    };
    // The answer to each is there before its caller makes the next one.
    let banned = one().await;
    assert_eq!(exchange.requests().len(), 21);
    assert_eq!(banned, 19);
    assert_eq!(one().await, 40, "for everybody and every limit");
    assert_eq!(exchange.requests().len(), 21);
}

#[tokio::test]
async fn h13_who_was_granted_before_the_ban_is_stopped_before_its_first_byte() {
    let exchange = answering(|_, _| ok());
    let (manager, throttler) = manager(&exchange, Feedback::new());
    let throttle = throttler.clone();
    let banning = manager_with_auth(&exchange, throttler, move || {
        let headers = http::HeaderMap::new();
        let head = networkpype_core::ResponseHead::new(http::StatusCode::IM_A_TEAPOT, &headers);
        throttle.observe(None, head, throttle.ticker().now());
    });
    let error = banning.call(RestRequest::get("/api/x").auth_required()).await.expect_err("a ban");
    assert!(error.is_throttled(), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(manager.call(RestRequest::get("/api/x")).await.is_err());
    assert_eq!(exchange.requests().len(), 0);
}

#[tokio::test]
async fn h11_who_was_granted_before_the_pause_waits_and_is_signed_again() {
    let exchange = answering(|_, _| ok());
    let (_, throttler) = manager(&exchange, Feedback::new());
    let throttle = throttler.clone();
    let times = Arc::new(AtomicUsize::new(0));
    let signed = Arc::clone(&times);
    let pausing = manager_with_auth(&exchange, throttler, move || {
        if signed.fetch_add(1, Ordering::SeqCst) == 0 {
            let mut headers = http::HeaderMap::new();
            headers.insert("retry-after", http::HeaderValue::from_static("1"));
            let status = http::StatusCode::TOO_MANY_REQUESTS;
            let head = networkpype_core::ResponseHead::new(status, &headers);
            throttle.observe(Some(&"a".into()), head, throttle.ticker().now());
        }
    });
    pausing.call(RestRequest::get("/api/x").auth_required()).await.expect("an answer");
    assert_eq!(times.load(Ordering::SeqCst), 2, "signed once for each time it was to go");
    assert_eq!(exchange.requests().len(), 1);
}

#[tokio::test]
async fn h14_in_a_storm_of_503_each_call_is_sent_once_and_deadlines_hold() {
    let exchange = answering(|_, _| Reply::text(503, "Busy.").header("Retry-After", "1"));
    let (manager, _) = manager(&exchange, Feedback::new());
    let calls = (0..40).map(|_| manager.call(RestRequest::get("/api/x")));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.expect("an answer").status(), 503);
    }
    assert_eq!(exchange.requests().len(), 40, "no call is repeated behind its caller's back");
    // An API of which a 503 is known to mean its limits can be told so.
    let (listed, _) = self::manager(&exchange, Feedback::new().pause_on([429, 503]));
    listed.call(RestRequest::get("/api/x")).await.expect("an answer");
    let request = RestRequest::get("/api/x").deadline(Duration::from_millis(50));
    let error = listed.call(request).await.expect_err("a pause");
    assert!(error.is_throttled() && error.retry_after().expect("a wait") > SECOND / 2);
    assert_eq!(exchange.requests().len(), 41);
}

#[tokio::test]
async fn h15_the_servers_larger_count_is_adopted() {
    let exchange = answering(|_, _| ok().header("X-Used", "45"));
    let (manager, throttler) = manager(&exchange, Feedback::new().used("X-Used", "a"));
    manager.call(RestRequest::get("/api/x")).await.expect("an answer");
    assert_eq!(throttler.usage("a").expect("limit").used, 45);
}

#[tokio::test]
async fn h16_who_gives_up_in_the_queue_leaves_no_trace_and_in_flight_stays_charged() {
    let exchange = Exchange::builder().handler("/api/", |_| ok().gated()).start();
    let limit = RateLimit::new("a", 2, 3_600 * SECOND);
    let throttler = Throttler::builder().limit(limit).safety_margin(0.0).build().expect("limits");
    let manager = RestManager::builder()
        .base_url(exchange.url())
        .throttler(throttler.clone())
        .default_limit("a")
        .build()
        .expect("manager");
    let in_flight = tokio::spawn({
        let manager = manager.clone();
        async move { manager.call(RestRequest::get("/api/first")).await }
    });
    exchange.wait_until(|exchange| exchange.requests().len() == 1).await;
    let held = throttler.try_acquire("a").expect("room");
    let mut queued = Box::pin(manager.call(RestRequest::get("/api/queued")));
    assert!(futures_util::poll!(&mut queued).is_pending());
    assert_eq!(throttler.waiting(), 1);
    drop(queued);
    assert_eq!(throttler.waiting(), 0);
    in_flight.abort();
    assert!(in_flight.await.expect_err("aborted").is_cancelled());
    held.refund();
    assert_eq!(throttler.usage("a").expect("limit").used, 1, "what is out is charged");
    exchange.open_gate(2);
    manager.call(RestRequest::get("/api/next")).await.expect("the place of the other");
    let paths: Vec<_> =
        exchange.requests().iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(paths, ["/api/first", "/api/next"]);
}

/// A manager whose scheme does something between the grant and the first byte.
fn manager_with_auth(
    exchange: &Exchange,
    throttler: Throttler,
    act: impl Fn() + Send + Sync + 'static,
) -> RestManager {
    RestManager::builder()
        .base_url(exchange.url())
        .throttler(throttler)
        .default_limit("a")
        .auth(Acting(act))
        .build()
        .expect("manager")
}

struct Acting<F>(F);

#[networkpype_core::async_trait]
impl<F: Fn() + Send + Sync> networkpype_core::Auth for Acting<F> {
    async fn rest_authenticate(
        &self,
        request: RestRequest,
    ) -> Result<RestRequest, networkpype_core::AuthError> {
        (self.0)();
        Ok(request)
    }

    async fn ws_authenticate(
        &self,
        _: networkpype_core::WebSocketRequest,
    ) -> Result<networkpype_core::WebSocketRequest, networkpype_core::AuthError> {
        Err(networkpype_core::AuthError::unsupported("no WebSocket here"))
    }
}
