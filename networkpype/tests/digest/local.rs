//! What no server of others has: other hashes, counts that are checked, proofs that are wrong, WebSockets.

use networkpype::{
    ErrorKind, Outcome, RestManager, RestRequest, WebSocketHandshake, WebSocketManager,
    schemes::Digest,
};
use networkpype_test::{DigestRealm, Exchange};

use crate::counted::{Counted, requests, status};

const MANY: u32 = 64;

fn exchange(realm: &DigestRealm) -> Exchange {
    Exchange::builder().digest(realm).start()
}

fn counted(exchange: &Exchange, auth: Digest) -> (RestManager, Counted) {
    let counted = Counted::new(auth);
    let api = RestManager::builder().base_url(exchange.url()).auth(counted.clone()).build();
    (api.expect("a manager"), counted)
}

fn mine() -> Digest {
    Digest::new("me", "s3cret").expect("usable")
}

fn realm() -> DigestRealm {
    DigestRealm::new("me", "s3cret")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hash_and_qop_is_understood_by_a_server_that_was_written_without_a_look_at_it() {
    for algorithm in
        ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess", "SHA-512"]
    {
        for qop in ["auth", "auth-int", "auth-int, auth", ""] {
            if qop.is_empty() && algorithm.ends_with("-sess") {
                continue;
            }
            for prefers_integrity in [false, true] {
                let realm = realm().algorithms([algorithm]).qop(qop);
                let exchange = exchange(&realm);
                let mut auth = Digest::builder("me", "s3cret");
                if prefers_integrity {
                    auth = auth.prefer_integrity();
                }
                let (api, counted) = counted(&exchange, auth.build().expect("usable"));
                let order = RestRequest::post("/api/digest/orders?a=%20b").body("side=buy");
                let calls = counted.calls(&api, 1, &order).await;
                assert_eq!((status(&calls), requests(&calls)), (200, 2), "{algorithm} {qop}");
                let again = counted.calls(&api, 1, &order).await;
                assert_eq!((status(&again), requests(&again)), (200, 1), "{algorithm} {qop}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_count_comes_twice_from_many_at_once_and_stale_nonces_are_replaced() {
    let realm = realm().algorithms(["MD5", "SHA-256"]).uses(MANY as usize);
    let exchange = exchange(&realm);
    let (api, counted) = counted(&exchange, mine());
    let request = RestRequest::get("/api/digest/account");
    for round in 1..=4 {
        let calls = counted.calls(&api, MANY, &request).await;
        assert_eq!(status(&calls), 200, "{round}");
        let counts = realm.counts();
        assert_eq!(counts.accepted, round * MANY as usize);
        assert_eq!((counts.replayed, counts.wrong), (0, 0), "{counts:?}");
        // The first round is asked; each other one begins with a nonce that is used up, and some come later.
        let stale = round - 1..=(round - 1) * MANY as usize;
        assert!(stale.contains(&counts.stale), "{counts:?}");
    }
    for request in exchange.requests() {
        if let Some(header) = request.header("authorization") {
            assert!(header.contains("algorithm=SHA-256"), "{header}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonces_that_are_good_for_few_uses_let_in_as_many_as_come_at_once() {
    for (uses, algorithm) in [(1, "MD5"), (8, "MD5"), (20, "MD5"), (1, "SHA-256-sess")] {
        for hands_out_next in [false, true] {
            let mut realm = realm().algorithms([algorithm]).uses(uses);
            if hands_out_next {
                realm = realm.hands_out_next();
            }
            let exchange = exchange(&realm);
            let (api, counted) = counted(&exchange, mine());
            let request = RestRequest::get("/api/digest/a");
            assert_eq!(status(&counted.calls(&api, 1, &request).await), 200);
            for round in 0..4 {
                let calls = counted.calls(&api, MANY, &request).await;
                assert_eq!(status(&calls), 200, "{uses} {algorithm} {hands_out_next} {round}");
                assert!(requests(&calls) <= 3 * MANY as usize, "{calls:?}");
            }
            let counts = realm.counts();
            assert_eq!((counts.replayed, counts.wrong), (0, 0), "{counts:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_on_with_the_next_nonce() {
    for algorithm in ["MD5-sess", "SHA-256-sess"] {
        for qop in ["auth", "auth-int"] {
            let realm = realm().algorithms([algorithm]).qop(qop).uses(2).hands_out_next();
            let exchange = exchange(&realm);
            let (api, counted) = counted(&exchange, mine());
            let order = RestRequest::post("/api/digest/orders").body("side=buy");
            for call in 0..10 {
                let calls = counted.calls(&api, 1, &order).await;
                let expected = (200, if call == 0 { 2 } else { 1 });
                assert_eq!((status(&calls), requests(&calls)), expected, "{algorithm} {call}");
            }
            let counts = realm.counts();
            assert_eq!((counts.asked, counts.stale, counts.wrong), (1, 0, 0), "{counts:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_nonce_spares_the_round_trip() {
    let realm = realm().uses(2).hands_out_next();
    let exchange = exchange(&realm);
    let (api, counted) = counted(&exchange, mine());
    for call in 0..10 {
        let calls = counted.calls(&api, 1, &RestRequest::get("/api/digest/a")).await;
        assert_eq!((status(&calls), requests(&calls)), (200, if call == 0 { 2 } else { 1 }));
    }
    assert_eq!((realm.counts().asked, realm.counts().stale), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once_by_each_call() {
    let realm = realm();
    let exchange = exchange(&realm);
    let (api, counted) = counted(&exchange, Digest::new("me", "other").expect("usable"));
    let calls = counted.calls(&api, MANY, &RestRequest::get("/api/digest/a")).await;
    assert_eq!(status(&calls), 401);
    assert_eq!(realm.counts().wrong, MANY as usize);
    assert_eq!(exchange.requests().len(), requests(&calls));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_answer_says_what_was_hashed_and_not_the_password() {
    let realm = realm().algorithms(["SHA-256"]);
    let exchange = exchange(&realm);
    let (api, _) = counted(&exchange, Digest::new("me", "other").expect("usable"));
    let error = api.execute(RestRequest::get("/api/digest/a?b=%20c").auth_required()).await;
    let error = error.expect_err("a wrong password");
    let explanation = error.explanation().expect("how it was made");
    let sources: Vec<_> = explanation.sources().collect();
    assert_eq!(sources, [("request", "GET:/api/digest/a?b=%20c")]);
    let parts: Vec<_> =
        explanation.parts().map(|(name, _)| name).filter(|it| *it != "colon").collect();
    let key = "the key of user name, realm and password";
    assert_eq!(parts, [key, "nonce", "nc", "cnonce", "qop", "request"]);
    assert_eq!(explanation.operation(), "SHA-256, hex");
    let text = explanation.signed_text();
    assert!(text.starts_with(&format!("<{key}, 64 bytes>:nonce0==:00000001:")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_sent_whole_both_times() {
    let realm = realm();
    let exchange = exchange(&realm);
    let (api, counted) = counted(&exchange, mine());
    let order = RestRequest::post("/api/digest/orders").json_object([("side", "buy")]);
    assert_eq!(status(&counted.calls(&api, 1, &order).await), 200);
    let received = exchange.requests();
    assert_eq!(received.len(), 2);
    assert!(received.iter().all(|request| request.body == "{\"side\":\"buy\"}"));
    assert!(received[0].header("authorization").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_know_the_password_does_not_pass_for_the_one_that_does() {
    let realm = realm().lies();
    let exchange = exchange(&realm);
    let (api, _) = counted(&exchange, mine());
    let error = api.execute(RestRequest::post("/api/digest/orders").auth_required()).await;
    let error = error.expect_err("the proof is wrong");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::Done));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    // Unless it is known to be wrong.
    let auth = Digest::builder("me", "s3cret").danger_ignore_rspauth().build().expect("usable");
    let (api, counted) = counted(&exchange, auth);
    let calls = counted.calls(&api, 1, &RestRequest::post("/api/digest/orders")).await;
    assert_eq!(status(&calls), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realm_that_protects_too_little_gets_no_answer() {
    for (qop, min_qop, is_answered) in [
        ("", Digest::builder("me", "s3cret").require_qop(), false),
        ("auth", Digest::builder("me", "s3cret").require_qop(), true),
        ("auth", Digest::builder("me", "s3cret").require_integrity(), false),
        ("auth, auth-int", Digest::builder("me", "s3cret").require_integrity(), true),
    ] {
        let realm = realm().qop(qop);
        let exchange = exchange(&realm);
        let (api, _) = counted(&exchange, min_qop.build().expect("usable"));
        let order = RestRequest::post("/api/digest/orders").body("side=buy").auth_required();
        assert_eq!(api.call(order).await.is_ok(), is_answered, "{qop}");
        let requests = exchange.requests();
        let answered = requests.iter().filter(|it| it.header("authorization").is_some());
        assert_eq!(answered.count(), usize::from(is_answered), "{qop}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_is_answered_and_a_wrong_password_is_not_tried_twice() {
    for (password, handshakes) in [("s3cret", Some(2)), ("other", None)] {
        let realm = realm();
        let exchange = exchange(&realm);
        let manager = WebSocketManager::builder()
            .auth(Digest::new("me", password).expect("usable"))
            .build()
            .expect("a manager");
        let handshake =
            || WebSocketHandshake::new(exchange.ws_url("/ws/digest?a=b")).auth_required();
        let connected = manager.connect(handshake()).await;
        assert_eq!(connected.is_ok(), handshakes.is_some(), "{connected:?}");
        assert_eq!(exchange.requests().len(), 2);
        if handshakes.is_none() {
            assert_eq!(realm.counts().wrong, 1);
            continue;
        }
        manager.disconnect().await;
        manager.connect(handshake()).await.expect("with the next count");
        assert_eq!(exchange.requests().len(), 3);
        assert_eq!(realm.counts().accepted, 2);
    }
}
