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
async fn when_the_state_is_gone_before_the_log_no_more_is_granted_and_it_outlives_every_ban() {
    let Some(server) = Server::start() else { return };
    let limits = ["a", "b", "c"].map(|id| RateLimit::new(id, 3, 60 * SECOND));
    let throttler = server.throttler().limits(limits).build().unwrap();
    let ids = ["a", "b", "c"].map(LimitId::new);
    let ask = async |n: usize| throttler.try_acquire_now(&Charge::new(&ids[n])).await;
    for _ in 0..3 {
        ask(0).await.unwrap().started().unwrap();
    }
    ask(1).await.unwrap().started().unwrap();

    // Who is refused keeps nothing alive, so that after a long run of that the state expires. Its life is cut short here.
    let in_vain = async || {
        for _ in 0..40 {
            let refused = ask(0).await.unwrap_err();
            assert!(matches!(refused, ThrottleError::NotYet { .. }), "{refused}");
        }
    };
    in_vain().await;
    server.run::<i64>("PEXPIRE {test}:state 1").await;
    server.until("EXISTS {test}:state", 0).await;
    in_vain().await;
    for _ in 0..2 {
        ask(1).await.unwrap().started().unwrap();
    }
    ask(1).await.unwrap_err();

    throttler.ban(&ids[2..], 3_600 * SECOND).await.unwrap();
    in_vain().await;
    let life: i64 = server.run("PTTL {test}:state").await;
    assert!(life > 3_500_000, "the state lives for {life} ms");
    let banned = ask(2).await.unwrap_err();
    assert!(matches!(banned, ThrottleError::Banned { .. }), "{banned}");
}

#[tokio::test]
async fn who_stops_a_limit_or_finds_that_the_server_is_another_is_heeded_on_all_limits() {
    let Some(server) = Server::start() else { return };
    let window = Duration::from_secs(2);
    let limits = ["a", "b", "c"].map(|id| RateLimit::new(id, 100, window));
    // Those who care which server this is and those who do not tell each other.
    let build =
        |hold| server.throttler().hold_after_restart(hold).limits(limits.clone()).build().unwrap();
    let throttlers = [build(true), build(false)];
    let ids = ["a", "b", "c"].map(LimitId::new);
    let ask = async |throttler: &RedisThrottler, n: usize| {
        throttler.try_acquire_now(&Charge::new(&ids[n])).await
    };
    // The server is too young at first.
    let _permit = throttlers[0].execute_task("b").await.unwrap();
    let calm = async || {
        for throttler in &throttlers {
            for _ in 0..5 {
                ask(throttler, 1).await.unwrap().started().unwrap();
            }
        }
        let fields: Vec<String> = server.run("HKEYS {test}:state").await;
        assert_eq!(fields.iter().filter(|field| field.starts_with("calm:")).count(), 2);
    };
    let stopped = async || {
        for throttler in &throttlers {
            let refused = ask(throttler, 1).await.unwrap_err();
            assert!(matches!(refused, ThrottleError::NotYet { .. }), "{refused}");
        }
    };
    calm().await;
    throttlers[1].pause(&[], Duration::from_millis(300)).await.unwrap();
    stopped().await;
    tokio::time::sleep(Duration::from_millis(310)).await;

    calm().await;
    // Seen by whoever asks for another limit.
    server.run::<i64>("HSET {test}:state run another").await;
    ask(&throttlers[0], 2).await.unwrap_err();
    stopped().await;
    tokio::time::sleep(window + Duration::from_millis(30)).await;

    calm().await;
    // Who waits comes before those who would fit beside.
    let heavy = throttlers[1].try_acquire_now(&Charge::new(&ids[1]).with_weight(Some(70))).await;
    heavy.unwrap().started().unwrap();
    let waiting = throttlers[0].clone();
    let waiter = tokio::spawn(async move {
        let b = LimitId::new("b");
        waiting.acquire(&Charge::new(&b).with_weight(Some(60)), None).await
    });
    server.until_waiting("b", 1).await;
    stopped().await;
    waiter.await.unwrap().unwrap().started().unwrap();
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
