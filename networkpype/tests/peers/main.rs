//! What servers of others make of passwords and tokens: Apache, httpbin and HAProxy.

#![cfg(feature = "full")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is the test's answer")]

use std::{fs, time::Duration};

use networkpype::{
    Auth, ErrorKind, RestManager, RestRequest,
    schemes::{
        Basic, Bearer, Jwt,
        jwt::{JwtAlgorithm, JwtBuilder, KeyEncoding},
    },
};
use networkpype_test::peers::{Kind, Peer};

/// The status that a request for `path` is answered with.
async fn status(peer: &Peer, path: &str, auth: impl Auth + 'static) -> u16 {
    let api = RestManager::builder().base_url(peer.url("")).auth(auth).build().expect("builds");
    match api.execute(RestRequest::get(path).auth_required().unlimited()).await {
        Ok(response) => response.status().as_u16(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Status, "{error:?}");
            error.status().expect("a status").as_u16()
        }
    }
}

fn basic(user: &str, password: &str) -> Basic {
    Basic::new(user, password).expect("usable")
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_passwords() {
    let Some(apache) = Peer::start(Kind::DigestBasicApache, &[]) else { return };
    for (user, password, expected) in [
        ("u", "p:w", 200),
        ("j\u{e4}s\u{f8}n", "s\u{e9}cret", 200),
        ("u", "p", 401),
        ("other", "p:w", 401),
        ("", "", 401),
    ] {
        let answer = status(&apache, "/b/", basic(user, password)).await;
        assert_eq!(answer, expected, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn httpbin_takes_passwords() {
    let Some(httpbin) = Peer::start(Kind::DigestHttpbin, &[]) else { return };
    for (password, expected) in [("s3cret", 200), ("S3cret", 401), ("", 401)] {
        let answer = status(&httpbin, "/basic-auth/me/s3cret", basic("me", password)).await;
        assert_eq!(answer, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_takes_tokens_of_each_key_and_no_others() {
    let Some(haproxy) = Peer::start(Kind::JwtHaproxy, &[]) else { return };
    let pem = |fact: &str| fs::read_to_string(haproxy.get(fact)).expect("a key");
    let claims = |builder: JwtBuilder| builder.claim("aud", haproxy.get("audience"));
    let signed = |algorithm, key: String| {
        claims(Jwt::with_key(algorithm, key, KeyEncoding::Pem).expect("usable"))
    };
    let secret =
        |secret: &str| claims(Jwt::with_secret(JwtAlgorithm::Hs256, secret).expect("usable"));
    for (builder, expected) in [
        (signed(JwtAlgorithm::Rs256, pem("rs256_key")), 200),
        (signed(JwtAlgorithm::Es256, pem("es256_key")), 200),
        (secret(haproxy.get("hs256_secret")), 200),
        (secret(haproxy.get("hs256_secret")).reuse(), 200),
        (secret("another secret that is long enough for it"), 401),
    ] {
        let auth = builder.build().expect("usable");
        assert_eq!(status(&haproxy, "/a", auth).await, expected);
    }
    let other = Jwt::with_secret(JwtAlgorithm::Hs256, haproxy.get("hs256_secret"));
    let other = other.expect("usable").claim("aud", "somebody else").build().expect("usable");
    assert_eq!(status(&haproxy, "/a", other).await, 403);
    let past = secret(haproxy.get("hs256_secret"))
        .clock(networkpype::ManualClock::new(networkpype::Timestamp::from_secs(1_700_000_000)))
        .expires_in(Duration::from_secs(60))
        .build()
        .expect("usable");
    assert_eq!(status(&haproxy, "/a", past).await, 401);
    assert_eq!(status(&haproxy, "/a", Bearer::new("no.token.this").expect("usable")).await, 401);
}
