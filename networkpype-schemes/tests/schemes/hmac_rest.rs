use std::{sync::Arc, time::Duration};

use http::StatusCode;
use networkpype_core::{
    Auth, AuthErrorKind, Clock, Encoding, Recovery, Rejection, RestRequest, RestResponse, Timestamp,
};
use networkpype_schemes::hmac::{DigestEncoding, Hmac, Nonce, Part, Placement, TimestampFormat};

use crate::{
    recipes,
    wire::{NOW_MS, body, clock_at, header},
};

async fn signed(auth: &Hmac, request: RestRequest) -> RestRequest {
    auth.rest_authenticate(request).await.expect("signed")
}

#[tokio::test]
async fn the_second_example_of_the_python_guide_is_a_few_lines() {
    let auth = Hmac::builder("my-key", "my-secret")
        .key_in(Placement::header("X-MBX-APIKEY"))
        .timestamp_in(Placement::query("timestamp"))
        .sign([Part::Query])
        .signature_in(Placement::query("signature"))
        .clock(clock_at(NOW_MS))
        .build()
        .expect("complete");

    let mut request = signed(&auth, RestRequest::get("https://api.example.com/account")).await;
    assert_eq!(header(&request, "x-mbx-apikey"), "my-key");
    assert_eq!(
        request.target(),
        "/account?timestamp=1700000000000&signature=7f89215b36a0419e2c578c7446ace1ed6a785c10e779c262412a5cf736f4c5c0"
    );
}

/// The Python library signed the text before it was encoded.
#[tokio::test]
async fn what_is_signed_is_the_encoded_text() {
    let auth =
        recipes::binance("my-key", "my-secret").clock(clock_at(NOW_MS)).build().expect("complete");
    let request =
        RestRequest::get("https://h/p").param("symbol", "BTC/USDT").param("note", "a b ü");
    let mut request = signed(&auth, request).await;
    assert_eq!(
        request.query_string(),
        "symbol=BTC%2FUSDT&note=a%20b%20%C3%BC&timestamp=1700000000000\
         &signature=c762053d0bdf2b0bac8add4344d45584a516ff5e69674dcc178e5e8ba602384c",
    );
}

/// A filter in a query that BitMEX signs as it is sent, with `+` for a space.
#[tokio::test]
async fn a_parameter_is_signed_in_the_encoding_it_is_sent_in() {
    let auth = recipes::bitmex(
        "LAqUlngMIQkIUjXMUreyu3qn",
        "chNOOS4KvNXR_Xq4k4c9qsfoKWvnDecLATCRlcBwyKDYnWgO",
    )
    .clock(clock_at(1_518_064_232_000))
    .build()
    .expect("complete");
    let request = RestRequest::get("https://www.bitmex.com/api/v1/instrument").param_as(
        Encoding::Form,
        "filter",
        "{\"symbol\": \"XBTM15\"}",
    );
    let request = signed(&auth, request).await;
    assert_eq!(
        header(&request, "api-signature"),
        "e2f422547eecb5b3cb29ade2127e21b858b235b386bfa45e1c1756eb3383919f",
    );
}

#[tokio::test]
async fn numbers_and_order_of_a_json_body_survive_signing() {
    let auth = recipes::access("ACCESS", "my-key", "my-secret")
        .digest(DigestEncoding::Base64)
        .clock(clock_at(NOW_MS))
        .build()
        .expect("complete");
    let json = r#"{"price":219.0,"tick":1e-7,"id":12345678901234567890123}"#;
    let request = signed(&auth, RestRequest::post("https://h/orders?dry=1").json_text(json)).await;
    assert_eq!(body(&request), json);
    assert_eq!(header(&request, "access-sign"), "NNT8Kc5DyAJYGSdpNfwEo7tNKsE0RU9l7ve0xjxfpmQ=");
}

