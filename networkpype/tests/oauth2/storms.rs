//! Many callers at once, over real sockets.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use networkpype::{
    Caller, Error, RestManager, RestRequest, RestResponse, async_trait,
    schemes::oauth2::{AuthorizationServer, Client, Discovery, Grant, OAuth2},
};
use networkpype_test::peers::{Kind, Peer};

use crate::issuer::{Issuer, Time};

fn scheme(issuer: &Issuer, time: &Time) -> (OAuth2, RestManager) {
    let auth = OAuth2::builder()
        .caller(RestManager::builder().build().expect("a manager"))
        .clock(time.clone())
        .ticker(time.clone())
        .server(AuthorizationServer::new(format!("{}/token", issuer.url())))
        .client(Client::public("native"))
        .grant(Grant::refresh_token("r0"))
        .build()
        .expect("a scheme");
    let api = RestManager::builder().base_url(issuer.url()).auth(auth.clone()).build();
    (auth, api.expect("a manager"))
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_a_thousand_callers_with_an_expired_token_make_one_request() {
    let (issuer, time) = (Issuer::start().await, Time::new());
    let (auth, api) = scheme(&issuer, &time);
    auth.token().await.expect("a token");
    time.pass(3600);
    // Most of them without a request of their own, for which a machine may lack sockets.
    let tokens = (0..900).map(|_| {
        let auth = auth.clone();
        tokio::spawn(async move { auth.token().await.expect("a token").access().clone() })
    });
    let calls = (0..100).map(|_| {
        let api = api.clone();
        let request = RestRequest::get("/orders").auth_required();
        tokio::spawn(async move { api.call(request).await.expect("called").status() })
    });
    let (tokens, calls): (Vec<_>, Vec<_>) = (tokens.collect(), calls.collect());
    for token in join_all(tokens).await {
        assert_eq!(token.expect("no panic").expose_str(), Some("a2"));
    }
    for status in join_all(calls).await {
        assert_eq!(status.expect("no panic"), 200);
    }
    assert_eq!(issuer.asked().len(), 2, "one for the first token and one for all");
    assert_eq!(issuer.reused(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn t9_a_storm_of_refusals_makes_one_refresh_and_each_request_is_sent_once_more_with_its_body()
{
    let (issuer, time) = (Issuer::start().await, Time::new());
    let (auth, api) = scheme(&issuer, &time);
    auth.token().await.expect("a token");
    time.pass(60);
    issuer.revoke();
    let calls = (0..100).map(|number| {
        let api = api.clone();
        let request = RestRequest::post("/orders").body(format!("order {number}")).auth_required();
        tokio::spawn(async move { api.call(request).await.expect("called").status() })
    });
    for status in join_all(calls.collect::<Vec<_>>()).await {
        assert_eq!(status.expect("no panic"), 200);
    }
    assert_eq!(issuer.asked().len(), 2);
    assert_eq!(issuer.reused(), 0);
    let api = issuer.api();
    for number in 0..100 {
        let body = format!("order {number}");
        let sent: Vec<_> = api.iter().filter(|(_, sent, _)| *sent == body).collect();
        // Who came late had the new token at once.
        assert!(sent.len() <= 2, "{sent:?}");
        assert_eq!(sent.last().map(|(token, ..)| token.as_str()), Some("Bearer a2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t13_a_storm_of_refusals_of_a_young_token_is_waited_out_and_then_makes_one_refresh() {
    let (issuer, time) = (Issuer::start().await, Time::new());
    let (auth, api) = scheme(&issuer, &time);
    auth.token().await.expect("a token");
    issuer.revoke();
    let calls = (0..100).map(|number| {
        let api = api.clone();
        let request = RestRequest::get(format!("/orders/{number}")).auth_required();
        tokio::spawn(async move { api.call(request).await.expect("called").status() })
    });
    for status in join_all(calls.collect::<Vec<_>>()).await {
        assert_eq!(status.expect("no panic"), 200);
    }
    assert_eq!(issuer.asked().len(), 2);
    assert!(issuer.api().len() <= 300, "at most twice more each");
}

/// Counts what is asked.
struct Counted {
    manager: RestManager,
    calls: Arc<AtomicUsize>,
}

#[async_trait]
impl Caller for Counted {
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.manager.call(request).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_a_thousand_callers_ask_a_server_of_others_once() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let calls = Arc::new(AtomicUsize::new(0));
    let manager = RestManager::builder().build().expect("a manager");
    let auth = OAuth2::builder()
        .caller(Counted { manager, calls: Arc::clone(&calls) })
        .discover(Discovery::openid(oidc.get("issuer")))
        .client(Client::with_secret_in_body("ccpost", "ccpost-secret"))
        .grant(Grant::client_credentials())
        .scope("read")
        .build()
        .expect("a scheme");
    let callers = (0..1000).map(|_| {
        let auth = auth.clone();
        tokio::spawn(async move { auth.token().await.expect("a token").generation() })
    });
    for generation in join_all(callers.collect::<Vec<_>>()).await {
        assert_eq!(generation.expect("no panic"), 1);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2, "its description, and a token");
}
