//! Three limits charged together, beside three limiters asked one after the other, which is not atomic.

use std::hint::black_box;

use networkpype_bench::{Target, compare, section};

use crate::{
    alone::INTERVAL,
    peers,
    support::adapter::{name, take, throttler},
    tickers,
};

pub(crate) fn run() {
    section("linked: try_acquire of three limits at once, processor time");
    let governors = [peers::governor(), peers::governor(), peers::governor()];
    let three = name("three");
    for (clock, ticker) in tickers::both() {
        let target = if clock == "fast clock" { Target::AtMost(1.15) } else { Target::None };
        let throttler = throttler(INTERVAL, ticker);
        let mut ours = |times| {
            for _ in 0..times {
                black_box(&take(black_box(&throttler), black_box(&three)));
            }
        };
        compare(&format!("{clock} / three governors"), target, &mut ours, &mut |times| {
            for _ in 0..times {
                for governor in &governors {
                    black_box(&black_box(governor).check());
                }
            }
        });
    }
}
