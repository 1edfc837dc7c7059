use proptest::prelude::*;

use super::*;
use crate::sample::nanos;

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
        at: Ticks::ZERO,
    }
}

/// The same, taken so many seconds later.
fn after(secs: u64, sample: Sample) -> Sample {
    Sample { at: Ticks::ZERO + Duration::from_secs(secs), ..sample }
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
    use Verdict::{IgnoredCached, IgnoredSlow, IgnoredUnmeasured, Kept, NewEpoch};
    type Step = (Sample, Verdict, &'static [i64]);
    let tables: [(&str, &[Step]); 13] = [
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
                (sample(0, 0), Kept, &[0]),
                (sample(200, 0), Kept, &[0, 200]),
                (sample(400, 0), Kept, &[0, 200, 400]),
                (sample(651, 0), NewEpoch, &[651]),
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
            "samples without a round trip count while there is none with one",
            &[
                (told(0), Kept, &[0]),
                (told(900), Kept, &[0, 900]),
                (sample(1, 1_000), Kept, &[1]),
                (told(2), IgnoredUnmeasured, &[1]),
            ],
        ),
        (
            "a sample without a round trip opens an epoch only a second beyond the errors of all",
            &[
                (sample(0, 20), Kept, &[0]),
                (told(-300), IgnoredUnmeasured, &[0]),
                (told(-1_010), IgnoredUnmeasured, &[0]),
                (told(-1_011), NewEpoch, &[-1_011]),
                (told(-11), Kept, &[-1_011, -11]),
                (told(989), Kept, &[-1_011, -11, 989]),
                (told(1_990), NewEpoch, &[1_990]),
            ],
        ),
        (
            "a slow sample counts when age has made the error of the best one larger than its own",
            &[
                (sample(0, 10), Kept, &[0]),
                (after(940, sample(90, 200)), IgnoredSlow, &[0]),
                (after(951, sample(90, 200)), Kept, &[90]),
                (after(952, sample(0, 10)), Kept, &[0]),
            ],
        ),
        (
            "a slow sample takes the place only of those that have gone stale",
            &[
                (sample(0, 10), Kept, &[0]),
                (after(900, sample(1, 15)), Kept, &[0, 1]),
                (after(951, sample(2, 200)), IgnoredSlow, &[0, 1]),
                (after(951, sample(2, 30)), Kept, &[0, 1, 2]),
            ],
        ),
        (
            "a cached sample is ignored, also when it is far away",
            &[
                (sample(0, 20), Kept, &[0]),
                (cached(1), IgnoredCached, &[0]),
                (cached(3_600_000), IgnoredCached, &[0]),
                (after(1_000_000, cached(1)), IgnoredCached, &[0]),
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
fn a_doubted_time_is_dropped_by_whatever_lies_outside_its_errors() {
    for (name, newer, verdict, kept) in [
        ("as slow", sample(31, 40), Verdict::NewEpoch, [31].as_slice()),
        ("slow", sample(111, 200), Verdict::NewEpoch, &[111]),
        ("agrees", sample(30, 40), Verdict::Kept, &[0, 30]),
        ("slow and agrees", sample(110, 200), Verdict::IgnoredSlow, &[0]),
        ("cached", cached(3_000), Verdict::IgnoredCached, &[0]),
        ("told", told(300), Verdict::IgnoredUnmeasured, &[0]),
    ] {
        let mut window = Window::new(5);
        window.add(sample(0, 20));
        window.doubt();
        assert_eq!(window.add(newer), verdict, "{name}");
        assert_eq!(bases(&window), kept, "{name}");
        let settled = newer.worth() == Worth::Measured;
        assert_eq!(window.doubted, !settled, "{name}");
    }
}

#[test]
fn the_error_is_that_of_the_worst_sample_kept_and_grows_with_age() {
    let mut window = Window::new(5);
    assert_eq!((window.error(Ticks::ZERO), window.estimate()), (None, None));
    window.add(sample(0, 20));
    window.add(sample(0, 60));
    assert_eq!(window.error(Ticks::ZERO), Some(ms(30)));
    assert_eq!(window.error(Ticks::ZERO + Duration::from_secs(100)), Some(ms(40)));
}

#[test]
fn the_error_is_not_known_where_nobody_measured_it() {
    let mut window = Window::new(5);
    window.add(told(0));
    assert_eq!(window.error(Ticks::ZERO), None);
    window.add(sample(0, 60));
    assert_eq!(window.error(Ticks::ZERO), Some(ms(30)));
    window.add(told(0));
    assert_eq!(window.error(Ticks::ZERO), Some(ms(30)));
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let base = prop_oneof![any::<i64>(), -1_000_000_000_i64..1_000_000_000];
    let round_trip = prop::option::of((0_u64..5_000).prop_map(ms));
    let at = (0_u64..20_000).prop_map(|secs| Ticks::ZERO + Duration::from_secs(secs));
    let cached = prop::bool::weighted(0.2);
    (base, round_trip, cached, at).prop_map(|(base, round_trip, cached, at)| {
        let bound = round_trip.unwrap_or_default() / 2;
        Sample { base, bound, round_trip, cached, at }
    })
}

proptest! {
    #[test]
    fn a_window_is_neither_empty_nor_too_large_and_holds_nothing_slow(
        size in 1_usize..8,
        samples in prop::collection::vec((any_sample(), any::<bool>()), 1..40),
    ) {
        let mut window = Window::new(size);
        for (sample, doubt) in samples {
            if doubt {
                window.doubt();
            }
            let verdict = window.add(sample);
            prop_assert!((1..=size).contains(&window.len()));
            let newest = window.samples.back().copied();
            match verdict {
                Verdict::Kept => prop_assert_eq!(newest, Some(sample)),
                Verdict::NewEpoch => prop_assert_eq!(&window.samples, &[sample]),
                _ => prop_assert!(window.len() >= 1),
            }
            let limit = slowest_allowed(&window.samples);
            prop_assert!(!window.samples.iter().any(|kept| exceeds(limit, kept)));
            let worth = window.samples[0].worth();
            prop_assert!(window.samples.iter().all(|kept| kept.worth() == worth));
            prop_assert!(worth != Worth::Cached || window.len() == 1);
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
            let sample = Sample { base, bound: trip / 2, round_trip: Some(trip), ..sample(0, 0) };
            prop_assert_ne!(window.add(sample), Verdict::NewEpoch);
            let off = i128::from(window.estimate().unwrap()) - i128::from(ahead) * 1_000_000;
            prop_assert!(off.abs() <= nanos(window.error(Ticks::ZERO).unwrap()) + 1);
        }
    }

    /// Nor does the estimate break that promise where the clocks drift apart, doubted or not, at any later time.
    #[test]
    fn a_drifting_clock_stays_within_the_error(
        drift_ppm in -100_i64..=100,
        samples in prop::collection::vec((0_i64..3_000, 0_i64..3_000, 0_u64..5_000, any::<bool>()), 1..40),
        later in 0_u64..100_000,
    ) {
        let ahead = |secs: u64| i64::try_from(secs).unwrap() * 1_000 * drift_ppm;
        let mut window = Window::new(5);
        let mut secs = 0;
        for (there, back, pause, doubt) in samples {
            secs += pause;
            if doubt {
                window.doubt();
            }
            let trip = u64::try_from(there + back).unwrap();
            let base = ahead(secs) + (there - back) * 500_000;
            window.add(after(secs, Sample { base, ..sample(0, trip) }));
            for secs in [secs, secs + later] {
                let off = i128::from(window.estimate().unwrap()) - i128::from(ahead(secs));
                let now = Ticks::ZERO + Duration::from_secs(secs);
                prop_assert!(off.abs() <= nanos(window.error(now).unwrap()) + 1);
            }
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
