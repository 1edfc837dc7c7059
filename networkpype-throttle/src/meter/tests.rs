use super::*;

fn at(nanos: u64) -> Ticks {
    Ticks::from_nanos(nanos)
}

fn measures(capacity: u32, interval: Duration) -> Measures {
    Measures::new(&RateLimit::new("a", capacity, interval), capacity, 1.0)
}

fn sliding(capacity: u32, interval: Duration) -> Meter {
    Meter::new(&measures(capacity, interval))
}

/// The instant `nanos` on a machine whose wall clock does not matter.
fn moment(nanos: u64) -> Moment {
    Moment { now: at(nanos), wall: 0 }
}

fn window_of(meter: &Meter) -> &SlidingWindow {
    match &meter.settled {
        Settled::Sliding(window) => window,
        other => panic!("{other:?}"),
    }
}

/// A window of `capacity` per 100 ns that holds `log`, at the instant of its last entry.
fn window(capacity: u32, log: &[(u64, u64)]) -> Meter {
    let mut window = sliding(capacity, Duration::from_nanos(100));
    for &(instant, weight) in log {
        window.hold(weight);
        window.settle(weight, at(instant));
    }
    window
}

#[test]
fn weight_counts_through_the_last_nanosecond_of_its_window() {
    for (now, used) in [(0, 3), (99, 3), (100, 3), (101, 2), (110, 2), (111, 0)] {
        let mut window = window(10, &[(0, 1), (10, 2)]);
        window.expire(moment(now));
        assert_eq!(window.used(), used, "at {now}");
    }
}

#[test]
fn entries_of_one_instant_are_one_entry() {
    let mut window = window(1_000, &[(5, 1), (5, 2), (6, 1)]);
    assert_eq!(window_of(&window).len().0, 2);
    window.expire(moment(106));
    assert_eq!((window_of(&window).len().0, window.used()), (1, 1));
}

#[test]
fn weight_is_added_and_taken_where_it_started() {
    let mut window = window(10, &[(0, 2), (10, 3), (20, 1)]);
    window.add(4, at(10), at(20));
    window.add(1, at(5), at(20));
    window.remove(2, at(0), at(0));
    window.remove(99, at(20), at(20));
    window.remove(7, at(1), at(1));
    assert_eq!(window_of(&window).len(), (2, 0));
    for (over, leaves) in [(1, 106), (2, 111), (8, 111)] {
        assert_eq!(window.free_at(2 + over).at, Some(at(leaves)), "{over}");
    }
    assert_eq!(window.used(), 8);
    window.add(4, at(10), at(111));
    assert_eq!(window.used(), 8, "what left the window takes no more");
}

#[test]
fn reserved_weight_counts_until_it_is_released_or_started() {
    let mut window = window(10, &[]);
    window.hold(7);
    window.expire(moment(1_000_000));
    assert!(window.fits(3) && !window.fits(4));
    assert_eq!(window.free_at(4), Free { at: None, needs_more: true }, "time alone frees nothing");
    window.settle(7, at(1_000_000));
    assert_eq!(window.free_at(4).at, Some(at(1_000_101)));
}

#[test]
fn room_appears_when_enough_has_left() {
    let window = window(10, &[(0, 2), (10, 3), (20, 5)]);
    for (weight, instant) in [(0, 0), (1, 101), (2, 101), (3, 111), (5, 111), (6, 121), (10, 121)] {
        assert_eq!(window.free_at(weight).at, Some(at(instant)), "weight {weight}");
    }
}

#[test]
fn the_earliest_grant_counts_whole_windows_of_what_is_ahead() {
    let full = window(10, &[(0, 4), (10, 6)]);
    let half = window(10, &[(0, 4)]);
    for (window, ahead, weight, instant) in [
        (&full, 0, 1, 101),
        (&full, 3, 1, 101),
        (&full, 4, 1, 111),
        (&full, 0, 10, 111),
        (&full, 9, 1, 111),
        (&full, 10, 1, 202),
        (&full, 99, 1, 10 + 10 * 101),
        (&half, 0, 6, 10),
        (&half, 0, 7, 101),
        (&half, 6, 1, 101),
        (&half, 9, 1, 101),
        (&half, 10, 1, 10 + 101),
        (&half, 16, 1, 202),
    ] {
        assert_eq!(window.earliest(ahead, weight, at(10)), at(instant), "{weight} after {ahead}");
    }
}

#[test]
fn what_a_window_holds_when_it_grows_counts_for_the_longer_time() {
    let mut window = window(10, &[(0, 1), (50, 2)]);
    window.resize(&measures(10, Duration::from_nanos(1_000)), moment(101));
    assert_eq!(window.used(), 2, "what had left is not known any more");
    window.expire(moment(1_050));
    assert_eq!(window.used(), 2);
    window.expire(moment(1_051));
    assert_eq!(window.used(), 0);
}

#[test]
fn an_interval_that_is_shortened_and_restored_loses_nothing() {
    let mut window = window(10, &[(0, 1), (50, 2)]);
    window.resize(&measures(10, Duration::from_nanos(10)), moment(55));
    assert_eq!(window.used(), 2);
    window.expire(moment(61));
    assert_eq!(window.used(), 0);
    window.add(4, at(0), at(61));
    window.remove(1, at(50), at(50));
    window.resize(&measures(10, Duration::from_nanos(100)), moment(100));
    assert_eq!(window.used(), 6, "five from 0, one from 50");
    window.expire(moment(101));
    assert_eq!(window.used(), 1);
    window.expire(moment(151));
    assert!(window.is_empty());
}

#[test]
fn what_a_shortened_interval_forgot_is_bounded_by_what_it_held_before() {
    let mut window = window(10, &[(0, 1)]);
    window.resize(&measures(10, Duration::from_nanos(10)), moment(5));
    for now in 6..90 {
        window.hold(1);
        window.settle(1, at(now));
        window.expire(moment(now));
        assert!(window_of(&window).len().0 <= 11 && window_of(&window).len().1 <= 1, "at {now}");
    }
    window.expire(moment(101));
    assert_eq!(
        (window_of(&window).len().1, window_of(&window).shortened()),
        (0, Some((at(5), 100)))
    );
    window.expire(moment(106));
    assert!(window.is_empty() && window_of(&window).shortened().is_none());
}

#[test]
fn a_window_without_end_neither_frees_nor_overflows() {
    let mut window = sliding(u32::MAX, Duration::MAX);
    window.hold(u64::from(u32::MAX));
    window.settle(u64::from(u32::MAX), at(7));
    window.expire(Moment { now: Ticks::MAX, wall: 0 });
    assert!(!window.fits(1));
    assert_eq!(window.free_at(1).at, None);
    assert_eq!(window.earliest(u64::MAX, u64::MAX, Ticks::MAX), Ticks::MAX);
    window.hold(u64::MAX);
    assert_eq!(window.used(), u64::MAX);
}
