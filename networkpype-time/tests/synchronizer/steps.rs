use networkpype_time::{Resync, TimeError};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn t2_a_wall_clock_step_drops_all_samples() {
    for step in [HOUR, -HOUR, 1_001 * MS, -1_001 * MS] {
        let world = World::new();
        let synchronizer = synchronized(&world).await;
        world.set_wall(step);
        assert!(synchronizer.check_local_clock());
        assert_eq!(synchronizer.sample_count(), 0);
        assert_eq!(synchronizer.time(), world.wall_time());
        assert!(!synchronizer.check_local_clock(), "one step counts once");

        let provider = world.provider();
        synchronizer.update_server_time_if_not_initialized(provider).await.unwrap();
        assert_eq!(world.error_of(&synchronizer), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn t2_a_wall_clock_step_does_not_move_the_time() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    world.set_wall(-HOUR);
    assert_eq!(world.error_of(&synchronizer), 0);
}

#[tokio::test(start_paused = true)]
async fn a_suspend_drops_all_samples() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    world.sleep(HOUR);
    assert_eq!(world.error_of(&synchronizer), -HOUR, "nobody has compared the clocks yet");
    let provider = world.provider();
    synchronizer.update_server_time_if_not_initialized(provider).await.unwrap();
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 1));
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_new_sample_after_a_step_stands_alone() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    learn(&world, &synchronizer).await;
    world.set_wall(2_000 * MS);
    learn(&world, &synchronizer).await;
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 1));
    world.set_wall(2_000 * MS);
    synchronizer.add_time_offset_nanos_sample(0);
    assert_eq!(synchronizer.sample_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_being_slewed_has_not_stepped() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    for _ in 0..10 {
        world.set_wall(500 * MS);
        assert!(!synchronizer.check_local_clock());
    }
    assert!(synchronizer.is_initialized());
}

#[tokio::test(start_paused = true)]
async fn an_answer_during_which_the_clock_steps_is_asked_for_again() {
    let world = World::new();
    let synchronizer = world.builder().provider(world.provider()).build();
    world.script([Meets::Step(HOUR)]);
    synchronizer.resync().await.unwrap();
    assert_eq!((world.asked(), synchronizer.sample_count()), (2, 1));

    world.script([Meets::Step(HOUR), Meets::Step(-HOUR)]);
    let error = synchronizer.resync().await.unwrap_err();
    assert!(error.to_string().contains("clock was set"), "{error}");
    assert!(error.downcast::<TimeError>().is_ok());
    assert_eq!(world.asked(), 4);
}
