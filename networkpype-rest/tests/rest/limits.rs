use std::sync::{Arc, Mutex};

use networkpype_core::{
    Charge, LimitId, Permit, PermitHandle, Progress, Recovery, ResponseHead, RestRequest, Throttle,
    ThrottleError, Ticks, TransportError, TransportErrorKind, async_trait, mock::MockRest,
};
use networkpype_rest::{ErrorKind, Outcome};

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
    fn started(&mut self) {
        self.0.write("started");
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
    assert_eq!(diary.entries(), ["observe None 200"]);

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
