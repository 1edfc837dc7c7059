//! What it costs to be prepared to wait where nobody has to.

use std::hint::black_box;

use networkpype_bench::{Target, compare, section};
use tokio::runtime::Builder;

use crate::{
    alone::INTERVAL,
    peers,
    support::adapter::{name, throttler, wait},
    tickers,
};

pub(crate) fn run() {
    section("waiting: acquire().await that is granted at once, processor time");
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let governor = peers::governor();
    let one = name("one");
    for (clock, ticker) in tickers::both() {
        let target = if clock == "fast clock" { Target::AtMost(2.5) } else { Target::None };
        let throttler = throttler(INTERVAL, ticker);
        let mut ours = |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    black_box(&wait(black_box(&throttler), black_box(&one)).await);
                }
            });
        };
        compare(&format!("{clock} / governor until_ready"), target, &mut ours, &mut |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    black_box(&governor).until_ready().await;
                }
            });
        });
    }
}
