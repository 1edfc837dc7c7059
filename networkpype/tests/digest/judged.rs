//! Servers of others: Apache's mod_auth_digest and PyPI's httpbin.

use std::time::Duration;

use networkpype::{
    RestManager, RestRequest,
    schemes::{Digest, digest::DigestAlgorithm},
};
use networkpype_test::peers::{Kind, Peer};

use crate::counted::{Counted, requests, status};

const MANY: u32 = 64;

fn counted(peer: &Peer, auth: Digest) -> (RestManager, Counted) {
    let counted = Counted::new(auth);
    let api = RestManager::builder().base_url(peer.url("")).auth(counted.clone()).build();
    (api.expect("a manager"), counted)
}

fn of(peer: &Peer, user: &str, password: &str) -> (RestManager, Counted) {
    counted(peer, Digest::new(user, password).expect("usable"))
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_passwords_in_utf_8_and_proves_that_it_knows_them() {
    let Some(apache) = Peer::start(Kind::DigestBasicApache, &[("NONCE_TTL", "60")]) else { return };
    for (user, password, expected) in [
        ("u", "p:w", 200),
        ("j\u{e4}s\u{f8}n", "s\u{e9}cret", 200),
        ("u", "p", 401),
        ("j\u{e4}s\u{f8}n", "secret", 401),
        ("other", "p:w", 401),
        ("", "", 401),
    ] {
        let (api, counted) = of(&apache, user, password);
        let calls = counted.calls(&api, 1, &RestRequest::get("/d/?a=%20b&c=/?")).await;
        assert_eq!((status(&calls), requests(&calls)), (expected, 2), "{user}");
        // Ahead, or with a nonce that is new to a password that is still wrong.
        let calls = counted.calls(&api, 1, &RestRequest::get("/d/")).await;
        assert_eq!((status(&calls), requests(&calls)), (expected, 1), "{user}");
        if expected == 200 {
            let response = calls[0].0.as_ref().expect("an answer");
            let info = response.headers()["authentication-info"].to_str().expect("text");
            assert!(info.contains("rspauth="), "{info}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_is_asked_by_many_at_once() {
    let Some(apache) = Peer::start(Kind::DigestBasicApache, &[("NONCE_TTL", "60")]) else { return };
    for (password, expected) in [("p:w", 200), ("wrong", 401)] {
        let (api, counted) = of(&apache, "u", password);
        let first = counted.calls(&api, MANY, &RestRequest::get("/d/")).await;
        assert_eq!(status(&first), expected);
        assert!(requests(&first) <= 2 * MANY as usize, "{first:?}");
        let then = counted.calls(&api, MANY, &RestRequest::get("/d/")).await;
        assert_eq!((status(&then), requests(&then)), (expected, MANY as usize));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_calls_nonces_stale_and_each_call_goes_on_with_another() {
    let Some(apache) = Peer::start(Kind::DigestBasicApache, &[("NONCE_TTL", "1")]) else { return };
    let (api, counted) = of(&apache, "u", "p:w");
    let first = counted.calls(&api, 1, &RestRequest::get("/d/")).await;
    assert_eq!(status(&first), 200);
    // Five seconds in all, though the first wait is longer than a nonce lives.
    for _ in 0..4 {
        // Apache hands out the next nonce with each response, so one only ages while nothing is asked.
        tokio::time::sleep(Duration::from_millis(1_250)).await;
        let calls = counted.calls(&api, MANY, &RestRequest::get("/d/")).await;
        assert_eq!(status(&calls), 200);
        if requests(&calls) > MANY as usize {
            return;
        }
    }
    panic!("no nonce has become stale");
}

#[tokio::test(flavor = "multi_thread")]
async fn httpbin_takes_every_hash_and_qop_from_one_and_from_many_at_once() {
    let Some(httpbin) = Peer::start(Kind::DigestHttpbin, &[]) else { return };
    for algorithm in ["MD5", "SHA-256", "SHA-512"] {
        for qop in ["auth", "auth-int", "both"] {
            let request = RestRequest::get(format!("/digest-auth/{qop}/me/s3cret/{algorithm}"));
            for (password, expected) in [("s3cret", 200), ("S3cret", 401)] {
                let auth = Digest::builder("me", password).prefer_integrity();
                let (api, counted) = counted(&httpbin, auth.build().expect("usable"));
                let one = counted.calls(&api, 1, &request).await;
                assert_eq!((status(&one), requests(&one)), (expected, 2), "{algorithm} {qop}");
                let (api, counted) = of(&httpbin, "me", password);
                let many = counted.calls(&api, MANY, &request).await;
                assert_eq!(status(&many), expected, "{algorithm} {qop}");
                assert!(requests(&many) <= 2 * MANY as usize, "{algorithm} {qop}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn httpbin_reads_the_body_that_is_protected() {
    let Some(httpbin) = Peer::start(Kind::DigestHttpbin, &[]) else { return };
    let (api, counted) = of(&httpbin, "me", "s3cret");
    let request = RestRequest::get("/digest-auth/auth-int/me/s3cret/SHA-256").body("hello");
    let calls = counted.calls(&api, 1, &request.header("Content-Type", "text/plain")).await;
    assert_eq!((status(&calls), requests(&calls)), (200, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn httpbin_is_left_alone_when_each_nonce_is_stale_at_once() {
    let Some(httpbin) = Peer::start(Kind::DigestHttpbin, &[]) else { return };
    for count in [1, MANY] {
        let (api, counted) = of(&httpbin, "me", "s3cret");
        // How often a nonce may be used is what httpbin keeps in a cookie.
        let request = RestRequest::get("/digest-auth/auth/me/s3cret/MD5/0");
        let request = request.header("Cookie", "stale_after=0");
        let calls = counted.calls(&api, count, &request).await;
        assert_eq!(status(&calls), 401);
        // The challenge, a nonce that is stale, and one more.
        assert!(requests(&calls) <= 3 * count as usize, "{calls:?}");
        assert!(calls.iter().any(|(_, taken)| taken.requests == 3), "{calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn httpbin_gets_no_answer_with_a_hash_that_is_too_weak() {
    let Some(httpbin) = Peer::start(Kind::DigestHttpbin, &[]) else { return };
    for (algorithm, expected) in [("SHA-256", Some(200)), ("MD5", None)] {
        let auth = Digest::builder("me", "s3cret").min_algorithm(DigestAlgorithm::Sha256);
        let (api, counted) = counted(&httpbin, auth.build().expect("usable"));
        let request = RestRequest::get(format!("/digest-auth/auth/me/s3cret/{algorithm}"));
        let calls = counted.calls(&api, 1, &request).await;
        let status = calls[0].0.as_ref().ok().map(|response| response.status().as_u16());
        assert_eq!(status, expected, "{calls:?}");
    }
}
