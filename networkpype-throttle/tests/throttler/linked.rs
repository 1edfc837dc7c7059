use std::time::Duration;

use networkpype_throttle::{LimitError, LimitId, RateLimit, ThrottleError, Throttler};

use crate::support::*;

#[tokio::test]
async fn all_linked_limits_are_charged_or_none() {
    let (throttler, ticker) = manual([
        per_second("orders", 10).linked("a", 2).linked("b", 3),
        per_second("a", 10),
        per_second("b", 5),
    ]);
    let usage = || ["orders", "a", "b"].map(|limit| used(&throttler, limit));
    fill(&throttler, "orders", 1);
    assert_eq!(usage(), [1, 2, 3]);
    assert!(take(&throttler, "orders").is_err(), "b is full");
    assert_eq!(usage(), [1, 2, 3]);
    let waits = Caller::new(&throttler, "orders").waits();
    assert_eq!(usage(), [1, 2, 3], "who waits holds nothing");
    drop(waits);
    ticker.advance(AFTER_SECOND);
    drop(take(&throttler, "orders").unwrap());
    assert_eq!(usage(), [0, 0, 0], "a refund gives all back");
}

#[test]
fn what_fits_on_all_limits_but_one_leaves_no_trace_on_limits_of_any_kind() {
    let kinds = [
        per_second("a", 3),
        RateLimit::fixed_window("a", 3, SECOND),
        RateLimit::token_bucket("a", 3, 3, SECOND),
        per_second("a", 3).bounded(),
        per_second("a", 3).until_answered(),
    ];
    for limit in kinds {
        let (throttler, _) = manual([limit.clone().linked("b", 1), per_second("b", 1)]);
        throttler.try_acquire("b").unwrap().answered();
        let before = throttler.usage("a").unwrap();
        for _ in 0..10 {
            assert!(throttler.try_acquire("a").is_err(), "b is full");
        }
        assert_eq!(throttler.usage("a").unwrap(), before, "{limit:?}");
        // The same without the link finds all of it.
        throttler.set_limits([limit.clone(), per_second("b", 1)]).unwrap();
        let taken = (0..10).filter(|_| throttler.try_acquire("a").map(|p| p.into_owned()).is_ok());
        assert_eq!(taken.count(), 3, "{limit:?}");
    }
}

#[tokio::test]
async fn a_limit_listed_twice_is_summed() {
    let (throttler, _) = manual([
        per_second("orders", 10).linked("raw", 3).linked("raw", 4).linked("orders", 1),
        per_second("raw", 10),
    ]);
    fill(&throttler, "orders", 1);
    assert_eq!((used(&throttler, "orders"), used(&throttler, "raw")), (2, 7));
    assert!(take(&throttler, "orders").is_err(), "14 of 10");
}

#[tokio::test]
async fn links_reach_one_level() {
    let (throttler, _) = manual([
        per_second("a", 10).linked("b", 1),
        per_second("b", 10).linked("c", 1),
        per_second("c", 10),
    ]);
    fill(&throttler, "a", 1);
    assert_eq!(["a", "b", "c"].map(|limit| used(&throttler, limit)), [1, 1, 0]);
}

#[tokio::test]
async fn a_weight_of_its_own_replaces_that_of_the_named_limit_only() {
    let (throttler, _) = manual([
        per_second("orders", 10).weight(2).linked("raw", 3).linked("none", 0),
        per_second("raw", 10),
        per_second("none", 1),
    ]);
    take_weight(&throttler, "orders", 7).unwrap().started().unwrap();
    assert_eq!(["orders", "raw", "none"].map(|limit| used(&throttler, limit)), [7, 3, 0]);
    take_weight(&throttler, "orders", 0).unwrap().started().unwrap();
    assert_eq!(["orders", "raw", "none"].map(|limit| used(&throttler, limit)), [7, 6, 0]);
}

#[tokio::test]
async fn the_error_names_the_limit_that_was_asked_for() {
    let (throttler, _) = manual([per_second("orders", 10).linked("raw", 1), per_second("raw", 1)]);
    fill(&throttler, "orders", 1);
    let error = take(&throttler, "orders").unwrap_err();
    assert!(matches!(error, ThrottleError::NotYet { .. }));
    assert_eq!(error.limit_id().map(LimitId::as_str), Some("orders"));
    assert_eq!(error.retry_after(), Some(AFTER_SECOND));
}

#[tokio::test]
async fn a_link_may_take_what_the_request_weighs() {
    let depth = per_second("depth", 100).weight(5).linked_own("pool").linked("pool", 1);
    let (throttler, ticker) = manual([depth.linked_own("depth"), per_second("pool", 100)]);
    let pool = || (used(&throttler, "depth"), used(&throttler, "pool"));
    throttler.try_acquire("depth").unwrap();
    assert_eq!(pool(), (10, 6), "and a limit that is linked to itself takes it twice");
    let mut permit = throttler.acquire_weight("depth", 20).await.unwrap();
    assert_eq!(pool(), (50, 27));
    permit.top_up(3);
    assert_eq!(pool(), (53, 27), "what comes later is for the limit that was named");
    permit.refund();
    assert_eq!(pool(), (10, 6));
    assert!(matches!(
        throttler.acquire_weight("depth", 51).await,
        Err(ThrottleError::WeightAboveLimit { weight: 102, .. })
    ));
    drop(throttler.acquire_weight("depth", 0).await.unwrap());
    assert_eq!(pool(), (10, 7));
    ticker.advance(Duration::from_secs(2));
    assert_eq!(pool(), (0, 0));
    let heavy = per_second("a", 100).weight(60).linked_own("b");
    let error = Throttler::new([heavy, per_second("b", 50)]).unwrap_err();
    assert!(matches!(error, LimitError::WeightAboveLimit { weight: 60, capacity: 47, .. }));
}
