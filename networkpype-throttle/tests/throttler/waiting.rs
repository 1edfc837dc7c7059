use std::sync::{Arc, Mutex};

use networkpype_core::Ticker;
use networkpype_throttle::{Charge, LimitId, Throttle, ThrottleError, Throttler};
use tokio::task::JoinSet;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_waiters_on_a_hundred_per_second_end_in_nine_seconds_and_in_order() {
    let throttler = throttler([per_second("orders", 100)]);
    let ticker = throttler.ticker();
    let begin = ticker.now();
    let grants = Arc::new(Mutex::new(Vec::new()));
    let mut callers = JoinSet::new();
    for caller in 0..1_000 {
        let (throttler, ticker, grants) = (throttler.clone(), ticker.clone(), grants.clone());
        callers.spawn(async move {
            let _permit = throttler.execute_task("orders").await.unwrap();
            grants.lock().unwrap().push((ticker.now(), caller));
        });
    }
    callers.join_all().await;

    let grants = grants.lock().unwrap();
    assert!(grants.is_sorted_by_key(|(_, caller)| *caller), "somebody overtook");
    for (first, (at, _)) in grants.iter().enumerate() {
        let within = grants[first..].iter().take_while(|(t, _)| t.saturating_since(*at) <= SECOND);
        assert!(within.count() <= 100, "the window that begins with caller {first}");
    }
    // Tokio's timer rounds up to a millisecond, each of the nine times.
    let span = grants[999].0.saturating_since(begin);
    assert!((9_000..=9_009).contains(&span.as_millis()), "{span:?}");
}

