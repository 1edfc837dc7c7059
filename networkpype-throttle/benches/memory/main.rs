//! How much memory a throttler takes. See benches/README.md.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and fails")]

use std::{sync::Arc, time::Duration};

use networkpype_bench::{Target, figure, section};
use networkpype_throttle::Throttler;
use peak_alloc::PeakAlloc;

use crate::support::{
    adapter::{PLENTY, bounded, limited, name, take},
    manual::ManualTicker,
};

#[path = "../support/mod.rs"]
mod support;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() {
    section("memory: what one limit holds on to");
    // Powers of two and what lies between: a buffer that doubles is just full at the one, half empty at the other.
    for entries in [1 << 20, 1_000_000, 5_000_000] {
        let (held, peak) = held(limited, entries);
        let each = held as f64 / f64::from(entries);
        let case = format!("exact, {entries} entries, each");
        figure(&case, each, "B", Target::AtMost(16.0));
        let peak = peak as f64 / f64::from(entries);
        figure("  at most while it grew, each", peak, "B", Target::None);
    }
    for entries in [10_000, 5_000_000] {
        let (held, peak) = held(bounded, entries);
        let kibibytes = |bytes| bytes as f64 / 1024.0;
        let case = format!("bounded, {entries} entries, all");
        figure(&case, kibibytes(held), "KiB", Target::AtMost(16.0));
        figure("  at most while it grew, all", kibibytes(peak), "KiB", Target::None);
    }
}

/// What a throttler made by `make` holds on to for `entries` of different instants beyond what it holds for none, and
/// the most that it ever did.
fn held(
    make: fn(u32, Duration, Arc<dyn networkpype_core::Ticker>) -> Throttler,
    entries: u32,
) -> (usize, usize) {
    let one = name("one");
    let ticker = Arc::new(ManualTicker::default());
    let throttler = make(PLENTY, Duration::from_micros(1) * entries, Arc::clone(&ticker) as _);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    for _ in 0..entries {
        ticker.step();
        assert!(take(&throttler, &one).is_some());
    }
    let after = MEMORY.current_usage();
    (after.saturating_sub(before), MEMORY.peak_usage().saturating_sub(before))
}
