use std::{sync::Arc, time::Duration};

use networkpype_core::{Charge, LimitId, Permit, Throttle, ThrottleError};
use networkpype_throttle::{RateLimit, RedisThrottler};
use tokio::task::JoinHandle;

use crate::server::{Order, Server};

const SECOND: Duration = Duration::from_secs(1);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Somebody who waits for `weight` of `limit`, and then says as how many-eth.
fn waiter(
    throttler: &RedisThrottler,
    limit: &'static str,
    weight: u32,
    order: &Arc<Order>,
) -> JoinHandle<(usize, Permit)> {
    let (throttler, order) = (throttler.clone(), Arc::clone(order));
    tokio::spawn(async move {
        let limit = LimitId::new(limit);
        let charge = Charge::new(&limit).with_weight(Some(weight));
        let mut permit = throttler.acquire(&charge, None).await.unwrap();
        let place = order.next();
        permit.started().unwrap();
        (place, permit)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_come_first_served_over_processes_whatever_they_weigh() {
    let Some(server) = Server::start() else { return };
    let limits = [RateLimit::new("a", 6, ms(150)), RateLimit::new("b", 3, ms(120)).linked("a", 1)];
    let process =
        || server.throttler().limits(limits.clone()).max_ahead(9 * SECOND).build().unwrap();
    let processes = [process(), process(), process()];
    let order = Arc::new(Order::default());
    let _first = waiter(&processes[0], "a", 6, &order).await.unwrap();
    let asked = [("a", 6), ("a", 1), ("b", 3), ("a", 5), ("b", 1), ("a", 6), ("a", 1)];
    let mut waiters = Vec::new();
    for (n, (limit, weight)) in asked.into_iter().enumerate() {
        waiters.push(waiter(&processes[n % 3], limit, weight, &order));
        server.until_waiting("a", n as i64 + 1).await;
    }
    let mut places = Vec::new();
    for waiter in waiters {
        places.push(waiter.await.unwrap().0);
    }
    // The third and fifth could go with the next one, as far as "a" goes, and so may end up in either order.
    assert_eq!(places[0], 1, "{places:?}");
    assert!(places[1] < places[3] && places[2] < places[3] && places[3] < places[5], "{places:?}");
    assert!(places[4] < places[5] && places[5] < places[6], "{places:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heavy_request_is_not_overtaken_by_a_light_one_of_another_process() {
    let Some(server) = Server::start() else { return };
    let process = || {
        let limit = RateLimit::new("a", 4, ms(300));
        server.throttler().limit(limit).max_ahead(9 * SECOND).build().unwrap()
    };
    let (one, other) = (process(), process());
    let order = Arc::new(Order::default());
    let _held = waiter(&one, "a", 3, &order).await.unwrap();
    let heavy = waiter(&one, "a", 4, &order);
    server.until_waiting("a", 1).await;
    let a = LimitId::new("a");
    // One unit is free, and is not for who comes later.
    let refused = other.try_acquire_now(&Charge::new(&a)).await.unwrap_err();
    assert!(matches!(refused, ThrottleError::NotYet { .. }), "{refused}");
    let light = waiter(&other, "a", 1, &order);
    assert!(heavy.await.unwrap().0 < light.await.unwrap().0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_leaves_at_most_a_slot_of_its_own_idle() {
    let Some(server) = Server::start() else { return };
    let process = || {
        let limit = RateLimit::new("a", 1, ms(400));
        server.throttler().limit(limit).max_ahead(20 * SECOND).build().unwrap()
    };
    let (one, other) = (process(), process());
    let order = Arc::new(Order::default());
    let _held = waiter(&one, "a", 1, &order).await.unwrap();
    let quitters = [waiter(&one, "a", 1, &order), waiter(&one, "a", 1, &order)];
    server.until_waiting("a", 2).await;
    let begun = other.ticker().now();
    let behind = waiter(&other, "a", 1, &order);
    server.until_waiting("a", 3).await;
    quitters.iter().for_each(JoinHandle::abort);
    server.until_waiting("a", 1).await;
    let last = waiter(&other, "a", 1, &order);
    let (behind, last) = (behind.await.unwrap(), last.await.unwrap());
    assert!(behind.0 < last.0);
    let took = other.ticker().now().saturating_since(begun);
    assert!(took < ms(2_200), "the fourth slot at the latest: {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_place_of_the_last_who_gives_up_is_taken_by_the_next() {
    let Some(server) = Server::start() else { return };
    let throttler =
        server.throttler().limit(RateLimit::new("a", 1, 3_600 * SECOND)).max_ahead(9_999 * SECOND);
    let throttler = throttler.build().unwrap();
    let order = Arc::new(Order::default());
    let held = waiter(&throttler, "a", 1, &order).await.unwrap().1;
    let quitter = waiter(&throttler, "a", 1, &order);
    server.until_waiting("a", 1).await;
    let a = LimitId::new("a");
    let deadline = Some(throttler.ticker().now() + SECOND);
    let second =
        throttler.acquire(&Charge::new(&a), deadline).await.unwrap_err().retry_after().unwrap();
    assert!(second > 7_100 * SECOND, "{second:?}");
    quitter.abort();
    server.until_waiting("a", 0).await;
    let first =
        throttler.acquire(&Charge::new(&a), deadline).await.unwrap_err().retry_after().unwrap();
    assert!(first < 3_700 * SECOND, "{first:?}");
    held.refund();
    server.until("ZCARD {test}:log:a", 1).await;
    throttler.acquire(&Charge::new(&a), deadline).await.unwrap().started().unwrap();
}

#[tokio::test]
async fn who_would_be_booked_after_the_deadline_is_refused_at_once_and_told_when() {
    let Some(server) = Server::start() else { return };
    let throttler = server.throttler().limit(RateLimit::new("a", 1, 60 * SECOND)).build().unwrap();
    let a = LimitId::new("a");
    let _held = throttler.execute_task("a").await.unwrap();
    let deadline = throttler.ticker().now() + 30 * SECOND;
    let refused = throttler.acquire(&Charge::new(&a), Some(deadline)).await.unwrap_err();
    let ThrottleError::DeadlineExceeded { limit, ready_at, wait } = refused else {
        panic!("{refused}")
    };
    assert_eq!(limit, a);
    assert!(wait > 59 * SECOND && wait < 61 * SECOND, "{wait:?}");
    assert!(ready_at > deadline);
    let refused = throttler.try_acquire_now(&Charge::new(&a)).await.unwrap_err();
    assert!(matches!(refused, ThrottleError::NotYet { .. }), "{refused}");
    server.until_waiting("a", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_line_is_bounded_and_who_does_not_fit_is_told_when() {
    let Some(server) = Server::start() else { return };
    let process = || server.throttler().limit(RateLimit::new("a", 2, 60 * SECOND)).build().unwrap();
    let (one, other) = (process(), process());
    let order = Arc::new(Order::default());
    let _held =
        [waiter(&one, "a", 1, &order).await.unwrap(), waiter(&one, "a", 1, &order).await.unwrap()];
    let waiting = [waiter(&one, "a", 1, &order), waiter(&other, "a", 1, &order)];
    server.until_waiting("a", 2).await;
    let a = LimitId::new("a");
    let charge = Charge::new(&a);
    let asked = tokio::time::timeout(5 * SECOND, other.acquire(&charge, None));
    let refused = asked.await.expect("refused at once").unwrap_err();
    let ThrottleError::DeadlineExceeded { wait, .. } = refused else { panic!("{refused}") };
    assert!(wait > 110 * SECOND && wait < 125 * SECOND, "{wait:?}");
    waiting.iter().for_each(JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_in_a_process_that_died_does_not_block_the_others_for_ever() {
    let Some(server) = Server::start() else { return };
    let throttler = server.throttler().limit(RateLimit::new("a", 1, ms(100))).max_ahead(9 * SECOND);
    let throttler = throttler.build().unwrap();
    // As a process leaves it that booked and was killed.
    let now = server.run::<(i64, i64)>("TIME").await;
    let due = now.0 * 1_000_000 + now.1;
    server.run::<i64>("ZADD {test}:line:a 1 dead-1:1 -1 #").await;
    server.run::<i64>(&format!("HSET {{test}}:dues:a dead-1:1 {due}:0:0")).await;
    let a = LimitId::new("a");
    let refused = throttler.try_acquire_now(&Charge::new(&a)).await.unwrap_err();
    assert!(matches!(refused, ThrottleError::NotYet { .. }), "its slot is its own: {refused}");
    tokio::time::timeout(5 * SECOND, throttler.execute_task("a")).await.unwrap().unwrap().refund();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_holds_its_place_on_linked_limits_that_have_room() {
    let Some(server) = Server::start() else { return };
    let limits = [
        RateLimit::new("transfers", 1, ms(500)).linked("weight", 1),
        RateLimit::new("weight", 100, ms(500)),
    ];
    let process = || server.throttler().limits(limits.clone()).build().unwrap();
    let (one, other) = (process(), process());
    let order = Arc::new(Order::default());
    let _held = waiter(&one, "transfers", 1, &order).await.unwrap();
    let transfer = waiter(&one, "transfers", 1, &order);
    server.until_waiting("weight", 1).await;
    let weight = LimitId::new("weight");
    let refused = other.try_acquire_now(&Charge::new(&weight)).await.unwrap_err();
    assert!(matches!(refused, ThrottleError::NotYet { .. }), "{refused}");
    let deadline = Some(other.ticker().now() + ms(50));
    let refused = other.acquire(&Charge::new(&weight), deadline).await.unwrap_err();
    assert!(refused.retry_after().unwrap() > ms(50), "{refused}");
    // Both are due at the same instant, and so in either order then, but not before.
    let begun = other.ticker().now();
    let _younger = waiter(&other, "weight", 1, &order).await.unwrap();
    let waited = other.ticker().now().saturating_since(begun);
    assert!(waited > ms(300), "{waited:?}");
    let _permit = transfer.await.unwrap();
}
