//! Whether those who wait go in order, inside the limit, and on time.

use std::{
    cell::RefCell,
    future::Future,
    num::NonZeroU32,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use governor::{Quota, RateLimiter};
use networkpype_bench::{Comparison, Target, figure, figure_if, quantile, section};
use networkpype_core::Ticker;
use networkpype_throttle::PreciseTicker;
use tokio::{runtime::Builder, task::LocalSet, time::sleep_until};

use crate::{
    support::adapter::{limited, name, wait},
    tickers,
};

pub(crate) fn run() {
    section("order: 1,000 tasks wait for 100 per 250 ms");
    let (bare_first, first) = (bare(), ours(tickers::tokio()));
    let (second, bare_last) = (ours(tickers::tokio()), bare());
    let mut our_late = [late(&first.grants), late(&second.grants)].concat();
    let mut bare_late = [late(&bare_first), late(&bare_last)].concat();
    for (case, part, target) in [
        ("late by, p50, / a sleep of tokio's", 0.5, Target::AtMost(1.05)),
        ("late by, p99, / a sleep of tokio's", 0.99, Target::None),
    ] {
        let (ours, peer) = (quantile(&mut our_late, part), quantile(&mut bare_late, part));
        let millis = |late: f64| format!("{late:.3} ms");
        Comparison {
            case,
            ours: millis(ours),
            peer: millis(peer),
            ratio: ours / peer,
            quartiles: None,
            same: None,
            target,
        }
        .print();
    }
    first.merge(second).print("tokio's clock", true);

    let precise = ours(Arc::new(PreciseTicker::new()));
    let (mut precisely, mut thread) = (late(&precise.grants), late(&asleep()));
    let quiet = quantile(&mut thread, 0.99) <= QUIET_MILLIS;
    for (part, percent, bound) in [(0.5, 50, 0.25), (0.99, 99, 0.6)] {
        let case = format!("precise ticker: late by, p{percent}");
        figure_if(quiet, &case, quantile(&mut precisely, part), "ms", Target::AtMost(bound));
        let case = format!("  a thread's sleep, p{percent}");
        figure(&case, quantile(&mut thread, part), "ms", Target::None);
    }
    precise.print("precise ticker", true);
    governor().print("governor", false);
}

const LIMIT: usize = 100;

/// A machine that wakes a thread later than that, once in a hundred times, has others to attend to.
const QUIET_MILLIS: f64 = 0.3;

const INTERVAL: Duration = Duration::from_millis(250);

const WAITERS: usize = 1_000;

/// When each was granted, and how many pairs were in the wrong order.
struct Outcome {
    grants: Vec<Instant>,
    inversions: usize,
    most: usize,
}

impl Outcome {
    fn merge(self, other: Self) -> Self {
        Self {
            grants: self.grants,
            inversions: self.inversions + other.inversions,
            most: self.most.max(other.most),
        }
    }

    fn print(&self, case: &str, ours: bool) {
        let target = |bound| if ours { Target::AtMost(bound) } else { Target::None };
        let pairs = (WAITERS * (WAITERS - 1) / 2) as f64;
        let inversions = self.inversions as f64 * 100.0 / pairs;
        figure(&format!("{case}: most in any 250 ms"), self.most as f64, "", target(LIMIT as f64));
        figure(&format!("{case}: pairs in the wrong order"), inversions, "%", target(0.0));
    }
}

fn ours(ticker: Arc<dyn Ticker>) -> Outcome {
    let throttler = limited(LIMIT as u32, INTERVAL, ticker);
    crowd(move || {
        let throttler = throttler.clone();
        async move {
            drop(wait(&throttler, &name("one")).await.unwrap());
        }
    })
}

fn governor() -> Outcome {
    let quota = Quota::with_period(INTERVAL / LIMIT as u32)
        .unwrap()
        .allow_burst(NonZeroU32::new(LIMIT as u32).unwrap());
    let governor = Arc::new(RateLimiter::direct(quota));
    crowd(move || {
        let governor = Arc::clone(&governor);
        async move { governor.until_ready().await }
    })
}

/// A hundred evenly spaced grants, so that capacity comes back one at a time, and behind them everybody else.
fn crowd<F: Future<Output = ()> + 'static>(acquire: impl Fn() -> F) -> Outcome {
    let grants = Rc::new(RefCell::new(Vec::new()));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let start = Instant::now();
        for place in 0..LIMIT {
            sleep_until(spaced(start, place).into()).await;
            acquire().await;
            grants.borrow_mut().push((0, Instant::now()));
        }
        let tasks: Vec<_> = (0..WAITERS)
            .map(|place| {
                let (acquire, grants) = (acquire(), Rc::clone(&grants));
                // One thread polls them for the first time in the order in which they are spawned.
                tokio::task::spawn_local(async move {
                    acquire.await;
                    grants.borrow_mut().push((place, Instant::now()));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let grants = grants.borrow();
    let places: Vec<_> = grants.iter().skip(LIMIT).map(|(place, _)| *place).collect();
    let inverted =
        |(at, place): (usize, &usize)| places[at..].iter().filter(|later| *later < place).count();
    let inversions = places.iter().enumerate().map(inverted).sum();
    let grants: Vec<_> = grants.iter().map(|(_, at)| *at).collect();
    Outcome { inversions, most: most_within(&grants, INTERVAL), grants }
}

/// The same instants as of a crowd that waits, by nothing but tokio's timer.
fn bare() -> Vec<Instant> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (start, mut grants) = (Instant::now(), Vec::new());
        while grants.len() < LIMIT + WAITERS {
            sleep_until(due(start, &grants).into()).await;
            grants.push(Instant::now());
        }
        grants
    })
}

/// The same by what the system makes a thread sleep: as exact as this machine is at this time.
fn asleep() -> Vec<Instant> {
    let (start, mut grants) = (Instant::now(), Vec::new());
    while grants.len() < LIMIT + WAITERS {
        std::thread::sleep(due(start, &grants).saturating_duration_since(Instant::now()));
        grants.push(Instant::now());
    }
    grants
}

/// When the next may go after `grants`.
fn due(start: Instant, grants: &[Instant]) -> Instant {
    match grants.len().checked_sub(LIMIT) {
        Some(before) => grants[before] + INTERVAL,
        None => spaced(start, grants.len()),
    }
}

fn spaced(start: Instant, place: usize) -> Instant {
    start + INTERVAL * place as u32 / LIMIT as u32
}

/// By how many milliseconds each came later than the limit alone demands.
fn late(grants: &[Instant]) -> Vec<f64> {
    let due = grants.iter().map(|at| *at + INTERVAL);
    let after = grants.iter().skip(LIMIT).zip(due);
    after.map(|(at, due)| at.saturating_duration_since(due).as_secs_f64() * 1e3).collect()
}

/// The most grants in any `interval`.
///
/// Grants are seen a little after they were made, some later than others; so windows are taken to be a millisecond or
/// a tenth shorter.
pub(crate) fn most_within(grants: &[Instant], interval: Duration) -> usize {
    let interval = interval - (interval / 10).min(Duration::from_millis(1));
    let mut grants = grants.to_vec();
    grants.sort();
    let within = |(first, at): (usize, &Instant)| {
        grants[first..].partition_point(|later| *later - *at <= interval)
    };
    grants.iter().enumerate().map(within).max().unwrap_or(0)
}
