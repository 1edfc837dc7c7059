//! Requests that ccxt signed, signed again with recipes written in Rust: the same bytes must get the same headers. What the
//! presets make of all of them is tested in `examples/conformance`.

use networkpype_core::{Auth, RestRequest};
use networkpype_schemes::hmac::{
    DigestEncoding, Hmac, HmacAlgorithm, HmacBuilder, Part, Placement, SecretEncoding, Template,
    TimestampFormat,
};
use serde_json::Value;

use crate::{recipes, wire::clock_at};

/// The exchanges whose signature goes into a header, one for each way of doing it.
fn recipe(exchange: &str, credentials: &Value) -> Option<HmacBuilder> {
    let text = |name: &str| credentials[name].as_str().unwrap_or_default();
    let (key, secret, passphrase) = (text("apiKey"), text("secret"), text("password"));
    Some(match exchange {
        "okx" | "myokx" | "okxus" => recipes::okx(key, secret, passphrase),
        "bybit" => recipes::bybit(key, secret),
        "kucoin" => recipes::kucoin(key, secret, passphrase),
        "coinbaseexchange" => recipes::access("CB-ACCESS", key, secret)
            .secret_encoding(SecretEncoding::Base64)
            .digest(DigestEncoding::Base64)
            .timestamp(TimestampFormat::Seconds)
            .passphrase(passphrase)
            .passphrase_in(Placement::header("CB-ACCESS-PASSPHRASE")),
        "bitflyer" => recipes::access("ACCESS", key, secret).timestamp(TimestampFormat::Seconds),
        "bitvavo" => Hmac::builder(key, secret)
            .key_in(Placement::header("BITVAVO-ACCESS-KEY"))
            .timestamp_in(Placement::header("BITVAVO-ACCESS-TIMESTAMP"))
            .literal_in(Placement::header("BITVAVO-ACCESS-WINDOW"), "10000")
            .sign([Part::Timestamp, Part::Method, Part::Target, Part::Body])
            .signature_in(Placement::header("BITVAVO-ACCESS-SIGNATURE")),
        "delta" => Hmac::builder(key, secret)
            .timestamp(TimestampFormat::Seconds)
            .key_in(Placement::header("api-key"))
            .timestamp_in(Placement::header("timestamp"))
            .sign([Part::Method, Part::Timestamp, Part::Path, Part::QueryWithMark, Part::Body])
            .signature_in(Placement::header("signature")),
        "bitfinex" => Hmac::builder(key, secret)
            .algorithm(HmacAlgorithm::Sha384)
            .key_in(Placement::header("bfx-apikey"))
            .nonce_in(Placement::header("bfx-nonce"))
            .sign([Part::literal("/api"), Part::Path, Part::Nonce, Part::Body])
            .signature_in(Placement::header("bfx-signature")),
        "bitso" => Hmac::builder(key, secret)
            .sign([Part::Nonce, Part::Method, Part::Target, Part::Body])
            .place(
                Placement::header("Authorization"),
                [
                    Part::literal("Bitso "),
                    Part::Key,
                    Part::literal(":"),
                    Part::Nonce,
                    Part::literal(":"),
                    Part::Signature,
                ],
            ),
        "deribit" => Hmac::builder(key, secret)
            .sign(Template::joined_by(
                "\n",
                [
                    Part::Timestamp,
                    Part::Nonce,
                    Part::Method,
                    Part::Target,
                    Part::Body,
                    Part::literal(""),
                ],
            ))
            .place(
                Placement::header("Authorization"),
                [
                    Part::literal("deri-hmac-sha256 id="),
                    Part::Key,
                    Part::literal(",ts="),
                    Part::Timestamp,
                    Part::literal(",sig="),
                    Part::Signature,
                    Part::literal(",nonce="),
                    Part::Nonce,
                ],
            ),
        "btcmarkets" => Hmac::builder(key, secret)
            .secret_encoding(SecretEncoding::Base64)
            .algorithm(HmacAlgorithm::Sha512)
            .digest(DigestEncoding::Base64)
            .key_in(Placement::header("BM-AUTH-APIKEY"))
            .timestamp_in(Placement::header("BM-AUTH-TIMESTAMP"))
            .sign([Part::Method, Part::Path, Part::Timestamp, Part::Body])
            .signature_in(Placement::header("BM-AUTH-SIGNATURE")),
        "btcturk" => Hmac::builder(key, secret)
            .secret_encoding(SecretEncoding::Base64)
            .digest(DigestEncoding::Base64)
            .key_in(Placement::header("X-PCK"))
            .timestamp_in(Placement::header("X-Stamp"))
            .sign([Part::Key, Part::Timestamp])
            .signature_in(Placement::header("X-Signature")),
        _ => return None,
    })
}

#[tokio::test]
async fn requests_that_ccxt_signed_get_the_same_headers() {
    let cases = cases();
    let (mut checked, mut differing) = (0, Vec::new());
    for case in cases.iter().filter(|case| case["tier"] == "core") {
        let url = case["expected"]["url"].as_str().expect("url");
        checked += 1;
        differing.extend(difference(case, url, Vec::new()).await);
    }
    assert!(differing.is_empty(), "{} of {checked}: {differing:#?}", differing.len());
    assert!(checked >= 130, "{checked} cases were checked");
}

