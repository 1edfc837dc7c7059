use std::{error::Error as _, pin::pin, sync::Arc, task::Waker, time::Duration};

use networkpype_time::{Resync, ServerTime, TimeError, TimeSynchronizer, Verdict, from_fn};
use tokio::{task::JoinSet, time::timeout};

use crate::support::*;

async fn initialize(world: Arc<World>, synchronizer: TimeSynchronizer) -> Result<(), TimeError> {
    let provider = world.provider();
    synchronizer.update_server_time_if_not_initialized(provider).await
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
    synchronizer.add_time_offset_nanos_sample(60_000 * MS);
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

/// Polls `future` once, as a `select` does that then finds something better to do.
fn begin<F: Future>(future: std::pin::Pin<&mut F>) {
    let mut context = std::task::Context::from_waker(Waker::noop());
    assert!(future.poll(&mut context).is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_nobody_polls_holds_nobody_up() {
    let world = World::new();
    let synchronizer = world.builder().provider(world.provider()).build();
    let mut unpolled = pin!(synchronizer.ensure_initialized());
    begin(unpolled.as_mut());
    let other = timeout(ms(100), initialize(world.clone(), synchronizer.clone()));
    other.await.expect("it does not wait for the unpolled one").unwrap();
    assert_eq!((world.asked(), world.error_of(&synchronizer)), (1, 0));

    let mut unpolled_resync = pin!(synchronizer.resync());
    begin(unpolled_resync.as_mut());
    timeout(ms(100), synchronizer.resync()).await.expect("likewise").unwrap();
    assert_eq!(world.asked(), 2);
    unpolled.await.unwrap();
    unpolled_resync.await.unwrap();
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_caller_that_nobody_polls_goes_on() {
    let world = World::new();
    let synchronizer = world.builder().timeout(ms(3_000)).provider(world.provider()).build();
    world.script([Meets::Silence]);
    let mut unpolled = pin!(synchronizer.ensure_initialized());
    begin(unpolled.as_mut());
    let other = timeout(ms(3_100), initialize(world.clone(), synchronizer.clone()));
    assert!(other.await.expect("it is told in time").unwrap_err().is_timeout());
    initialize(world.clone(), synchronizer.clone()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_dropped_ends_its_question() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    world.script([Meets::Silence]);
    let caller = tokio::spawn(initialize(world.clone(), synchronizer.clone()));
    tokio::time::sleep(ms(1)).await;
    let left = Arc::downgrade(&synchronizer.clock());
    drop(synchronizer);
    caller.abort();
    tokio::time::sleep(ms(1)).await;
    assert!(left.upgrade().is_none(), "no task goes on");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_provider_is_told_to_all_who_waited() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    world.script([Meets::Panic]);
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        callers.spawn(initialize(world.clone(), synchronizer.clone()));
    }
    for result in callers.join_all().await {
        assert_eq!(result.unwrap_err().to_string(), "the time provider panicked");
    }
    assert_eq!(world.asked(), 1);
    initialize(world.clone(), synchronizer).await.unwrap();
}

/// Two servers that need each other's time.
#[tokio::test(start_paused = true)]
async fn two_synchronizers_that_ask_each_other_do_not_wait_for_themselves() {
    let world = World::new();
    let (here, there) = (world.synchronizer(), world.synchronizer());
    for (synchronizer, other) in [(&here, &there), (&there, &here)] {
        let (other, world) = (other.clone(), world.clone());
        synchronizer.set_time_provider(from_fn(move || {
            let (other, world) = (other.clone(), world.clone());
            async move {
                other.ensure_initialized().await?;
                Ok(ServerTime::new(world.server_time()))
            }
        }));
    }
    timeout(ms(100), here.ensure_initialized()).await.expect("nobody waits").unwrap();
    assert!(here.is_initialized() && there.is_initialized());
    here.remove_time_provider();
    there.remove_time_provider();
}

#[tokio::test(start_paused = true)]
async fn who_asks_learns_what_became_of_the_answer() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    for (there, back, verdict) in
        [(10, 10, Verdict::Kept), (100, 100, Verdict::IgnoredSlow), (3_000, 10, Verdict::NewEpoch)]
    {
        world.set_trip(there, back);
        if verdict == Verdict::NewEpoch {
            world.set_server(HOUR);
        }
        let asked = synchronizer.update_server_time_offset_with_time_provider(world.provider());
        assert_eq!(asked.await.unwrap(), verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_time_is_not_kept_for_a_slow_answer_that_contradicts_it() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    synchronizer.set_time_provider(world.provider());
    world.set_server(200 * MS);
    world.set_trip(50, 50);
    learn(&world, &synchronizer).await;
    assert_eq!(world.error_of(&synchronizer), -200 * MS, "slow, and less than the margin away");
    synchronizer.resync().await.unwrap();
    assert_eq!((world.error_of(&synchronizer), synchronizer.sample_count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_resync_that_a_cache_answers_does_not_claim_success() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    synchronizer.set_time_provider(world.provider());
    world.set_age(30);
    let error = synchronizer.resync().await.unwrap_err();
    assert!(error.to_string().contains("cache"), "{error}");
    assert_eq!(error_bound_ms(&synchronizer), Some(10));
}
