use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use http::Method;
use networkpype_core::{
    Auth, AuthError, BoxError, Recovery, RestRequest, RestResponse, Resync, WebSocketRequest,
    async_trait, mock::MockRest,
};
use networkpype_rest::{Error, ErrorKind, Outcome};
use serde::Deserialize;

use crate::support::{Seal, answering, over, response};

#[derive(Debug, Deserialize, PartialEq)]
struct Order {
    id: u64,
}

#[tokio::test]
async fn a_call_decodes_its_response() {
    let transport = answering(200, r#"{"id":7}"#);
    let manager = over(&transport).build().expect("manager");
    let order: Order = manager
        .execute_request(
            RestRequest::post("/orders").param("symbol", "BTC/USDT").json_object([("side", "BUY")]),
        )
        .await
        .expect("order");
    assert_eq!(order, Order { id: 7 });
    let mut sent = transport.requests().remove(0);
    assert_eq!(sent.method(), Method::POST);
    assert_eq!(sent.target(), "/v1/orders?symbol=BTC%2FUSDT");
    assert_eq!(sent.body_bytes().expect("bytes"), r#"{"side":"BUY"}"#);
    assert!(sent.headers()["user-agent"].to_str().expect("text").starts_with("networkpype/"));
}

#[tokio::test]
async fn processors_run_in_order_and_their_additions_are_signed() {
    let transport = answering(200, "1");
    let seal = Seal::new("s");
    let manager = over(&transport)
        .auth(seal.clone())
        .pre_processor(|request: RestRequest| Ok(request.param("a", 1)))
        .pre_processor(|request: RestRequest| Ok(request.param("b", 2)))
        .post_processor(|response: RestResponse| Ok(response.with_body("2")))
        .post_processor(|response: RestResponse| {
            let doubled = format!("{}0", response.text());
            Ok(response.with_body(doubled))
        })
        .build()
        .expect("manager");
    let value: u32 =
        manager.execute_request(RestRequest::get("/x").auth_required()).await.expect("value");
    assert_eq!(value, 20);
    assert_eq!(seal.seen()[0].query, "a=1&b=2");
}

#[tokio::test]
async fn a_failed_pre_processor_sends_nothing() {
    let transport = answering(200, "1");
    let manager = over(&transport)
        .pre_processor(|_: RestRequest| Err(BoxError::from("no")))
        .build()
        .expect("manager");
    let error = manager.call(RestRequest::get("/x")).await.expect_err("processor");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Processor, Outcome::NotSent));
    assert!(transport.requests().is_empty());
}

#[tokio::test]
async fn a_failed_post_processor_says_that_it_was_done() {
    let manager = over(&answering(200, "1"))
        .post_processor(|_: RestResponse| Err(BoxError::from("no")))
        .build()
        .expect("manager");
    let error = manager.call(RestRequest::post("/x")).await.expect_err("processor");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Processor, Outcome::Done));
}

#[tokio::test]
async fn a_request_that_is_to_be_signed_is_never_sent_unsigned() {
    let transport = answering(200, "1");
    let manager = over(&transport).build().expect("manager");
    let error = manager.call(RestRequest::get("/x").auth_required()).await.expect_err("no auth");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent));
    assert!(transport.requests().is_empty());
}

#[tokio::test]
async fn each_attempt_is_signed_anew_from_the_unsigned_original() {
    let transport = answering(401, "{}");
    let seal = Seal::new("s").recovering([Recovery::SignAgain, Recovery::Refreshed]);
    let manager = over(&transport).auth(seal.clone()).build().expect("manager");
    let response =
        manager.call(RestRequest::get("/x").param("a", 1).auth_required()).await.expect("response");
    assert_eq!(response.status(), 401);
    let queries: Vec<_> =
        transport.requests().iter_mut().map(|request| request.query_string().to_owned()).collect();
    assert_eq!(queries, ["a=1&seal=s-1", "a=1&seal=s-2", "a=1&seal=s-3"]);
    // And says to the scheme for which cause.
    let cause = |request: &RestRequest| request.extensions().get().copied();
    let causes: Vec<_> = transport.requests().iter().map(cause).collect();
    assert_eq!(causes, [None, Some(Recovery::SignAgain), Some(Recovery::Refreshed)]);
}

#[tokio::test]
async fn each_cause_is_mended_at_most_once() {
    let transport = answering(401, "{}");
    let seal = Seal::new("s").recovering([Recovery::SignAgain; 10]);
    let manager = over(&transport).auth(seal.clone()).build().expect("manager");
    let error = manager
        .execute_request::<()>(RestRequest::get("/x").auth_required())
        .await
        .expect_err("rejected");
    assert_eq!(transport.requests().len(), 2);
    assert!(error.is_auth() && error.outcome() == Outcome::Refused);
}

#[tokio::test]
async fn only_a_refusal_of_what_was_signed_asks_the_scheme() {
    for (status, signed, attempts) in [
        (401, true, 2),
        (400, true, 2),
        (401, false, 1),
        (408, true, 1),
        (429, true, 1),
        (418, true, 1),
        (500, true, 1),
        (200, true, 1),
    ] {
        let transport = answering(status, "{}");
        let seal = Seal::new("s").recovering([Recovery::SignAgain]);
        let manager = over(&transport).auth(seal).build().expect("manager");
        let mut request = RestRequest::get("/x");
        if signed {
            request = request.auth_required();
        }
        manager.call(request).await.expect("response");
        assert_eq!(transport.requests().len(), attempts, "{status} {signed}");
    }
}

#[derive(Clone, Default)]
struct CountingResync {
    calls: Arc<AtomicUsize>,
    fails: bool,
}

