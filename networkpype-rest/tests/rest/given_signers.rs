//! Requests that bring a signer of their own.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use networkpype_core::{
    Auth, AuthError, Caller, ErrorKind, Outcome, Recovery, RestRequest, Ticker, Ticks, TokioTicker,
    WebSocketRequest, async_trait,
};
use networkpype_throttle::{RateLimit, Throttler};

use crate::support::{Seal, answering, over};

/// Notes when it signs, and may send the request elsewhere.
#[derive(Default)]
struct Stamp {
    at: Mutex<Vec<Ticks>>,
    ticker: TokioTicker,
    to: Option<&'static str>,
}

#[async_trait]
impl Auth for Stamp {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        self.at.lock().expect("lock").push(self.ticker.now());
        Ok(match self.to {
            Some(to) => RestRequest::get(to).header("x-key", "k"),
            None => request.header("x-key", "k"),
        })
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no WebSocket here"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_given_signer_signs_after_the_wait_for_capacity() {
    let transport = answering(200, "1");
    let throttler =
        Throttler::new([RateLimit::new("tokens", 1, Duration::from_secs(60))]).expect("limits");
    let manager = over(&transport).throttler(throttler).build().expect("a manager");
    let stamp = Arc::new(Stamp::default());
    for _ in 0..2 {
        let request = RestRequest::post("https://auth.test/token").limit("tokens");
        manager.call_signed(request, stamp.clone()).await.expect("called");
    }
    let at = stamp.at.lock().expect("lock").clone();
    assert!(at[1].saturating_since(at[0]) >= Duration::from_secs(60), "{at:?}");
    assert!(transport.requests().iter().all(|request| request.headers()["x-key"].is_sensitive()));
}

#[tokio::test]
async fn it_stands_in_for_the_managers_scheme_and_mends_what_it_can() {
    let transport = answering(401, "no");
    let own = Seal::new("own");
    let manager = over(&transport).auth(own.clone()).build().expect("a manager");
    let given = Seal::new("given").recovering([Recovery::NewNonce, Recovery::NewNonce]);
    // Also where the request asks for the manager's.
    let request = RestRequest::get("https://auth.test/token").auth_required();
    let response = manager.call_signed(request, Arc::new(given.clone())).await.expect("called");
    assert_eq!(response.status(), 401);
    assert_eq!((own.seen().len(), given.seen().len()), (0, 2));
}

#[tokio::test]
async fn it_sends_credentials_nowhere_but_where_the_request_went() {
    let transport = answering(200, "1");
    let manager = over(&transport).build().expect("a manager");
    for (url, to) in [
        ("https://auth.test/token", Some("https://elsewhere.test/token")),
        ("http://auth.test/token", None),
    ] {
        let stamp = Arc::new(Stamp { to, ..Stamp::default() });
        let error = manager.call_signed(RestRequest::get(url), stamp).await.expect_err("refused");
        let refused = (ErrorKind::OriginRefused, Outcome::NotSent);
        assert_eq!((error.kind(), error.outcome()), refused, "{error:?}");
    }
    assert!(transport.requests().is_empty());
}
