//! Real threads on real time. Nothing here depends on how fast the machine is.

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use networkpype_core::{Charge, LimitId, Throttle, Ticks};
use networkpype_throttle::{RateLimit, ThrottleError};
use tokio::{runtime::Handle, task::JoinSet};

use crate::support::*;

const THREADS: usize = 4;
const ROUNDS: usize = 60;
const INTERVAL: Duration = Duration::from_millis(5);
/// Of the limit that all requests charge.
const CAPACITY: u32 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_that_wait_give_up_and_give_back_never_cross_a_limit() {
    let throttler = throttler([
        RateLimit::new("raw", CAPACITY, INTERVAL),
        RateLimit::new("orders", 4, INTERVAL).linked("raw", 1),
    ]);
    // What started, on which limit, and between which two instants.
    let started: Arc<Mutex<Vec<(usize, Ticks, Ticks)>>> = Arc::default();
    let gave_up = Arc::new(AtomicUsize::new(0));
    let (runtime, barrier) = (Handle::current(), Arc::new(Barrier::new(THREADS)));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (throttler, started, gave_up) =
                (throttler.clone(), started.clone(), gave_up.clone());
            let (runtime, barrier) = (runtime.clone(), barrier.clone());
            let work = async move {
                let limits = ["raw", "orders"].map(LimitId::new);
                for round in 0..ROUNDS {
                    let limit = (thread + round) % 2;
                    let charge = Charge::new(&limits[limit]);
                    let deadline = (round % 7 == 3)
                        .then(|| throttler.ticker().now() + Duration::from_micros(300));
                    let acquire = Throttle::acquire(&throttler, &charge, deadline);
                    let answer = if round % 5 == 2 {
                        // Gives up half way, unless it is lucky.
                        tokio::select! {
                            biased;
                            answer = acquire => answer,
                            () = tokio::time::sleep(Duration::from_micros(500)) => {
                                gave_up.fetch_add(1, Ordering::Relaxed);
                                continue;
                            }
                        }
                    } else {
                        acquire.await
                    };
                    let mut permit = match answer {
                        Ok(permit) => permit,
                        Err(ThrottleError::DeadlineExceeded { .. }) => continue,
                        Err(other) => panic!("{other}"),
                    };
                    match round % 4 {
                        // Dropped before it started.
                        1 => drop(permit),
                        2 => {
                            permit.started().unwrap();
                            permit.refund();
                        }
                        _ => {
                            let before = throttler.ticker().now();
                            permit.started().unwrap();
                            let after = throttler.ticker().now();
                            started.lock().unwrap().push((limit, before, after));
                        }
                    }
                }
            };
            thread::spawn(move || {
                barrier.wait();
                runtime.block_on(work);
            })
        })
        .collect();
    let joined = tokio::task::spawn_blocking(|| threads.into_iter().try_for_each(|t| t.join()));
    joined.await.unwrap().unwrap();

    assert_eq!(throttler.waiting(), 0);
    let started = started.lock().unwrap();
    for (orders_only, capacity) in [(false, CAPACITY as usize), (true, 4)] {
        let charged: Vec<_> = started.iter().filter(|(l, ..)| !orders_only || *l == 1).collect();
        for &(_, begin, _) in &charged {
            // Certainly inside one window: begun no earlier than the first can have, ended within an interval.
            let inside = charged.iter().filter(|(_, before, after)| {
                before >= begin && after.saturating_since(*begin) <= INTERVAL
            });
            let inside = inside.count();
            assert!(inside <= capacity, "{inside} of {capacity} from {begin:?} on");
        }
    }
    // Two rounds in four are kept; of those some give up.
    assert!(started.len() + gave_up.load(Ordering::Relaxed) > ROUNDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_are_served_in_the_order_of_arrival_and_nobody_is_forgotten() {
    let shared = throttler([RateLimit::new("orders", 1, Duration::from_millis(1))]);
    let held = take(&shared, "orders").unwrap();
    let mut tasks = JoinSet::new();
    for place in 0..ROUNDS {
        let throttler = shared.clone();
        tasks.spawn(async move {
            let mut permit =
                Throttle::acquire(&throttler, &Charge::new(&LimitId::new("orders")), None)
                    .await
                    .unwrap();
            // With one at a time, nobody younger is granted before this one has started.
            let granted = throttler.ticker().now();
            permit.started().unwrap();
            (place, granted)
        });
        while shared.waiting() <= place {
            tokio::task::yield_now().await;
        }
    }
    drop(held);
    let mut served = tasks.join_all().await;
    assert_eq!((served.len(), shared.waiting()), (ROUNDS, 0));
    served.sort_unstable();
    assert!(served.windows(2).all(|pair| pair[0].1 < pair[1].1), "somebody overtook");
}
