use std::time::Duration;

use networkpype_core::{Charge, LimitId, Throttle, ThrottleError};
use networkpype_throttle::{LimitError, RateLimit, RedisThrottler, RedisThrottlerError};

use crate::server::Server;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn every_key_expires() {
    let Some(server) = Server::start() else { return };
    let limits =
        [RateLimit::new("a", 1, SECOND).linked("b", 1), RateLimit::new("b", 5, 3 * SECOND)];
    let builder = server.throttler().hold_after_restart(true).limits(limits).max_ahead(99 * SECOND);
    let throttler = builder.build().unwrap();
    throttler.pause(&["b".into()], SECOND).await.unwrap();
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let throttler = throttler.clone();
            tokio::spawn(async move { throttler.execute_task("a").await })
        })
        .collect();
    server.until_waiting("a", 3).await;
    waiters.into_iter().next().unwrap().await.unwrap().unwrap().top_up(1);
    server.until("ZSCORE {test}:log:a #", -2).await;
    let keys: Vec<String> = server.run("KEYS *").await;
    assert_eq!(keys.len(), 7, "{keys:?}");
    for key in keys {
        let life: i64 = server.run(&format!("PTTL {key}")).await;
        assert!(life > 0 && life < 120_000, "{key} lives for {life} ms");
    }
}

#[tokio::test]
async fn foreign_data_under_a_key_is_an_error_that_says_so() {
    let Some(server) = Server::start() else { return };
    let throttler = server.throttler().limit(RateLimit::new("a", 1, SECOND)).build().unwrap();
    let a = LimitId::new("a");
    for (key, command) in [
        ("{test}:log:a", "SET {test}:log:a garbage"),
        ("{test}:line:a", "LPUSH {test}:line:a garbage"),
        ("{test}:state", "SET {test}:state garbage"),
        ("{test}:log:a", "ZADD {test}:log:a 5 garbage"),
        ("{test}:log:a", "ZADD {test}:log:a -5 # 5 garbage"),
        ("{test}:line:a", "ZADD {test}:line:a -5 # 5 garbage"),
    ] {
        server.run::<redis::Value>(command).await;
        let error = throttler.acquire(&Charge::new(&a), None).await.unwrap_err();
        let ThrottleError::Unavailable(why) = &error else { panic!("{command}: {error}") };
        assert!(why.contains("holds something else under this prefix"), "{command}: {why}");
        server.run::<i64>(&format!("DEL {key}")).await;
    }
    throttler.execute_task("a").await.unwrap().refund();
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let Some(server) = Server::start() else { return };
    let throttler = server.throttler().limit(RateLimit::new("a", 9, 60 * SECOND)).build().unwrap();
    let mut permit = throttler.execute_task("a").await.unwrap();
    server.run::<String>("SCRIPT FLUSH").await;
    let _permit = throttler.execute_task("a").await.unwrap();
    server.run::<String>("SCRIPT FLUSH").await;
    permit.top_up(2);
    server.until("ZSCORE {test}:log:a #", -4).await;
}

#[tokio::test]
async fn where_scripts_may_not_ask_for_the_time_the_clock_of_the_caller_counts() {
    let Some(server) = Server::start() else { return };
    server.run::<String>("ACL SETUSER app on >secret ~* +@all -time").await;
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port);
    let limit = RateLimit::new("a", 1, Duration::from_millis(200));
    let clock = std::sync::Arc::new(networkpype_core::ManualClock::new(
        networkpype_core::Timestamp::from_secs(1_000),
    ));
    let builder = RedisThrottler::builder(url).prefix("test").limit(limit).safety_margin(0.0);
    let builder = builder.hold_after_restart(false).clock(clock.clone());
    let throttler = builder.build().unwrap();
    let _permit = throttler.execute_task("a").await.unwrap();
    let a = LimitId::new("a");
    let early = throttler.try_acquire_now(&Charge::new(&a)).await.unwrap_err();
    assert!(matches!(early, ThrottleError::NotYet { .. }), "{early}");
    clock.advance(SECOND);
    throttler.try_acquire_now(&Charge::new(&a)).await.unwrap().started().unwrap();
    let at: Vec<String> = server.run("ZRANGE {test}:log:a -1 -1 WITHSCORES").await;
    assert_eq!(at[1], "1001000000");
}

#[tokio::test]
async fn a_user_who_may_do_nothing_is_told_what_the_server_says() {
    let Some(server) = Server::start() else { return };
    server.run::<String>("ACL SETUSER app on >secret ~other:* +@all").await;
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port);
    let builder =
        RedisThrottler::builder(url).limit(RateLimit::new("a", 1, SECOND)).safety_margin(0.0);
    let error = builder.build().unwrap().execute_task("a").await.unwrap_err();
    assert!(error.to_string().contains("NOPERM"), "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let builder = || {
        RedisThrottler::builder("redis://user:hunter2@localhost")
            .limit(RateLimit::new("a", 10, SECOND))
    };
    for (builder, expected) in [
        (RedisThrottler::builder("http://user:hunter2@localhost"), RedisThrottlerError::InvalidUrl),
        (builder().prefix(""), RedisThrottlerError::InvalidPrefix(String::new())),
        (builder().prefix("a{b"), RedisThrottlerError::InvalidPrefix("a{b".into())),
        (builder().timeout(Duration::ZERO), RedisThrottlerError::ZeroDuration("timeout")),
        (builder().max_ahead(Duration::ZERO), RedisThrottlerError::ZeroDuration("max_ahead")),
        (builder().share(2.0), LimitError::InvalidShare(2.0).into()),
        (builder().safety_margin(1.0), LimitError::InvalidSafetyMargin(1.0).into()),
        (
            builder().on_failure(networkpype_throttle::OnFailure::LocalShare(0.0)),
            RedisThrottlerError::InvalidLocalShare(0.0),
        ),
        (
            builder().limit(RateLimit::token_bucket("t", 1, 1, SECOND)),
            RedisThrottlerError::Unsupported("t".into()),
        ),
    ] {
        assert!(!format!("{builder:?}").contains("hunter2"));
        let error = builder.build().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert_eq!(error, expected);
    }
    assert!(!format!("{:?}", builder().build().unwrap()).contains("hunter2"));
}
