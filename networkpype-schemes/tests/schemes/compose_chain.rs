//! Several schemes on one request.

use std::{sync::Arc, time::Duration};

use networkpype_core::{
    Auth, AuthError, Clock, Extensions, LoginStep, ManualClock, Recovery, Rejection, RestRequest,
    RestResponse, Timestamp, WebSocketHandshake, WebSocketRequest, WebSocketResponse, async_trait,
};
use networkpype_schemes::compose::{AuthChain, AuthRoute, AuthRouter};

use crate::{
    compose_named::{Named, URL, journal, noted, unauthorized},
    wire::{clock_at, header, text},
};

#[tokio::test]
async fn the_schemes_of_a_chain_sign_one_after_the_other_and_keep_their_notes_apart() {
    let journal = journal();
    let second = Named { recovery: Recovery::SignAgain, ..Named::new("second", &journal) };
    let auth = AuthChain::new(Named::new("first", &journal)).then(second);
    let unsigned = RestRequest::get(URL);
    let signed = auth.rest_authenticate(unsigned.clone()).await.expect("signed");
    assert_eq!(header(&signed, "x-signed"), "first,second");
    let response = unauthorized();
    auth.on_response(&signed, &response).await.expect("seen");
    let recovery = auth.on_rejected(&Rejection::new(&signed, &response)).await.expect("told");
    assert_eq!(recovery, Recovery::SignAgain);
    assert!(auth.explain(&unsigned, &signed).is_none());
    assert_eq!(
        noted(&journal),
        [
            "first sees first",
            "second sees second",
            "first recovers first",
            "second recovers second",
            "second explains first,second true",
            "first explains first false",
        ]
    );
}

#[tokio::test]
async fn a_chain_signs_messages_with_whoever_can_and_by_nobody_fails() {
    let journal = journal();
    let named = |name, signs_messages| Named { signs_messages, ..Named::new(name, &journal) };
    let message = || WebSocketRequest::text("x");
    let auth = AuthChain::new(named("a", true)).then(named("b", false)).then(named("c", true));
    assert_eq!(text(auth.ws_authenticate(message()).await.expect("signed")), "x a c");
    let opened = auth.ws_handshake(WebSocketHandshake::new("wss://ws.example.com/")).await;
    assert_eq!(header(&opened.expect("signed").into_request(), "x-signed"), "a,b,c");
    let auth = AuthChain::new(named("a", false)).then(named("b", false));
    let error = auth.ws_authenticate(message()).await.expect_err("nobody");
    assert_eq!(error.to_string(), "a signs no messages");
}

#[tokio::test]
async fn logins_of_a_chain_follow_one_another_and_share_no_session() {
    let journal = journal();
    let named = |name, logins| Named { logins, ..Named::new(name, &journal) };
    let auth = AuthChain::new(named("none", 0)).then(named("two", 2)).then(named("one", 1));
    let mut session = Extensions::new();
    let received = WebSocketResponse::from_text("ok");
    let mut sent = Vec::new();
    let mut last = None;
    for _ in 0..4 {
        match auth.ws_login(&mut session, last).await.expect("a step") {
            LoginStep::Send(message) => sent.push(text(message)),
            LoginStep::Done => sent.push("done".to_owned()),
            step => panic!("{step:?}"),
        }
        last = Some(&received);
    }
    assert_eq!(sent, ["two 0", "two 1", "one 0", "done"]);

    let auth = AuthChain::new(named("none", 0));
    let step = auth.ws_login(&mut Extensions::new(), None).await.expect("a step");
    assert!(matches!(step, LoginStep::NotNeeded), "{step:?}");
}

#[tokio::test]
async fn what_comes_of_a_handshake_goes_to_the_schemes_that_signed_it_each_with_its_own_notes() {
    let journal = journal();
    let named = |name| Named { recovery: Recovery::Refreshed, ..Named::new(name, &journal) };
    let key = ApiKeyOfRequests;
    let chain = AuthChain::new(key).then(Named::new("a", &journal)).then(named("b"));
    let auth = AuthRouter::builder().websocket(chain).build().expect("usable");
    let opened = auth.ws_handshake(WebSocketHandshake::new("wss://ws.example.com/")).await;
    let signed = opened.expect("signed").into_request();
    auth.on_response(&signed, &unauthorized()).await.expect("seen");
    let recovery = auth.on_rejected(&Rejection::new(&signed, &unauthorized())).await;
    assert_eq!(recovery.expect("told"), Recovery::Refreshed);
    assert_eq!(noted(&journal), ["a sees a", "b sees b", "a recovers a", "b recovers b"]);
    auth.ws_login(&mut signed.extensions().clone(), None).await.expect("a step");
    assert_eq!(noted(&journal), ["a login 0 false after a", "b login 0 false after b"]);
}

/// Cannot mend anything.
struct Fails;

#[async_trait]
impl Auth for Fails {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no messages"))
    }

    async fn on_response(&self, _: &RestRequest, _: &RestResponse) -> Result<(), AuthError> {
        Err(AuthError::unsupported("not mine"))
    }

    async fn on_rejected(&self, _: &Rejection<'_>) -> Result<Recovery, AuthError> {
        Err(AuthError::unsupported("out of order"))
    }
}

#[tokio::test]
async fn a_scheme_that_fails_keeps_no_other_of_its_chain_from_seeing_and_mending() {
    let journal = journal();
    for (recovery, mended) in [(Recovery::NewNonce, true), (Recovery::GiveUp, false)] {
        let named = Named { recovery, ..Named::new("a", &journal) };
        let chain = AuthChain::new(Fails).then(named);
        let signed = chain.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
        chain.on_response(&signed, &unauthorized()).await.expect_err("one does not accept it");
        let result = chain.on_rejected(&Rejection::new(&signed, &unauthorized())).await;
        assert_eq!(result.ok(), mended.then_some(recovery));
        assert_eq!(noted(&journal), ["a sees a", "a recovers a"]);
    }
}

