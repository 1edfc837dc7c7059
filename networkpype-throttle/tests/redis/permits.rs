use std::time::Duration;

use networkpype_core::{Charge, LimitId, Permit, ResponseHead, Throttle, ThrottleError, Ticks};
use networkpype_throttle::{RateLimit, RedisThrottler};

use crate::server::Server;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn acquire(throttler: &RedisThrottler, limit: &str) -> Permit {
    let limit = LimitId::new(limit);
    throttler.acquire(&Charge::new(&limit), None).await.unwrap()
}

async fn used(throttler: &RedisThrottler, limit: &str) -> u64 {
    throttler.usage(limit).await.unwrap().unwrap().used
}

/// Waits until the report of a permit has arrived.
async fn until_used(throttler: &RedisThrottler, limit: &str, expected: u64) {
    for _ in 0..1_000 {
        if used(throttler, limit).await == expected {
            return;
        }
        tokio::time::sleep(ms(2)).await;
    }
    assert_eq!(used(throttler, limit).await, expected);
}

#[tokio::test]
async fn all_linked_limits_are_charged_or_none() {
    let Some(server) = Server::start() else { return };
    let limits = [
        RateLimit::new("a", 10, MINUTE).weight(2).linked("b", 3).linked("c", 1).linked("a", 1),
        RateLimit::new("b", 5, MINUTE),
        RateLimit::new("c", 9, MINUTE),
    ];
    let throttler = server.throttler().limits(limits).build().unwrap();
    let mut permit = acquire(&throttler, "a").await;
    permit.started().unwrap();
    let a = LimitId::new("a");
    let refused = throttler.try_acquire_now(&Charge::new(&a)).await.unwrap_err();
    assert!(matches!(refused, ThrottleError::NotYet { .. }), "{refused}");
    let all =
        [used(&throttler, "a").await, used(&throttler, "b").await, used(&throttler, "c").await];
    assert_eq!(all, [3, 3, 1]);
    assert_eq!(throttler.usage("none").await.unwrap(), None);
    let heavy =
        throttler.try_acquire_now(&Charge::new(&a).with_weight(Some(10))).await.unwrap_err();
    assert!(
        matches!(heavy, ThrottleError::WeightAboveLimit { weight: 11, capacity: 10, .. }),
        "{heavy}"
    );
    let unknown = throttler.execute_task("none").await.unwrap_err();
    assert_eq!(unknown, ThrottleError::UnknownLimit("none".into()));
    assert!(matches!(throttler.try_acquire(&Charge::new(&a)), Err(ThrottleError::Unavailable(_))));
}

#[tokio::test]
async fn a_permit_that_did_not_start_is_given_back_and_a_started_one_is_not() {
    let Some(server) = Server::start() else { return };
    let limits = [RateLimit::new("a", 5, MINUTE).linked("b", 2), RateLimit::new("b", 5, MINUTE)];
    let throttler = server.throttler().limits(limits).build().unwrap();
    drop(acquire(&throttler, "a").await);
    until_used(&throttler, "b", 0).await;
    let mut started = acquire(&throttler, "a").await;
    started.started().unwrap();
    drop(started);
    acquire(&throttler, "b").await.refund();
    until_used(&throttler, "b", 2).await;
    let mut refunded = acquire(&throttler, "a").await;
    refunded.started().unwrap();
    refunded.refund();
    until_used(&throttler, "b", 2).await;
    assert_eq!(used(&throttler, "a").await, 1);
}

