//! Tokens on WebSockets.

use std::time::Duration;

use http::Extensions;
use networkpype_core::{
    Auth as _, LoginStep, Recovery, Rejection, WebSocketHandshake, WebSocketRequest,
    WebSocketResponse,
};
use networkpype_schemes::oauth2::{Grant, OAuth2, fields_are, token_login};

use crate::{
    oauth2_issuer::{Issuer, refusal, says, scheme, token},
    wire::{header, text},
};

const URL: &str = "wss://ws.example.com/stream?v=1";

#[tokio::test(start_paused = true)]
async fn a_handshake_carries_the_token_of_its_time_in_a_header_or_the_query() {
    let issuer = Issuer::answers([token("o+ne"), token("two")]);
    let in_header = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let handshake = in_header.ws_handshake(WebSocketHandshake::new(URL)).await.expect("signed");
    assert_eq!(header(handshake.request(), "authorization"), "Bearer o+ne");
    assert!(handshake.request().headers()["authorization"].is_sensitive());
    tokio::time::sleep(Duration::from_secs(60)).await;
    // The server refuses the upgrade.
    let refused = refusal(401, None);
    let recovery = in_header.on_rejected(&Rejection::new(handshake.request(), &refused)).await;
    assert_eq!(recovery.expect("a token"), Recovery::Refreshed);
    let handshake = in_header.ws_handshake(WebSocketHandshake::new(URL)).await.expect("signed");
    assert_eq!(header(handshake.request(), "authorization"), "Bearer two");

    let issuer = Issuer::answers([token("o+n/e")]);
    let in_query = scheme(&issuer, Grant::client_credentials())
        .ws_query("access_token")
        .build()
        .expect("a scheme");
    let handshake = in_query.ws_handshake(WebSocketHandshake::new(URL)).await.expect("signed");
    let mut request = handshake.into_request();
    assert_eq!(request.target(), "/stream?v=1&access_token=o%2Bn%2Fe");
    assert!(request.headers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_login_message_holds_the_token_and_a_refusal_gets_another() {
    let issuer = Issuer::answers([token("one"), token("two")]);
    let login = token_login(r#"{"op":"auth","args":{"token":"{token}"}}"#)
        .accepted_when(fields_are([("event", "ok")]))
        .refused_when(fields_are([("event", "error")]))
        .refusal_code("code");
    let auth =
        scheme(&issuer, Grant::client_credentials()).ws_login(login).build().expect("scheme");
    let mut session = Extensions::new();
    let step = auth.ws_login(&mut session, None).await.expect("a step");
    let LoginStep::Send(message) = step else { panic!("{step:?}") };
    assert_eq!(text(message), r#"{"op":"auth","args":{"token":"one"}}"#);
    let other = WebSocketResponse::from_text(r#"{"event":"hello"}"#);
    let step = auth.ws_login(&mut session, Some(&other)).await.expect("a step");
    assert!(matches!(step, LoginStep::Wait), "{step:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let refused = WebSocketResponse::from_text(r#"{"event":"error","code":"bad-one"}"#);
    let step = auth.ws_login(&mut session, Some(&refused)).await.expect("a step");
    let LoginStep::Refused(refusal) = step else { panic!("{step:?}") };
    assert_eq!(refusal.recovery(), Recovery::Refreshed);
    assert!(!refusal.reason().contains("one"), "{refusal:?}");

    let mut session = Extensions::new();
    let step = auth.ws_login(&mut session, None).await.expect("a step");
    let LoginStep::Send(message) = step else { panic!("{step:?}") };
    assert_eq!(text(message), r#"{"op":"auth","args":{"token":"two"}}"#);
    let accepted = WebSocketResponse::from_text(r#"{"event":"ok"}"#);
    let step = auth.ws_login(&mut session, Some(&accepted)).await.expect("a step");
    assert!(matches!(step, LoginStep::Done), "{step:?}");

    let without = scheme(&Issuer::default(), Grant::client_credentials()).build().expect("scheme");
    let step = without.ws_login(&mut Extensions::new(), None).await.expect("a step");
    assert!(matches!(step, LoginStep::NotNeeded), "{step:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_holds_the_token_where_it_says_so_and_is_refused_where_it_does_not() {
    let issuer = Issuer::answers([token("one"), token("two")]);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let renewal = || {
        WebSocketRequest::json_text(r#"{"op":"renew","n":1.50,"token":"{token}"}"#)
            .limit("messages")
            .weight(3)
            .extension(7_u8)
            .auth_required()
    };
    let filled = auth.ws_authenticate(renewal()).await.expect("filled");
    assert!(format!("{:?}", filled.limit_choice()).contains("messages"));
    assert_eq!((filled.limit_weight(), filled.extensions().get::<u8>()), (Some(3), Some(&7)));
    assert!(filled.is_auth_required());
    assert_eq!(text(filled), r#"{"op":"renew","n":1.50,"token":"one"}"#);
    // In place, on a connection that is up: the token of that time.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let filled = auth.ws_authenticate(renewal()).await.expect("filled");
    assert_eq!(text(filled), r#"{"op":"renew","n":1.50,"token":"two"}"#);
    for (message, reason) in [
        (WebSocketRequest::text("x"), "`{token}`"),
        (WebSocketRequest::binary(vec![0xff]), "`{token}`"),
        (WebSocketRequest::json_text(r#"{"op":"sub"}"#), "`{token}`"),
        (WebSocketRequest::text("{token} and no JSON"), "cannot be put"),
    ] {
        let error = auth.ws_authenticate(message).await.expect_err("refused");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_but_its_name_stands_for_the_token_in_messages_and_logins() {
    let message = r#"{"token":"{token}","template":"{key} {timestamp} {other}"}"#;
    let expected = r#"{"token":"s3cret","template":"{key} {timestamp} {other}"}"#;
    let auth = scheme(&Issuer::answers([token("s3cret")]), Grant::client_credentials())
        .ws_login(token_login(message).accepted_when(|_| true))
        .build()
        .expect("a scheme");
    let sent = auth.ws_authenticate(WebSocketRequest::json_text(message)).await.expect("filled");
    assert_eq!(text(sent), expected);
    let step = auth.ws_login(&mut Extensions::new(), None).await.expect("a step");
    let LoginStep::Send(sent) = step else { panic!("{step:?}") };
    assert_eq!(text(sent), expected);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_shows_the_next_token_where_one_was_shown_and_only_there() {
    let message = |op| {
        token_login(&format!(r#"{{"op":"{op}","token":"{{token}}"}}"#))
            .accepted_when(fields_are([("event", "ok")]))
            .refused_when(fields_are([("event", "no")]))
    };
    let issuer = Issuer::answers(["one", "two", "three", "four"].map(token));
    let auth = scheme(&issuer, Grant::client_credentials())
        .ws_login(message("login"))
        .ws_renewal(message("renew"))
        .build()
        .expect("a scheme");
    let says = |event| WebSocketResponse::from_text(format!(r#"{{"event":"{event}"}}"#));
    let mut session = Extensions::new();
    auth.ws_login(&mut session, None).await.expect("a step");
    auth.ws_login(&mut session, Some(&says("ok"))).await.expect("a step");
    for (number, name) in [(2, "two"), (3, "three")] {
        let renewal = auth.ws_renewal(&mut session).await.expect("a message");
        assert_eq!(text(renewal), format!(r#"{{"op":"renew","token":"{name}"}}"#));
        assert_eq!(issuer.asked(), number);
        let step = auth.ws_login(&mut session, Some(&says("other"))).await.expect("a step");
        assert!(matches!(step, LoginStep::Wait), "{step:?}");
        let step = auth.ws_login(&mut session, Some(&says("ok"))).await.expect("a step");
        assert!(matches!(step, LoginStep::Done), "{step:?}");
    }
    // Nothing was shown on this connection, so there is nothing to renew.
    let waiting = async |auth: &OAuth2, session: &mut Extensions| {
        tokio::time::timeout(Duration::from_secs(100_000), auth.ws_renewal(session)).await.is_err()
    };
    assert!(waiting(&auth, &mut Extensions::new()).await);
    assert_eq!(issuer.asked(), 3);

    let issuer = Issuer::answers([token("one")]);
    let without = scheme(&issuer, Grant::client_credentials()).ws_login(message("login"));
    let without = without.build().expect("a scheme");
    let mut session = Extensions::new();
    without.ws_login(&mut session, None).await.expect("a step");
    assert!(waiting(&without, &mut session).await);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stays_one_where_no_other_token_can_be_had_or_none_is_looked_for() {
    let login = || {
        token_login(r#"{"op":"auth","token":"{token}"}"#)
            .accepted_when(fields_are([("event", "ok")]))
            .refused_when(fields_are([("event", "no")]))
    };
    let no = WebSocketResponse::from_text(r#"{"event":"no"}"#);
    let issuer = Issuer::answers([token("one"), says(500, "")]);
    let auth = scheme(&issuer, Grant::client_credentials()).ws_login(login()).build();
    let auth = auth.expect("a scheme");
    let mut session = Extensions::new();
    auth.ws_login(&mut session, None).await.expect("a step");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let step = auth.ws_login(&mut session, Some(&no)).await.expect("a step");
    let LoginStep::Refused(refusal) = step else { panic!("{step:?}") };
    assert_eq!(refusal.recovery(), Recovery::GiveUp);

    let issuer = Issuer::answers([token("one"), token("two")]);
    let auth = scheme(&issuer, Grant::client_credentials()).ws_login(login());
    let auth = auth.ws_renewal(login()).build().expect("a scheme");
    let mut session = Extensions::new();
    auth.ws_login(&mut session, None).await.expect("a step");
    assert!(text(auth.ws_renewal(&mut session).await.expect("a message")).contains("two"));
    let step = auth.ws_login(&mut session, Some(&no)).await.expect("a step");
    assert!(matches!(step, LoginStep::Refused(_)), "{step:?}");
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_renewed_for_a_call_is_not_renewed_again_for_it() {
    let issuer = Issuer::answers([token("one")]);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let handshake = auth.ws_handshake(WebSocketHandshake::new(URL)).await.expect("signed");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let refused = refusal(401, None);
    let again = Rejection::new(handshake.request(), &refused).after(&[Recovery::Refreshed]);
    assert_eq!(auth.on_rejected(&again).await.expect("a recovery"), Recovery::GiveUp);
    assert_eq!(issuer.asked(), 1);
}
