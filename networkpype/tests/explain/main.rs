//! Why was it refused? What signatures say of themselves.

#![cfg(feature = "presets")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a test's answer")]

mod hidden;

use networkpype::{
    Auth, Error, Explanation, ManualClock, Preset, RestManager, RestRequest, RestResponse,
    StatusCode, Timestamp, WebSocketHandshake, WebSocketRequest,
    schemes::{
        hmac::{Hmac, Part, Placement},
        recipe::{Credentials, RecipeAuth, RecipeSpec},
    },
};
use networkpype_core::mock::MockRest;

const KEYS: &str = include_str!("../../../vectors/ccxt/keys.json");

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_millis(1_700_000_000_000))
}

async fn refused(auth: impl Auth + 'static, request: RestRequest) -> Error {
    let connection = MockRest::new(|_| {
        Ok(RestResponse::new(StatusCode::UNAUTHORIZED).with_body("signature mismatch"))
    });
    let manager = RestManager::builder().connection(connection).auth(auth).build().expect("builds");
    manager.execute(request.auth_required().unlimited()).await.expect_err("refused")
}

fn okx() -> RecipeAuth {
    let credentials = Credentials::new()
        .with("key", "my-api-key")
        .with("secret", "my-api-secret")
        .with("passphrase", "my-passphrase");
    let okx = Preset::named("okx").expect("a preset");
    okx.auth().credentials(credentials).clock(clock()).build().expect("builds")
}

#[tokio::test]
async fn a_rejected_request_says_how_it_was_signed() {
    let request =
        RestRequest::get("https://www.okx.com/api/v5/account/balance").param("ccy", "B/C");
    let error = refused(okx(), request).await;
    let explanation = error.explanation().expect("a scheme that can explain");
    let parts: Vec<_> = explanation.parts().collect();
    assert_eq!(
        parts,
        [
            ("timestamp", "2023-11-14T22:13:20.000Z"),
            ("method", "GET"),
            ("target", "/api/v5/account/balance?ccy=B%2FC"),
            ("body", ""),
        ]
    );
    assert_eq!(explanation.operation(), "hmac-sha256, base64");
    let placed: Vec<_> =
        explanation.placed().map(|(place, value)| format!("{place} {value}")).collect();
    assert!(placed.contains(&"header \"OK-ACCESS-SIGN\" signature".to_owned()), "{placed:?}");

    let theirs = "2023-11-14T22:13:20.000ZGET/api/v5/account/balance?ccy=B/C";
    let difference = explanation.first_difference(theirs).expect("differs");
    assert_eq!((difference.at(), difference.part()), (56, Some("target")));
    assert!(error.to_string().contains("`Error::explanation`"), "{error}");
}

#[tokio::test]
async fn what_was_signed_is_what_the_explanation_holds_and_not_a_new_signature() {
    let nonce_recipe = RecipeSpec::from_toml(
        r#"
        credentials = ["secret"]
        [request]
        payload = "{nonce}{uuid}{body}"
        headers = { N = "{nonce}", U = "{uuid}", S = "{signature}" }
        "#,
    )
    .expect("a recipe");
    let auth = RecipeAuth::builder(nonce_recipe)
        .credentials(Credentials::new().with("secret", "my-api-secret"))
        .clock(clock())
        .build()
        .expect("builds");
    let unsigned = RestRequest::post("https://h.example/o").body("x");
    let signed = auth.rest_authenticate(unsigned.clone()).await.expect("signs");
    drop(auth.rest_authenticate(unsigned.clone()).await.expect("signs again"));
    let explanation = auth.explain(&unsigned, &signed).expect("explains");
    let header = |name: &str| signed.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(explanation.signed_text(), format!("{}{}x", header("n"), header("u")));
}

#[tokio::test]
async fn schemes_without_data_explain_themselves_too() {
    let hmac = Hmac::builder("my-api-key", "my-api-secret")
        .key_in(Placement::header("X-KEY"))
        .timestamp_in(Placement::query("timestamp"))
        .sign([Part::Query, Part::Key])
        .signature_in(Placement::query("signature"))
        .clock(clock())
        .build()
        .expect("builds");
    let error = refused(hmac, RestRequest::get("https://h.example/o").param("a", 1)).await;
    let explanation = error.explanation().expect("explains");
    assert_eq!(explanation.signed_text(), "a=1&timestamp=1700000000000<key, 10 bytes>");
}

#[tokio::test]
async fn a_request_that_was_not_signed_or_not_refused_for_that_has_no_explanation() {
    let connection = MockRest::new(|_| {
        Ok(RestResponse::new(StatusCode::TOO_MANY_REQUESTS).with_body("slow down"))
    });
    let manager =
        RestManager::builder().connection(connection).auth(okx()).build().expect("builds");
    let request = RestRequest::get("https://www.okx.com/o").unlimited();
    for request in [request.clone(), request.auth_required()] {
        let error = manager.execute(request).await.expect_err("refused");
        assert!(error.explanation().is_none());
    }
}

/// A credential of the kind that the recipe's base wants.
fn credentials(preset: &Preset) -> Credentials {
    let keys: std::collections::BTreeMap<String, String> =
        serde_json::from_str(KEYS).expect("keys");
    preset.recipe().credentials.iter().fold(Credentials::new(), |all, credential| {
        let value = match (preset.name(), credential.name()) {
            ("backpack", "secret") => keys["ed25519_seed_base64"].clone(),
            ("woofipro", "secret") => keys["ed25519_seed_base58"].clone(),
            ("coinbase", "secret") => keys["p256_sec1_pem"].clone(),
            (_, "secret") => "bXktYXBpLXNlY3JldC1pcy1sb25n".to_owned(),
            (_, name) => format!("canary-{name}-12345"),
        };
        all.with(credential.name(), value)
    })
}

fn leaks(explanation: &Explanation, credentials: &Credentials) -> Option<String> {
    let texts = [
        format!("{explanation}"),
        format!("{explanation:?}"),
        explanation.signed_text(),
        format!("{:?}", explanation.first_difference("x").map(|found| found.to_string())),
    ];
    let names: Vec<_> = credentials.names().collect();
    names.into_iter().find_map(|name| {
        let secret = credentials.get(name).and_then(|value| value.expose_str()).expect("text");
        texts.iter().find(|text| text.contains(secret)).map(|text| format!("{name}: {text}"))
    })
}

#[tokio::test]
async fn no_preset_shows_a_credential_in_an_explanation() {
    for name in Preset::names() {
        let preset = Preset::named(name).expect("a preset");
        let credentials = credentials(&preset);
        let auth = preset.auth().credentials(credentials.clone()).build().expect(name);
        let mut explanations = Vec::new();
        for request in [
            RestRequest::get("https://h.example/v1/orders").param("symbol", "BTC"),
            RestRequest::post("https://h.example/v1/orders").json_object([("symbol", "BTC")]),
            RestRequest::post("https://h.example/v1/orders").form_param("symbol", "BTC"),
        ] {
            // Not every API takes every kind of body.
            explanations.extend(auth.explain_request(request).await.ok());
        }
        assert!(!explanations.is_empty(), "{name}");
        explanations.extend(auth.explain_login().await.expect(name));
        let message = WebSocketRequest::json(&serde_json::json!({ "op": "x", "params": {} }));
        explanations.extend(auth.explain_message(message).await.ok());
        let handshake = WebSocketHandshake::new("wss://h.example/ws");
        explanations.extend(auth.explain_handshake(handshake).await.ok());
        for explanation in &explanations {
            assert_eq!(leaks(explanation, &credentials), None, "{name}");
        }
    }
}