#[tokio::test]
async fn what_permits_report_arrives_when_the_throttler_is_gone() {
    let Some(server) = Server::start() else { return };
    let throttler = server.throttler().limit(RateLimit::new("a", 5, MINUTE)).build().unwrap();
    let permit = acquire(&throttler, "a").await;
    drop(throttler);
    drop(permit);
    server.until("ZCARD {test}:log:a", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_booked_before_a_top_up_does_not_go_out_on_the_old_terms() {
    let Some(server) = Server::start() else { return };
    let process = || {
        let limit = RateLimit::new("a", 2, ms(400));
        server.throttler().limit(limit).max_ahead(9 * SECOND).build().unwrap()
    };
    let (one, other) = (process(), process());
    let begun = one.ticker().now();
    acquire(&one, "a").await.started().unwrap();
    tokio::time::sleep(ms(200)).await;
    let mut second = acquire(&one, "a").await;
    second.started().unwrap();
    let waiter = {
        let other = other.clone();
        tokio::spawn(async move { other.execute_task("a").await.map(|_| other.ticker().now()) })
    };
    server.until_waiting("a", 1).await;
    // Booked for when the first leaves; now that does not make room any more, and the second has to leave too.
    second.top_up(1);
    until_used(&one, "a", 3).await;
    waiter.await.unwrap().unwrap();
    let took = one.ticker().now().saturating_since(begun);
    assert!(took > ms(600), "{took:?}");
}

#[tokio::test]
async fn a_top_up_may_exceed_the_limit_and_is_given_back_with_the_rest() {
    let Some(server) = Server::start() else { return };
    let limits =
        [RateLimit::new("a", 2, MINUTE), RateLimit::new("b", 2, MINUTE).weight(0).linked("a", 1)];
    let throttler = server.throttler().limits(limits).build().unwrap();
    let mut permit = acquire(&throttler, "a").await;
    permit.started().unwrap();
    permit.top_up(4);
    permit.top_up(2);
    until_used(&throttler, "a", 7).await;
    permit.refund();
    until_used(&throttler, "a", 0).await;
    // The limit that was named, though nothing of it was charged.
    let mut permit = acquire(&throttler, "b").await;
    permit.started().unwrap();
    permit.top_up(1);
    until_used(&throttler, "b", 1).await;
    assert_eq!(used(&throttler, "a").await, 1);
}

#[tokio::test]
async fn a_permit_counts_for_as_long_as_it_is_held_and_from_its_start() {
    let Some(server) = Server::start() else { return };
    let throttler = server.throttler().limit(RateLimit::new("a", 1, ms(200))).build().unwrap();
    let mut permit = acquire(&throttler, "a").await;
    tokio::time::sleep(ms(500)).await;
    assert_eq!(used(&throttler, "a").await, 1, "held for more than two windows");
    permit.started().unwrap();
    let started = throttler.ticker().now();
    drop(permit);
    let _next = throttler.execute_task("a").await.unwrap();
    let waited = throttler.ticker().now().saturating_since(started);
    assert!(waited > ms(200), "{waited:?}");
}

#[tokio::test]
async fn until_answered_counts_until_one_interval_after_the_answer() {
    let Some(server) = Server::start() else { return };
    let limit = RateLimit::new("a", 1, ms(200)).until_answered();
    let throttler = server.throttler().limit(limit).build().unwrap();
    let mut permit = acquire(&throttler, "a").await;
    permit.started().unwrap();
    tokio::time::sleep(ms(500)).await;
    assert_eq!(used(&throttler, "a").await, 1, "not answered yet");
    let answered = throttler.ticker().now();
    permit.answered(answered);
    drop(permit);
    let _next = throttler.execute_task("a").await.unwrap();
    let waited = throttler.ticker().now().saturating_since(answered);
    assert!(waited > ms(200), "{waited:?}");
}

#[tokio::test]
async fn a_request_that_was_never_answered_counts_for_its_linger_and_an_interval() {
    let Some(server) = Server::start() else { return };
    let limit = RateLimit::new("a", 1, ms(150)).until_answered();
    let throttler = server.throttler().limit(limit).max_ahead(SECOND).build().unwrap();
    let mut permit = acquire(&throttler, "a").await;
    permit.started().unwrap();
    let given_up = throttler.ticker().now();
    drop(permit);
    let _next = throttler.execute_task("a").await.unwrap();
    let waited = throttler.ticker().now().saturating_since(given_up);
    assert!(waited > ms(300), "{waited:?}");
}

#[tokio::test]
async fn a_permit_of_a_process_that_died_counts_for_one_window_more() {
    let Some(server) = Server::start() else { return };
    let throttler = server.throttler().limit(RateLimit::new("a", 1, ms(200))).build().unwrap();
    let held = acquire(&throttler, "a").await;
    // Nobody drives this process any more, and nothing that it holds is dropped.
    std::mem::forget(held);
    let survivor = server.throttler().limit(RateLimit::new("a", 1, ms(200))).build().unwrap();
    let lively = survivor.try_acquire_now(&Charge::new(&LimitId::new("a"))).await;
    assert!(matches!(lively, Err(ThrottleError::NotYet { .. })));
    tokio::time::sleep(ms(450)).await;
    assert_eq!(used(&survivor, "a").await, 1, "it is alive, and says so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_is_shared_by_all_and_says_for_how_long() {
    let Some(server) = Server::start() else { return };
    let limits = [RateLimit::new("a", 1, ms(100)), RateLimit::new("b", 9, MINUTE)];
    let process = || server.throttler().limits(limits.clone()).build().unwrap();
    let (one, other) = (process(), process());
    let _held = one.execute_task("a").await.unwrap();
    let booked = {
        let other = other.clone();
        tokio::spawn(async move { other.execute_task("a").await })
    };
    server.until_waiting("a", 1).await;
    one.ban(&["a".into()], MINUTE).await.unwrap();
    for refused in [booked.await.unwrap().unwrap_err(), other.execute_task("a").await.unwrap_err()]
    {
        let ThrottleError::Banned { limit, wait, .. } = refused else { panic!("{refused}") };
        assert_eq!(limit, Some(LimitId::from("a")));
        assert!(wait > SECOND * 50 && wait <= MINUTE, "{wait:?}");
    }
    assert_eq!(
        server.run::<i64>("EXISTS {test}:line:a").await,
        0,
        "who is refused leaves the line"
    );
    other.execute_task("b").await.unwrap().refund();
    one.ban(&[], SECOND).await.unwrap();
    let refused = other.execute_task("b").await.unwrap_err();
    assert!(matches!(refused, ThrottleError::Banned { .. }), "{refused}");
    assert_eq!(one.ban(&["x".into()], SECOND).await, Err(ThrottleError::UnknownLimit("x".into())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_moves_all_grants_behind_it_and_a_shorter_one_does_not_end_it() {
    let Some(server) = Server::start() else { return };
    let process = || server.throttler().limit(RateLimit::new("a", 5, SECOND)).build().unwrap();
    let (one, other) = (process(), process());
    let begun = one.ticker().now();
    one.pause(&["a".into()], ms(300)).await.unwrap();
    one.pause(&["a".into()], ms(10)).await.unwrap();
    let _permit = other.execute_task("a").await.unwrap();
    let waited = one.ticker().now().saturating_since(begun);
    assert!(waited >= ms(300), "{waited:?}");
}

/// What the API answers to one process.
fn hear(throttler: &RedisThrottler, limit: Option<&str>, status: u16, retry_after: &'static str) {
    let mut headers = http::HeaderMap::new();
    headers.insert("retry-after", http::HeaderValue::from_static(retry_after));
    let status = http::StatusCode::from_u16(status).unwrap();
    let limit = limit.map(LimitId::from);
    throttler.observe(limit.as_ref(), ResponseHead::new(status, &headers), Ticks::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_api_says_to_one_process_stops_all_and_what_was_granted_too() {
    let Some(server) = Server::start() else { return };
    let limits = [RateLimit::new("a", 9, SECOND), RateLimit::new("b", 9, SECOND)];
    let process = || server.throttler().limits(limits.clone()).build().unwrap();
    let (one, other) = (process(), process());
    let (mut granted, mut untouched) = (acquire(&one, "a").await, acquire(&one, "b").await);
    hear(&one, Some("a"), 429, "1");
    assert!(matches!(granted.started(), Err(ThrottleError::NotYet { .. })));
    untouched.started().unwrap();
    server.until_paused("a").await;
    let begun = other.ticker().now();
    let _permit = other.execute_task("a").await.unwrap();
    let waited = other.ticker().now().saturating_since(begun);
    assert!(waited > ms(700), "{waited:?}");

    let mut unlimited = Throttle::try_acquire(&one, &Charge::unlimited()).unwrap();
    let mut granted = acquire(&one, "b").await;
    hear(&one, None, 418, "600");
    assert!(matches!(granted.started(), Err(ThrottleError::Banned { .. })));
    assert!(matches!(unlimited.started(), Err(ThrottleError::Banned { limit: None, .. })));
    assert!(Throttle::try_acquire(&one, &Charge::unlimited()).is_err());
    server.until_banned().await;
    for throttler in [&one, &other] {
        let refused = throttler.execute_task("b").await.unwrap_err();
        assert!(matches!(refused, ThrottleError::Banned { .. }), "{refused}");
    }
}
