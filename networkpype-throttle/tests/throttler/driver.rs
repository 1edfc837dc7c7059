use std::sync::Arc;

use networkpype_core::{Sleep, Ticker, Ticks};
use networkpype_throttle::{ThrottleError, Throttler};
use tokio::runtime::{Builder, Runtime};

use crate::support::*;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

#[tokio::test]
async fn the_driver_ends_when_nobody_waits() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    fill(&throttler, "orders", 1);
    assert_eq!(tasks(), 0, "nobody waited yet");
    for round in 0..3 {
        let waits = [(); 3].map(|()| Caller::new(&throttler, "orders").waits());
        settle().await;
        assert_eq!((tasks(), ticker.sleepers().len()), (1, 1), "one driver, one timer");
        drop(waits);
        settle().await;
        assert_eq!((tasks(), ticker.sleepers().len()), (0, 0), "round {round}");
    }
    let mut last = Caller::new(&throttler, "orders").waits();
    settle().await;
    ticker.advance(AFTER_SECOND);
    settle().await;
    last.answer().unwrap().started().unwrap();
    assert_eq!((tasks(), ticker.sleepers().len()), (0, 0), "after the last grant");
}

#[tokio::test]
async fn the_driver_keeps_nothing_alive() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    fill(&throttler, "orders", 1);
    let waits = Caller::new(&throttler, "orders").waits();
    settle().await;
    drop(throttler);
    drop(waits);
    settle().await;
    assert_eq!((tasks(), ticker.sleepers().len()), (0, 0));
    // Our own handle is the last one.
    assert_eq!(Arc::strong_count(&ticker), 1);
}

#[test]
fn a_throttler_survives_the_runtime_that_ran_its_driver() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    fill(&throttler, "orders", 1);
    let first = runtime();
    let mut waits = first.block_on(async {
        let waits = Caller::new(&throttler, "orders").waits();
        settle().await;
        waits
    });
    assert_eq!(ticker.sleepers().len(), 1);
    drop(first);
    assert!(ticker.sleepers().is_empty(), "the timer went with the runtime");
    assert_eq!(waits.wakes(), 1, "who waits is told to look after itself");

    runtime().block_on(async {
        assert!(waits.poll().is_pending());
        settle().await;
        ticker.advance(AFTER_SECOND);
        settle().await;
        assert_eq!(waits.wakes(), 2);
        waits.answer().unwrap().started().unwrap();
    });
}

#[test]
fn a_waiter_of_a_dead_runtime_is_found_by_the_next_to_wait() {
    let (throttler, ticker) = manual([per_second("orders", 2)]);
    fill(&throttler, "orders", 2);
    let first = runtime();
    let mut old = first.block_on(async { Caller::new(&throttler, "orders").waits() });
    drop(first);
    runtime().block_on(async {
        let mut new = Caller::new(&throttler, "orders").waits();
        settle().await;
        ticker.advance(AFTER_SECOND);
        settle().await;
        new.answer().unwrap().started().unwrap();
        old.answer().unwrap().started().unwrap();
    });
}

#[test]
fn without_a_runtime_what_fits_passes_and_waiting_is_an_error() {
    let (throttler, _) = manual([per_second("orders", 1)]);
    Caller::new(&throttler, "orders").answer().unwrap().started().unwrap();
    let error = Caller::new(&throttler, "orders").answer().unwrap_err();
    assert!(matches!(error, ThrottleError::Unavailable(_)), "{error}");
    assert_eq!(throttler.waiting(), 0);
}

#[test]
fn waiting_in_the_context_of_a_runtime_that_was_shut_down_is_an_error() {
    let (throttler, ticker) = manual([per_second("orders", 1)]);
    fill(&throttler, "orders", 1);
    let first = runtime();
    let dead = first.handle().clone();
    let mut old = first.block_on(async {
        let old = Caller::new(&throttler, "orders").waits();
        settle().await;
        old
    });
    drop(first);
    assert_eq!(old.wakes(), 1);
    let mut new = Caller::new(&throttler, "orders");
    {
        let _context = dead.enter();
        for caller in [&mut old, &mut new] {
            let error = caller.answer().unwrap_err();
            assert!(matches!(error, ThrottleError::Unavailable(_)), "{error}");
        }
    }
    assert_eq!((throttler.waiting(), ticker.sleepers().len()), (0, 0));
    runtime().block_on(async {
        let mut third = Caller::new(&throttler, "orders").waits();
        settle().await;
        ticker.advance(AFTER_SECOND);
        settle().await;
        third.answer().unwrap().started().unwrap();
    });
}

#[tokio::test]
async fn nothing_polls_while_nothing_changes() {
    // One limit whose waiters wait for the clock, and one whose waiters wait for a permit.
    let (throttler, ticker) = manual([per_second("timed", 1), per_second("held", 1)]);
    fill(&throttler, "timed", 1);
    let _held = take(&throttler, "held").unwrap();
    let mut callers: Vec<_> =
        ["timed", "held"].map(|id| Caller::new(&throttler, id).waits()).into();
    settle().await;

    let mut reads = ticker.reads();
    let mut only = |calls: usize, what: &str| {
        reads += calls;
        assert_eq!(ticker.reads(), reads, "the driver had a turn: {what}");
    };
    for _ in 0..20 {
        callers.extend(["timed", "held"].map(|id| Caller::new(&throttler, id).waits()));
        settle().await;
    }
    only(40, "more callers wait");
    assert!(callers.iter_mut().all(|caller| caller.poll().is_pending()));
    settle().await;
    only(42, "they are polled");
    callers.truncate(12);
    settle().await;
    only(30, "those behind give up");
    ticker.advance(SECOND);
    settle().await;
    only(0, "time passes");
    assert!(take(&throttler, "timed").is_err());
    settle().await;
    only(1, "somebody tries");
    assert!(callers.iter().all(|caller| caller.wakes() == 0));
}

#[test]
fn a_timer_that_panics_fails_those_who_wait() {
    struct Broken;
    impl Ticker for Broken {
        fn now(&self) -> Ticks {
            Ticks::ZERO
        }
        fn sleep_until(&self, _: Ticks) -> Sleep {
            panic!("no time driver")
        }
    }
    let throttler = Throttler::builder().limit(per_second("orders", 1)).ticker(Arc::new(Broken));
    let throttler = throttler.build().unwrap();
    fill(&throttler, "orders", 1);
    runtime().block_on(async {
        let mut waits = Caller::new(&throttler, "orders").waits();
        settle().await;
        let error = waits.answer().unwrap_err();
        assert!(matches!(error, ThrottleError::Unavailable(_)), "{error}");
    });
    assert_eq!(throttler.waiting(), 0);
}