/// Signs nothing of a WebSocket.
struct ApiKeyOfRequests;

#[async_trait]
impl Auth for ApiKeyOfRequests {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no messages"))
    }
}

#[tokio::test(start_paused = true)]
async fn each_scheme_of_a_chain_renews_its_own_login_when_it_is_time_and_hears_the_answer() {
    let journal = journal();
    let named = |name, every: Option<u64>| Named {
        logins: 1,
        every: every.map(Duration::from_secs),
        ..Named::new(name, &journal)
    };
    let chain = AuthChain::new(named("a", Some(70))).then(named("b", Some(30)));
    let routed = AuthRouter::builder().websocket(chain.then(named("c", None))).build();
    let auth = routed.expect("usable");
    let (mut session, received) = (Extensions::new(), WebSocketResponse::from_text("ok"));
    let mut last = None;
    while !matches!(auth.ws_login(&mut session, last).await.expect("a step"), LoginStep::Done) {
        last = Some(&received);
    }
    journal.lock().expect("not poisoned").clear();
    for renewal in ["b renews 2", "b renews 3", "b renews 4"] {
        // Giving up in between loses nothing.
        let early = Duration::from_secs(10);
        let waiting = tokio::time::timeout(early, auth.ws_renewal(&mut session)).await;
        assert!(waiting.is_err());
        let message = auth.ws_renewal(&mut session).await.expect("a message");
        assert_eq!(text(message), renewal);
        let step = auth.ws_login(&mut session, Some(&received)).await.expect("a step");
        assert!(matches!(step, LoginStep::Done), "{step:?}");
    }
    let heard = journal.lock().expect("not poisoned").clone();
    assert_eq!(heard, ["b login 2 true", "b login 3 true", "b login 4 true"]);
}

#[test]
fn several_schemes_have_one_clock_only_where_it_is_one() {
    let journal = journal();
    let clock = clock_at(1);
    let with = |clock: Option<&Arc<ManualClock>>| Named {
        clock: clock.cloned(),
        ..Named::new("a", &journal)
    };
    let one = AuthChain::new(with(Some(&clock))).then(with(None)).then(with(Some(&clock)));
    assert_eq!(one.time_provider().expect("a clock").identity(), clock.identity());
    let other = clock_at(2);
    let two = AuthRouter::builder()
        .route(AuthRoute::path("/**"), with(Some(&clock)))
        .otherwise(with(Some(&other)))
        .build()
        .expect("usable");
    let several = two.time_provider().expect("a clock");
    assert!(![clock.identity(), other.identity()].contains(&several.identity()));
    assert_eq!(several.now(), Timestamp::from_millis(1));
    assert!(AuthChain::new(with(None)).time_provider().is_none());
}

#[cfg(all(feature = "api-key", feature = "basic", feature = "bearer"))]
#[tokio::test]
async fn what_one_scheme_of_a_chain_has_set_no_other_takes_away() {
    use networkpype_schemes::{ApiKey, Basic, Bearer};

    let bearer = || Bearer::new("t").expect("a token");
    let same = AuthChain::new(bearer()).then(bearer());
    let signed = same.rest_authenticate(RestRequest::get(URL)).await;
    assert!(signed.is_ok(), "the same takes nothing away");
    let basic = Basic::new("u", "p").expect("usable");
    let chain = AuthChain::new(bearer()).then(basic);
    let error = chain.rest_authenticate(RestRequest::get(URL)).await.expect_err("one header");
    assert!(error.to_string().contains("`authorization`"), "{error}");
    let handshake = WebSocketHandshake::new("wss://ws.example.com/");
    let error = chain.ws_handshake(handshake).await.expect_err("one header");
    assert!(error.to_string().contains("`authorization`"), "{error}");
    // The caller's own is another thing, and cookies share a header.
    let own = RestRequest::get(URL).header("authorization", "mine");
    let signed = AuthChain::new(bearer()).rest_authenticate(own).await.expect("signed");
    assert_eq!(header(&signed, "authorization"), "Bearer t");
    let cookie = |name| ApiKey::cookie(name, "k").expect("a cookie");
    let cookies = AuthChain::new(cookie("a")).then(cookie("b"));
    let signed = cookies.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    assert_eq!(header(&signed, "cookie"), "a=k; b=k");
}

#[cfg(all(feature = "api-key", feature = "oauth1"))]
#[tokio::test]
async fn what_is_added_behind_a_signature_over_everything_is_not_sent() {
    use networkpype_schemes::{
        ApiKey, OAuth1,
        oauth1::{ClientCredentials, ParameterPlacement},
    };

    let placements = [ParameterPlacement::Header, ParameterPlacement::Query];
    for placement in placements {
        let oauth = OAuth1::builder(ClientCredentials::hmac_sha256("ck", "cs"));
        let oauth = oauth.placement(placement).build().expect("a scheme");
        let key = ApiKey::query("key", "k").expect("a key");
        let before = AuthChain::new(key.clone()).then(oauth.clone());
        let mut signed = before.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
        signed.freeze().expect("the key is signed too");
        let behind = AuthChain::new(oauth).then(key);
        let mut signed = behind.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
        let error = signed.freeze().expect_err("the key is not signed");
        assert!(error.to_string().contains("behind a signature"), "{error}");
    }
}
