use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use networkpype_core::{Charge, LimitId, Throttle, Ticker, Ticks, TokioTicker};
use networkpype_throttle::{RateLimit, RedisThrottler};

use crate::server::{Dice, Server};

/// What started, when, and what it weighed on each limit.
type Log = Arc<Mutex<Vec<(Ticks, Vec<(&'static str, u64)>)>>>;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn limits() -> Vec<RateLimit> {
    vec![
        RateLimit::new("all", 12, ms(150)),
        RateLimit::new("orders", 5, ms(80)).linked("all", 1),
        RateLimit::new("depth", 6, ms(60)).weight(2).linked("all", 3),
    ]
}

fn weights(limit: &str, own: u64) -> Vec<(&'static str, u64)> {
    match limit {
        "all" => vec![("all", own)],
        "orders" => vec![("orders", own), ("all", 1)],
        _ => vec![("depth", own), ("all", 3)],
    }
}

/// No closed window of any limit holds more than it may, wherever it begins.
fn assert_exact(log: &Log, limits: &[RateLimit]) {
    let mut log = log.lock().unwrap().clone();
    log.sort_by_key(|(at, _)| *at);
    for limit in limits {
        let of = |parts: &[(&str, u64)]| -> u64 {
            parts.iter().filter(|(id, _)| *id == limit.id.as_str()).map(|(_, weight)| weight).sum()
        };
        for (first, (start, _)) in log.iter().enumerate() {
            let window = log[first..]
                .iter()
                .take_while(|(at, _)| at.saturating_since(*start) <= limit.interval);
            let sum: u64 = window.map(|(_, parts)| of(parts)).sum();
            assert!(
                sum <= u64::from(limit.limit),
                "{sum} of {} on {} from {start:?}",
                limit.limit,
                limit.id
            );
        }
    }
}

/// What a log says that it holds is what it holds.
async fn assert_sums(server: &Server, log: &str) {
    let members: Vec<String> = server.run(&format!("ZRANGE {log} 0 -1 WITHSCORES")).await;
    let (mut said, mut held) = (0.0, 0.0);
    for member in members.chunks(2) {
        match member[0].rsplit_once(':') {
            Some((_, weight)) => held += weight.parse::<f64>().unwrap(),
            None => said = -member[1].parse::<f64>().unwrap(),
        }
    }
    assert!(said == held, "{log} says {said}: {members:?}");
}

async fn one_request(
    throttler: RedisThrottler,
    ticker: Arc<dyn Ticker>,
    log: Log,
    mut dice: Dice,
) -> bool {
    tokio::time::sleep(ms(dice.roll(300))).await;
    let name = ["all", "orders", "depth"][dice.roll(3) as usize];
    let own = 1 + dice.roll(4);
    let limit = LimitId::new(name);
    let charge = Charge::new(&limit).with_weight(Some(own as u32));
    let asked = throttler.acquire(&charge, None);
    let patience = if dice.roll(3) == 0 { ms(dice.roll(120)) } else { Duration::from_secs(60) };
    let Ok(granted) = tokio::time::timeout(patience, asked).await else { return false };
    let mut permit = granted.unwrap();
    match dice.roll(8) {
        // Slow to start, slower than the tolerance, or not to start at all.
        0 => tokio::time::sleep(ms(dice.roll(40))).await,
        1 => tokio::time::sleep(ms(100)).await,
        2 => return false,
        _ => {}
    }
    permit.started().unwrap();
    log.lock().unwrap().push((ticker.now(), weights(name, own)));
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_window_is_crossed_by_any_interleaving_of_processes_weights_links_and_cancellations() {
    let Some(server) = Server::start() else { return };
    let ticker: Arc<dyn Ticker> = Arc::new(TokioTicker::new());
    for seed in 0..3 {
        let log = Log::default();
        let processes: Vec<_> = (0..4)
            .map(|_| {
                let ticker = Arc::clone(&ticker);
                server
                    .throttler()
                    .prefix(format!("round-{seed}"))
                    .limits(limits())
                    .max_ahead(Duration::from_secs(60))
                    .ticker(ticker)
                    .build()
                    .unwrap()
            })
            .collect();
        let tasks: Vec<_> = (0..120)
            .map(|n| {
                let throttler = processes[n as usize % processes.len()].clone();
                let dice = Dice::new(1 + seed * 1_000 + n);
                tokio::spawn(one_request(throttler, Arc::clone(&ticker), Arc::clone(&log), dice))
            })
            .collect();
        let mut started = 0;
        for task in tasks {
            started += usize::from(task.await.unwrap());
        }
        assert!(started > 30, "{started}");
        assert_exact(&log, &limits());
        for limit in limits() {
            server.until(&format!("EXISTS {{round-{seed}}}:line:{}", limit.id), 0).await;
            assert_sums(&server, &format!("{{round-{seed}}}:log:{}", limit.id)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn all_of_a_limit_is_used_and_no_more() {
    let Some(server) = Server::start() else { return };
    let ticker: Arc<dyn Ticker> = Arc::new(TokioTicker::new());
    let limit = RateLimit::new("a", 20, ms(200));
    let processes: Vec<_> = (0..3)
        .map(|_| {
            let builder = server.throttler().limit(limit.clone()).max_ahead(Duration::from_secs(9));
            builder.ticker(Arc::clone(&ticker)).build().unwrap()
        })
        .collect();
    let (log, begun) = (Log::default(), ticker.now());
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let (throttler, log) = (processes[n % 3].clone(), Arc::clone(&log));
            let ticker = Arc::clone(&ticker);
            tokio::spawn(async move {
                let _permit = throttler.execute_task("a").await.unwrap();
                log.lock().unwrap().push((ticker.now(), vec![("a", 1)]));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_exact(&log, &[limit]);
    // Four windows have to pass; a fifth may not, unless the machine is very slow.
    let took = ticker.now().saturating_since(begun);
    assert!(took > ms(800) && took < ms(1_600), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn nobody_goes_before_an_older_one_of_another_process_on_a_limit_that_both_charge() {
    let Some(server) = Server::start() else { return };
    let ticker: Arc<dyn Ticker> = Arc::new(TokioTicker::new());
    let processes: Vec<_> = (0..3)
        .map(|_| {
            let builder = server.throttler().limits(limits()).max_ahead(Duration::from_secs(60));
            builder.ticker(Arc::clone(&ticker)).build().unwrap()
        })
        .collect();
    let mut dice = Dice::new(7);
    for _ in 0..3 {
        // So that all are in the line before the first may go.
        processes[0].pause(&[], ms(700)).await.unwrap();
        let log = Log::default();
        let mut tasks = Vec::new();
        let mut waiting = std::collections::HashMap::new();
        for n in 0..12 {
            let name = ["all", "orders", "depth"][dice.roll(3) as usize];
            let own = 1 + dice.roll(5);
            let (throttler, ticker) = (processes[n % 3].clone(), Arc::clone(&ticker));
            let parts = weights(name, own);
            for (limit, _) in &parts {
                *waiting.entry(*limit).or_insert(0) += 1;
            }
            let log = Arc::clone(&log);
            tasks.push(tokio::spawn(async move {
                let limit = LimitId::new(name);
                let charge = Charge::new(&limit).with_weight(Some(own as u32));
                let mut permit = throttler.acquire(&charge, None).await.unwrap();
                permit.started().unwrap();
                let at = ticker.now();
                log.lock().unwrap().push((at, parts.clone()));
                (at, parts)
            }));
            server.until_waiting(name, waiting[name]).await;
        }
        let mut went = Vec::new();
        for task in tasks {
            went.push(task.await.unwrap());
        }
        assert_exact(&log, &limits());
        for (older, (at, parts)) in went.iter().enumerate() {
            for (younger, (then, others)) in went.iter().enumerate().skip(older + 1) {
                let share = parts.iter().any(|(id, _)| others.iter().any(|(other, _)| id == other));
                // Those due at one instant are claimed in any order, a round trip and a timer's tick apart.
                assert!(!share || *then + ms(30) > *at, "{younger} went before {older}: {went:?}");
            }
        }
    }
}
