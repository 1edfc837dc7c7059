use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use networkpype_core::{
    BoxError, Caller, Error, Outcome, RestPreProcessor, RestRequest, RestResponse, Ticker, Timing,
};
use networkpype_time::{
    RestTimeProvider, Resync, ServerTime, TimeFormat, TimeSynchronizer,
    TimeSynchronizerRestPreProcessor, TokioTicker,
};
use tokio::time::{sleep, timeout};

use crate::support::*;

/// A manager with a server behind it, all in memory. Its ticker began at another time than the synchronizer's.
struct Manager {
    world: Arc<World>,
    ticker: TokioTicker,
    processor: Mutex<Option<TimeSynchronizerRestPreProcessor>>,
    plan: Mutex<Plan>,
}

#[derive(Clone, Default)]
struct Plan {
    wait: Duration,
    body_delay: Duration,
    processing: Duration,
    headers: HeaderMap,
    status: Option<StatusCode>,
    untimed: bool,
}

#[async_trait]
impl Caller for Manager {
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        let processor = self.processor.lock().unwrap().clone();
        if let Some(processor) = processor {
            // In a task of its own, so that only the request itself can say what it is.
            let pass = async move { processor.pre_process(request).await.map(drop) };
            tokio::spawn(pass).await.expect("no panic").expect("the processor lets it pass");
        }
        let plan = self.plan.lock().unwrap().clone();
        sleep(plan.wait).await;
        let started = self.ticker.now();
        let time = self.world.answer().await.expect("an answer").time();
        let answered = self.ticker.now();
        sleep(plan.body_delay).await;
        let timing = Timing::new(Arc::new(self.ticker), started, answered);
        let processing = plan.processing;
        let body = format!(r#"{{"serverTime":{}}}"#, time.as_millis());
        let response = RestResponse::new(plan.status.unwrap_or(StatusCode::OK))
            .with_headers(plan.headers)
            .with_body(body);
        let response = if plan.untimed { response } else { response.with_timing(timing) };
        // The post-processors of a manager get the whole response.
        sleep(processing).await;
        Ok(response)
    }
}

impl Manager {
    async fn new(world: &Arc<World>) -> Arc<Self> {
        sleep(ms(5_000)).await;
        Arc::new(Self {
            world: world.clone(),
            ticker: TokioTicker::new(),
            processor: Mutex::new(None),
            plan: Mutex::new(Plan::default()),
        })
    }

    fn plan(&self, plan: Plan) {
        *self.plan.lock().unwrap() = plan;
    }
}

fn request() -> RestRequest {
    RestRequest::get("/api/v3/time").limit("weight").auth_required()
}

async fn asking() -> (Arc<World>, Arc<Manager>, TimeSynchronizer) {
    let world = World::new();
    let manager = Manager::new(&world).await;
    let provider = RestTimeProvider::json_millis(manager.clone(), request(), "serverTime");
    let synchronizer = world.builder().provider(provider).build();
    (world, manager, synchronizer)
}

fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_capacity_does_not_blur_the_sample() {
    let (world, manager, synchronizer) = asking().await;
    manager.plan(Plan { wait: ms(4_000), ..Plan::default() });
    synchronizer.resync().await.unwrap();
    assert_eq!(world.error_of(&synchronizer), 0);
    assert_eq!(synchronizer.error_bound(), Some(ms(10)));
}

