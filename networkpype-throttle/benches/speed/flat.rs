//! Whether a full window is slower than an empty one.

use std::{hint::black_box, sync::Arc, time::Duration};

use networkpype_bench::{Target, compare, section};
use networkpype_throttle::Throttler;

use crate::support::{
    adapter::{Name, PLENTY, limited, name, take},
    manual::ManualTicker,
};

pub(crate) fn run() {
    section(
        "flat: try_acquire of one limit whose window is full (ours) and empty (peer), without a clock",
    );
    let one = name("one");
    for (case, entries) in
        [("10,000 entries / none", 10_000), ("5,000,000 entries / none", 5_000_000)]
    {
        let full = holding(entries, &one);
        let empty = holding(0, &one);
        let run = |(throttler, ticker): &(Throttler, Arc<ManualTicker>), times| {
            for _ in 0..times {
                ticker.step();
                black_box(&take(black_box(throttler), black_box(&one)));
            }
        };
        compare(case, Target::AtMost(1.15), &mut |times| run(&full, times), &mut |times| {
            run(&empty, times);
        });
    }
}

/// A throttler that holds `entries` of different instants, and forgets one for each that comes.
fn holding(entries: u32, one: &Name) -> (Throttler, Arc<ManualTicker>) {
    let ticker = Arc::new(ManualTicker::default());
    let interval = (Duration::from_micros(1) * entries).max(Duration::from_nanos(1));
    let throttler = limited(PLENTY, interval, Arc::clone(&ticker) as _);
    for _ in 0..entries {
        ticker.step();
        drop(take(&throttler, one).unwrap());
    }
    assert_eq!(throttler.usage("one").unwrap().used, u64::from(entries));
    (throttler, ticker)
}
