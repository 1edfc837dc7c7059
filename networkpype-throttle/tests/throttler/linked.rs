use networkpype_throttle::{LimitId, ThrottleError};

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
    take_weight(&throttler, "orders", 7).unwrap().started();
    assert_eq!(["orders", "raw", "none"].map(|limit| used(&throttler, limit)), [7, 3, 0]);
    take_weight(&throttler, "orders", 0).unwrap().started();
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
