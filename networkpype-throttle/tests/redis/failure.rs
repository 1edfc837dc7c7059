use std::time::Duration;

use networkpype_core::{Charge, LimitId, Throttle, ThrottleError};
use networkpype_throttle::{OnFailure, RateLimit};

use crate::server::Server;

const SECOND: Duration = Duration::from_secs(1);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_server_requests_are_refused_and_with_it_they_go_on() {
    let Some(mut server) = Server::start() else { return };
    let throttler = server.throttler().limit(RateLimit::new("a", 50, ms(200))).timeout(SECOND);
    let throttler = throttler.build().unwrap();
    throttler.execute_task("a").await.unwrap().refund();
    let a = LimitId::new("a");
    let held = throttler.acquire(&Charge::new(&a), None).await.unwrap();
    server.kill();
    for _ in 0..3 {
        let refused = throttler.execute_task("a").await.unwrap_err();
        assert!(matches!(refused, ThrottleError::Unavailable(_)), "{refused}");
    }
    drop(held);
    assert!(server.launch());
    let again = async {
        while throttler.execute_task("a").await.is_err() {
            tokio::time::sleep(ms(10)).await;
        }
    };
    tokio::time::timeout(10 * SECOND, again).await.unwrap();
}

#[tokio::test]
async fn a_server_that_never_was_there_is_an_error_and_not_a_wait() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://user:hunter2@127.0.0.1:{}", free.local_addr().unwrap().port());
    // It accepts, in its backlog, and never answers.
    let builder = networkpype_throttle::RedisThrottler::builder(url).timeout(ms(100));
    let throttler =
        builder.limit(RateLimit::new("a", 1, SECOND)).safety_margin(0.0).build().unwrap();
    let refused = throttler.execute_task("a").await.unwrap_err();
    assert!(matches!(refused, ThrottleError::Unavailable(_)), "{refused}");
    assert!(!format!("{refused} {throttler:?}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_server_each_process_may_go_on_with_a_share_of_its_own() {
    let Some(mut server) = Server::start() else { return };
    let builder = server.throttler().limit(RateLimit::new("a", 8, SECOND)).timeout(ms(500));
    let throttler = builder.on_failure(OnFailure::LocalShare(0.25)).build().unwrap();
    for _ in 0..8 {
        let _permit = throttler.execute_task("a").await.unwrap();
    }
    let last = throttler.ticker().now();
    server.kill();
    let a = LimitId::new("a");
    let early = throttler.try_acquire_now(&Charge::new(&a)).await.unwrap_err();
    assert!(matches!(early, ThrottleError::NotYet { .. }), "the last window is all used: {early}");
    let deadline = Some(throttler.ticker().now() + ms(50));
    let early = throttler.acquire(&Charge::new(&a), deadline).await.unwrap_err();
    assert!(matches!(early, ThrottleError::DeadlineExceeded { .. }), "{early}");
    let _first = throttler.execute_task("a").await.unwrap();
    assert!(throttler.ticker().now().saturating_since(last) > SECOND);
    let _second = throttler.execute_task("a").await.unwrap();
    let third = throttler.try_acquire_now(&Charge::new(&a)).await.unwrap_err();
    assert!(matches!(third, ThrottleError::NotYet { .. }), "a quarter of eight is two: {third}");
    // And back: what was used alone is known to all.
    assert!(server.launch());
    let connected = async {
        while !throttler.is_connected() {
            tokio::time::sleep(ms(5)).await;
        }
    };
    tokio::time::timeout(5 * SECOND, connected).await.unwrap();
    let other = server.throttler().limit(RateLimit::new("a", 8, SECOND)).build().unwrap();
    let mut refused = 0;
    for _ in 0..8 {
        match other.try_acquire_now(&Charge::new(&a)).await {
            Ok(mut permit) => permit.started().unwrap(),
            Err(_) => refused += 1,
        }
    }
    assert_eq!(refused, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_another_server_answers_nothing_goes_out_for_one_window() {
    let Some(mut server) = Server::start() else { return };
    let throttler =
        server.throttler().hold_after_restart(true).limit(RateLimit::new("a", 5, SECOND));
    let throttler = throttler.max_ahead(9 * SECOND).build().unwrap();
    throttler.execute_task("a").await.unwrap().refund();
    server.kill();
    let killed = throttler.ticker().now();
    assert!(server.launch());
    while throttler.execute_task("a").await.is_err() {
        tokio::time::sleep(ms(5)).await;
    }
    let waited = throttler.ticker().now().saturating_since(killed);
    assert!(waited > SECOND, "{waited:?}");
    // Once told, it is not held against the server again, nor against others.
    let begun = throttler.ticker().now();
    let other =
        server.throttler().hold_after_restart(true).limit(RateLimit::new("a", 5, SECOND)).build();
    other.unwrap().execute_task("a").await.unwrap().refund();
    throttler.execute_task("a").await.unwrap().refund();
    assert!(throttler.ticker().now().saturating_since(begun) < SECOND);
}

#[tokio::test]
async fn a_server_that_says_another_name_than_the_one_that_wrote_is_held_for_one_window() {
    let Some(server) = Server::start() else { return };
    // What a replica has of the server that it replaced.
    server.run::<i64>("HSET {test}:state run another told another since 0").await;
    let builder = server.throttler().hold_after_restart(true).limit(RateLimit::new("a", 5, SECOND));
    let throttler = builder.build().unwrap();
    let begun = throttler.ticker().now();
    let a = LimitId::new("a");
    let refused = throttler.try_acquire_now(&Charge::new(&a)).await.unwrap_err();
    assert!(matches!(refused, ThrottleError::NotYet { .. }), "{refused}");
    throttler.execute_task("a").await.unwrap().refund();
    assert!(throttler.ticker().now().saturating_since(begun) > SECOND);
}

#[tokio::test]
async fn a_young_server_that_knows_nothing_is_held_for_the_window_before_it_started() {
    let Some(server) = Server::start() else { return };
    let builder =
        server.throttler().hold_after_restart(true).limit(RateLimit::new("a", 5, 60 * SECOND));
    let refused = builder
        .build()
        .unwrap()
        .try_acquire_now(&Charge::new(&LimitId::new("a")))
        .await
        .unwrap_err();
    let wait = refused.retry_after().unwrap();
    assert!(wait > 50 * SECOND && wait < 62 * SECOND, "{wait:?}");
}
