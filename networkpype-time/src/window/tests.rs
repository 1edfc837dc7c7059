use proptest::prelude::*;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A sample of a clock that is `ahead` ms ahead, with this round trip.
fn sample(ahead: i64, round_trip: u64) -> Sample {
    Sample {
        base: ahead * 1_000_000,
        bound: ms(round_trip) / 2,
        round_trip: Some(ms(round_trip)),
        cached: false,
    }
}

fn cached(ahead: i64) -> Sample {
    Sample { cached: true, bound: ms(1_000), ..sample(ahead, 1) }
}

fn told(ahead: i64) -> Sample {
    Sample { round_trip: None, ..sample(ahead, 0) }
}

fn bases(window: &Window) -> Vec<i64> {
    window.samples.iter().map(|sample| sample.base / 1_000_000).collect()
}

#[test]
fn each_sample_gets_its_verdict() {
    use Verdict::{IgnoredCached, IgnoredSlow, Kept, NewEpoch};
    type Step = (Sample, Verdict, &'static [i64]);
    let tables: [(&str, &[Step]); 10] = [
        (
            "the oldest goes when the window is full",
            &[
                (sample(1, 10), Kept, &[1]),
                (sample(2, 10), Kept, &[1, 2]),
                (sample(3, 10), Kept, &[1, 2, 3]),
                (sample(4, 10), Kept, &[2, 3, 4]),
            ],
        ),
        (
            "250 ms beyond both errors is the same clock, a bit more is not",
            &[
                (sample(0, 20), Kept, &[0]),
                (sample(270, 20), Kept, &[0, 270]),
                (sample(-271, 20), NewEpoch, &[-271]),
            ],
        ),
        (
            "one kept sample that agrees is enough",
            &[
                (told(0), Kept, &[0]),
                (told(200), Kept, &[0, 200]),
                (told(400), Kept, &[0, 200, 400]),
                (told(651), NewEpoch, &[651]),
            ],
        ),
        (
            "three times the best round trip is not slow yet",
            &[
                (sample(0, 40), Kept, &[0]),
                (sample(1, 20), Kept, &[0, 1]),
                (sample(2, 60), Kept, &[0, 1, 2]),
                (sample(3, 61), IgnoredSlow, &[0, 1, 2]),
            ],
        ),
        (
            "a slow sample is ignored unless it is the only one, and goes when a good one comes",
            &[
                (sample(900, 2_000), Kept, &[900]),
                (sample(0, 20), Kept, &[0]),
                (sample(900, 2_000), IgnoredSlow, &[0]),
            ],
        ),
        (
            "a slow sample that no slowness explains opens an epoch",
            &[
                (sample(0, 20), Kept, &[0]),
                (sample(1_260, 2_000), IgnoredSlow, &[0]),
                (sample(1_261, 2_000), NewEpoch, &[1_261]),
            ],
        ),
        (
            "round trips below a millisecond are all good",
            &[
                (sample(0, 0), Kept, &[0]),
                (sample(1, 3), Kept, &[0, 1]),
                (sample(2, 4), IgnoredSlow, &[0, 1]),
            ],
        ),
        (
            "a sample without a round trip is neither slow nor best",
            &[
                (told(0), Kept, &[0]),
                (sample(1, 100), Kept, &[0, 1]),
                (told(2), Kept, &[0, 1, 2]),
                (sample(3, 300), Kept, &[1, 2, 3]),
            ],
        ),
        (
            "a cached sample is ignored, also when it is far away",
            &[
                (sample(0, 20), Kept, &[0]),
                (cached(1), IgnoredCached, &[0]),
                (cached(3_600_000), IgnoredCached, &[0]),
            ],
        ),
        (
            "with nothing better the newest cached sample counts, and goes when a real one comes",
            &[
                (cached(1), Kept, &[1]),
                (cached(3_600_000), Kept, &[3_600_000]),
                (sample(5, 5_000), Kept, &[5]),
                (cached(1), IgnoredCached, &[5]),
            ],
        ),
    ];
    for (name, steps) in tables {
        let mut window = Window::new(3);
        for (at, (sample, verdict, kept)) in steps.iter().enumerate() {
            assert_eq!(window.add(*sample), *verdict, "{name}, step {at}");
            assert_eq!(bases(&window), *kept, "{name}, step {at}");
        }
    }
}

#[test]
fn the_bound_is_that_of_the_worst_sample_kept() {
    let mut window = Window::new(5);
    assert_eq!((window.bound(), window.estimate()), (None, None));
    window.add(sample(0, 20));
    window.add(sample(0, 60));
    assert_eq!(window.bound(), Some(ms(30)));
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let base = prop_oneof![any::<i64>(), -1_000_000_000_i64..1_000_000_000];
    let round_trip = prop::option::of((0_u64..5_000).prop_map(ms));
    (base, round_trip, prop::bool::weighted(0.2)).prop_map(|(base, round_trip, cached)| Sample {
        base,
        bound: round_trip.unwrap_or_default() / 2,
        round_trip,
        cached,
    })
}

proptest! {
    #[test]
    fn a_window_is_neither_empty_nor_too_large_and_holds_nothing_slow(
        size in 1_usize..8,
        samples in prop::collection::vec(any_sample(), 1..40),
    ) {
        let mut window = Window::new(size);
        for sample in samples {
            let verdict = window.add(sample);
            prop_assert!((1..=size).contains(&window.len()));
            let newest = window.samples.back().copied();
            match verdict {
                Verdict::Kept => prop_assert_eq!(newest, Some(sample)),
                Verdict::NewEpoch => prop_assert_eq!(&window.samples, &[sample]),
                _ => prop_assert!(window.len() >= 1),
            }
            prop_assert!(!window.samples.iter().any(|kept| window.is_slow(kept)));
            let cached = window.samples.iter().filter(|kept| kept.cached).count();
            prop_assert!(cached == 0 || window.len() == 1);
        }
    }

    /// Whatever way a round trip divides into there and back, one clock never looks like two, and the estimate
    /// keeps its promise about its error.
    #[test]
    fn one_clock_stays_one_epoch(
        ahead in -1_000_000_i64..1_000_000,
        trips in prop::collection::vec((0_i64..3_000, 0_i64..3_000), 1..40),
    ) {
        let mut window = Window::new(5);
        for (there, back) in trips {
            let error = (there - back) * 500_000;
            let trip = ms(u64::try_from(there + back).unwrap());
            let base = ahead * 1_000_000 + error;
            let sample = Sample { base, bound: trip / 2, round_trip: Some(trip), cached: false };
            prop_assert_ne!(window.add(sample), Verdict::NewEpoch);
            let off = i128::from(window.estimate().unwrap()) - i128::from(ahead) * 1_000_000;
            prop_assert!(off.abs() <= crate::sample::nanos(window.bound().unwrap()) + 1);
        }
    }

    #[test]
    fn a_jump_is_learnt_from_one_sample(
        before in prop::collection::vec(0_u64..400, 1..8),
        trip in 0_u64..2_000,
        jump in prop_oneof![-100_000_i64..-2_000, 2_000_i64..100_000],
    ) {
        let mut window = Window::new(5);
        for trip in before {
            window.add(sample(0, trip));
        }
        prop_assert_eq!(window.add(sample(jump, trip)), Verdict::NewEpoch);
        prop_assert_eq!(window.estimate(), Some(jump * 1_000_000));
    }
}
