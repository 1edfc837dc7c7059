use std::{error::Error as _, sync::Arc, time::Duration};

use networkpype_time::{Resync, ServerTime, TimeError, TimeSynchronizer, from_fn};
use tokio::{task::JoinSet, time::timeout};

use crate::support::*;

async fn initialize(world: Arc<World>, synchronizer: TimeSynchronizer) -> Result<(), TimeError> {
    let provider = world.provider();
    synchronizer.update_server_time_if_not_initialized(&provider).await
}

#[tokio::test(start_paused = true)]
async fn a_hundred_first_callers_ask_once() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        callers.spawn(initialize(world.clone(), synchronizer.clone()));
    }
    for result in callers.join_all().await {
        result.unwrap();
    }
    assert_eq!((world.asked(), synchronizer.sample_count()), (1, 1));
    initialize(world.clone(), synchronizer).await.unwrap();
    assert_eq!(world.asked(), 1, "a later one does not ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_first_callers_on_many_threads_ask_once() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        callers.spawn(initialize(world.clone(), synchronizer.clone()));
    }
    callers.join_all().await;
    assert_eq!((world.asked(), synchronizer.sample_count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failure_does_not_poison_it() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    world.script([Meets::Failure]);
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        callers.spawn(initialize(world.clone(), synchronizer.clone()));
    }
    for result in callers.join_all().await {
        let error = result.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "the server is down");
        assert!(!error.is_timeout() && !error.is_not_configured());
    }
    assert_eq!((world.asked(), synchronizer.sample_count()), (1, 0));
    initialize(world.clone(), synchronizer.clone()).await.unwrap();
    assert_eq!((world.asked(), synchronizer.sample_count()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_leader_does_not_poison_it() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    world.script([Meets::Silence]);
    let leader = tokio::spawn(initialize(world.clone(), synchronizer.clone()));
    tokio::time::sleep(ms(1)).await;
    let mut followers = JoinSet::new();
    for _ in 0..10 {
        followers.spawn(initialize(world.clone(), synchronizer.clone()));
    }
    tokio::time::sleep(ms(1)).await;
    assert_eq!(world.asked(), 1);
    leader.abort();
    for result in followers.join_all().await {
        result.unwrap();
    }
    assert_eq!((world.asked(), synchronizer.sample_count()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_from_a_cancelled_leader_looks_first_whether_it_still_has_to_ask() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    world.script([Meets::Silence]);
    let leader = tokio::spawn(initialize(world.clone(), synchronizer.clone()));
    tokio::time::sleep(ms(1)).await;
    let follower = tokio::spawn(initialize(world.clone(), synchronizer.clone()));
    tokio::time::sleep(ms(1)).await;
    synchronizer.add_time_offset_sample(60_000 * MS);
    leader.abort();
    follower.await.unwrap().unwrap();
    assert_eq!((world.asked(), synchronizer.sample_count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn t1_a_hundred_rejected_callers_resync_once_and_are_all_healed() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    synchronizer.set_time_provider(world.provider());
    world.set_server(HOUR);
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (synchronizer, world) = (synchronizer.clone(), world.clone());
        callers.spawn(async move {
            synchronizer.resync().await.unwrap();
            assert_eq!(world.error_of(&synchronizer), 0);
        });
    }
    callers.join_all().await;
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_provider_a_resync_says_so() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let error = synchronizer.resync().await.unwrap_err().downcast::<TimeError>().unwrap();
    assert!(error.is_not_configured());

    synchronizer.set_time_provider(world.provider());
    synchronizer.resync().await.unwrap();
    assert!(synchronizer.remove_time_provider().is_some());
    synchronizer.resync().await.unwrap_err();
    assert!(synchronizer.is_initialized());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_holds_nobody_for_ever() {
    let world = World::new();
    let synchronizer = world.builder().timeout(ms(3_000)).build();
    world.script([Meets::Silence]);
    let mut callers = JoinSet::new();
    for _ in 0..10 {
        callers.spawn(initialize(world.clone(), synchronizer.clone()));
    }
    let all = timeout(ms(3_100), callers.join_all()).await.expect("all are told in time");
    assert!(all.into_iter().all(|result| result.unwrap_err().is_timeout()));
    initialize(world.clone(), synchronizer).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_needs_the_time_itself_does_not_wait_for_itself() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let (inner, server) = (synchronizer.clone(), world.clone());
    let provider = from_fn(move || {
        let (synchronizer, world) = (inner.clone(), server.clone());
        async move {
            initialize(world.clone(), synchronizer.clone()).await.unwrap();
            assert!(!synchronizer.is_initialized());
            synchronizer.resync().await.unwrap_err();
            Ok(ServerTime::new(world.server_time()))
        }
    });
    synchronizer.set_time_provider(provider);
    let resync = timeout(Duration::from_secs(1), synchronizer.resync());
    resync.await.expect("it does not wait for itself").unwrap();
    assert_eq!((world.asked(), world.error_of(&synchronizer)), (0, 0));
}