#[tokio::test(start_paused = true)]
async fn t3_a_body_that_comes_late_does_not_blur_the_sample() {
    let (world, manager, synchronizer) = asking().await;
    synchronizer.resync().await.unwrap();
    synchronizer.clear_time_offset_samples();
    manager.plan(Plan { wait: ms(500), body_delay: ms(4_000), ..Plan::default() });
    synchronizer.resync().await.unwrap();
    assert_eq!(world.error_of(&synchronizer), 0);
    assert_eq!(synchronizer.error_bound(), Some(ms(10)));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_was_not_timed_is_timed_by_the_synchronizer() {
    let (world, manager, synchronizer) = asking().await;
    manager.plan(Plan { untimed: true, ..Plan::default() });
    synchronizer.resync().await.unwrap();
    assert_eq!(world.error_of(&synchronizer), 0);
    assert_eq!(synchronizer.error_bound(), Some(ms(10)));
}

#[tokio::test(start_paused = true)]
async fn t3_the_age_header_tells_a_cached_response() {
    let (_, manager, synchronizer) = asking().await;
    for (age, counts) in [
        ("0", true),
        ("soon", true),
        ("", true),
        ("+1", true),
        ("1", false),
        ("3600", false),
        ("30, 60", false),
        ("30,0", false),
        ("99999999999999999999999", false),
    ] {
        synchronizer.clear_time_offset_samples();
        manager.plan(Plan::default());
        synchronizer.resync().await.unwrap();
        manager.plan(Plan { headers: headers(header::AGE, age), ..Plan::default() });
        assert_eq!(synchronizer.resync().await.is_ok(), counts, "{age}");
        assert_eq!(synchronizer.sample_count(), if counts { 2 } else { 1 }, "{age}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_age_that_overflows_is_that_of_a_cached_response() {
    let (_, manager, synchronizer) = asking().await;
    let headers = headers(header::AGE, "99999999999999999999999");
    manager.plan(Plan { headers, ..Plan::default() });
    synchronizer.resync().await.unwrap();
    assert_eq!(error_bound_ms(&synchronizer), Some(1_010));
}

#[tokio::test(start_paused = true)]
async fn t3_slow_processing_of_the_response_does_not_shift_the_clock() {
    let (world, manager, synchronizer) = asking().await;
    manager.plan(Plan { processing: ms(800), ..Plan::default() });
    synchronizer.resync().await.unwrap();
    assert_eq!(world.error_of(&synchronizer), 0);
    assert_eq!(synchronizer.error_bound(), Some(ms(10)));

    synchronizer.clear_time_offset_samples();
    manager.plan(Plan { processing: ms(800), untimed: true, ..Plan::default() });
    synchronizer.resync().await.unwrap();
    assert_eq!(world.error_of(&synchronizer), -400 * MS, "nobody can tell without a measurement");
    assert_eq!(synchronizer.error_bound(), Some(ms(410)));
}

#[tokio::test(start_paused = true)]
async fn what_a_reader_knows_better_counts() {
    type Told = fn(ServerTime) -> ServerTime;
    let cases: [(&str, Told, u128); 4] = [
        ("nothing", |time| time, 10),
        ("the round trip", |time| time.with_round_trip(ms(4)), 2),
        ("the lag", |time| time.with_lag(ms(1)), 10),
        ("its age", |time| time.with_age(ms(1)), 1_010),
    ];
    for (name, told, bound) in cases {
        let world = World::new();
        let manager = Manager::new(&world).await;
        let format = TimeFormat::json_millis("serverTime");
        let provider = RestTimeProvider::new(manager, request(), move |response| {
            format.read(response).map(told)
        });
        let synchronizer = world.builder().provider(provider).build();
        synchronizer.resync().await.unwrap();
        assert_eq!(error_bound_ms(&synchronizer), Some(bound), "{name}");
        let off = if name == "nothing" { 0 } else { 8 * MS };
        assert!(world.error_of(&synchronizer).abs() <= off, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_ages_the_greater_counts() {
    let (world, manager, _) = asking().await;
    for (header, told) in [("30", 10), ("10", 30), ("0", 30)] {
        manager.plan(Plan { headers: headers(header::AGE, header), ..Plan::default() });
        let read = move |_: &RestResponse| {
            let stale = ServerTime::new(networkpype_time::Timestamp::from_secs(1_000));
            Ok(stale.with_age(Duration::from_secs(told)))
        };
        let provider = RestTimeProvider::new(manager.clone(), request(), read);
        let synchronizer = world.builder().provider(provider).build();
        synchronizer.resync().await.unwrap();
        assert_eq!(synchronizer.time().as_secs(), 1_030, "{header} and {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_status_is_an_error_that_says_which() {
    let (_, manager, synchronizer) = asking().await;
    manager.plan(Plan {
        status: Some(StatusCode::TOO_MANY_REQUESTS),
        headers: headers(header::RETRY_AFTER, "7"),
        ..Plan::default()
    });
    let error = synchronizer.resync().await.unwrap_err();
    let cause = error.source().unwrap().downcast_ref::<Error>().unwrap();
    assert!(cause.is_throttled());
    assert_eq!(cause.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(cause.outcome(), Outcome::Refused);
    assert!(!synchronizer.is_initialized());
}

#[tokio::test(start_paused = true)]
async fn the_time_request_passes_through_its_own_manager() {
    let (world, manager, synchronizer) = asking().await;
    let processor = TimeSynchronizerRestPreProcessor::new(synchronizer.clone()).every_request();
    *manager.processor.lock().unwrap() = Some(processor);
    let call = timeout(Duration::from_secs(1), manager.call(request()));
    call.await.expect("nobody waits for itself").unwrap();
    assert_eq!(world.asked(), 2, "one asks for the time, and one is the call");
    assert_eq!(world.error_of(&synchronizer), 0);
}

#[tokio::test(start_paused = true)]
async fn a_date_header_is_enough_within_half_a_second() {
    let world = World::new();
    let manager = Manager::new(&world).await;
    let date = headers(header::DATE, "Tue, 14 Nov 2023 22:14:25 GMT");
    manager.plan(Plan { headers: date, ..Plan::default() });
    let provider = RestTimeProvider::formatted(manager, request(), TimeFormat::date_header());
    let synchronizer = world.builder().provider(provider).build();
    synchronizer.resync().await.unwrap();
    let bound = synchronizer.error_bound().unwrap();
    assert_eq!(bound, ms(510));
    assert!(world.error_of(&synchronizer).unsigned_abs() <= bound.as_nanos() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_ones_own_may_fail() {
    let world = World::new();
    let manager = Manager::new(&world).await;
    let provider = RestTimeProvider::new(manager, request(), |response| {
        Err::<networkpype_time::Timestamp, BoxError>(format!("{}", response.status()).into())
    });
    assert!(format!("{provider:?}").contains("/api/v3/time"));
    let synchronizer = world.builder().provider(provider).build();
    let error = synchronizer.resync().await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "200 OK");
}
