use networkpype_core::Ticker;
use networkpype_throttle::{LimitError, Throttle, ThrottleError, Throttler};

use crate::support::*;

fn capacity(throttler: &Throttler, limit: &str) -> u32 {
    throttler.usage(limit).unwrap().capacity
}

#[test]
fn share_and_margin_apply_together_and_leave_at_least_one() {
    let build = |share, margin| {
        let builder = Throttler::builder().limits([per_second("a", 100), per_second("one", 1)]);
        builder.share(share).safety_margin(margin).build().unwrap()
    };
    assert_eq!(capacity(&Throttler::new([per_second("a", 100)]).unwrap(), "a"), 95);
    assert_eq!(capacity(&build(0.5, 0.05), "a"), 47);
    assert_eq!(capacity(&build(1.0, 0.0), "a"), 100);
    assert_eq!(capacity(&build(0.001, 0.9), "a"), 1);
    assert_eq!(capacity(&build(1.0, 0.05), "one"), 1);
}

#[test]
fn copy_does_not_apply_the_share_twice() {
    let original = Throttler::builder().limit(per_second("a", 100)).share(0.5).safety_margin(0.0);
    let original = original.build().unwrap();
    fill(&original, "a", 50);
    let copy = original.copy();
    assert_eq!((capacity(&copy, "a"), copy.share()), (50, 0.5));
    assert_eq!(copy.limits(), original.limits());
    fill(&copy.copy(), "a", 50);
    fill(&copy, "a", 50);
    assert!(take(&original, "a").is_err() && take(&copy, "a").is_err());
}

#[test]
fn a_share_set_later_counts_from_the_configured_limits() {
    let (throttler, _) = manual([per_second("a", 100)]);
    for (share, expected) in [(0.5, 50), (0.1, 10), (1.0, 100)] {
        throttler.set_share(share).unwrap();
        assert_eq!((throttler.share(), capacity(&throttler, "a")), (share, expected));
        assert_eq!(throttler.limits()[0].limit, 100);
    }
    assert!(matches!(throttler.set_share(f64::NAN), Err(LimitError::InvalidShare(_))));
    assert_eq!(capacity(&throttler, "a"), 100);
}

#[tokio::test]
async fn a_larger_share_wakes_those_who_fit_now() {
    let (throttler, _) = manual([per_second("a", 10)]);
    throttler.set_share(0.5).unwrap();
    fill(&throttler, "a", 5);
    let mut waits = Caller::new(&throttler, "a").waits();
    throttler.set_share(1.0).unwrap();
    waits.answer().unwrap().started().unwrap();
    assert_eq!(used(&throttler, "a"), 6);
}

#[tokio::test]
async fn limits_that_stay_keep_what_they_counted() {
    let (throttler, ticker) = manual([per_second("a", 4), per_second("b", 4)]);
    fill(&throttler, "a", 3);
    let reserved = take(&throttler, "a").unwrap();
    throttler.set_limits([per_second("c", 1), per_second("a", 5)]).unwrap();
    assert_eq!((used(&throttler, "a"), capacity(&throttler, "a")), (4, 5));
    assert_eq!(take(&throttler, "b").unwrap_err(), ThrottleError::UnknownLimit("b".into()));
    drop(reserved);
    assert_eq!(used(&throttler, "a"), 3);
    throttler.set_limits([per_second("a", 2)]).unwrap();
    assert!(take(&throttler, "a").is_err(), "three of two");
    ticker.advance(AFTER_SECOND);
    fill(&throttler, "a", 2);
}

#[tokio::test]
async fn limits_added_while_running_count_at_once() {
    let (throttler, _) = manual([per_second("a", 4)]);
    fill(&throttler, "a", 1);
    throttler.add_limits([per_second("b", 2).linked("a", 1)]).unwrap();
    fill(&throttler, "b", 2);
    assert_eq!((used(&throttler, "a"), used(&throttler, "b")), (3, 2));
    assert!(take(&throttler, "b").is_err());
    let names: Vec<_> = throttler.limits().into_iter().map(|limit| limit.id).collect();
    assert_eq!(names, ["a", "b"].map(Into::into));
}

