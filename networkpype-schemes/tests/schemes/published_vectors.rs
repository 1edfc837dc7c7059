//! Signatures that vendors publish, reproduced through the public scheme.
//!
//! The cases in the repository lack those that may not be in it; the whole file is read where `NETWORKPYPE_VECTORS`
//! names the folder that holds it.

use std::{collections::BTreeMap, path::Path};

use networkpype_core::{Auth, RestRequest, WebSocketRequest};
use networkpype_schemes::hmac::{Hmac, HmacBuilder, Part, Placement, SecretEncoding};
use serde_json::Value;

use crate::{
    recipes,
    wire::{body, clock_at, header, text, vectors_here_only},
};

/// What is not an HTTP request or WebSocket message signed with an HMAC. Everything else must reproduce.
const NOT_EXPRESSIBLE: [(&str, &str); 1] =
    [("binance-fix-ed25519", "an Ed25519 signature over the fields of a FIX message")];

/// The cases that may not be in the repository.
const HERE_ONLY: &str = "github.com/binance/";

#[tokio::test]
async fn published_signatures_reproduce() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let skipped = reproduce(&committed).await;
    assert!(skipped.is_empty(), "{skipped:?}");
}

#[tokio::test]
async fn published_signatures_that_may_not_be_committed_reproduce() {
    let Some(folder) = vectors_here_only("Binance's published signatures") else { return };
    let skipped = reproduce(Path::new(&folder)).await;
    assert_eq!(skipped, BTreeMap::from(NOT_EXPRESSIBLE));
}

#[test]
fn cases_that_may_not_be_committed_are_not() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let cases = cases(&committed);
    assert_eq!(cases.len(), 13);
    for case in &cases {
        assert!(!string(case, "source").starts_with(HERE_ONLY), "{}", case["name"]);
    }
}

