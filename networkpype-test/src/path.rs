//! How long is a request on its way?

use std::time::Duration;

/// Random times of at most `most`; the same ones in the same order for the same seed.
#[derive(Debug)]
pub(crate) struct SlowPath {
    most: Duration,
    state: u64,
}

impl SlowPath {
    pub(crate) fn new(seed: u64, most: Duration) -> Self {
        Self { most, state: seed }
    }

    pub(crate) fn next(&mut self) -> Duration {
        // SplitMix64: evenly spread from any seed, zero too.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let fraction = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        self.most.mul_f64(fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_differ_are_bounded_and_can_be_had_again() {
        let times = || {
            let mut path = SlowPath::new(7, Duration::from_secs(1));
            (0..1_000).map(|_| path.next()).collect::<Vec<_>>()
        };
        let all = times();
        assert_eq!(all, times());
        assert!(all.iter().all(|time| *time < Duration::from_secs(1)));
        let mean = all.iter().sum::<Duration>() / 1_000;
        assert!((450..550).contains(&mean.as_millis()), "{mean:?}");
    }
}
