//! What it costs that many wait.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use governor::{Quota, RateLimiter};
use networkpype_bench::{Comparison, Target, cpu, figure, quantile, section};
use tokio::runtime::{Builder, Runtime};
use tower::{Service, ServiceExt, buffer::Buffer, limit::RateLimit, service_fn};

use crate::{
    order::most_within,
    support::adapter::{limited, name, wait},
    tickers,
};

pub(crate) fn run() {
    section("crowd: 10,000 tasks wait, of which 100 a second may go; processor time per second");
    let governor = governor();
    let (mut our_loads, mut towers, mut sleeps, mut most) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        for ours_now in [true, false, false, true] {
            if ours_now {
                let (load, granted) = ours();
                our_loads.push(load);
                most = most.max(granted);
            } else {
                towers.push(tower());
                sleeps.push(sleep());
            }
        }
    }
    let shown = |load: f64| format!("{:.2} ms", load * 1e3);
    for (case, peer, target) in [
        ("governor until_ready", vec![governor], Target::AtMost(0.005)),
        ("tower's buffer", towers, Target::AtMost(1.0)),
        ("a sleep that wakes one task", sleeps, Target::None),
    ] {
        let [low, ours, high] = spread(&our_loads);
        let [peer_low, peer, peer_high] = spread(&peer);
        Comparison {
            case: &format!("tokio's clock / {case}"),
            ours: shown(ours),
            peer: shown(peer),
            ratio: ours / peer,
            quartiles: Some((low / peer_high, high / peer_low)),
            same: None,
            target,
        }
        .print();
    }
    figure("most that ours granted in any 10 ms", most as f64, "", Target::AtMost(1.0));
}

/// One may go every so often.
const PERIOD: Duration = Duration::from_millis(10);

const CROWD: usize = 10_000;

const ROUNDS: usize = 2;

/// The least, the median and the most.
fn spread(loads: &[f64]) -> [f64; 3] {
    [0.0, 0.5, 1.0].map(|part| quantile(&mut loads.to_vec(), part))
}

fn ours() -> (f64, usize) {
    let runtime = runtime();
    let throttler = limited(1, PERIOD, tickers::tokio());
    let grants = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..CROWD {
        let (throttler, grants) = (throttler.clone(), Arc::clone(&grants));
        runtime.spawn(async move {
            drop(wait(&throttler, &name("one")).await.unwrap());
            grants.lock().unwrap().push(Instant::now());
        });
    }
    let load = load(runtime);
    let grants = grants.lock().unwrap();
    assert!(grants.len() > 100, "nobody is granted");
    (load, most_within(&grants, PERIOD))
}

fn governor() -> f64 {
    let runtime = runtime();
    let governor = Arc::new(RateLimiter::direct(Quota::with_period(PERIOD).unwrap()));
    for _ in 0..CROWD {
        let governor = Arc::clone(&governor);
        runtime.spawn(async move { governor.until_ready().await });
    }
    load(runtime)
}

fn tower() -> f64 {
    let runtime = runtime();
    let _guard = runtime.enter();
    let service = service_fn(|()| std::future::ready(Ok::<_, Infallible>(())));
    let limited = RateLimit::new(service, tower::limit::rate::Rate::new(1, PERIOD));
    let buffer = Buffer::new(limited, CROWD);
    for _ in 0..CROWD {
        let mut buffer = buffer.clone();
        runtime.spawn(async move { buffer.ready().await.unwrap().call(()).await.unwrap() });
    }
    load(runtime)
}

/// The least there is: somebody sleeps, and wakes the next.
fn sleep() -> f64 {
    let runtime = runtime();
    let (mut wakers, waiters): (Vec<_>, Vec<_>) =
        (0..CROWD).map(|_| tokio::sync::oneshot::channel::<()>()).unzip();
    for waiter in waiters {
        runtime.spawn(waiter);
    }
    runtime.spawn(async move {
        let mut due = tokio::time::Instant::now();
        while let Some(waker) = wakers.pop() {
            due += PERIOD;
            tokio::time::sleep_until(due).await;
            let _ = waker.send(());
        }
    });
    load(runtime)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The processor time that `runtime` uses per second, once everybody is waiting.
fn load(runtime: Runtime) -> f64 {
    std::thread::sleep(Duration::from_millis(700));
    let (start, before) = (Instant::now(), cpu::of_process());
    std::thread::sleep(Duration::from_millis(2_500));
    let used = cpu::of_process().saturating_sub(before);
    let load = used.as_secs_f64() / start.elapsed().as_secs_f64();
    runtime.shutdown_timeout(Duration::from_secs(5));
    load
}
