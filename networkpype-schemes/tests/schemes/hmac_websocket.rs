use std::time::Duration;

use networkpype_core::{
    Auth, Extensions, LoginRefusal, LoginStep, Recovery, RestRequest, WebSocketHandshake,
    WebSocketRequest, WebSocketResponse,
};
use networkpype_schemes::hmac::{
    DigestEncoding, Hmac, HmacAlgorithm, HmacBuilder, Login, Part, Placement, TimestampFormat,
    fields_are,
};

use crate::{
    recipes,
    wire::{NOW_MS, clock_at, text},
};

/// The credentials of the ccxt vectors.
const KEY: &str = "npk-key-0123456789abcdef";
const SECRET: &str = "npk-secret-ABCDEF0123456789";

async fn login_message(scheme: HmacBuilder, login: Login) -> String {
    let auth = scheme.ws_login(login).clock(clock_at(NOW_MS)).build().expect("complete");
    match auth.ws_login(&mut Extensions::new(), None).await.expect("made") {
        LoginStep::Send(message) => text(message),
        other => panic!("{other:?}"),
    }
}

fn okx_login() -> Login {
    Login::new(
        r#"{"op":"login","args":[{"apiKey":"{key}","passphrase":"{passphrase}","timestamp":"{timestamp}","sign":"{signature}"}]}"#,
    )
    .timestamp(TimestampFormat::Seconds)
    .sign([Part::Timestamp, Part::literal("GET/users/self/verify")])
    .accepted_when(fields_are([("event", "login"), ("code", "0")]))
    .refused_when(fields_are([("event", "error")]))
    .refusal_code("code")
}

