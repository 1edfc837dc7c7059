use networkpype_test::Exchange;
use serde_json::{Value, json};

use crate::client::{Client, get};
use crate::key::Key;

const NOW: i64 = 1_700_000_000;

fn status(exchange: &Exchange, target: &str, headers: &[(&str, &str)]) -> u16 {
    Client::connect(exchange.addr()).call("GET", target, headers, "").status
}

#[test]
fn basic_lets_in_this_user_with_this_password_alone() {
    let exchange = Exchange::builder().basic("Aladdin", "open:sesame").start();
    let enter = |value| status(&exchange, "/api/basic/me", &[("Authorization", value)]);
    // `Aladdin:open:sesame`
    let right = "Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==";
    assert_eq!(enter(right), 200);
    assert_eq!(enter("basic QWxhZGRpbjpvcGVuOnNlc2FtZQ=="), 200);
    for wrong in [
        "",
        "Basic",
        "Basic !",
        "QWxhZGRpbjpvcGVuOnNlc2FtZQ==",
        "Bearer QWxhZGRpbjpvcGVuOnNlc2FtZQ==",
        // `Aladdin:open sesame`, `Aladdin` and `aladdin:open:sesame`
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basic QWxhZGRpbg==",
        "Basic YWxhZGRpbjpvcGVuOnNlc2FtZQ==",
    ] {
        assert_eq!(enter(wrong), 401, "{wrong}");
    }
    let twice = [("Authorization", right), ("Authorization", right)];
    assert_eq!(status(&exchange, "/api/basic/me", &twice), 401);
    let refusal = get(&exchange, "/api/basic/me");
    assert!(refusal.header("www-authenticate").unwrap().starts_with("Basic realm="));
}

#[test]
fn nobody_enters_an_exchange_that_knows_nobody() {
    let exchange = Exchange::start();
    for (path, status) in [
        ("/api/basic/me", 403),
        ("/api/jwt/me", 401),
        ("/api/token/me", 403),
        ("/oauth2/token", 404),
    ] {
        assert_eq!(get(&exchange, path).status, status, "{path}");
    }
}

#[test]
fn a_signed_token_opens_what_it_was_signed_for() {
    let key = Key::new();
    let exchange = Exchange::builder()
        .frozen_at_ms(NOW * 1000)
        .jwt_key("k1", &key.public_jwk().to_string())
        .start();
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "k1" });
    let claims =
        json!({ "iss": "k1", "uri": "GET exchange/api/jwt/me", "iat": NOW - 10, "exp": NOW + 1 });
    let enter = |token: &str, target: &str| {
        status(&exchange, target, &[("Authorization", &format!("Bearer {token}"))])
    };
    let right = key.sign(&header, &claims);
    assert_eq!(enter(&right, "/api/jwt/me"), 200);
    assert_eq!(enter(&right, "/api/jwt/me?a=b"), 200);
    assert_eq!(enter(&right, "/api/jwt/you"), 401);
    assert_eq!(enter(&Key::new().sign(&header, &claims), "/api/jwt/me"), 401);
    assert_eq!(get(&exchange, "/api/jwt/me").status, 401);

    let changed = |json: &Value, name: &str, value: Value| {
        let mut json = json.clone();
        json[name] = value;
        json
    };
    for (name, value) in [("alg", "none"), ("alg", "HS256"), ("kid", "k2")] {
        let token = key.sign(&changed(&header, name, value.into()), &claims);
        assert_eq!(enter(&token, "/api/jwt/me"), 401, "{name} {value}");
    }
    for (name, value, status) in [
        ("iss", json!("k2"), 401),
        ("uri", json!("POST exchange/api/jwt/me"), 401),
        ("exp", json!(NOW), 401),
        ("exp", json!(null), 401),
        ("exp", json!(NOW + 290), 200),
        ("exp", json!(NOW + 291), 401),
        ("iat", json!(NOW + 1), 200),
        ("iat", json!(NOW + 2), 401),
        ("iat", json!((NOW - 10).to_string()), 401),
    ] {
        let token = key.sign(&header, &changed(&claims, name, value.clone()));
        assert_eq!(enter(&token, "/api/jwt/me"), status, "{name} {value}");
    }
}
