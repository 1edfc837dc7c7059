//! What is counted.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use governor::{Quota, RateLimiter, clock::FakeRelativeClock};
use networkpype_throttle::Throttler;

use crate::{
    measured,
    support::{
        adapter::{PLENTY, give_back, name, take, throttler, wait},
        manual::ManualTicker,
    },
};

/// A name, and what does it so many times.
pub(crate) type Case = (&'static str, fn(u32));

pub(crate) const CASES: [Case; 7] = [
    ("try_acquire, one limit", |times| taken("one", times)),
    ("try_acquire, three linked", |times| taken("three", times)),
    ("try_acquire, denied", |times| taken("full", times)),
    ("try_acquire and refund", refunded),
    ("acquire, granted at once", acquired),
    ("governor check", governor),
    ("governor check, denied", governor_full),
];

/// Steps of 1 µs and a window of 1 ms: a thousand entries, of which one leaves for each that comes.
fn ours() -> (Throttler, Arc<ManualTicker>) {
    let ticker = Arc::new(ManualTicker::default());
    let throttler = throttler(Duration::from_millis(1), Arc::clone(&ticker) as _);
    for _ in 0..5_000 {
        ticker.step();
        for id in ["one", "three"] {
            drop(take(&throttler, &name(id)).unwrap());
        }
    }
    (throttler, ticker)
}

fn taken(limit: &'static str, times: u32) {
    let ((throttler, ticker), limit) = (ours(), name(limit));
    let mut act = || {
        ticker.step();
        black_box(&take(black_box(&throttler), black_box(&limit)));
    };
    measured(&mut act, times);
}

fn refunded(times: u32) {
    let ((throttler, ticker), one) = (ours(), name("one"));
    let mut act = || {
        ticker.step();
        give_back(take(black_box(&throttler), black_box(&one)).unwrap());
    };
    measured(&mut act, times);
}

fn acquired(times: u32) {
    let ((throttler, ticker), one) = (ours(), name("one"));
    let mut cx = Context::from_waker(Waker::noop());
    let mut act = || {
        ticker.step();
        let future = pin!(wait(black_box(&throttler), black_box(&one)));
        assert!(matches!(black_box(future.poll(&mut cx)), Poll::Ready(_)));
    };
    measured(&mut act, times);
}

fn governor(times: u32) {
    let quota = Quota::per_second(PLENTY.try_into().unwrap());
    checked(quota, times);
}

fn governor_full(times: u32) {
    checked(Quota::with_period(Duration::from_secs(100_000)).unwrap(), times);
}

fn checked(quota: Quota, times: u32) {
    let governor = RateLimiter::direct_with_clock(quota, FakeRelativeClock::default());
    let mut act = || {
        black_box(&black_box(&governor).check());
    };
    measured(&mut act, times);
}