#[tokio::test]
async fn another_attempt_has_another_timestamp_and_signature() {
    let clock = clock_at(NOW_MS);
    let auth =
        recipes::binance("my-key", "my-secret").clock(clock.clone()).build().expect("complete");
    let unsigned = RestRequest::post("https://h/p").form_param("newClientOrderId", "id-1");
    let first = body(&signed(&auth, unsigned.clone()).await);
    clock.advance(Duration::from_millis(1));
    let second = body(&signed(&auth, unsigned).await);
    assert!(
        first.starts_with("newClientOrderId=id-1&timestamp=1700000000000&signature="),
        "{first}"
    );
    assert!(
        second.starts_with("newClientOrderId=id-1&timestamp=1700000000001&signature="),
        "{second}"
    );
    assert_ne!(first.split_once("signature="), second.split_once("signature="));
}

#[tokio::test]
async fn a_request_that_is_signed_already_is_not_signed_twice() {
    let auth = recipes::binance("my-key", "my-secret").build().expect("complete");
    let once = signed(&auth, RestRequest::get("https://h/p")).await;
    let error = auth.rest_authenticate(once).await.expect_err("it has a timestamp");
    assert_eq!(error.kind(), AuthErrorKind::Request);
    assert!(error.to_string().contains("timestamp"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nonces_increase_across_tasks_and_schemes_that_share_them() {
    let nonce = Nonce::millis();
    let scheme = || recipes::kraken("key", "c2VjcmV0").nonce(nonce.clone()).clock(clock_at(NOW_MS));
    let schemes =
        [scheme().build().expect("complete"), scheme().build().expect("complete")].map(Arc::new);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let auth = Arc::clone(&schemes[task % 2]);
            tokio::spawn(async move {
                let mut nonces = Vec::new();
                for _ in 0..50 {
                    let sent = body(&signed(&auth, RestRequest::post("https://h/p")).await);
                    nonces.push(sent["nonce=".len()..].parse::<i64>().expect("a number"));
                }
                assert!(nonces.is_sorted_by(|a, b| a < b), "{nonces:?}");
                nonces
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("no panic"));
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(NOW_MS..NOW_MS + 400), "400 requests have 400 nonces without a gap");
}

/// The inputs are those of OKX's documentation; it gives no signature, so this one was made with another library.
#[tokio::test]
async fn okx_gets_its_passphrase_and_an_iso_timestamp() {
    let auth = recipes::okx("key", "22582BD0CFF14C41EDBF1AB98506286D", "my pass")
        .clock(clock_at(1_607_418_537_715))
        .build()
        .expect("complete");
    let request =
        RestRequest::get("https://www.okx.com/api/v5/account/balance").param("ccy", "BTC");
    let request = signed(&auth, request).await;
    assert_eq!(header(&request, "ok-access-timestamp"), "2020-12-08T09:08:57.715Z");
    assert_eq!(header(&request, "ok-access-passphrase"), "my pass");
    assert_eq!(header(&request, "ok-access-sign"), "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY=");
    assert!(request.headers().values().all(http::HeaderValue::is_sensitive));
    assert!(!format!("{request:?}").contains("my pass"), "{request:?}");
}

#[tokio::test]
async fn kucoin_gets_its_passphrase_signed() {
    let auth = recipes::kucoin("key", "my-secret", "my-pass").build().expect("complete");
    let request = signed(&auth, RestRequest::get("https://h/p")).await;
    assert_eq!(
        header(&request, "kc-api-passphrase"),
        "nIAH8Y9B5qE/lbJgYQ1HqW05N1Pd6RJARwGHRpyVGoA="
    );
}

/// HTX sorts what it adds among the caller's parameters, and gets the signature as base64 in the query.
#[tokio::test]
async fn sorted_parameters_are_sent_as_they_were_signed() {
    let auth = Hmac::builder("my-key", "my-secret")
        .digest(DigestEncoding::Base64)
        .timestamp(TimestampFormat::Iso8601Secs)
        .key_in(Placement::query("AccessKeyId"))
        .timestamp_in(Placement::query("Timestamp"))
        .sort_params()
        .sign([Part::Method, Part::Host, Part::Path, Part::Query])
        .signature_in(Placement::query("Signature"))
        .clock(clock_at(NOW_MS))
        .build()
        .expect("complete");
    let mut request =
        signed(&auth, RestRequest::get("https://h/p").param("symbol", "x").param("B", 1)).await;
    let (sent, signature) = request.query_string().split_once("&Signature=").expect("signed");
    assert_eq!(sent, "AccessKeyId=my-key&B=1&Timestamp=2023-11-14T22%3A13%3A20Z&symbol=x");
    assert!(signature.ends_with("%3D"), "{signature}");
}

#[tokio::test]
async fn a_streamed_body_is_refused_only_where_it_would_be_signed() {
    let streamed = || RestRequest::post("https://h/p").body_stream(Some(1), || unreachable!());
    let okx = recipes::okx("key", "secret", "pass").build().expect("complete");
    assert_eq!(
        okx.rest_authenticate(streamed()).await.expect_err("streamed").kind(),
        AuthErrorKind::Request
    );
    let without_body =
        recipes::access("ACCESS", "key", "secret").sign([Part::Timestamp, Part::Target]);
    let request = signed(&without_body.build().expect("complete"), streamed()).await;
    assert!(request.streamed_body().is_some());
}

#[tokio::test]
async fn a_rejection_leads_to_a_resync_where_it_says_that_the_clock_is_off() {
    let recovery = async |auth: Hmac, status: StatusCode, json: &'static str| {
        let request = RestRequest::get("https://h/p");
        let response = RestResponse::new(status).with_body(json);
        auth.on_rejected(&Rejection::new(&request, &response)).await.expect("decided")
    };
    let binance = || recipes::binance("key", "secret").build().expect("complete");
    let stale = r#"{"code":-1021,"msg":"outside of the recvWindow"}"#;
    assert_eq!(recovery(binance(), StatusCode::BAD_REQUEST, stale).await, Recovery::ResyncTime);
    for other in [r#"{"code":-1022}"#, r#"{"error":-1021}"#, "-1021", ""] {
        assert_eq!(
            recovery(binance(), StatusCode::BAD_REQUEST, other).await,
            Recovery::GiveUp,
            "{other}"
        );
    }
    let okx = || recipes::okx("key", "secret", "pass").build().expect("complete");
    assert_eq!(recovery(okx(), StatusCode::UNAUTHORIZED, stale).await, Recovery::GiveUp);
    let judged = recipes::okx("key", "secret", "pass")
        .resync_on_code("50102")
        .resync_when(|rejection| rejection.response.status() == StatusCode::UNAUTHORIZED)
        .build()
        .expect("complete");
    assert_eq!(recovery(judged, StatusCode::UNAUTHORIZED, "").await, Recovery::ResyncTime);
    let pointed = || {
        let okx = recipes::okx("key", "secret", "pass");
        okx.resync_on_field("/error/code", "10003").build().expect("complete")
    };
    let nested = r#"{"error":{"code":10003}}"#;
    assert_eq!(recovery(pointed(), StatusCode::UNAUTHORIZED, nested).await, Recovery::ResyncTime);
    for other in [r#"{"code":10003}"#, r#"{"error":{"code":1,"code":10003}}"#, "[]"] {
        assert_eq!(recovery(pointed(), StatusCode::UNAUTHORIZED, other).await, Recovery::GiveUp);
    }
}

#[tokio::test]
async fn a_scheme_that_stamps_says_with_which_clock() {
    let clock: Arc<dyn Clock> = clock_at(NOW_MS);
    let okx =
        recipes::okx("key", "secret", "pass").clock(Arc::clone(&clock)).build().expect("complete");
    assert!(okx.time_provider().is_some_and(|given| given.identity() == clock.identity()));
    let github = recipes::github("secret").clock(clock).build().expect("complete");
    assert!(github.time_provider().is_none());
    let system = recipes::okx("key", "secret", "pass").build().expect("complete");
    let now = system.time_provider().expect("the default clock").now();
    assert!(now > Timestamp::from_secs(1_700_000_000));
}