#[tokio::test]
async fn waiters_are_woken_at_the_instant_capacity_frees() {
    let (throttler, ticker) = manual([per_second("orders", 2)]);
    fill(&throttler, "orders", 1);
    ticker.advance(SECOND / 2);
    fill(&throttler, "orders", 1);
    let mut first = Caller::new(&throttler, "orders").waits();
    let mut second = Caller::new(&throttler, "orders").waits();
    settle().await;

    ticker.advance(SECOND / 2);
    settle().await;
    assert_eq!((first.wakes(), second.wakes()), (0, 0), "windows are closed");
    assert!(take(&throttler, "orders").is_err());

    ticker.advance(AFTER_SECOND - SECOND);
    settle().await;
    assert_eq!((first.wakes(), second.wakes()), (1, 0), "exactly those who fit are woken");
    first.answer().unwrap().started().unwrap();

    ticker.advance(SECOND / 2);
    settle().await;
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    second.answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn a_waiter_that_nobody_polls_delays_no_one_on_other_limits() {
    let (throttler, ticker) = manual([per_second("a", 1), per_second("b", 1)]);
    fill(&throttler, "a", 1);
    fill(&throttler, "b", 1);
    // It came first, so that it would own the timer if a waiter did. It is alive and never polled again.
    let forgotten = Caller::new(&throttler, "a").waits();
    let mut other = Caller::new(&throttler, "b").waits();
    settle().await;
    ticker.advance(AFTER_SECOND);
    settle().await;
    assert_eq!(other.wakes(), 1);
    other.answer().unwrap().started().unwrap();
    drop(forgotten);
}

#[tokio::test]
async fn a_cancelled_waiter_leaves_no_trace() {
    let (throttler, ticker) =
        manual([per_second("orders", 2).linked("raw", 1), per_second("raw", 3)]);
    fill(&throttler, "orders", 2);
    let first = Caller::new(&throttler, "orders").waits();
    let heavy = Caller::weighing(&throttler, "raw", 3).waits();
    let mut last = Caller::new(&throttler, "raw").waits();
    settle().await;
    assert_eq!((throttler.waiting(), tasks()), (3, 1));

    drop(first);
    settle().await;
    assert_eq!(throttler.waiting(), 2);
    assert_eq!(last.wakes(), 0, "the heavy one is older and does not fit");
    drop(heavy);
    assert_eq!(last.wakes(), 1, "the place in front passes on at once, without a timer");
    last.answer().unwrap().started().unwrap();
    settle().await;
    assert_eq!((throttler.waiting(), tasks()), (0, 0));
    assert!(ticker.sleepers().is_empty(), "a timer was left");
    assert_eq!((used(&throttler, "orders"), used(&throttler, "raw")), (2, 3));
    ticker.advance(AFTER_SECOND);
    assert_eq!((used(&throttler, "orders"), used(&throttler, "raw")), (0, 0));
}

#[tokio::test]
async fn a_waiter_cancelled_between_grant_and_poll_gives_its_place_to_the_next() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    fill(&throttler, "orders", 1);
    let first = Caller::new(&throttler, "orders").waits();
    let mut second = Caller::new(&throttler, "orders").waits();
    settle().await;
    ticker.advance(AFTER_SECOND);
    settle().await;
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(first);
    assert_eq!(second.wakes(), 1);
    second.answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn a_heavy_request_is_not_starved_by_light_ones() {
    let (throttler, ticker) = manual([per_second("orders", 10)]);
    for _ in 0..10 {
        fill(&throttler, "orders", 1);
        ticker.advance(SECOND / 10);
    }
    let mut heavy = Caller::weighing(&throttler, "orders", 10).waits();
    let light: Vec<_> = (0..10).map(|_| Caller::new(&throttler, "orders").waits()).collect();
    settle().await;
    while heavy.wakes() == 0 {
        assert!(take(&throttler, "orders").is_err(), "a try overtook");
        assert!(light.iter().all(|caller| caller.wakes() == 0), "a light one overtook");
        assert!(ticker.now().as_nanos() < 2_000_000_000, "starved");
        ticker.advance(SECOND / 10);
        settle().await;
    }
    heavy.answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn requests_without_a_limit_in_common_do_not_wait_for_each_other() {
    let (throttler, _) = manual([
        per_second("a", 1).linked("shared", 1),
        per_second("b", 1).linked("shared", 1),
        per_second("shared", 2),
        per_second("c", 1),
    ]);
    fill(&throttler, "a", 1);
    let _waits = Caller::new(&throttler, "a").waits();
    fill(&throttler, "c", 1);
    let error = take(&throttler, "b").unwrap_err();
    assert!(
        matches!(error, ThrottleError::NotYet { .. }),
        "b would overtake a on \"shared\": {error}"
    );
}

#[tokio::test]
async fn waiters_with_no_weight_of_their_own_keep_the_order_of_others() {
    // The second in line wants "x"; that the first does not must not let a younger one take it.
    let (throttler, ticker) = manual([
        per_second("x", 1).linked("raw", 1),
        per_second("raw", 1),
        per_second("other", 5).linked("x", 1),
    ]);
    fill(&throttler, "raw", 1);
    let mut first = Caller::weighing(&throttler, "x", 0).waits();
    let second = Caller::new(&throttler, "x").waits();
    assert!(take(&throttler, "other").is_err());
    let other = Caller::new(&throttler, "other").waits();
    settle().await;
    ticker.advance(AFTER_SECOND);
    settle().await;
    first.answer().unwrap().started().unwrap();
    assert_eq!((second.wakes(), other.wakes()), (0, 0));
}

#[tokio::test]
async fn waiters_are_bounded() {
    let throttler = Throttler::builder().limit(per_second("orders", 1)).max_waiters(2);
    let throttler = throttler.build().unwrap();
    fill(&throttler, "orders", 1);
    let first = Caller::new(&throttler, "orders").waits();
    let _second = Caller::new(&throttler, "orders").waits();
    let error = Caller::new(&throttler, "orders").answer().unwrap_err();
    assert_eq!(error, ThrottleError::QueueFull { limit: "orders".into(), max_waiters: 2 });
    drop(first);
    Caller::new(&throttler, "orders").waits();
}

#[tokio::test]
async fn what_names_no_limit_passes_uncharged() {
    let (limited, _) = manual([per_second("orders", 1)]);
    for _ in 0..5 {
        Throttle::try_acquire(&limited, &Charge::unlimited()).unwrap().started().unwrap();
        Throttle::acquire(&limited, &Charge::unlimited(), None).await.unwrap().started().unwrap();
    }
    assert_eq!(used(&limited, "orders"), 0);
    assert!(limited.is_limiting());

    let empty = Throttler::new([]).unwrap();
    assert!(!empty.is_limiting());
    for _ in 0..5 {
        take(&empty, "anything").unwrap().started().unwrap();
        Throttle::acquire(&empty, &Charge::new(&LimitId::new("anything")), None)
            .await
            .unwrap()
            .started()
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_never_cross_the_limit() {
    // Real threads on a clock that stands still: what is granted in all is what fits into one window.
    let (throttler, _) = manual([per_second("a", 300).linked("raw", 1), per_second("raw", 500)]);
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let throttler = throttler.clone();
        tasks.spawn(async move {
            let limit = if task % 2 == 0 { "a" } else { "raw" };
            let grant = || take(&throttler, limit).map(|mut permit| permit.started());
            (0..200).filter(|_| grant().is_ok()).count()
        });
    }
    let granted: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(granted, 500);
    assert_eq!(used(&throttler, "raw"), 500);
    assert!(used(&throttler, "a") <= 300);
}

#[tokio::test]
async fn a_ticker_that_goes_backwards_frees_nothing_and_breaks_nothing() {
    let (throttler, ticker) = manual([per_second("orders", 2)]);
    ticker.advance(SECOND * 10);
    fill(&throttler, "orders", 1);
    ticker.set_back(SECOND * 5);
    fill(&throttler, "orders", 1);
    assert!(take(&throttler, "orders").is_err());
    ticker.advance(SECOND * 5 + AFTER_SECOND);
    fill(&throttler, "orders", 2);
}

#[tokio::test]
async fn nobody_who_tries_overtakes_who_waits() {
    // The pool has room, and somebody waits for it who also needs what is full.
    let (throttler, ticker) = manual([per_second("a", 1).linked("pool", 1), per_second("pool", 9)]);
    drop(throttler.try_acquire("a").unwrap());
    let mut waits = Caller::new(&throttler, "a").waits();
    assert!(throttler.try_acquire("pool").is_err());
    assert!(take(&throttler, "pool").is_err());
    ticker.advance(AFTER_SECOND);
    settle().await;
    waits.answer().unwrap().started().unwrap();
    throttler.try_acquire("pool").unwrap();
}
