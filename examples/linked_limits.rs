//! Limits that are charged together: an order counts as an order and as request weight, and goes out when both allow it.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, time::Duration};

use networkpype::{RateLimit, RestManager, RestRequest, Throttler, Ticker, TokioTicker};
use networkpype_test::Exchange;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let exchange = Exchange::start();
    let throttler = Throttler::builder()
        .limit(RateLimit::new("weight", 30, Duration::from_secs(1)))
        .limit(RateLimit::new("orders", 4, Duration::from_secs(1)).linked("weight", 2))
        .limit(RateLimit::new("history", 100, Duration::from_secs(1)).linked("weight", 10))
        .safety_margin(0.0)
        .build()?;
    let api =
        RestManager::builder().base_url(exchange.url()).throttler(throttler.clone()).build()?;

    let ticker = TokioTicker::new();
    let start = ticker.now();
    let mut calls = tokio::task::JoinSet::new();
    for (limit, count) in [("orders", 6), ("history", 3)] {
        for number in 1..=count {
            let (api, ticker) = (api.clone(), ticker);
            calls.spawn(async move {
                let request = RestRequest::get("/public/ping").limit(limit);
                api.call(request)
                    .await
                    .map(|_| (ticker.now().saturating_since(start), limit, number))
            });
        }
    }
    let mut log = Vec::new();
    while let Some(call) = calls.join_next().await {
        log.push(call??);
    }
    log.sort();
    for (at, limit, number) in log {
        println!("{:>5} ms  {limit} {number}", at.as_millis());
    }
    for limit in ["weight", "orders", "history"] {
        println!("{limit}: {:?}", throttler.usage(limit).ok_or("a limit of ours")?);
    }
    Ok(())
}
