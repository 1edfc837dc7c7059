//! Servers that ask for ever, send elsewhere, or ask for what may not be given.

use networkpype::{ErrorKind, Outcome, RestManager, RestRequest, schemes::Digest};
use networkpype_test::{Exchange, Recorded, Reply};

use crate::counted::{Counted, requests, status};

const MANY: u32 = 64;

fn counted(exchange: &Exchange) -> (RestManager, Counted) {
    let counted = Counted::new(Digest::new("me", "s3cret").expect("usable"));
    let api = RestManager::builder().base_url(exchange.url()).auth(counted.clone()).build();
    (api.expect("a manager"), counted)
}

fn challenge(more: &str) -> Reply {
    Reply::text(401, "no").header("WWW-Authenticate", format!("Digest realm=r, qop=auth{more}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn challenges_without_end_come_to_an_end() {
    for (more, most) in [
        (", nonce=same", 2),
        (", nonce=same, stale=true", 3),
        (", realm=other, nonce=same, stale=true", 3),
    ] {
        let exchange =
            Exchange::builder().handler("/", move |_: &Recorded| challenge(more)).start();
        let (api, counted) = counted(&exchange);
        for count in [1, MANY] {
            let calls = counted.calls(&api, count, &RestRequest::get("/")).await;
            assert_eq!(status(&calls), 401);
            let one = calls.iter().map(|(_, taken)| taken.requests).max();
            assert!(one <= Some(most), "{more}: {calls:?}");
            assert!(requests(&calls) <= most * count as usize);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_realm_each_time_is_answered_once() {
    let number = std::sync::atomic::AtomicUsize::new(0);
    let exchange = Exchange::builder()
        .handler("/", move |_: &Recorded| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let challenge = format!("Digest realm=\"{number}\", nonce=n, qop=auth");
            Reply::text(401, "no").header("WWW-Authenticate", challenge)
        })
        .start();
    let (api, counted) = counted(&exchange);
    let calls = counted.calls(&api, 1, &RestRequest::get("/")).await;
    assert_eq!((status(&calls), requests(&calls)), (401, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_realms_of_one_server_each_get_their_own_answer() {
    let exchange = Exchange::builder()
        .handler("/", |request: &Recorded| {
            let realm = if request.path().starts_with("/a/") { "a" } else { "b" };
            let header = request.header("authorization").unwrap_or_default();
            if header.contains(&format!("realm=\"{realm}\"")) {
                return Reply::text(200, "in");
            }
            let challenge = format!("Digest realm=\"{realm}\", nonce=n, qop=auth");
            Reply::text(401, "no").header("WWW-Authenticate", challenge)
        })
        .start();
    let (api, counted) = counted(&exchange);
    for (path, expected) in [("/a/1", 2), ("/b/1", 2), ("/a/2", 1), ("/b/2", 1), ("/a/1", 1)] {
        let calls = counted.calls(&api, 1, &RestRequest::get(path)).await;
        assert_eq!((status(&calls), requests(&calls)), (200, expected), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_origin_takes_no_answer_along() {
    let elsewhere = Exchange::builder().handler("/", |_: &Recorded| challenge(", nonce=n")).start();
    let target = format!("{}/stolen", elsewhere.url());
    let exchange = Exchange::builder()
        .handler("/", move |request: &Recorded| match request.header("authorization") {
            None => challenge(&format!(", nonce=n, domain=\"/ {target}\"")),
            Some(_) => Reply::text(307, "there").header("Location", target.clone()),
        })
        .start();
    let (api, counted) = counted(&exchange);
    let calls = counted.calls(&api, 1, &RestRequest::get("/")).await;
    assert_eq!((status(&calls), requests(&calls)), (307, 2));
    assert_eq!(elsewhere.connections(), 0);
    // Nor does a request that is made there on purpose.
    let error = api.call(RestRequest::get(elsewhere.url()).auth_required()).await;
    assert_eq!(error.expect_err("not allowed").outcome(), Outcome::NotSent);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_offers_nothing_usable_is_told_apart_from_a_wrong_password() {
    let exchange = Exchange::builder()
        .handler("/", |_: &Recorded| {
            Reply::text(401, "no").header("WWW-Authenticate", "Basic realm=\"r\"")
        })
        .start();
    let (api, _) = counted(&exchange);
    let error = api.execute(RestRequest::get("/").auth_required()).await.expect_err("no Digest");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::Refused));
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("it offers Basic"), "{cause}");
    assert_eq!(exchange.requests().len(), 1);
}