fn cases(folder: &Path) -> Vec<Value> {
    let path = folder.join("hmac_recipes/published.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("JSON");
    file["cases"].as_array().expect("cases").clone()
}

/// Checks every case in `folder`, and says which were not expressible.
async fn reproduce(folder: &Path) -> BTreeMap<&'static str, &'static str> {
    let mut skipped = BTreeMap::new();
    for case in cases(folder) {
        let name = string(&case, "name");
        if let Some(entry) =
            NOT_EXPRESSIBLE.iter().find(|(inexpressible, _)| *inexpressible == name)
        {
            skipped.insert(entry.0, entry.1);
            continue;
        }
        let signature = signature_of(&case).await;
        assert_eq!(signature, string(&case["expected"], "signature"), "{name}");
    }
    skipped
}

/// Which API a case is about decides how it is configured; everything else comes from the case.
async fn signature_of(case: &Value) -> String {
    let name = string(case, "name");
    let (key, secret) = (string(case, "api_key"), string(case, "secret"));
    let payload = string(case, "payload_to_sign");
    match name.split('-').next().expect("a first word") {
        "binance" if name.starts_with("binance-ws") => binance_message(key, secret, payload).await,
        "binance" => binance(case, key, secret, payload).await,
        "kraken" => kraken(secret, &case["payload_to_sign"]).await,
        "bitmex" => bitmex(key, secret, payload).await,
        "gate" => gate(key, secret, payload, string(case, "body")).await,
        "github" => sign(recipes::github(secret), 0, post(payload), "x-hub-signature-256").await,
        "slack" => {
            let (stamp, sent) = payload["v0:".len()..].split_once(':').expect("v0:timestamp:body");
            sign(recipes::slack(secret), millis(stamp), post(sent), "x-slack-signature").await
        }
        "standard" => {
            let (id, rest) = payload.split_once('.').expect("id.timestamp.body");
            let (stamp, sent) = rest.split_once('.').expect("timestamp.body");
            let request = post(sent).header("webhook-id", id);
            sign(recipes::standard_webhooks(secret), millis(stamp), request, "webhook-signature")
                .await
        }
        "rfc4231" => {
            let scheme = Hmac::builder("", string(case, "secret_hex"))
                .secret_encoding(SecretEncoding::Hex)
                .sign(Part::Body)
                .signature_in(Placement::header("sign"));
            sign(scheme, 0, post(unhex(string(case, "payload_hex"))), "sign").await
        }
        _ => panic!("no recipe for {name}"),
    }
}

/// The parameters are given decoded, so that the encoder is tested too, and the timestamp comes from the clock.
async fn binance(case: &Value, key: &str, secret: &str, payload: &str) -> String {
    let (query, form) = match case["query"].as_str() {
        Some(query) => (query, string(case, "body")),
        None => (payload, ""),
    };
    let (mut request, mut stamp) = (RestRequest::post("https://api.binance.com/api/v3/order"), "");
    for (name, value) in pairs(query) {
        match name.as_str() {
            "timestamp" => stamp = &query[query.len() - 13..],
            _ => request = request.param(name, value),
        }
    }
    for (name, value) in pairs(form) {
        match name.as_str() {
            "timestamp" => stamp = &form[form.len() - 13..],
            _ => request = request.form_param(name, value),
        }
    }
    let auth = recipes::binance(key, secret).clock(clock_at(stamp.parse().expect("milliseconds")));
    let mut signed =
        auth.build().expect("complete").rest_authenticate(request).await.expect("signed");
    assert_eq!(header(&signed, "x-mbx-apikey"), key);
    let sent = if form.is_empty() { signed.query_string().to_owned() } else { body(&signed) };
    let signed_text = if form.is_empty() { query } else { form };
    let signature =
        sent.strip_prefix(signed_text).and_then(|rest| rest.strip_prefix("&signature="));
    signature
        .unwrap_or_else(|| panic!("something else was sent than was to be signed: {sent}"))
        .to_owned()
}

async fn binance_message(key: &str, secret: &str, payload: &str) -> String {
    let (mut params, mut stamp) = (Vec::new(), 0);
    for (name, value) in pairs(payload) {
        match name.as_str() {
            "apiKey" => assert_eq!(value, key),
            "timestamp" => stamp = value.parse().expect("milliseconds"),
            "recvWindow" => params.push((name, Value::from(value.parse::<u32>().expect("number")))),
            _ => params.push((name, Value::from(value))),
        }
    }
    let params: serde_json::Map<String, Value> = params.into_iter().collect();
    let message = [("method", Value::from("order.place")), ("params", Value::from(params))];
    let scheme =
        Hmac::builder(key, secret).clock(clock_at(stamp)).ws_message(recipes::binance_messages());
    let auth = scheme.build().expect("complete");
    let signed =
        auth.ws_authenticate(WebSocketRequest::json_object(message)).await.expect("signed");
    let sent: Value = serde_json::from_str(&text(signed)).expect("JSON");
    assert_eq!(sent["params"]["timestamp"], stamp);
    string(&sent["params"], "signature").to_owned()
}

async fn kraken(secret: &str, payload: &Value) -> String {
    let sent = string(payload, "body");
    let mut request =
        RestRequest::post(format!("https://api.kraken.com{}", string(payload, "path")));
    for (name, value) in pairs(sent).into_iter().filter(|(name, _)| name != "nonce") {
        request = request.form_param(name, value);
    }
    let nonce = string(payload, "nonce").parse().expect("milliseconds");
    let auth = recipes::kraken("key", secret).clock(clock_at(nonce)).build().expect("complete");
    let signed = auth.rest_authenticate(request).await.expect("signed");
    assert_eq!(body(&signed), sent);
    header(&signed, "api-sign").to_owned()
}

/// Method, target, ten digits of expiry, body.
async fn bitmex(key: &str, secret: &str, payload: &str) -> String {
    let (method, rest) = payload.split_at(payload.find('/').expect("a path"));
    let expiry = rest.find("15180642").expect("the expiry of all cases begins so");
    let (target, rest) = rest.split_at(expiry);
    let (expires, json) = rest.split_at(10);
    let url = format!("https://www.bitmex.com{target}");
    let request = RestRequest::new(method.parse().expect("method"), url);
    let request = if json.is_empty() { request } else { request.json_text(json) };
    let now = millis(expires) - 5_000;
    sign(recipes::bitmex(key, secret), now, request, "api-signature").await
}

async fn gate(key: &str, secret: &str, payload: &str, json: &str) -> String {
    let lines: Vec<&str> = payload.split('\n').collect();
    let [method, path, query, _, stamp] = lines[..] else { panic!("five lines: {payload}") };
    let mut request =
        RestRequest::new(method.parse().expect("method"), format!("https://api.gateio.ws{path}"));
    for (name, value) in pairs(query) {
        request = request.param(name, value);
    }
    let request = if json.is_empty() { request } else { request.json_text(json) };
    sign(recipes::gate(key, secret), millis(stamp), request, "sign").await
}

async fn sign(scheme: HmacBuilder, now_ms: i64, request: RestRequest, name: &str) -> String {
    let auth = scheme.clock(clock_at(now_ms)).build().expect("complete");
    let signed = auth.rest_authenticate(request).await.expect("signed");
    header(&signed, name).to_owned()
}

fn post(sent: impl Into<Vec<u8>>) -> RestRequest {
    RestRequest::post("https://hooks.example.com/in").body(sent.into())
}

fn millis(seconds: &str) -> i64 {
    seconds.parse::<i64>().expect("seconds") * 1_000
}

/// The parameters of an encoded text, decoded.
fn pairs(encoded: &str) -> Vec<(String, String)> {
    let ascii = |byte: u8| {
        if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    let url = format!("https://h/?{}", encoded.bytes().map(ascii).collect::<String>());
    let request = RestRequest::get(url);
    request
        .params()
        .iter()
        .map(|pair| (pair.name().into_owned(), pair.value().into_owned()))
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn string<'c>(value: &'c Value, name: &str) -> &'c str {
    value[name].as_str().unwrap_or_default()
}
