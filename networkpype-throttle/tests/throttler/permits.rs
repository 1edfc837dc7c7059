use std::time::Duration;

use networkpype_core::{Ticker, Ticks};

use crate::support::*;

#[tokio::test]
async fn a_permit_dropped_before_it_started_is_given_back_and_the_next_is_woken() {
    let (throttler, _) = manual([per_second("orders", 1)]);
    let permit = take(&throttler, "orders").unwrap();
    let mut next = Caller::new(&throttler, "orders").waits();
    drop(permit);
    assert_eq!(next.wakes(), 1);
    drop(next.answer().unwrap());
    assert_eq!(used(&throttler, "orders"), 0);
}

#[tokio::test]
async fn a_permit_dropped_after_it_started_stays_charged() {
    let (throttler, _) = manual([per_second("orders", 1)]);
    let mut permit = take(&throttler, "orders").unwrap();
    permit.started().unwrap();
    permit.started().unwrap();
    drop(permit);
    assert_eq!(used(&throttler, "orders"), 1);
    assert!(take(&throttler, "orders").is_err());
}

#[tokio::test]
async fn an_answered_permit_counts_as_started() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    let mut permit = take(&throttler, "orders").unwrap();
    permit.answered(ticker.now());
    assert_eq!(used(&throttler, "orders"), 1);
}

#[tokio::test]
async fn the_window_is_counted_from_the_start_however_late_that_is() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    let mut permit = take(&throttler, "orders").unwrap();
    let mut next = Caller::new(&throttler, "orders").waits();
    settle().await;
    ticker.advance(SECOND * 10);
    settle().await;
    assert_eq!(next.wakes(), 0, "a grant that has yet to start counts in every window");
    permit.started().unwrap();
    settle().await;
    ticker.advance(SECOND);
    settle().await;
    assert_eq!(next.wakes(), 0);
    ticker.advance(AFTER_SECOND - SECOND);
    settle().await;
    assert_eq!(next.wakes(), 1);
    next.answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn a_refund_after_the_start_gives_exactly_that_weight_back() {
    let (throttler, ticker) =
        manual([per_second("orders", 10).linked("raw", 2), per_second("raw", 20)]);
    let started = |weight| {
        let mut permit = take_weight(&throttler, "orders", weight).unwrap();
        permit.started().unwrap();
        permit
    };
    let usage = || (used(&throttler, "orders"), used(&throttler, "raw"));
    let (a, b) = (started(1), started(2));
    ticker.advance(SECOND / 2);
    let c = started(3);
    assert_eq!(usage(), (6, 6));
    let mut waits = Caller::weighing(&throttler, "orders", 6).waits();
    b.refund();
    assert_eq!(waits.wakes(), 1, "who fits now is woken");
    assert_eq!(usage(), (10, 6), "c, a and the one just granted");
    drop(waits.answer().unwrap());
    ticker.advance(SECOND / 2 + (AFTER_SECOND - SECOND));
    assert_eq!(usage(), (3, 2));
    a.refund();
    assert_eq!(usage(), (3, 2), "it had left the window already");
    c.refund();
    assert_eq!(usage(), (0, 0));
}

#[tokio::test]
async fn a_top_up_counts_from_the_start_and_may_overfill_the_window() {
    let (throttler, ticker) =
        manual([per_second("orders", 10).linked("raw", 1), per_second("raw", 20)]);
    let mut permit = take_weight(&throttler, "orders", 4).unwrap();
    permit.top_up(2);
    assert_eq!(used(&throttler, "orders"), 6);
    permit.started().unwrap();
    ticker.advance(SECOND / 2);
    permit.top_up(9);
    assert_eq!((used(&throttler, "orders"), used(&throttler, "raw")), (15, 1));
    let mut waits = Caller::new(&throttler, "orders").waits();
    settle().await;
    ticker.advance(AFTER_SECOND - SECOND / 2);
    settle().await;
    assert_eq!(waits.wakes(), 1);
    waits.answer().unwrap().started().unwrap();
    permit.top_up(3);
    assert_eq!(used(&throttler, "orders"), 1, "what it belongs to has left the window");
}

#[tokio::test]
async fn a_refund_takes_what_was_topped_up_with_it() {
    let (throttler, _) = manual([per_second("orders", 10)]);
    fill(&throttler, "orders", 1);
    for start in [false, true] {
        let mut permit = take_weight(&throttler, "orders", 0).unwrap();
        permit.top_up(2);
        if start {
            permit.started().unwrap();
        }
        permit.top_up(3);
        assert_eq!(used(&throttler, "orders"), 6);
        permit.refund();
        assert_eq!(used(&throttler, "orders"), 1);
    }
}

