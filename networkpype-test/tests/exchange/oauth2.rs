use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::digest::Digest;
use networkpype_test::{Exchange, TokenIssuer};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::{Client, Response};
use crate::key::Key;

const NOW: i64 = 1_700_000_000;
const GRANT: &str = "grant_type=client_credentials&scope=a";

fn start(issuer: &TokenIssuer) -> Exchange {
    Exchange::builder().frozen_at_ms(NOW * 1000).issuer(issuer).start()
}

fn issuer() -> TokenIssuer {
    TokenIssuer::new("my client", "s%ecret:").life(Duration::from_secs(5))
}

/// As RFC 6749, section 2.3.1 has it: encoded, then put together.
fn client() -> String {
    format!("Basic {}", STANDARD.encode("my+client:s%25ecret%3A"))
}

fn ask(exchange: &Exchange, client: &str, form: &str, proof: Option<&str>) -> Response {
    let mut headers =
        vec![("Authorization", client), ("Content-Type", "application/x-www-form-urlencoded")];
    headers.extend(proof.map(|proof| ("DPoP", proof)));
    Client::connect(exchange.addr()).call("POST", "/oauth2/token", &headers, form)
}

fn token(response: &Response) -> String {
    response.json()["access_token"].as_str().unwrap_or_else(|| panic!("{response:?}")).to_owned()
}

/// The status, and the `error` of the challenge.
fn call(exchange: &Exchange, headers: &[(&str, &str)]) -> (u16, String) {
    let response = Client::connect(exchange.addr()).call("GET", "/api/token/me", headers, "");
    let challenge = response.header("www-authenticate").unwrap_or_default();
    let error = challenge.split("error=\"").nth(1).unwrap_or_default();
    (response.status, error.trim_end_matches('"').to_owned())
}

fn bearer(exchange: &Exchange, token: &str) -> u16 {
    call(exchange, &[("Authorization", &format!("Bearer {token}"))]).0
}

/// The claims of a proof for the request that `call` makes, with this token.
fn claims(jti: &str, token: &str) -> Value {
    let ath = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
    let htu = "http://exchange/api/token/me";
    json!({ "jti": jti, "htm": "GET", "htu": htu, "iat": NOW, "ath": ath })
}

fn prove(key: &Key, claims: &Value) -> String {
    let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": key.public_jwk() });
    key.sign(&header, claims)
}

fn for_token(key: &Key, jti: &str, nonce: Value) -> String {
    let htu = "http://exchange/oauth2/token";
    prove(key, &json!({ "jti": jti, "htm": "POST", "htu": htu, "iat": NOW, "nonce": nonce }))
}

#[test]
fn the_client_gets_tokens_that_end_and_nobody_else_gets_one() {
    let issuer = issuer();
    let exchange = start(&issuer);
    let answer = ask(&exchange, &client(), GRANT, None);
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(answer.json()["expires_in"], 5);
    let token = token(&answer);
    let plain = format!("Basic {}", STANDARD.encode("my client:s%ecret:"));
    for (client, form, status, error) in [
        (plain.as_str(), GRANT, 401, "invalid_client"),
        ("", GRANT, 401, "invalid_client"),
        (&client(), "grant_type=password", 400, "unsupported_grant_type"),
        (&client(), "", 400, "unsupported_grant_type"),
    ] {
        let refusal = ask(&exchange, client, form, None);
        assert_eq!((refusal.status, refusal.json()["error"].as_str()), (status, Some(error)));
    }
    let authorized = client();
    let headers = [("Authorization", authorized.as_str())];
    let put = Client::connect(exchange.addr()).call("PUT", "/oauth2/token", &headers, GRANT);
    assert_eq!(put.status, 404);
    assert_eq!(issuer.issued(), 1);

    assert_eq!(bearer(&exchange, &token), 200);
    assert_eq!(bearer(&exchange, "token-2"), 401);
    assert_eq!(call(&exchange, &[]), (401, String::new()));
    exchange.set_clock_skew_ms(4_999);
    assert_eq!(bearer(&exchange, &token), 200);
    exchange.set_clock_skew_ms(5_000);
    assert_eq!(bearer(&exchange, &token), 401);
    let endless = issuer.hand_out();
    assert_eq!(bearer(&exchange, &endless), 200);
    issuer.revoke_all();
    assert_eq!(bearer(&exchange, &endless), 401);
}

