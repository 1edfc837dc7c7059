//! Paused time over an in-memory transport: what waits for what, and what is known when it is cut off.

use std::{sync::Arc, time::Duration};

use networkpype_core::{
    RestRequest, RestResponse, RestTransport, SendProgress, Ticker, TokioTicker, TransportError,
    async_trait,
};
use networkpype_rest::{ErrorKind, Outcome, RestManager, RestManagerBuilder};
use networkpype_throttle::{RateLimit, Throttler};

/// Answers every request after this long.
struct Slow(Duration);

#[async_trait]
impl RestTransport for Slow {
    async fn send(
        &self,
        _: RestRequest,
        progress: &SendProgress,
    ) -> Result<RestResponse, TransportError> {
        assert!(progress.begin());
        let ticker = TokioTicker::new();
        ticker.sleep_until(ticker.now() + self.0).await;
        Ok(RestResponse::new(http::StatusCode::OK).with_body("1"))
    }
}

fn slow(secs: u64) -> RestManagerBuilder {
    RestManager::builder().base_url("https://api.test").connection(Slow(Duration::from_secs(secs)))
}

#[tokio::test(start_paused = true)]
async fn an_attempt_takes_thirty_seconds_at_most() {
    let manager = slow(29).build().expect("manager");
    manager.call(RestRequest::get("/")).await.expect("in time");
    let manager = slow(31).build().expect("manager");
    let ticker = TokioTicker::new();
    let error = manager.call(RestRequest::get("/")).await.expect_err("late");
    assert_eq!(ticker.now().as_nanos(), 30_000_000_000);
    assert!(error.is_timeout());
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test(start_paused = true)]
async fn the_request_has_its_own_timeouts() {
    let manager = slow(5).build().expect("manager");
    for request in [
        RestRequest::get("/").attempt_timeout(Duration::from_secs(2)),
        RestRequest::get("/").deadline(Duration::from_secs(2)),
    ] {
        let ticker = TokioTicker::new();
        let error = manager.call(request).await.expect_err("late");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
        assert_eq!(ticker.now().as_nanos(), 2_000_000_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_cannot_end_by_the_deadline_fails_at_once() {
    let throttler = Throttler::builder()
        .limit(RateLimit::new("one", 1, Duration::from_secs(60)))
        .safety_margin(0.0)
        .build()
        .expect("limits");
    let ticker = TokioTicker::new();
    ticker.sleep_until(ticker.now() + Duration::from_secs(100)).await;
    let manager = slow(0).throttler(throttler).default_limit("one").build().expect("manager");
    manager.call(RestRequest::get("/")).await.expect("first");
    let ticker = TokioTicker::new();
    let error = manager
        .call(RestRequest::get("/").deadline(Duration::from_secs(5)))
        .await
        .expect_err("no capacity in time");
    assert_eq!(ticker.now().as_nanos(), 0);
    assert!(error.is_timeout());
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(59)));
    assert_eq!(error.limit_id().map(|limit| limit.as_str()), Some("one"));
}

#[tokio::test(start_paused = true)]
async fn closing_lets_running_calls_end() {
    let manager = slow(3).build().expect("manager");
    let running = tokio::spawn({
        let manager = manager.clone();
        async move { manager.call(RestRequest::get("/")).await }
    });
    tokio::task::yield_now().await;
    manager.close(Duration::from_secs(5)).await;
    assert!(running.await.expect("task").is_ok());
    let error = manager.call(RestRequest::get("/")).await.expect_err("closed");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Closed, Outcome::NotSent));
}

#[tokio::test(start_paused = true)]
async fn closing_cancels_what_outlasts_its_grace() {
    let manager = slow(20).build().expect("manager");
    let running = tokio::spawn({
        let manager = manager.clone();
        async move { manager.call(RestRequest::get("/")).await }
    });
    tokio::task::yield_now().await;
    let ticker: Arc<dyn Ticker> = Arc::new(TokioTicker::new());
    tokio::join!(manager.close(Duration::from_secs(5)), manager.close(Duration::from_secs(1)));
    assert!(ticker.now().as_nanos() <= 5_000_000_000);
    let error = running.await.expect("task").expect_err("cancelled");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Closed, Outcome::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_sends_nothing() {
    let manager = slow(0).build().expect("manager");
    let error =
        manager.call(RestRequest::post("/").deadline(Duration::ZERO)).await.expect_err("too late");
    assert!(error.is_timeout());
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[tokio::test(start_paused = true)]
async fn a_second_close_does_not_cut_the_first_short() {
    let manager = slow(3).build().expect("manager");
    let running = tokio::spawn({
        let manager = manager.clone();
        async move { manager.call(RestRequest::get("/")).await }
    });
    tokio::task::yield_now().await;
    let closing = manager.close(Duration::from_secs(5));
    tokio::join!(closing, manager.close(Duration::ZERO));
    assert!(running.await.expect("task").is_ok());
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_a_call_that_nobody_polls() {
    let manager = slow(20).build().expect("manager");
    let mut call = Box::pin(manager.call(RestRequest::get("/")));
    assert!(futures_util::poll!(&mut call).is_pending());
    let ticker = TokioTicker::new();
    manager.close(Duration::from_secs(5)).await;
    assert_eq!(ticker.now().as_nanos(), 6_000_000_000, "its grace, and a second to leave");
    let error = call.await.expect_err("cancelled");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Closed, Outcome::Unknown));
}
