use networkpype_test::Exchange;

use crate::client::{Client, Response, base64_signature, get, hex_signature};

const NOW: i64 = 1_700_000_000_000;
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// Its clock stands still, so that the edges of the window can be hit exactly.
fn exchange() -> Exchange {
    Exchange::builder().frozen_at_ms(NOW).start()
}

fn keyed(exchange: &Exchange, method: &str, target: &str, body: &str) -> Response {
    let headers = [("X-MBX-APIKEY", "test-key"), FORM];
    Client::connect(exchange.addr()).call(method, target, &headers, body)
}

fn signed_query(query: &str) -> String {
    format!("{query}&signature={}", hex_signature(query))
}

fn call_query(exchange: &Exchange, query: &str) -> Response {
    keyed(exchange, "GET", &format!("/api/query/account?{query}"), "")
}

#[test]
fn a_key_is_accepted_where_it_belongs() {
    let exchange = exchange();
    let mut client = Client::connect(exchange.addr());
    for (target, header, status) in [
        ("/api/key/account", ("x-api-key", "test-key"), 200),
        ("/api/key/account", ("x-api-key", "test-keys"), 401),
        ("/api/key/account?api_key=test-key", ("x-other", "test-key"), 401),
        ("/api/key-query/account?a=b&api_key=test%2Dkey", ("x", ""), 200),
        ("/api/key-query/account?api_key=", ("x-api-key", "test-key"), 401),
        ("/api/key-cookie/account", ("Cookie", "a=b; api_key=test-key"), 200),
        ("/api/key-cookie/account", ("Cookie", "xapi_key=test-key"), 401),
    ] {
        let response = client.call("GET", target, &[header], "");
        assert_eq!(response.status, status, "{target} {header:?}");
    }
    let twice = [("X-API-KEY", "test-key"), ("X-API-KEY", "test-key")];
    let response = client.call("GET", "/api/key/account", &twice, "");
    assert_eq!(response.refusal(), (401, "-2014".into()));
}

#[test]
fn a_signed_query_is_accepted_as_sent() {
    let exchange = exchange();
    for query in [
        format!("timestamp={NOW}"),
        format!("b=2&a=%e2%82%AC&&a=+&timestamp={NOW}"),
        format!("timestamp={NOW}&symbol=\u{27}x\u{27}"),
    ] {
        let response = call_query(&exchange, &signed_query(&query));
        assert_eq!(response.status, 200, "{query}: {response:?}");
        assert_eq!(response.json()["received_at"], NOW);
    }
}

#[test]
fn query_and_body_are_signed_without_a_separator() {
    let exchange = exchange();
    let query = format!("symbol=BTC&timestamp={NOW}");
    let signature = hex_signature(&format!("{query}side=BUY"));
    let in_query = format!("/api/query/order?{query}&signature={signature}");
    let response = keyed(&exchange, "POST", &in_query, "side=BUY");
    assert_eq!(response.json()["orderId"], 1, "{response:?}");
    assert_eq!(response.json()["body"], "side=BUY");

    let signature = hex_signature(&format!("{query}side=SELL"));
    let body = format!("side=SELL&signature={signature}");
    let response = keyed(&exchange, "POST", &format!("/api/query/order?{query}"), &body);
    assert_eq!(response.json()["orderId"], 2, "{response:?}");
    assert_eq!(response.json()["query"], query);

    let form = format!("timestamp={NOW}&side=SELL");
    let body = format!("{form}&signature={}", hex_signature(&form));
    assert_eq!(keyed(&exchange, "POST", "/api/query/order", &body).status, 200);
}

#[test]
fn a_wrong_signature_is_refused() {
    let exchange = exchange();
    let query = format!("a=1&timestamp={NOW}");
    let signature = hex_signature(&query);
    let upper = signature.to_uppercase();
    for sent in [
        format!("a=2&timestamp={NOW}&signature={signature}"),
        format!("a=%31&timestamp={NOW}&signature={signature}"),
        format!("timestamp={NOW}&a=1&signature={signature}"),
        format!("{query}&signature={upper}"),
        format!("{query}&signature="),
        format!("{query}&signature={signature}&b=1"),
    ] {
        let response = call_query(&exchange, &sent);
        assert_eq!(response.refusal(), (400, "-1022".into()), "{sent}");
    }
    let target = format!("/api/query/order?{query}&signature={signature}");
    let with_body = keyed(&exchange, "POST", &target, "side=BUY");
    assert_eq!(with_body.refusal(), (400, "-1022".into()));
}

#[test]
fn a_timestamp_outside_the_window_is_refused() {
    let exchange = exchange();
    for (age, accepted) in [(5000, true), (5001, false), (-1000, true), (-1001, false)] {
        let query = signed_query(&format!("timestamp={}", NOW - age));
        let response = call_query(&exchange, &query);
        match accepted {
            true => assert_eq!(response.status, 200, "{age}"),
            false => assert_eq!(response.refusal(), (400, "-1021".into()), "{age}"),
        }
    }
}

