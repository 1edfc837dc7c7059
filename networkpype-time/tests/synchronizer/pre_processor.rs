use std::{sync::Arc, time::Duration};

use networkpype_core::{RestPreProcessor, RestRequest};
use networkpype_time::{
    ServerTime, TimeError, TimeRequest, TimeSynchronizerRestPreProcessor, from_fn,
};
use tokio::{task::JoinSet, time::timeout};

use crate::support::*;

fn signed() -> RestRequest {
    RestRequest::post("https://api.example.com/orders").auth_required()
}

fn public() -> RestRequest {
    RestRequest::get("https://api.example.com/ticker")
}

#[tokio::test(start_paused = true)]
async fn the_first_signed_requests_wait_for_one_answer() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let processor =
        TimeSynchronizerRestPreProcessor::new(synchronizer.clone()).time_provider(world.provider());
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let (processor, synchronizer, world) =
            (processor.clone(), synchronizer.clone(), world.clone());
        requests.spawn(async move {
            processor.pre_process(signed()).await.map(drop).unwrap();
            assert_eq!(world.error_of(&synchronizer), 0);
        });
    }
    requests.join_all().await;
    assert_eq!(world.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_public_request_waits_only_where_it_is_told_to() {
    let world = World::new();
    let processor =
        TimeSynchronizerRestPreProcessor::new(world.synchronizer()).time_provider(world.provider());
    processor.pre_process(public()).await.map(drop).unwrap();
    assert_eq!(world.asked(), 0);
    processor.every_request().pre_process(public()).await.map(drop).unwrap();
    assert_eq!(world.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_signed_request_after_a_sleep_learns_the_time_anew() {
    let world = World::new();
    let synchronizer = world.builder().provider(world.provider()).build();
    let processor = TimeSynchronizerRestPreProcessor::new(synchronizer.clone());
    processor.pre_process(signed()).await.map(drop).unwrap();
    world.sleep(HOUR);
    processor.pre_process(signed()).await.map(drop).unwrap();
    assert_eq!((world.asked(), world.error_of(&synchronizer)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn where_the_time_cannot_be_learnt_the_call_fails_unless_lenient() {
    let world = World::new();
    let processor =
        TimeSynchronizerRestPreProcessor::new(world.synchronizer()).time_provider(world.provider());
    world.script([Meets::Failure, Meets::Failure]);
    let error = processor.pre_process(signed()).await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "the server is down");
    processor.clone().lenient().pre_process(signed()).await.map(drop).unwrap();
    assert_eq!(world.asked(), 2);
    processor.pre_process(signed()).await.map(drop).unwrap();
}

#[tokio::test(start_paused = true)]
async fn somebody_to_ask_is_needed_only_without_samples() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let processor = TimeSynchronizerRestPreProcessor::new(synchronizer.clone());
    let error = processor.pre_process(signed()).await.unwrap_err();
    assert!(error.downcast::<TimeError>().unwrap().is_not_configured());
    synchronizer.add_time_offset_nanos_sample(0);
    processor.pre_process(signed()).await.map(drop).unwrap();
    world.sleep(HOUR);
    processor.pre_process(signed()).await.map(drop).unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn the_time_request_does_not_wait_for_itself() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let processor = TimeSynchronizerRestPreProcessor::new(synchronizer.clone()).every_request();
    let processor = Arc::new(processor);

    // In the provider's own task no mark is needed, in another it is.
    for (request, elsewhere) in [(signed(), false), (signed().extension(TimeRequest), true)] {
        let (inner, server) = (processor.clone(), world.clone());
        synchronizer.set_time_provider(from_fn(move || {
            let (processor, world, request) = (inner.clone(), server.clone(), request.clone());
            async move {
                let time_request = async move { processor.pre_process(request).await.map(drop) };
                if elsewhere {
                    tokio::spawn(time_request).await??;
                } else {
                    time_request.await?;
                }
                Ok(ServerTime::new(world.server_time()))
            }
        }));
        let first = timeout(Duration::from_secs(1), processor.pre_process(signed()));
        first.await.expect("it does not wait for itself").map(drop).unwrap();
        assert_eq!(world.error_of(&synchronizer), 0);
        synchronizer.clear_time_offset_samples();
    }
}