/// The signatures are those of `ccxt/ws.jsonl`.
#[tokio::test]
async fn logins_are_those_that_ccxt_sends() {
    let scheme = || Hmac::builder(KEY, SECRET);
    let accepted = || fields_are([("op", "auth"), ("success", "true")]);
    let okx = scheme().digest(DigestEncoding::Base64).passphrase("npk-pass-phrase");
    assert_eq!(
        login_message(okx, okx_login()).await,
        r#"{"op":"login","args":[{"apiKey":"npk-key-0123456789abcdef","passphrase":"npk-pass-phrase","timestamp":"1700000000","sign":"VZOIUTG85FGw+dblTi9iJUyx05q5jBVFWHopj9w7VDM="}]}"#,
    );

    let bybit = Login::new(r#"{"op":"auth","args":["{key}","{timestamp}","{signature}"]}"#)
        .expires_in(Duration::from_secs(10))
        .sign([Part::literal("GET/realtime"), Part::Timestamp])
        .accepted_when(accepted());
    assert_eq!(
        login_message(scheme(), bybit).await,
        r#"{"op":"auth","args":["npk-key-0123456789abcdef","1700000010000","f3acd67af8db26aa99eb7df8c9f9a09a4c2386aadd3ccb969edd45d314fa57e6"]}"#,
    );

    let bitfinex = Login::new(
        r#"{"apiKey":"{key}","authSig":"{signature}","authNonce":{nonce},"authPayload":"AUTH{nonce}","event":"auth"}"#,
    )
    .sign([Part::literal("AUTH"), Part::Nonce])
    .accepted_when(accepted());
    assert_eq!(
        login_message(scheme().algorithm(HmacAlgorithm::Sha384), bitfinex).await,
        r#"{"apiKey":"npk-key-0123456789abcdef","authSig":"f614a90e1918bb10f9819b75e8ab7f2fb3621daf9a89fdf45c3cdd1184168c1612c3ae20195a95a54a8834c4d9b286ea","authNonce":1700000000000,"authPayload":"AUTH1700000000000","event":"auth"}"#,
    );
}

#[tokio::test]
async fn a_login_waits_over_other_messages_and_ends_with_its_answer() {
    let auth = Hmac::builder("my-key-1", "secret")
        .passphrase("p")
        .ws_login(okx_login().resync_on_code("60006"))
        .build()
        .expect("complete");
    let step = async |text: &'static str| {
        let received = WebSocketResponse::from_text(text);
        auth.ws_login(&mut Extensions::new(), Some(&received)).await.expect("judged")
    };
    for text in [
        r#"{"event":"channel-conn-count"}"#,
        "pong",
        r#"{"event":"login","code":"1"}"#,
        r#"{"event":"login","code":"1","code":"0"}"#,
    ] {
        assert!(matches!(step(text).await, LoginStep::Wait), "{text}");
    }
    assert!(matches!(step(r#"{"event":"login","code":"0","msg":""}"#).await, LoginStep::Done));
    let refused = async |text| match step(text).await {
        LoginStep::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    let code = refused(r#"{"event":"error","code":"60009","msg":"key"}"#).await;
    assert_eq!(code, LoginRefusal::new("code 60009"));
    let key = refused(r#"{"event":"error","code":"my-key-1"}"#).await;
    assert_eq!(key, LoginRefusal::new("the server gave no code"));
    let stale = refused(r#"{"event":"error","code":"60006"}"#).await;
    assert_eq!(stale, LoginRefusal::new("code 60006").with_recovery(Recovery::ResyncTime));
}

#[tokio::test]
async fn a_login_after_a_reconnect_is_signed_anew() {
    let clock = clock_at(NOW_MS);
    let scheme =
        Hmac::builder("key", "secret").passphrase("p").clock(clock.clone()).ws_login(okx_login());
    let auth = scheme.build().expect("complete");
    let sent = async || match auth.ws_login(&mut Extensions::new(), None).await.expect("made") {
        LoginStep::Send(message) => text(message),
        other => panic!("{other:?}"),
    };
    let first = sent().await;
    clock.advance(Duration::from_secs(1));
    assert_ne!(first, sent().await);
}

#[test]
fn a_login_that_stamps_is_enough_to_need_the_clock() {
    let rest = Hmac::builder("key", "secret").sign(Part::Path).signature_in(Placement::header("s"));
    let auth = rest.passphrase("p").ws_login(okx_login()).build().expect("complete");
    assert!(auth.time_provider().is_some());
}

/// The signature is that of `ccxt/ws.jsonl`.
#[tokio::test]
async fn a_message_is_signed_over_its_sorted_fields() {
    let auth = Hmac::builder(KEY, SECRET)
        .ws_message(recipes::binance_messages())
        .clock(clock_at(NOW_MS))
        .build()
        .expect("complete");
    let message =
        r#"{"id":"1","method":"userDataStream.subscribe.signature","params":{"recvWindow":10000}}"#;
    let signed = auth.ws_authenticate(WebSocketRequest::json_text(message).auth_required()).await;
    let signed = signed.expect("signed");
    assert!(signed.is_auth_required());
    assert_eq!(
        text(signed),
        r#"{"id":"1","method":"userDataStream.subscribe.signature","params":{"recvWindow":10000,"apiKey":"npk-key-0123456789abcdef","timestamp":1700000000000,"signature":"40380e4fee97ddde81ae6edcf9d347f90f5a1a7e0ebb560475526e4edc47a10a"}}"#,
    );
    for unfit in [
        "[1]",
        r#"{"params":1}"#,
        r#"{"params":{"signature":"x"}}"#,
        r#"{"params":{"a":1},"params":{"a":2}}"#,
    ] {
        assert!(auth.ws_authenticate(WebSocketRequest::json_text(unfit)).await.is_err(), "{unfit}");
    }
    assert!(auth.ws_authenticate(WebSocketRequest::text("{}")).await.is_err());
}

#[tokio::test]
async fn a_handshake_is_signed_as_the_request_that_it_is() {
    let auth = Hmac::builder("my-key", "my-secret")
        .key_in(Placement::params("apiKey"))
        .timestamp_in(Placement::params("timestamp"))
        .sign(Part::Query)
        .signature_in(Placement::params("signature"))
        .sign_handshakes()
        .clock(clock_at(NOW_MS))
        .build()
        .expect("complete");
    let handshake = WebSocketHandshake::new("wss://h/ws").header("X-Client", "docs");
    let mut request = auth.ws_handshake(handshake).await.expect("signed").into_request();
    assert_eq!(
        request.target(),
        "/ws?apiKey=my-key&timestamp=1700000000000\
         &signature=17c8003806ed56919e4aeea1f50952104d5e607fc51a3b2afcfb7631956310de",
    );
    assert_eq!(request.headers()["x-client"], "docs");

    // Their method and body are not sent, so signing them would sign something else.
    for request in [
        RestRequest::post("https://h/ws"),
        RestRequest::get("https://h/ws").form_param("a", 1),
        RestRequest::get("https://h/ws").json_text("{}"),
    ] {
        assert!(auth.ws_handshake(WebSocketHandshake::from_request(request)).await.is_err());
    }
}
