use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use networkpype_core::{
    Charge, LimitId, Permit, PermitHandle, Progress, Recovery, ResponseHead, RestRequest,
    RestResponse, RestTransport, SendProgress, Throttle, ThrottleError, Ticks, TransportError,
    TransportErrorKind, async_trait, mock::MockRest,
};
use networkpype_rest::{ErrorKind, Outcome, RestManager};
use networkpype_throttle::{RateLimit, Throttler};

use crate::support::{Seal, answering, over};

/// Grants everything and writes down what happens.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, entry: impl Into<String>) {
        self.0.lock().expect("lock").push(entry.into());
    }

    fn entries(&self) -> Vec<String> {
        self.0.lock().expect("lock").clone()
    }
}

struct Entry(Diary);

impl PermitHandle for Entry {
    fn started(&mut self) -> Result<(), ThrottleError> {
        self.0.write("started");
        Ok(())
    }

    fn answered(&mut self, _: Ticks) {
        self.0.write("answered");
    }

    fn refund(&mut self) {
        self.0.write("refund");
    }
}

#[async_trait]
impl Throttle for Diary {
    async fn acquire(
        &self,
        charge: &Charge<'_>,
        _: Option<Ticks>,
    ) -> Result<Permit, ThrottleError> {
        self.try_acquire(charge)
    }

    fn try_acquire(&self, charge: &Charge<'_>) -> Result<Permit, ThrottleError> {
        let unsigned =
            charge.request.is_none_or(|request| !request.headers().contains_key("x-seal"));
        assert!(unsigned, "the throttle sees the unsigned request");
        self.write(format!("acquire {:?} {:?}", charge.limit, charge.weight));
        Ok(Permit::new(Entry(self.clone())))
    }

    fn observe(&self, limit: Option<&LimitId>, response: ResponseHead<'_>, _: Ticks) {
        self.write(format!("observe {limit:?} {}", response.status.as_u16()));
    }
}

#[tokio::test]
async fn every_attempt_is_charged_before_it_is_signed() {
    let diary = Diary::default();
    let manager = over(&answering(401, "{}"))
        .throttler(diary.clone())
        .auth(Seal::new("s").recovering([Recovery::SignAgain]))
        .build()
        .expect("manager");
    manager
        .call(RestRequest::get("/x").limit("orders").weight(5).auth_required())
        .await
        .expect("response");
    let once =
        ["acquire Some(\"orders\") Some(5)", "started", "answered", "observe Some(\"orders\") 401"];
    assert_eq!(diary.entries(), [once, once].concat());
}

#[tokio::test]
async fn a_request_without_a_limit_is_refused_when_there_are_limits() {
    let transport = answering(200, "{}");
    let diary = Diary::default();
    let manager = over(&transport).throttler(diary.clone()).build().expect("manager");
    let error = manager.call(RestRequest::get("/x")).await.expect_err("no limit");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Throttled, Outcome::NotSent));
    assert!(transport.requests().is_empty());

    manager.call(RestRequest::get("/x").unlimited()).await.expect("said aloud");
    assert_eq!(diary.entries(), ["acquire None None", "started", "answered", "observe None 200"]);

    let diary = Diary::default();
    let manager =
        over(&transport).throttler(diary.clone()).default_limit("all").build().expect("manager");
    manager.call(RestRequest::get("/x")).await.expect("response");
    assert_eq!(diary.entries()[0], "acquire Some(\"all\") None");
}

#[tokio::test]
async fn what_was_not_sent_is_given_back() {
    for (progress, last) in [(Progress::NotSent, "refund"), (Progress::Sent, "started")] {
        let diary = Diary::default();
        let transport = MockRest::new(move |_| {
            Err(TransportError::new(TransportErrorKind::Io, progress, "broken"))
        });
        let manager = over(&transport)
            .throttler(diary.clone())
            .default_limit("all")
            .build()
            .expect("manager");
        manager.call(RestRequest::get("/x")).await.expect_err("broken");
        assert_eq!(diary.entries().last().map(String::as_str), Some(last));
    }
}

#[tokio::test]
async fn a_pre_processor_does_not_change_the_limit_by_leaving_it_out() {
    let diary = Diary::default();
    let manager = over(&answering(200, "{}"))
        .throttler(diary.clone())
        .default_limit("all")
        .pre_processor(|_: RestRequest| Ok(RestRequest::get("/another")))
        .build()
        .expect("manager");
    manager.call(RestRequest::get("/x").limit("orders")).await.expect("response");
    manager.call(RestRequest::get("/x").unlimited()).await.expect("response");
    let acquired: Vec<_> =
        diary.entries().into_iter().filter(|entry| entry.starts_with("acquire")).collect();
    assert_eq!(acquired, ["acquire Some(\"orders\") None", "acquire None None"]);
}

/// Keeps what it is given and says nothing about it: never answers, or fails when `fails`.
#[derive(Clone, Default)]
struct Silent {
    kept: Arc<Mutex<Vec<SendProgress>>>,
    fails: bool,
}

#[async_trait]
impl RestTransport for Silent {
    async fn send(
        &self,
        _: RestRequest,
        progress: &SendProgress,
    ) -> Result<RestResponse, TransportError> {
        self.kept.lock().expect("lock").push(progress.clone());
        match self.fails {
            true => Err(TransportError::new(TransportErrorKind::Io, Progress::Sent, "broken")),
            false => std::future::pending().await,
        }
    }
}

fn over_silent(transport: &Silent) -> (RestManager, Throttler) {
    let throttler =
        Throttler::new([RateLimit::new("all", 10, Duration::from_secs(60))]).expect("limits");
    let manager = RestManager::builder()
        .base_url("https://api.test")
        .connection(transport.clone())
        .throttler(throttler.clone())
        .default_limit("all")
        .build()
        .expect("manager");
    (manager, throttler)
}

#[tokio::test]
async fn a_call_that_is_dropped_before_it_wrote_gives_its_capacity_back() {
    let transport = Silent::default();
    let (manager, throttler) = over_silent(&transport);
    let mut call = Box::pin(manager.call(RestRequest::get("/x")));
    assert!(futures_util::poll!(&mut call).is_pending());
    assert_eq!(throttler.usage("all").expect("limit").used, 1);
    drop(call);
    assert_eq!(throttler.usage("all").expect("limit").used, 0, "whatever the transport keeps");
    assert_eq!(transport.kept.lock().expect("lock").len(), 1);
}

#[tokio::test]
async fn what_a_transport_says_was_sent_stays_charged() {
    let transport = Silent { fails: true, ..Silent::default() };
    let (manager, throttler) = over_silent(&transport);
    manager.call(RestRequest::get("/x")).await.expect_err("broken");
    assert_eq!(throttler.usage("all").expect("limit").used, 1);
}
