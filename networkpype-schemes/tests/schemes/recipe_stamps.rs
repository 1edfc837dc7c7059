//! Timestamps, nonces and what is random: fresh in each signature, the same within one.

use std::sync::Arc;

use networkpype_core::{Auth, RestRequest, Timestamp};

use crate::{
    recipe_setup::{builder, requests, sign},
    wire::{NOW_MS, clock_at},
};

const STAMPED: &str = "
    credentials = ['key', 'secret']
    [request]
    payload = '{nonce}{timestamp}{uuid}{random|hex}'
    headers.N = '{nonce}'
    headers.T = '{timestamp}'
    headers.U = '{uuid}/{uuid}'
    headers.R = '{random|hex}/{random|hex}'
    headers.S = '{signature}'
";

fn value(request: &RestRequest, name: &str) -> String {
    request.headers()[name].to_str().expect("ASCII").to_owned()
}

#[tokio::test]
async fn each_signature_of_one_request_has_stamps_of_its_own() {
    let clock = clock_at(NOW_MS);
    let auth = builder(STAMPED).clock(Arc::clone(&clock)).build().expect("complete");
    let request = RestRequest::get("https://h/p");
    let first = sign(&auth, request.clone()).await.expect("signed");
    clock.set(Timestamp::from_millis(NOW_MS + 1_000));
    let second = sign(&auth, request).await.expect("signed");
    for name in ["n", "t", "u", "r", "s"] {
        assert_ne!(value(&first, name), value(&second, name), "{name}");
    }
    for name in ["u", "r"] {
        let text = value(&first, name);
        let (one, other) = text.split_once('/').expect("two");
        assert_eq!(one, other, "one signature has one of it");
    }
}

#[tokio::test]
async fn a_nonce_grows_though_the_clock_stands_still_or_goes_back() {
    let clock = clock_at(NOW_MS);
    let auth = builder(STAMPED).clock(Arc::clone(&clock)).build().expect("complete");
    let mut last = 0;
    for step in [0, 0, 0, -5_000, 7, -1] {
        clock.set(Timestamp::from_millis(NOW_MS + step));
        let signed = sign(&auth, RestRequest::get("https://h/p")).await.expect("signed");
        let nonce: u64 = value(&signed, "n").parse().expect("a number");
        assert!(nonce > last, "{nonce} after {last}");
        last = nonce;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nonces_strictly_increase_under_concurrency() {
    for unit in ["s", "ms", "us", "ns", "s-decimal-8"] {
        let text = format!("{STAMPED}\nnonce = '{unit}'");
        let auth = Arc::new(builder(&text).build().expect("complete"));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let auth = Arc::clone(&auth);
                tokio::spawn(async move {
                    let mut own = Vec::new();
                    for _ in 0..100 {
                        let request = RestRequest::get("https://h/p");
                        let signed = auth.rest_authenticate(request).await.expect("signed");
                        let digits = value(&signed, "n").replace('.', "");
                        own.push(digits.parse::<u128>().expect("a number"));
                    }
                    assert!(own.is_sorted_by(|a, b| a < b), "each task sees its own increase");
                    own
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.expect("no panic"));
        }
        all.sort_unstable();
        assert!(all.is_sorted_by(|a, b| a < b), "{unit}: no two are the same");
    }
}

#[tokio::test]
async fn each_unit_and_format_is_written_its_own_way() {
    for (nonce, expected) in [
        ("s", "1700000000"),
        ("ms", "1700000000000"),
        ("us", "1700000000000000"),
        ("ns", "1700000000000000000"),
        ("s-decimal-8", "1700000000.00000000"),
    ] {
        let auth = builder(&format!("{STAMPED}\nnonce = '{nonce}'")).build().expect("complete");
        let signed = sign(&auth, RestRequest::get("https://h/p")).await.expect("signed");
        assert_eq!(value(&signed, "n"), expected);
    }
    for (format, expected) in [
        ("timestamp = 's'\nexpires-in = 60", "1700000060"),
        ("timestamp = 'ms'", "1700000000000"),
        ("timestamp = 'iso-ms'", "2023-11-14T22:13:20.000Z"),
    ] {
        let auth = builder(&format!("{STAMPED}\n{format}")).build().expect("complete");
        let signed = sign(&auth, RestRequest::get("https://h/p")).await.expect("signed");
        assert_eq!(value(&signed, "t"), expected);
    }
}

#[tokio::test]
async fn a_clock_is_told_where_time_is_signed_and_not_where_it_is_not() {
    let timed = requests("payload = '{now(s)}'\nheaders.T = '{now(s)}'\nheaders.S = '{signature}'");
    assert!(timed.time_provider().is_some());
    let untimed = requests("headers.K = '{key}'");
    assert!(untimed.time_provider().is_none());
}
