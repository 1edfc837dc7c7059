use networkpype_core::{Auth, AuthErrorKind, RestRequest};
use networkpype_schemes::hmac::{
    Hmac, HmacBuilder, Login, Part, Placement, Recipe, SecretEncoding, fields_are,
};

use crate::recipes;

fn complete() -> HmacBuilder {
    Hmac::builder("my-key", "my-secret").sign(Part::Path).signature_in(Placement::header("sign"))
}

fn login() -> Login {
    Login::new(r#"{"op":"login","key":"{key}"}"#).accepted_when(fields_are([("event", "login")]))
}

#[test]
fn a_setup_that_cannot_work_is_refused_before_a_request_is() {
    let no_key =
        || Hmac::builder("", "my-secret").sign(Part::Path).signature_in(Placement::header("s"));
    for (builder, kind, reason) in [
        (Hmac::builder("my-key", "my-secret"), AuthErrorKind::Configuration, "`sign`"),
        (Hmac::builder("k", "s").sign(Part::Path), AuthErrorKind::Configuration, "`signature_in`"),
        (
            complete().sign([Part::Timestamp, Part::Path]),
            AuthErrorKind::Configuration,
            "`timestamp_in`",
        ),
        (complete().sign([Part::Nonce, Part::Path]), AuthErrorKind::Configuration, "`nonce_in`"),
        (complete().key_in(Placement::header("a b")), AuthErrorKind::Configuration, "\"a b\""),
        (
            complete().nonce_in(Placement::form("n")).sign_handshakes(),
            AuthErrorKind::Configuration,
            "no body",
        ),
        (complete().ws_message(Recipe::new()), AuthErrorKind::Configuration, "nothing is signed"),
        (complete().ws_login(Login::new("{")), AuthErrorKind::Configuration, "not JSON"),
        (
            complete().ws_login(Login::new(r#"{"sig":{signature}}"#)),
            AuthErrorKind::Configuration,
            "inside quotes",
        ),
        (complete().key_in(Placement::header("Host")), AuthErrorKind::Configuration, "\"Host\""),
        (complete().key_in(Placement::header("SIGN")), AuthErrorKind::Configuration, "two values"),
        (
            complete().place(Placement::header("d"), Part::Body).signature_in(Placement::form("s")),
            AuthErrorKind::Configuration,
            "still changes",
        ),
        (
            Hmac::builder("k", "s").ws_login(login()).sign_handshakes(),
            AuthErrorKind::Configuration,
            "`sign`",
        ),
        (no_key().key_in(Placement::header("k")), AuthErrorKind::Credentials, "API key is empty"),
        (no_key().ws_login(login()), AuthErrorKind::Credentials, "API key is empty"),
        (complete().sign([Part::Passphrase]), AuthErrorKind::Credentials, "`passphrase`"),
        (
            complete().passphrase("").passphrase_in(Placement::header("p")),
            AuthErrorKind::Credentials,
            "`passphrase`",
        ),
        (
            Hmac::builder("k", "").sign(Part::Path).signature_in(Placement::header("s")),
            AuthErrorKind::Credentials,
            "secret is empty",
        ),
        (
            complete().secret_encoding(SecretEncoding::Base64),
            AuthErrorKind::Credentials,
            "not base64",
        ),
    ] {
        let error = builder.build().expect_err(reason);
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error:?}").contains("my-secret"), "{error:?}");
    }
}

#[test]
fn neither_credentials_nor_fixed_texts_print() {
    let builder = || {
        recipes::okx("canary-key", "canary-secret", "canary-pass")
            .literal_in(Placement::header("X-Partner"), "canary-literal")
            .ws_message(
                recipes::binance_messages().literal_in(Placement::json("t"), "canary-literal"),
            )
            .ws_login(
                Login::new(r#"{"op":"login","sign":"canary-literal"}"#)
                    .accepted_when(fields_are([("event", "login")])),
            )
    };
    for shown in
        [format!("{:?}", builder()), format!("{:#?}", builder().build().expect("complete"))]
    {
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("OK-ACCESS-SIGN"), "{shown}");
    }
}

#[tokio::test]
async fn what_was_not_set_up_is_refused_and_not_passed_through() {
    let auth = Hmac::builder("key", "secret").ws_login(login()).build().expect("a login is enough");
    let error =
        auth.rest_authenticate(RestRequest::get("https://h/p")).await.expect_err("no recipe");
    assert_eq!(error.kind(), AuthErrorKind::Unsupported);
    assert!(error.to_string().contains("`sign`"), "{error}");

    let auth = complete().build().expect("complete");
    let error = auth
        .ws_authenticate(networkpype_core::WebSocketRequest::text("x"))
        .await
        .expect_err("no recipe");
    assert_eq!(error.kind(), AuthErrorKind::Unsupported);
    assert!(error.to_string().contains("`ws_message`"), "{error}");

    let handshake = networkpype_core::WebSocketHandshake::new("wss://h/ws");
    let error = auth.ws_handshake(handshake).await.expect_err("not said");
    assert_eq!(error.kind(), AuthErrorKind::Unsupported);
    assert!(error.to_string().contains("`sign_handshakes`"), "{error}");

    let step =
        auth.ws_login(&mut networkpype_core::Extensions::new(), None).await.expect("decided");
    assert!(matches!(step, networkpype_core::LoginStep::NotNeeded));
}
