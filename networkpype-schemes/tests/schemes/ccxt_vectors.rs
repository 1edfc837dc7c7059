//! Requests that ccxt signed, signed again: the same bytes must get the same headers.
//!
//! Read where `NETWORKPYPE_VECTORS` names the folder that holds them.

use std::path::Path;

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
    let Some(folder) = std::env::var_os("NETWORKPYPE_VECTORS") else {
        eprintln!("SKIPPED: NETWORKPYPE_VECTORS is not set, so ccxt's signatures were not checked");
        return;
    };
    let path = Path::new(&folder).join("ccxt/rest.jsonl");
    let lines = std::fs::read_to_string(path).expect("ccxt/rest.jsonl");
    let (mut checked, mut differing) = (0, Vec::new());
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        if case["tier"] != "core" || !is_hmac_in_a_header(&case) {
            continue;
        }
        let exchange = case["exchange"].as_str().expect("exchange");
        let Some(scheme) = recipe(exchange, &case["credentials"]) else { continue };
        let auth = scheme.clock(clock_at(case["clock_ms"].as_i64().expect("clock")));
        let auth = auth.build().expect("complete");
        let expected = &case["expected"];
        let method =
            expected["method"].as_str().and_then(|method| method.parse().ok()).expect("method");
        let request = RestRequest::new(method, expected["url"].as_str().expect("url"));
        let request = match expected["body"].as_str() {
            Some(body) => request.body(body.to_owned()),
            None => request,
        };
        checked += 1;
        let same = auth.rest_authenticate(request).await.is_ok_and(|signed| {
            let sent: Vec<_> = expected["headers"].as_object().into_iter().flatten().collect();
            signed.headers().iter().all(|(name, value)| {
                let sent = sent.iter().find(|(sent, _)| sent.eq_ignore_ascii_case(name.as_str()));
                sent.is_some_and(|(_, sent)| value.to_str().ok() == sent.as_str())
            })
        });
        if !same {
            differing.push(case["case_id"].as_str().expect("id").to_owned());
        }
    }
    assert!(differing.is_empty(), "{} of {checked}: {differing:#?}", differing.len());
    assert!(checked >= 130, "{checked} cases were checked");
}

/// Leaves out public endpoints, RSA keys, and old endpoints that take the signature as a parameter.
fn is_hmac_in_a_header(case: &Value) -> bool {
    let headers = case["expected"]["headers"].to_string();
    case["crypto"].as_array().into_iter().flatten().any(|step| {
        step["op"] == "hmac"
            && step["result"].as_str().is_some_and(|result| headers.contains(result))
    })
}
