use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::support::*;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn the_background_task_asks_at_its_interval() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let _task = synchronizer.refresh_every(MINUTE, world.provider());
    for minute in 1..=10 {
        sleep(ms(100)).await;
        assert_eq!(world.asked(), minute);
        assert_eq!(world.error_of(&synchronizer), 0);
        world.set_server(-HOUR);
        sleep(MINUTE).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_background_task_stops_on_drop() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let task = synchronizer.refresh_every(MINUTE, world.provider());
    sleep(ms(100)).await;
    assert!(task.is_running());
    drop(task);
    sleep(60 * MINUTE).await;
    assert_eq!((world.asked(), synchronizer.sample_count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_background_task_ends_with_its_synchronizer() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let task = synchronizer.refresh_every(MINUTE, world.provider());
    sleep(ms(100)).await;
    let left = Arc::downgrade(&synchronizer.clock());
    drop(synchronizer);
    assert!(left.upgrade().is_none(), "a task that waits holds nothing");
    sleep(2 * MINUTE).await;
    assert!(!task.is_running());
    assert_eq!(world.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_refresh_backs_off_and_keeps_what_was_learnt() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    world.script([Meets::Failure; 100]);
    let _task = synchronizer.refresh_every(MINUTE, world.provider());
    let mut asked = Vec::new();
    for _ in 0..10 {
        sleep(MINUTE).await;
        asked.push(world.asked() - 1 - asked.iter().sum::<usize>());
    }
    // Waits of half to whole 1, 2, 4, 8, 16, 32 s fit into the first minute; then one of 30 to 60 s.
    assert!((6..=8).contains(&asked[0]), "{asked:?}");
    assert!(asked[2..].iter().all(|asked| (1..=2).contains(asked)), "{asked:?}");
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_works_again_keeps_its_interval_again() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    world.script([Meets::Failure; 3]);
    let _task = synchronizer.refresh_every(MINUTE, world.provider());
    sleep(ms(10_000)).await;
    assert_eq!((world.asked(), synchronizer.sample_count()), (4, 1));
    sleep(10 * MINUTE).await;
    assert_eq!(world.asked(), 14);
    world.script([Meets::Failure]);
    while world.asked() < 15 {
        sleep(ms(100)).await;
    }
    sleep(ms(1_200)).await;
    assert_eq!(world.asked(), 16, "the first wait after a failure is short again");
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_nothing_is_no_loop_without_pause() {
    let world = World::new();
    world.set_trip(0, 0);
    let synchronizer = world.synchronizer();
    let _task = synchronizer.refresh_every(Duration::ZERO, world.provider());
    sleep(ms(10)).await;
    assert!((5..=11).contains(&world.asked()), "{}", world.asked());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_after_a_sleep_leaves_no_sample_of_before() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    synchronizer.set_time_provider(world.provider());
    world.script([Meets::Failure; 100]);
    world.sleep(HOUR);
    networkpype_time::Resync::resync(&synchronizer).await.unwrap_err();
    assert_eq!((synchronizer.sample_count(), synchronizer.time()), (0, world.wall_time()));

    synchronizer.add_time_offset_nanos_sample(60_000 * MS);
    let _task = synchronizer.refresh_every(MINUTE, world.provider());
    sleep(ms(100)).await;
    world.sleep(HOUR);
    sleep(MINUTE).await;
    assert_eq!((synchronizer.sample_count(), synchronizer.time()), (0, world.wall_time()));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_does_not_end_the_background_task() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    world.script([Meets::Panic, Meets::Panic]);
    let task = synchronizer.refresh_every(MINUTE, world.provider());
    sleep(ms(10_000)).await;
    assert!(task.is_running());
    assert_eq!((world.asked(), synchronizer.sample_count()), (3, 1));
}
