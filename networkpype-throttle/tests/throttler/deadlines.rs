use std::time::Duration;

use networkpype_core::Ticks;
use networkpype_throttle::{RateLimit, ThrottleError};

use crate::support::*;

fn secs(secs: u64) -> Ticks {
    Ticks::ZERO + Duration::from_secs(secs)
}

#[tokio::test]
async fn a_wait_that_cannot_end_by_the_deadline_fails_at_once_and_says_when() {
    let (throttler, ticker) = manual([per_second("orders", 2)]);
    fill(&throttler, "orders", 2);
    ticker.advance(SECOND / 2);
    let mut late = Caller::until(&throttler, "orders", secs(1));
    let expected = ThrottleError::DeadlineExceeded {
        limit: "orders".into(),
        ready_at: Ticks::ZERO + AFTER_SECOND,
        wait: AFTER_SECOND - SECOND / 2,
    };
    assert_eq!(late.answer().unwrap_err(), expected);
    assert_eq!((throttler.waiting(), tasks()), (0, 0), "it never waited");

    let mut in_time = Caller::until(&throttler, "orders", Ticks::ZERO + AFTER_SECOND).waits();
    settle().await;
    ticker.advance_to(Ticks::ZERO + AFTER_SECOND);
    settle().await;
    in_time.answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn those_ahead_count_when_a_deadline_is_judged() {
    let (throttler, _) = manual([per_second("orders", 2)]);
    fill(&throttler, "orders", 2);
    let _ahead: Vec<_> = (0..5).map(|_| Caller::new(&throttler, "orders").waits()).collect();
    let error = Caller::until(&throttler, "orders", secs(3)).answer().unwrap_err();
    assert_eq!(error.retry_after(), Some(AFTER_SECOND * 3), "three whole windows are ahead");
    let error = take(&throttler, "orders").unwrap_err();
    assert_eq!(error.retry_after(), Some(AFTER_SECOND * 3), "and a try is told the same");
}

#[tokio::test]
async fn a_wait_behind_somebody_who_waits_for_another_limit_is_judged_by_that() {
    let minute = Duration::from_secs(60);
    let (throttler, _) = manual([
        per_second("quick", 5),
        RateLimit::new("slow", 1, minute),
        per_second("both", 1).linked("quick", 1).linked("slow", 1),
    ]);
    fill(&throttler, "slow", 1);
    let _ahead = Caller::new(&throttler, "both").waits();
    let error = Caller::until(&throttler, "quick", secs(10)).answer().unwrap_err();
    assert_eq!(error.retry_after(), Some(minute + Duration::from_nanos(1)));
}

#[tokio::test]
async fn permits_that_have_yet_to_start_count_from_now() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    let _held = take(&throttler, "orders").unwrap();
    ticker.advance(SECOND * 5);
    assert_eq!(take(&throttler, "orders").unwrap_err().retry_after(), Some(AFTER_SECOND));
    let error = Caller::until(&throttler, "orders", secs(6)).answer().unwrap_err();
    assert_eq!(error.retry_after(), Some(AFTER_SECOND));
}

#[tokio::test]
async fn a_deadline_that_passes_while_waiting_ends_the_wait() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    let _held = take(&throttler, "orders").unwrap();
    let mut waits = Caller::until(&throttler, "orders", secs(2)).waits();
    let mut next = Caller::new(&throttler, "orders").waits();
    settle().await;
    assert_eq!(ticker.sleepers(), [secs(2)]);
    ticker.advance_to(secs(2));
    settle().await;
    assert_eq!((waits.wakes(), next.wakes()), (1, 0));
    let error = waits.answer().unwrap_err();
    let ready_at = secs(2) + AFTER_SECOND;
    let limit = "orders".into();
    assert_eq!(error, ThrottleError::DeadlineExceeded { limit, ready_at, wait: AFTER_SECOND });
    assert!(next.poll().is_pending());
    assert_eq!(throttler.waiting(), 1);
}

#[tokio::test]
async fn a_waiter_that_gives_up_at_its_deadline_makes_way() {
    let (throttler, ticker) = manual([per_second("orders", 3)]);
    fill(&throttler, "orders", 1);
    let _held = take_weight(&throttler, "orders", 1).unwrap();
    let mut heavy = Caller::with(&throttler, "orders", Some(3), Some(secs(2)), None).waits();
    let mut light = Caller::new(&throttler, "orders").waits();
    settle().await;
    ticker.advance_to(secs(2));
    settle().await;
    assert!(heavy.answer().is_err());
    light.answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn a_driver_that_wakes_late_grants_nothing_past_a_deadline() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    fill(&throttler, "orders", 1);
    let mut waits = Caller::until(&throttler, "orders", secs(2)).waits();
    let mut next = Caller::new(&throttler, "orders").waits();
    settle().await;
    ticker.advance_to(secs(3));
    settle().await;
    assert!(waits.answer().is_err());
    next.answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn what_fits_at_once_is_granted_whatever_the_deadline() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    ticker.advance(SECOND * 9);
    Caller::until(&throttler, "orders", secs(1)).answer().unwrap().started().unwrap();
}

#[tokio::test]
async fn limits_that_never_free_are_said_to_be_never_ready() {
    let (throttler, _) = manual([RateLimit::new("once", 1, Duration::MAX)]);
    fill(&throttler, "once", 1);
    let ThrottleError::NotYet { retry_at, .. } = take(&throttler, "once").unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(retry_at, Ticks::MAX);
    let _waits = Caller::new(&throttler, "once").waits();
    assert!(Caller::until(&throttler, "once", secs(1)).answer().is_err());
}