#[test]
fn a_bound_token_opens_nothing_without_a_proof_of_its_key() {
    let issuer = issuer();
    let exchange = start(&issuer);
    let key = Key::new();
    let answer = ask(&exchange, &client(), GRANT, Some(&for_token(&key, "t", Value::Null)));
    assert_eq!(answer.json()["token_type"], "DPoP");
    let token = token(&answer);
    let bound = format!("DPoP {token}");
    let enter = |proof: &str| call(&exchange, &[("Authorization", &bound), ("DPoP", proof)]);
    let good = prove(&key, &claims("1", &token));
    assert_eq!(enter(&good).0, 200);

    let invalid = |proof: &str| assert_eq!(enter(proof), (401, "invalid_dpop_proof".into()));
    // Once more, none, two.
    invalid(&good);
    invalid("");
    let fresh = prove(&key, &claims("2", &token));
    let twice = [("Authorization", bound.as_str()), ("DPoP", &fresh), ("DPoP", &fresh)];
    assert_eq!(call(&exchange, &twice).0, 401);
    for (name, value) in [
        ("htm", json!("POST")),
        ("htu", json!("https://exchange/api/token/me")),
        ("htu", json!("http://exchange/api/token/you")),
        ("iat", json!(NOW - 61)),
        ("iat", json!(NOW + 6)),
        ("iat", Value::Null),
        ("ath", Value::Null),
        ("ath", json!("AAAA")),
        ("jti", Value::Null),
    ] {
        let mut claims = claims("3", &token);
        claims[name] = value;
        invalid(&prove(&key, &claims));
    }
    let other = Key::new();
    for header in [
        json!({ "alg": "ES256", "typ": "JWT", "jwk": key.public_jwk() }),
        json!({ "alg": "ES384", "typ": "dpop+jwt", "jwk": key.public_jwk() }),
        json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": other.public_jwk() }),
        json!({ "alg": "ES256", "typ": "dpop+jwt" }),
    ] {
        invalid(&key.sign(&header, &claims("4", &token)));
    }

    // What is wrong now is the token.
    let stolen = prove(&other, &claims("5", &token));
    assert_eq!(enter(&stolen), (401, "invalid_token".into()));
    assert_eq!(bearer(&exchange, &token), 401);
    let unbound = issuer.hand_out();
    let value = format!("DPoP {unbound}");
    let proof = prove(&key, &claims("6", &unbound));
    for proof in ["", &proof] {
        let refusal = call(&exchange, &[("Authorization", &value), ("DPoP", proof)]);
        assert_eq!(refusal, (401, "invalid_token".into()));
    }
    assert_eq!(enter(&prove(&key, &claims("7", &token))).0, 200);
}

#[test]
fn each_server_wants_its_own_nonce_and_another_when_that_is_used_up() {
    let exchange = start(&issuer().nonce_uses(1));
    let key = Key::new();
    let asked = ask(&exchange, &client(), GRANT, Some(&for_token(&key, "1", Value::Null)));
    assert_eq!((asked.status, asked.json()["error"].as_str()), (400, Some("use_dpop_nonce")));
    let nonce = asked.header("dpop-nonce").unwrap();
    // A proof that was refused for its nonce is not used up.
    let answer = ask(&exchange, &client(), GRANT, Some(&for_token(&key, "1", json!(nonce))));
    let token = token(&answer);
    let again = ask(&exchange, &client(), GRANT, Some(&for_token(&key, "2", json!(nonce))));
    assert_eq!(again.json()["error"], "use_dpop_nonce");
    assert_ne!(again.header("dpop-nonce"), Some(nonce));

    let mut claims = claims("3", &token);
    claims["nonce"] = json!(again.header("dpop-nonce"));
    let proof = prove(&key, &claims);
    let bound = format!("DPoP {token}");
    let refusal = call(&exchange, &[("Authorization", &bound), ("DPoP", &proof)]);
    assert_eq!(refusal, (401, "use_dpop_nonce".into()));
    claims["nonce"] = json!("api-0");
    let proof = prove(&key, &claims);
    assert_eq!(call(&exchange, &[("Authorization", &bound), ("DPoP", &proof)]).0, 200);
}
