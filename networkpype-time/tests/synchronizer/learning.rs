use networkpype_time::{ServerTime, Verdict};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_sample_is_taken_in_the_middle_of_its_round_trip() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    assert_eq!(world.error_of(&synchronizer), 0);
    assert_eq!(synchronizer.offset_nanos(), Some(60_000 * MS));
    assert_eq!(synchronizer.error_bound(), Some(ms(10)));
    tokio::time::sleep(ms(86_400_000)).await;
    assert_eq!(world.error_of(&synchronizer), 0);
}

#[tokio::test(start_paused = true)]
async fn t1_a_one_hour_jump_is_learnt_from_one_sample() {
    for jump in [HOUR, -HOUR] {
        let world = World::new();
        let synchronizer = synchronized(&world).await;
        for _ in 0..4 {
            learn(&world, &synchronizer).await;
        }
        assert_eq!(synchronizer.sample_count(), 5);
        world.set_server(jump);
        learn(&world, &synchronizer).await;
        assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn t1_a_jump_is_learnt_from_a_slow_answer_too() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    world.set_server(HOUR);
    world.set_trip(4_000, 2_000);
    learn(&world, &synchronizer).await;
    assert_eq!(world.error_of(&synchronizer), 1_000 * MS);
}

#[tokio::test(start_paused = true)]
async fn t3_a_cached_response_is_ignored_unless_it_is_the_only_one() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    world.set_age(30);
    learn(&world, &synchronizer).await;
    assert_eq!(world.error_of(&synchronizer), 0, "the age is made up for");
    assert_eq!(synchronizer.error_bound(), Some(ms(1_010)));

    world.set_age(0);
    learn(&world, &synchronizer).await;
    assert_eq!((synchronizer.sample_count(), error_bound_ms(&synchronizer)), (1, Some(10)));

    world.set_age(1);
    learn(&world, &synchronizer).await;
    assert_eq!((synchronizer.sample_count(), error_bound_ms(&synchronizer)), (1, Some(10)));
}

#[tokio::test(start_paused = true)]
async fn t3_a_slow_sample_is_ignored_unless_it_is_the_only_one() {
    let world = World::new();
    world.set_trip(2_000, 0);
    let synchronizer = synchronized(&world).await;
    assert_eq!(world.error_of(&synchronizer), 1_000 * MS);
    assert_eq!(synchronizer.error_bound(), Some(ms(1_000)));

    world.set_trip(10, 10);
    learn(&world, &synchronizer).await;
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 1));

    world.set_trip(50, 11);
    learn(&world, &synchronizer).await;
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 1));

    world.set_trip(35, 25);
    learn(&world, &synchronizer).await;
    assert_eq!(synchronizer.sample_count(), 2, "three times the best is not slow yet");
}

#[tokio::test(start_paused = true)]
async fn t3_an_asymmetric_way_is_off_by_no_more_than_the_bound() {
    for (there, back) in [(300, 0), (0, 300), (200, 100)] {
        let world = World::new();
        world.set_trip(there, back);
        let synchronizer = synchronized(&world).await;
        let bound = synchronizer.error_bound().unwrap();
        assert_eq!(bound, ms(150));
        assert!(world.error_of(&synchronizer).unsigned_abs() <= bound.as_nanos() as u64);
    }
}

/// The numbers are those of `networkpype` 1.1.5; the pure module has the whole table.
#[tokio::test(start_paused = true)]
async fn the_estimate_of_given_samples_equals_the_python_formula() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    for millis in [1_000, 100, 102, 98, 101, 99] {
        synchronizer.add_time_offset_nanos_sample(millis * MS);
    }
    assert_eq!(synchronizer.offset_nanos(), Some(99_880_000));
    assert_eq!(synchronizer.sample_count(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_window_holds_as_many_samples_as_it_is_told() {
    let world = World::new();
    for (asked_for, kept) in [(0, 1), (1, 1), (2, 2), (7, 7), (usize::MAX, 1_000)] {
        let synchronizer = world.builder().window(asked_for).build();
        for offset in 0..1_010 {
            synchronizer.add_time_offset_nanos_sample(offset);
        }
        assert_eq!(synchronizer.sample_count(), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn every_sample_gets_a_verdict() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let at = |ahead: i64| ServerTime::new(world.wall_time().offset_by_nanos(ahead * MS));
    for (sample, verdict) in [
        (at(0).with_round_trip(ms(20)), Verdict::Kept),
        (at(0).with_round_trip(ms(70)), Verdict::IgnoredSlow),
        (at(0).with_age(ms(1)), Verdict::IgnoredCached),
        (at(9_000).with_round_trip(ms(20)), Verdict::NewEpoch),
    ] {
        assert_eq!(synchronizer.add_sample(sample), verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn without_samples_the_local_time_is_told() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    assert!(synchronizer.is_initialized());
    synchronizer.clear_time_offset_samples();
    for synchronizer in [synchronizer, world.synchronizer()] {
        assert_eq!(synchronizer.time(), world.wall_time());
        assert!(!synchronizer.is_initialized());
        assert_eq!((synchronizer.offset_nanos(), synchronizer.error_bound()), (None, None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_became_slower_for_good_does_not_end_the_learning() {
    let world = World::new();
    world.set_trip(5, 5);
    let synchronizer = synchronized(&world).await;
    world.set_trip(100, 100);
    let mut off = Vec::new();
    for _minute in 0..60 {
        tokio::time::sleep(ms(60_000)).await;
        // The server's clock is 50 ppm fast.
        world.set_server(3 * MS);
        learn(&world, &synchronizer).await;
        let (error, bound) = (world.error_of(&synchronizer), synchronizer.error_bound().unwrap());
        assert!(u128::from(error.unsigned_abs()) <= bound.as_nanos(), "{error} within {bound:?}");
        off.push(error / MS);
    }
    assert_eq!(off[10], -33, "as long as the quick sample is the better one");
    assert!(off[20..].iter().all(|off| off.abs() <= 15), "{off:?}");
}

#[tokio::test(start_paused = true)]
async fn the_error_bound_grows_with_age() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    assert_eq!(error_bound_ms(&synchronizer), Some(10));
    tokio::time::sleep(ms(3_600_000)).await;
    assert_eq!(error_bound_ms(&synchronizer), Some(370));
}

#[tokio::test(start_paused = true)]
async fn a_told_sample_does_not_throw_a_good_window_away() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    for _ in 0..4 {
        learn(&world, &synchronizer).await;
    }
    let late = ServerTime::new(world.server_time().offset_by_nanos(-300 * MS));
    assert_eq!(synchronizer.add_sample(late), Verdict::IgnoredUnmeasured);
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 5));
    assert_eq!(error_bound_ms(&synchronizer), Some(10));

    let elsewhere = ServerTime::new(world.server_time().offset_by_nanos(HOUR));
    assert_eq!(synchronizer.add_sample(elsewhere), Verdict::NewEpoch);
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (HOUR, 1));
    assert_eq!(synchronizer.error_bound(), None, "nobody knows how late it came");

    learn(&world, &synchronizer).await;
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 1));
    assert_eq!(error_bound_ms(&synchronizer), Some(10));
}