#[tokio::test]
async fn limits_that_cannot_be_accepted_change_nothing() {
    let (throttler, _) = manual([per_second("a", 1).linked("b", 1), per_second("b", 5)]);
    fill(&throttler, "a", 1);
    let before = throttler.limits();
    let mut waits = Caller::new(&throttler, "a").waits();
    assert!(throttler.add_limits([per_second("c", 1), per_second("a", 9)]).is_err());
    for wrong in [
        [per_second("b", 9), per_second("c", 0)],
        [per_second("b", 9), per_second("c", 1).linked("d", 1)],
        [per_second("b", 9), per_second("b", 1)],
        [per_second("b", 9), per_second("a", 1).weight(2)],
    ] {
        assert!(throttler.set_limits(wrong).is_err());
    }
    assert_eq!(throttler.limits(), before);
    assert_eq!(capacity(&throttler, "b"), 5);
    assert_eq!((used(&throttler, "a"), used(&throttler, "b")), (1, 1));
    assert!(waits.poll().is_pending());
}

#[tokio::test]
async fn waiters_survive_a_change_of_limits_in_their_order() {
    let (throttler, ticker) = manual([per_second("a", 1), per_second("b", 1), per_second("c", 4)]);
    fill(&throttler, "a", 1);
    fill(&throttler, "b", 1);
    fill(&throttler, "c", 4);
    let mut first = Caller::new(&throttler, "a").waits();
    let mut gone = Caller::new(&throttler, "b").waits();
    let mut heavy = Caller::weighing(&throttler, "c", 4).waits();
    let mut second = Caller::new(&throttler, "a").waits();
    settle().await;
    throttler.set_limits([per_second("a", 1).linked("c", 1), per_second("c", 3)]).unwrap();

    assert_eq!(gone.answer().unwrap_err(), ThrottleError::UnknownLimit("b".into()));
    let limit = "c".into();
    let too_heavy = ThrottleError::WeightAboveLimit { limit, weight: 4, capacity: 3 };
    assert_eq!(heavy.answer().unwrap_err(), too_heavy);
    assert_eq!((first.wakes(), second.wakes(), throttler.waiting()), (0, 0, 2));
    settle().await;
    ticker.advance(AFTER_SECOND);
    settle().await;
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    first.answer().unwrap().started().unwrap();
    assert_eq!(used(&throttler, "c"), 1, "the new link is charged");
    throttler.set_limits([]).unwrap();
    assert!(!throttler.is_limiting());
    second.answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn what_left_a_short_window_does_not_return_with_a_longer_one() {
    let (throttler, ticker) = manual([per_second("a", 3)]);
    fill(&throttler, "a", 1);
    ticker.advance(SECOND);
    fill(&throttler, "a", 1);
    ticker.advance(AFTER_SECOND - SECOND);
    throttler.set_limits([networkpype_throttle::RateLimit::new("a", 3, SECOND * 60)]).unwrap();
    assert_eq!(used(&throttler, "a"), 1);
    ticker.advance(SECOND * 59);
    assert_eq!(used(&throttler, "a"), 1);
    ticker.advance(SECOND);
    assert_eq!((used(&throttler, "a"), ticker.now().as_nanos()), (0, 61_000_000_001));
}

#[tokio::test]
async fn a_limit_that_is_removed_and_returns_keeps_what_it_counted() {
    let (throttler, ticker) = manual([per_second("o", 10).linked("raw", 1), per_second("raw", 50)]);
    fill(&throttler, "o", 9);
    let mut reserved = take(&throttler, "o").unwrap();
    throttler.set_limits([per_second("other", 1)]).unwrap();
    ticker.advance(SECOND);
    throttler.set_limits([per_second("o", 10).linked("raw", 1), per_second("raw", 50)]).unwrap();
    assert_eq!((used(&throttler, "o"), used(&throttler, "raw")), (10, 10));
    assert!(take(&throttler, "o").is_err(), "20 of 10 in one window");
    throttler.set_limits([]).unwrap();
    ticker.advance(AFTER_SECOND - SECOND);
    throttler.add_limits([per_second("o", 10)]).unwrap();
    assert_eq!(used(&throttler, "o"), 1, "what has yet to start counts however long that takes");
    throttler.set_limits([per_second("other", 1)]).unwrap();
    reserved.started().unwrap();
    throttler.set_limits([per_second("o", 10)]).unwrap();
    assert_eq!(used(&throttler, "o"), 1, "it started while its limit was gone");
    ticker.advance(AFTER_SECOND);
    assert_eq!(used(&throttler, "o"), 0);
}

#[tokio::test]
async fn a_permit_of_no_weight_can_be_topped_up_across_a_change_of_limits() {
    let (throttler, ticker) = manual([per_second("o", 10)]);
    let mut permit = take_weight(&throttler, "o", 0).unwrap();
    for _ in 0..3 {
        throttler.set_limits([per_second("other", 1)]).unwrap();
        ticker.advance(SECOND * 5);
        throttler.set_limits([per_second("o", 10)]).unwrap();
    }
    permit.top_up(4);
    permit.started().unwrap();
    assert_eq!(used(&throttler, "o"), 4);
}

#[tokio::test]
async fn a_longer_interval_counts_what_the_shorter_one_held() {
    let (throttler, ticker) = manual([per_second("a", 10)]);
    fill(&throttler, "a", 10);
    ticker.advance(SECOND);
    throttler.set_limits([networkpype_throttle::RateLimit::new("a", 10, SECOND * 60)]).unwrap();
    ticker.advance(SECOND * 59);
    assert_eq!(take(&throttler, "a").unwrap_err().retry_after(), Some(AFTER_SECOND - SECOND));
    ticker.advance(AFTER_SECOND - SECOND);
    fill(&throttler, "a", 10);
}

#[tokio::test]
async fn an_interval_that_is_shortened_and_restored_lets_nothing_more_through() {
    let minute = || [networkpype_throttle::RateLimit::new("a", 10, SECOND * 60)];
    let (throttler, ticker) = manual(minute());
    fill(&throttler, "a", 10);
    throttler.set_limits([per_second("a", 10)]).unwrap();
    ticker.advance(SECOND * 30);
    assert_eq!(used(&throttler, "a"), 0);
    throttler.set_limits(minute()).unwrap();
    assert!(take(&throttler, "a").is_err(), "20 of 10 in a minute");
    ticker.advance(SECOND * 30 + (AFTER_SECOND - SECOND));
    fill(&throttler, "a", 10);
}

#[tokio::test]
async fn after_a_change_of_limits_waiters_that_went_hold_nobody_up() {
    let (throttler, ticker) = manual([per_second("a", 2)]);
    fill(&throttler, "a", 2);
    let mut waits = Caller::new(&throttler, "a").waits();
    settle().await;
    throttler.set_limits([per_second("a", 2)]).unwrap();
    ticker.advance(AFTER_SECOND);
    settle().await;
    waits.answer().unwrap().started().unwrap();
    take(&throttler, "a").unwrap().started().unwrap();
    let mut fresh = Caller::new(&throttler, "a").waits();
    settle().await;
    assert_eq!(take(&throttler, "a").unwrap_err().retry_after(), Some(AFTER_SECOND));
    ticker.advance(AFTER_SECOND);
    settle().await;
    assert_eq!(fresh.wakes(), 1);
    fresh.answer().unwrap().started().unwrap();
    fill(&throttler, "a", 1);
}

#[test]
fn debug_shows_the_configuration() {
    let (throttler, _) = manual([per_second("a", 3)]);
    let shown = format!("{throttler:?} {:?}", Throttler::builder());
    for part in
        ["Throttler {", "\"a\"", "share: 1.0", "safety_margin: Some(0.0)", "max_waiters: 16384"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}