#[async_trait]
impl Resync for CountingResync {
    async fn resync(&self) -> Result<(), BoxError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.fails { Err("unreachable".into()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_wrong_clock_is_learnt_anew_once() {
    let answers = Arc::new(Mutex::new(vec![response(200, "1"), response(400, "{}")]));
    let transport =
        MockRest::new(move |_| Ok(answers.lock().expect("lock").pop().expect("answer")));
    let resync = CountingResync::default();
    let manager = over(&transport)
        .auth(Seal::new("s").recovering([Recovery::ResyncTime]))
        .resync(resync.clone())
        .build()
        .expect("manager");
    let value: u32 =
        manager.execute_request(RestRequest::get("/x").auth_required()).await.expect("value");
    assert_eq!((value, resync.calls.load(Ordering::Relaxed)), (1, 1));
}

#[tokio::test]
async fn a_resync_that_fails_leaves_the_rejection() {
    for resync in [None, Some(CountingResync { fails: true, ..Default::default() })] {
        let transport = answering(400, "skew");
        let mut builder = over(&transport).auth(Seal::new("s").recovering([Recovery::ResyncTime]));
        if let Some(resync) = resync {
            builder = builder.resync(resync);
        }
        let manager = builder.build().expect("manager");
        let response =
            manager.call(RestRequest::get("/x").auth_required()).await.expect("response");
        assert_eq!((response.status().as_u16(), transport.requests().len()), (400, 1));
    }
}

struct FailsSecondTime(AtomicUsize);

#[async_trait]
impl Auth for FailsSecondTime {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(request),
            _ => Err(AuthError::unsupported("no more")),
        }
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no"))
    }

    async fn on_rejected(
        &self,
        _: &networkpype_core::Rejection<'_>,
    ) -> Result<Recovery, AuthError> {
        Ok(Recovery::SignAgain)
    }
}

#[tokio::test]
async fn a_call_of_several_attempts_reports_the_worst_outcome() {
    let transport = answering(401, "{}");
    let manager =
        over(&transport).auth(FailsSecondTime(AtomicUsize::new(0))).build().expect("manager");
    let error =
        manager.call(RestRequest::get("/x").auth_required()).await.expect_err("second signing");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::Refused));
}

struct Verifying;

#[async_trait]
impl Auth for Verifying {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        Ok(request.extension(42_u32))
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no"))
    }

    async fn on_response(&self, signed: &RestRequest, _: &RestResponse) -> Result<(), AuthError> {
        assert_eq!(signed.extensions().get(), Some(&42_u32), "the request as signed");
        Err(AuthError::new(networkpype_core::AuthErrorKind::Verification, "forged"))
    }
}

#[tokio::test]
async fn a_response_that_does_not_verify_was_done_all_the_same() {
    let manager = over(&answering(200, "1")).auth(Verifying).build().expect("manager");
    let error = manager.call(RestRequest::get("/x").auth_required()).await.expect_err("forged");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::Done));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
}

#[tokio::test]
async fn a_mistake_in_a_setter_is_reported_by_the_call() {
    let transport = answering(200, "1");
    let manager = over(&transport).build().expect("manager");
    for request in [
        RestRequest::get("/x").header("x", "canary\r\ny: z"),
        RestRequest::get("/can ary"),
        RestRequest::get("https://user:canary@h/"),
        RestRequest::get("/{id}"),
    ] {
        let error = manager.call(request).await.expect_err("mistake");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    assert!(transport.requests().is_empty());
}

#[tokio::test]
async fn a_pre_processor_does_not_take_back_what_the_caller_asked_for() {
    let transport = answering(200, "1");
    let manager = over(&transport)
        .auth(Seal::new("s"))
        .pre_processor(|_: RestRequest| Ok(RestRequest::get("/another")))
        .build()
        .expect("manager");
    manager.call(RestRequest::get("/x").auth_required()).await.expect("response");
    let sent = transport.requests().remove(0);
    assert!(sent.headers().contains_key("x-seal"), "signed all the same");
    assert!(sent.headers()["x-seal"].is_sensitive());
}

#[tokio::test]
async fn an_anonymous_manager_can_never_authenticate() {
    let transport = answering(200, "1");
    let manager = over(&transport)
        .auth(Seal::new("s"))
        .default_header("x-api-key", "k")
        .user_agent("me/1")
        .pre_processor(|request: RestRequest| Ok(request.header("x-added", "1")))
        .anonymous()
        .build()
        .expect("manager");
    assert!(manager.call(RestRequest::get("/x").auth_required()).await.is_err());
    manager.call(RestRequest::get("/x")).await.expect("response");
    let sent = transport.requests().remove(0);
    let names: Vec<_> = sent.headers().keys().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(
        (names, sent.headers()["user-agent"].as_bytes()),
        (vec!["user-agent".to_owned()], &b"me/1"[..])
    );
}

#[tokio::test]
async fn what_a_pre_processor_met_while_calling_is_passed_on() {
    let manager = over(&answering(200, "1"))
        .pre_processor(|_: RestRequest| {
            let met = Error::new(ErrorKind::Status, Outcome::Refused, "the time endpoint refused")
                .with_status(http::StatusCode::TOO_MANY_REQUESTS)
                .with_retry_after(Some(std::time::Duration::from_secs(7)));
            Err(BoxError::from(met))
        })
        .build()
        .expect("manager");
    let error = manager.call(RestRequest::get("/x")).await.expect_err("processor");
    assert!(error.is_throttled() && error.is_status());
    assert_eq!(error.outcome(), Outcome::NotSent, "the caller's own request");
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(7)));
}
