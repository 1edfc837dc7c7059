//! Two things measured so that the noise of the machine hits both alike.
//!
//! Slices of one and the other alternate in the order A B B A within one process, and what counts is the median of the
//! ratios of such pairs. The same is done with A on both sides: where that is not 1, neither is anything else to be
//! believed.

use std::time::Duration;

use crate::{
    cpu,
    report::{Comparison, Target, is_sound, nanos, quantile},
};

/// Does something as often as it is told.
pub type Slice<'a> = &'a mut dyn FnMut(u32);

/// How long a slice took.
pub type Stopwatch<'a> = &'a dyn Fn(Slice<'_>, u32) -> Duration;

/// What came of two things side by side.
#[derive(Clone, Copy, Debug)]
pub struct Paired {
    /// Nanoseconds per operation.
    pub ours: f64,
    /// The same of the peer.
    pub peer: f64,
    /// Ours to the peer's.
    pub ratio: f64,
    /// Between which half of the ratios lie.
    pub quartiles: (f64, f64),
    /// Ours to ours.
    pub same: f64,
}

impl Paired {
    /// Prints it as nanoseconds per operation.
    pub fn print(&self, case: &str, target: Target) {
        Comparison {
            case,
            ours: nanos(self.ours),
            peer: nanos(self.peer),
            ratio: self.ratio,
            quartiles: Some(self.quartiles),
            same: Some(self.same),
            target,
        }
        .print();
    }
}

/// Compares processor time per operation, and prints it.
pub fn compare(case: &str, target: Target, ours: Slice<'_>, peer: Slice<'_>) -> Paired {
    let stopwatch = |slice: Slice<'_>, times| {
        let start = cpu::of_thread();
        slice(times);
        cpu::of_thread().saturating_sub(start)
    };
    let paired = measure(&stopwatch, Duration::from_micros(300), ours, peer);
    paired.print(case, target);
    paired
}

/// Compares in slices of about `length`, again if the machine was too noisy.
pub fn measure(
    stopwatch: Stopwatch<'_>,
    length: Duration,
    ours: Slice<'_>,
    peer: Slice<'_>,
) -> Paired {
    let times = warm_up(stopwatch, length, ours, peer);
    let mut paired = once(stopwatch, times, ours, peer);
    for _ in 1..ATTEMPTS {
        if is_sound(paired.same) {
            break;
        }
        paired = once(stopwatch, times, ours, peer);
    }
    paired
}

/// How many operations of the slower one make a slice.
fn warm_up(stopwatch: Stopwatch<'_>, length: Duration, ours: Slice<'_>, peer: Slice<'_>) -> u32 {
    let mut times = 1_000;
    for _ in 0..3 {
        let slower =
            stopwatch(ours, times).max(stopwatch(peer, times)).max(Duration::from_nanos(1));
        let wanted = f64::from(times) * length.as_secs_f64() / slower.as_secs_f64();
        times = wanted.clamp(1.0, 1e6) as u32;
    }
    times
}

fn once(stopwatch: Stopwatch<'_>, times: u32, ours: Slice<'_>, peer: Slice<'_>) -> Paired {
    let one = |slice: Slice<'_>| stopwatch(slice, times).as_secs_f64();
    let (mut ours_took, mut peers_took) = (Vec::new(), Vec::new());
    let (mut ratios, mut sames) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let [a, b, c, d] = [one(ours), one(peer), one(peer), one(ours)];
        ratios.push((a + d) / (b + c));
        ours_took.extend([a, d]);
        peers_took.extend([b, c]);
        let [a, b, c, d] = [one(ours), one(ours), one(ours), one(ours)];
        sames.push((a + d) / (b + c));
    }
    let each = |took: &mut Vec<f64>| quantile(took, 0.5) * 1e9 / f64::from(times);
    Paired {
        ours: each(&mut ours_took),
        peer: each(&mut peers_took),
        ratio: quantile(&mut ratios, 0.5),
        quartiles: (quantile(&mut ratios, 0.25), quantile(&mut ratios, 0.75)),
        same: quantile(&mut sames, 0.5),
    }
}

const PAIRS: usize = 80;

const ATTEMPTS: usize = 3;