#[tokio::test]
async fn what_execute_task_grants_has_started() {
    let (throttler, _) = manual([per_second("orders", 2)]);
    drop(throttler.execute_task("orders").await.unwrap());
    assert_eq!(used(&throttler, "orders"), 1);
    throttler.execute_task("orders").await.unwrap().refund();
    assert_eq!(used(&throttler, "orders"), 1);
}

#[tokio::test]
async fn a_permit_outlives_its_limit_and_its_throttler() {
    let (throttler, _) = manual([per_second("orders", 2), per_second("raw", 2)]);
    let mut started = take(&throttler, "orders").unwrap();
    started.started().unwrap();
    let reserved = take(&throttler, "orders").unwrap();
    throttler.set_limits([per_second("raw", 2)]).unwrap();
    started.top_up(5);
    throttler.add_limits([per_second("orders", 9)]).unwrap();
    assert_eq!(used(&throttler, "orders"), 7, "it was charged while its limit was gone");
    started.refund();
    assert_eq!(used(&throttler, "orders"), 1);
    throttler.set_limits([per_second("raw", 2)]).unwrap();
    drop(reserved);
    throttler.add_limits([per_second("orders", 2)]).unwrap();
    assert_eq!(used(&throttler, "orders"), 0, "it was given back while its limit was gone");
    let last = take(&throttler, "raw").unwrap();
    drop(throttler);
    drop(last);
}

#[tokio::test]
async fn an_owned_permit_goes_on_where_the_borrowed_one_was() {
    let limits = [per_second("a", 10), per_second("b", 10).until_answered()];
    let (throttler, ticker) = manual(limits);
    for id in ["a", "b"] {
        let mut permit = throttler.try_acquire(id).unwrap().into_owned();
        permit.started().unwrap();
        permit.top_up(2);
        assert_eq!(used(&throttler, id), 3, "it has started, and is charged once");
        let held = tokio::spawn(async move { permit }).await.unwrap();
        held.refund();
        assert_eq!(used(&throttler, id), 0);
    }
    let mut permit = throttler.try_acquire("b").unwrap().into_owned();
    permit.answered(Ticks::ZERO);
    drop(permit);
    ticker.advance(Duration::from_millis(1_001));
    assert_eq!(used(&throttler, "b"), 0, "it does not linger");
    let mut answered = throttler.try_acquire("b").unwrap();
    answered.answered();
    drop(answered.into_owned());
    ticker.advance(Duration::from_millis(1_001));
    assert_eq!(used(&throttler, "b"), 0);
}

#[tokio::test]
async fn what_runs_under_a_permit_is_answered_when_it_ends_and_given_up_when_it_is_dropped() {
    let (throttler, ticker) = manual([per_second("a", 10).until_answered()]);
    let in_flight = || throttler.usage("a").unwrap().in_flight;
    let flying = throttler.run("a", async { in_flight() }).await;
    assert_eq!((flying, in_flight()), (Ok(1), 0));
    let mut dropped = Box::pin(throttler.run("a", std::future::pending::<()>()));
    let waker = std::task::Waker::noop();
    let polled = dropped.as_mut().poll(&mut std::task::Context::from_waker(waker));
    assert!(polled.is_pending());
    assert_eq!(in_flight(), 1);
    drop(dropped);
    assert_eq!((in_flight(), used(&throttler, "a")), (0, 2));
    ticker.advance(Duration::from_millis(1_001));
    assert_eq!(used(&throttler, "a"), 1, "that one lingers");
}

#[test]
fn a_permit_finds_its_route_after_limits_were_replaced() {
    let (throttler, ticker) = manual([per_second("a", 10).linked("b", 2), per_second("b", 10)]);
    let old = throttler.try_acquire("a").unwrap();
    throttler.set_limits([per_second("b", 10), per_second("a", 10)]).unwrap();
    let new = throttler.try_acquire("a").unwrap();
    assert_eq!((used(&throttler, "a"), used(&throttler, "b")), (2, 2));
    old.refund();
    assert_eq!((used(&throttler, "a"), used(&throttler, "b")), (1, 0));
    new.refund();
    assert_eq!(used(&throttler, "a"), 0);
    // What is older than its windows has left them by itself.
    let stale = throttler.try_acquire("a").unwrap();
    ticker.advance(Duration::from_secs(2));
    throttler.set_share(0.5).unwrap();
    throttler.set_share(1.0).unwrap();
    let fresh = throttler.try_acquire("a").unwrap();
    stale.refund();
    assert_eq!(used(&throttler, "a"), 1);
    drop(fresh);
}
