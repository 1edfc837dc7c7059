//! What oauthlib takes and what it refuses, each under 64 calls at once.

use std::{collections::BTreeSet, time::Duration};

use networkpype::{
    Clock as _, ManualClock, RestRequest, SystemClock, WebSocketHandshake, WebSocketManager,
    schemes::oauth1::{
        ClientCredentials, KeyEncoding, OAuth1, OAuth1Builder, ParameterPlacement, TokenCredentials,
    },
};
use networkpype_test::peers::{Kind, Peer};

use crate::observed::{Observed, manager, statuses};

const AT_ONCE: usize = 64;

const PLACEMENTS: [ParameterPlacement; 3] =
    [ParameterPlacement::Header, ParameterPlacement::Query, ParameterPlacement::Body];

const KEYS: &str = include_str!("../../../vectors/ccxt/keys.json");

/// A client of each signature method that shares a secret. The one of `PLAINTEXT` has a secret in which nothing is
/// encoded: of a query and a form this server decodes twice.
fn with_secret(secret: &str, plain: &str) -> [ClientCredentials; 4] {
    [
        ClientCredentials::hmac_sha1("ck", secret),
        ClientCredentials::hmac_sha256("ck", secret),
        ClientCredentials::hmac_sha512("ck", secret),
        ClientCredentials::plaintext("plain", plain),
    ]
}

/// A client of each that has a private key.
fn with_key(pem: &str) -> [ClientCredentials; 3] {
    [
        ClientCredentials::rsa_sha1("ck", pem, KeyEncoding::Pem).expect("a key"),
        ClientCredentials::rsa_sha256("ck", pem, KeyEncoding::Pem).expect("a key"),
        ClientCredentials::rsa_sha512("ck", pem, KeyEncoding::Pem).expect("a key"),
    ]
}

fn key_of(peer: &Peer) -> String {
    std::fs::read_to_string(peer.get("rsa_key")).expect("a key")
}

fn all(peer: &Peer) -> Vec<ClientCredentials> {
    with_secret("cs&\u{e9}", "cs").into_iter().chain(with_key(&key_of(peer))).collect()
}

fn scheme(client: ClientCredentials) -> OAuth1Builder {
    OAuth1::builder(client).token(TokenCredentials::new("tk", "ts"))
}

/// Requests with everything in them that is signed, and that is easily signed in another way than it is sent.
fn calls() -> Vec<RestRequest> {
    let call = |number: usize| {
        RestRequest::post("/r%20v/X;y?b5=%3D%253D&a3=a&c%40=&a2=r%20b&plus=x+y&e=%C3%A9")
            .param("again", number)
            .param("again", "b/c")
            .form_param("a3", "2 q")
            .form_param("*~!'()", "\u{20ac}\u{1f600}")
            .form_param("c2", "")
    };
    (0..AT_ONCE).map(call).collect()
}

/// Sends all at once and asserts that each is answered so, was sent once, and with a nonce of its own.
async fn assert_answered(peer: &Peer, auth: OAuth1Builder, expected: u16) {
    let observed = Observed::new();
    let auth = auth.build().expect("a scheme");
    let what = format!("{auth:?}");
    let manager = manager(&peer.url(""), auth, &observed);
    let statuses = statuses(&manager, &calls()).await;
    assert_eq!(statuses, [expected; AT_ONCE], "{what}");
    let nonces = observed.nonces();
    assert_eq!(nonces.len(), AT_ONCE, "{what}: nothing is sent again");
    assert_eq!(nonces.iter().collect::<BTreeSet<_>>().len(), AT_ONCE, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_taken_wherever_its_parameters_stand() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    for client in all(&peer) {
        for placement in PLACEMENTS {
            assert_answered(&peer, scheme(client.clone()).placement(placement), 200).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_consumer_secret_is_refused_and_nothing_is_sent_again() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    for client in with_secret("cs%26\u{e9}", "CS") {
        for placement in PLACEMENTS {
            assert_answered(&peer, scheme(client.clone()).placement(placement), 401).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_token_secret_is_refused_and_nothing_is_sent_again() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    for client in with_secret("cs&\u{e9}", "cs") {
        for placement in PLACEMENTS {
            let auth = scheme(client.clone()).token(TokenCredentials::new("tk", "TS"));
            assert_answered(&peer, auth.placement(placement), 401).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_private_key_is_refused_and_nothing_is_sent_again() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let keys: serde_json::Value = serde_json::from_str(KEYS).expect("JSON");
    let other = keys["rsa2048_pkcs8_pem"].as_str().expect("a key");
    for client in with_key(other) {
        for placement in PLACEMENTS {
            assert_answered(&peer, scheme(client.clone()).placement(placement), 401).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_timestamp_is_refused_and_nothing_is_sent_again() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let long_ago = SystemClock.now().saturating_sub(Duration::from_secs(600));
    for client in all(&peer) {
        assert_answered(&peer, scheme(client).clock(ManualClock::new(long_ago)), 401).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_that_comes_again_is_refused_by_the_server() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    for (number, client) in all(&peer).into_iter().enumerate() {
        let auth = scheme(client)
            .clock(ManualClock::new(SystemClock.now()))
            .nonces(move || Ok(format!("the-same-{number}")));
        let manager = manager(&peer.url(""), auth.build().expect("a scheme"), &Observed::new());
        let statuses = statuses(&manager, &calls()).await;
        let taken = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(taken, 1, "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_secrets_are_encoded_before_they_are_sent() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    for (secret, expected) in [("cs&\u{e9}", 200), ("cs%26%C3%A9", 401)] {
        let client = ClientCredentials::plaintext("ck", secret);
        assert_answered(&peer, scheme(client), expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_carries_no_form_is_taken_too() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let json = || RestRequest::put("/json").json_object([("a", "b&c=d")]);
    for client in all(&peer) {
        for placement in [ParameterPlacement::Header, ParameterPlacement::Query] {
            let observed = Observed::new();
            let auth = scheme(client.clone()).placement(placement);
            // There is nothing to hash the body with in `PLAINTEXT`.
            let hashed = scheme(client.clone()).placement(placement).body_hash().build();
            let auth = hashed.or_else(|_| auth.build()).expect("a scheme");
            let manager = manager(&peer.url(""), auth, &observed);
            let calls = [RestRequest::get("/?q"), RestRequest::delete("/a?a=1&a=0"), json()];
            assert_eq!(statuses(&manager, &calls).await, [200; 3], "{client:?} {placement:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realm_and_further_parameters_are_taken() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let client = || ClientCredentials::hmac_sha256("ck", "cs&\u{e9}");
    let auth = scheme(client()).realm("http://photos.example.net/").parameter("oauth_x", "a b+");
    assert_answered(&peer, auth, 200).await;
    assert_answered(&peer, scheme(client()).without_version(), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_s_signature_is_taken_where_it_is_right() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    for placement in [ParameterPlacement::Header, ParameterPlacement::Query] {
        for (secret, answered) in [("cs&\u{e9}", 200), ("cs", 401)] {
            let auth = scheme(ClientCredentials::hmac_sha256("ck", secret)).placement(placement);
            let auth = auth.build().expect("a scheme");
            let url = peer.url("").replace("http://", "ws://");
            let manager = WebSocketManager::builder().base_url(url).auth(auth).build();
            let handshake = WebSocketHandshake::new("/ws?a=x+y").param("b", "%").auth_required();
            // It is no WebSocket server: what it says of the request is all that it does.
            let error = manager.expect("a manager").connect(handshake).await.expect_err("no 101");
            assert_eq!(error.status().map(|status| status.as_u16()), Some(answered), "{error:?}");
        }
    }
}
