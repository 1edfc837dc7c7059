//! Two threads that ask one limiter, by the clock on the wall: what counts is how much both get done.

use std::{
    hint::black_box,
    sync::Barrier,
    time::{Duration, Instant},
};

use networkpype_bench::{Comparison, Target, figure, measure, section};

use crate::{
    alone::INTERVAL,
    peers,
    support::adapter::{limited, name, take, throttler},
    tickers,
};

pub(crate) fn run() {
    section("threads: two on one limiter, grants per second of both");
    let governors = [peers::governor(), peers::governor(), peers::governor()];
    for (clock, ticker) in tickers::both() {
        let fast = clock == "fast clock";
        let throttler = throttler(INTERVAL, ticker);
        for (id, count, bound) in [("one", 1, None), ("three", 3, Some(1.6))] {
            let limit = name(id);
            let asked = &governors[..count];
            let ours = || {
                black_box(&take(black_box(&throttler), black_box(&limit)));
            };
            let peer = || {
                for governor in asked {
                    black_box(&black_box(governor).check());
                }
            };
            let case = format!("{clock}, {id} / governor x{count}");
            let target = bound.filter(|_| fast).map_or(Target::None, Target::AtLeast);
            compare(&case, target, &ours, &peer);
        }
    }
    let target = Target::AtMost(f64::from(THERE_ARE));
    figure("granted of 100,000 that there are", f64::from(granted()), "", target);
}

/// How many of `THERE_ARE` two threads get who ask for all of them each.
fn granted() -> u32 {
    let throttler = limited(THERE_ARE, Duration::from_secs(1_000), tickers::tokio());
    let one = name("one");
    let got = || (0..THERE_ARE).filter(|_| take(&throttler, &one).is_some()).count();
    let (a, b) = std::thread::scope(|scope| {
        let other = scope.spawn(got);
        (got(), other.join().unwrap())
    });
    (a + b) as u32
}

const THERE_ARE: u32 = 100_000;

fn compare(case: &str, target: Target, ours: &(dyn Fn() + Sync), peer: &(dyn Fn() + Sync)) {
    // `measure` passes the slice on to the stopwatch unseen, which has to run it on two threads.
    let took = std::cell::Cell::new(Duration::ZERO);
    let stopwatch = |slice: &mut dyn FnMut(u32), times| {
        slice(times);
        took.get()
    };
    let paired = measure(
        &stopwatch,
        Duration::from_millis(4),
        &mut |times| took.set(both(ours, times)),
        &mut |times| took.set(both(peer, times)),
    );
    let rate = |nanos: f64| format!("{:.1} M/s", 2e3 / nanos);
    Comparison {
        case,
        ours: rate(paired.ours),
        peer: rate(paired.peer),
        ratio: 1.0 / paired.ratio,
        quartiles: Some((1.0 / paired.quartiles.1, 1.0 / paired.quartiles.0)),
        same: Some(paired.same),
        target,
    }
    .print();
}

/// How long two threads take that both do it `times` times.
fn both(act: &(dyn Fn() + Sync), times: u32) -> Duration {
    let start = Barrier::new(2);
    let one = &|core| {
        stay_on(core);
        start.wait();
        let began = Instant::now();
        for _ in 0..times {
            act();
        }
        (began, Instant::now())
    };
    let (a, b) = std::thread::scope(|scope| {
        let threads = [0, 1].map(|core| scope.spawn(move || one(core)));
        let [a, b] = threads.map(|thread| thread.join().unwrap());
        (a, b)
    });
    a.1.max(b.1) - a.0.min(b.0)
}

/// Keeps this thread on the core `core`, counted among those that the process may use. Two threads on one core would
/// never meet.
#[cfg(target_os = "linux")]
fn stay_on(core: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(all) = sched_getaffinity(None) else { return };
    let Some(core) = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).nth(core) else {
        return;
    };
    let mut only = CpuSet::new();
    only.set(core);
    let _ = sched_setaffinity(None, &only);
}

#[cfg(not(target_os = "linux"))]
fn stay_on(_core: usize) {}
