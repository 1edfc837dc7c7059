//! One thread that asks for what there is.

use std::{hint::black_box, time::Duration};

use governor::clock::{Clock, DefaultClock};
use networkpype_bench::{Target, compare, section};

use crate::{
    peers,
    support::adapter::{name, take, throttler},
    tickers,
};

pub(crate) fn run() {
    section("alone: try_acquire of one limit, processor time");
    let governor = peers::governor();
    let governor_std = peers::governor_std();
    let governor_full = peers::governor_full();
    let leaky_bucket = peers::leaky_bucket();
    let [one, full] = ["one", "full"].map(name);
    let clock_of_governor = DefaultClock::default();
    for (clock, ticker) in tickers::both() {
        let mut read = |times| {
            for _ in 0..times {
                black_box(black_box(&ticker).now());
            }
        };
        let case = format!("{clock}, read / governor's");
        compare(&case, Target::None, &mut read, &mut |times| {
            for _ in 0..times {
                black_box(black_box(&clock_of_governor).now());
            }
        });
        let fast = clock == "fast clock";
        let target = |bound| if fast { Target::AtMost(bound) } else { Target::None };
        let throttler = throttler(INTERVAL, ticker);
        let mut ours = |times| {
            for _ in 0..times {
                black_box(&take(black_box(&throttler), black_box(&one)));
            }
        };
        compare(&format!("{clock} / governor"), target(3.0), &mut ours, &mut |times| {
            for _ in 0..times {
                black_box(&black_box(&governor).check());
            }
        });
        compare(&format!("{clock} / governor, std clock"), target(0.75), &mut ours, &mut |times| {
            for _ in 0..times {
                black_box(&black_box(&governor_std).check());
            }
        });
        compare(&format!("{clock} / leaky-bucket"), target(0.75), &mut ours, &mut |times| {
            for _ in 0..times {
                black_box(&black_box(&leaky_bucket).try_acquire(1));
            }
        });
        let mut denied = |times| {
            for _ in 0..times {
                black_box(&take(black_box(&throttler), black_box(&full)));
            }
        };
        let case = format!("{clock} / governor, denied");
        compare(&case, Target::None, &mut denied, &mut |times| {
            for _ in 0..times {
                black_box(&black_box(&governor_full).check());
            }
        });
    }
}

/// Short enough that entries leave the window while it is measured, as they do in the long run.
pub(crate) const INTERVAL: Duration = Duration::from_millis(1);