/// The parameters are given decoded, so that what is signed and sent is what our own encoder makes of them. ccxt sorts
/// BTC Markets' before they are signed, and the others' not.
#[tokio::test]
async fn parameters_that_we_encode_get_the_same_headers() {
    let cases = cases();
    let (mut encoded, mut differing) = (0, Vec::new());
    for case in cases.iter().filter(|case| case["body_kind"] == "query") {
        let expected = case["expected"]["url"].as_str().expect("url");
        let Some(mut params) = text_params(case) else { continue };
        if case["exchange"] == "btcmarkets" {
            params.sort();
        }
        // Python's `repr` of numbers and lists, and queries that are sent as they are typed, are not our encoder's.
        let ours = case["tier"] == "core" || case["case"] == "special";
        if !ours || matches!(case["exchange"].as_str(), Some("bybit" | "kucoin")) {
            continue;
        }
        encoded += usize::from(expected.contains("%2F"));
        let (url, _) = expected.split_once('?').expect("a query");
        differing.extend(difference(case, url, params).await);
    }
    assert!(differing.is_empty(), "{}: {differing:#?}", differing.len());
    assert!(encoded >= 13, "{encoded} cases with reserved characters were checked");
}

/// The cases that are signed with an HMAC in a header, for which there is a recipe.
fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/ccxt/rest.jsonl");
    let lines = std::fs::read_to_string(path).expect("ccxt/rest.jsonl");
    let cases = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let has_recipe = |case: &Value| {
        let exchange = case["exchange"].as_str().expect("exchange");
        recipe(exchange, &case["credentials"]).is_some()
    };
    cases.filter(|case| !signatures(case).is_empty() && has_recipe(case)).collect()
}

/// The parameters as text, where they are texts and whole numbers alone.
fn text_params(case: &Value) -> Option<Vec<(String, String)>> {
    let pairs = case["params"].as_array().expect("params").iter();
    let texts = pairs.map(|pair| {
        let name = pair[0].as_str().expect("name").to_owned();
        match &pair[1] {
            Value::String(text) => Some((name, text.clone())),
            Value::Number(number) if number.is_i64() => Some((name, number.to_string())),
            _ => None,
        }
    });
    texts.collect()
}

/// The headers of a case that hold its signature. Public endpoints, RSA keys, and old endpoints that take the signature
/// as a parameter have none; KuCoin's brokers sign a second time, with a secret of their own.
fn signatures(case: &Value) -> Vec<(&str, &str)> {
    let steps = || case["crypto"].as_array().into_iter().flatten();
    let headers = case["expected"]["headers"].as_object().into_iter().flatten();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let holds_signature = |(_, value): &(&str, &str)| {
        steps()
            .filter(|step| step["op"] == "hmac")
            .any(|step| step["result"].as_str().is_some_and(|signature| value.contains(signature)))
    };
    headers.filter(|(name, _)| *name != "KC-API-PARTNER-SIGN").filter(holds_signature).collect()
}

/// What the request of a case lacks, has beside ccxt's or has otherwise, once it is signed here.
async fn difference(case: &Value, url: &str, params: Vec<(String, String)>) -> Option<String> {
    let expected = &case["expected"];
    let text = |name: &str| expected[name].as_str().unwrap_or_default();
    let mut request = RestRequest::new(text("method").parse().expect("method"), url);
    for (name, value) in params {
        request = request.param(name, value);
    }
    if !text("body").is_empty() {
        request = request.body(text("body").to_owned());
    }
    let scheme = recipe(case["exchange"].as_str().expect("exchange"), &case["credentials"]);
    let scheme = scheme.expect("a recipe").clock(clock_at(case["clock_ms"].as_i64().expect("ms")));
    let auth = scheme.build().expect("complete");
    let id = case["case_id"].as_str().expect("id");
    let mut signed = match auth.rest_authenticate(request).await {
        Ok(signed) => signed,
        Err(error) => return Some(format!("{id}: {error}")),
    };
    let target = signed.target();
    if !text("url").ends_with(&target) {
        return Some(format!("{id}: {target} was to be {}", text("url")));
    }
    let has = |(name, value): &(&str, &str)| {
        signed.headers().get(*name).and_then(|sent| sent.to_str().ok()) == Some(*value)
    };
    if let Some((missing, _)) = signatures(case).into_iter().find(|header| !has(header)) {
        return Some(format!("{id}: {missing} is missing or differs"));
    }
    let ours = signed.headers().iter().find(|(name, value)| {
        let theirs = expected["headers"].as_object().into_iter().flatten();
        let theirs =
            theirs.into_iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name.as_str()));
        theirs.is_none_or(|(_, theirs)| value.to_str().ok() != theirs.as_str())
    });
    ours.map(|(name, _)| format!("{id}: {name} is too much or differs"))
}