#[test]
fn the_window_follows_the_skewed_clock() {
    let exchange = exchange();
    exchange.set_clock_skew_ms(90_000);
    let query = signed_query(&format!("timestamp={NOW}"));
    assert_eq!(call_query(&exchange, &query).refusal(), (400, "-1021".into()));
    exchange.set_clock_skew_ms(0);
    assert_eq!(call_query(&exchange, &query).status, 200);
}

#[test]
fn a_replayed_signature_is_refused() {
    let exchange = exchange();
    let query = signed_query(&format!("timestamp={NOW}"));
    assert_eq!(call_query(&exchange, &query).status, 200);
    assert_eq!(call_query(&exchange, &query).refusal(), (400, "-1023".into()));
    let tolerant = Exchange::builder().frozen_at_ms(NOW).allow_replays().start();
    assert_eq!(call_query(&tolerant, &query).status, 200);
    assert_eq!(call_query(&tolerant, &query).status, 200);
}

#[test]
fn what_is_missing_or_doubled_is_named() {
    let exchange = exchange();
    let query = signed_query(&format!("timestamp={NOW}"));
    let target = format!("/api/query/account?{query}");
    assert_eq!(get(&exchange, &target).refusal(), (401, "-2014".into()));
    for (query, code) in [
        ("signature=00".to_owned(), "-1102"),
        (format!("timestamp={NOW}"), "-1102"),
        (format!("timestamp={NOW}&timestamp={NOW}&signature=00"), "-1101"),
        (format!("timestamp={NOW}&signature=00&signature=00"), "-1101"),
        ("timestamp=soon&signature=00".to_owned(), "-1100"),
    ] {
        let response = call_query(&exchange, &query);
        assert_eq!(response.refusal(), (400, code.into()), "{query}");
    }
}

/// Sends a request signed in its headers; what is signed and what is sent may differ.
fn call_body(exchange: &Exchange, signed: &str, sent: &str, more: &[(&str, &str)]) -> Response {
    let stamp = NOW.to_string();
    let target = "/api/body/order?x=%20+";
    let signature = base64_signature(&format!("{stamp}POST{target}{signed}"));
    let mut headers =
        vec![("ACCESS-KEY", "test-key"), ("ACCESS-TIMESTAMP", &stamp), ("ACCESS-SIGN", &signature)];
    headers.extend(more);
    Client::connect(exchange.addr()).call("POST", target, &headers, sent)
}

#[test]
fn a_signed_body_is_accepted_once() {
    let exchange = exchange();
    let body = r#"{"b":1.0,"a":"x"}"#;
    assert_eq!(call_body(&exchange, body, body, &[]).status, 200);
    let replay = call_body(&exchange, body, body, &[]);
    assert_eq!(replay.refusal(), (401, "50115".into()));
    let changed = call_body(&exchange, body, r#"{"b":1,"a":"x"}"#, &[]);
    assert_eq!(changed.refusal(), (401, "50113".into()));
}

#[test]
fn a_nonce_must_increase() {
    let exchange = exchange();
    let nonce = |nonce| call_body(&exchange, "{}", "{}", &[("ACCESS-NONCE", nonce)]);
    assert_eq!(nonce("9").status, 200);
    assert_eq!(nonce("10").status, 200);
    for refused in ["10", "9", "x", "-11"] {
        assert_eq!(nonce(refused).refusal(), (401, "50114".into()), "{refused}");
    }
    // A refused request uses no nonce up.
    let wrong = call_body(&exchange, "{}", "[]", &[("ACCESS-NONCE", "100")]);
    assert_eq!(wrong.refusal(), (401, "50113".into()));
    assert_eq!(nonce("11").status, 200);
}

#[test]
fn signed_headers_are_refused_for_the_right_reason() {
    let exchange = exchange();
    let sign = |stamp: i64| base64_signature(&format!("{stamp}GET/api/body/x"));
    let call = |key: &str, stamp: i64, signature: &str| {
        let stamp = stamp.to_string();
        let mut headers = vec![("ACCESS-KEY", key), ("ACCESS-TIMESTAMP", &stamp)];
        if !signature.is_empty() {
            headers.push(("ACCESS-SIGN", signature));
        }
        Client::connect(exchange.addr()).call("GET", "/api/body/x", &headers, "")
    };
    assert_eq!(call("test-key", NOW - 5000, &sign(NOW - 5000)).status, 200);
    for (response, code) in [
        (call("test-key", NOW, ""), "50103"),
        (call("other", NOW, &sign(NOW)), "50111"),
        (call("test-key", NOW - 5001, &sign(NOW - 5001)), "50102"),
        (call("test-key", NOW, &sign(NOW - 1)), "50113"),
    ] {
        assert_eq!(response.refusal(), (401, code.into()));
    }
}
