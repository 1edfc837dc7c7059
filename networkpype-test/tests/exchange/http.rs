use networkpype_test::{Exchange, Reply};
use serde_json::json;

use crate::client::{Client, get};

#[test]
fn the_echo_shows_the_exact_bytes() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    let head = "PATCH /echo/a%2Fb?x=1&&y=%20+ HTTP/1.1\r\nhOsT: h\r\nX-Twice: 1\r\nx-twice:  2 2 \r\nContent-Length: 3\r\n\r\n";
    client.write([head.as_bytes(), b"\x00\xffz"].concat());
    let echo = client.response().json();
    assert_eq!(
        echo,
        json!({
            "method": "PATCH",
            "target": "/echo/a%2Fb?x=1&&y=%20+",
            "headers": [["hOsT", "h"], ["X-Twice", "1"], ["x-twice", "2 2"], ["Content-Length", "3"]],
            "body_base64": "AP96",
            "body_utf8": null,
        })
    );
    let recorded = &exchange.requests()[0];
    assert_eq!(recorded.head, head.as_bytes());
    assert_eq!(&recorded.body[..], b"\x00\xffz");
    assert_eq!(recorded.path(), "/echo/a%2Fb");
    assert_eq!(recorded.query(), "x=1&&y=%20+");
    assert!(recorded.complete);
}

#[test]
fn the_raw_head_comes_back_as_it_was() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    let head = "GET /raw-head?'` HTTP/1.1\r\nHost:h\r\nX:\t1 \r\n\r\n";
    client.write(head);
    assert_eq!(client.response().body, head.as_bytes());
}

#[test]
fn two_requests_in_one_packet_are_answered_in_order() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    client.write("POST /echo/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiGET /echo/2 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.response().json()["body_utf8"], "hi");
    assert_eq!(client.response().json()["target"], "/echo/2");
    let connections: Vec<_> = exchange.requests().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [1, 1]);
    assert_eq!(exchange.connections(), 1);
}

#[test]
fn a_chunked_body_is_put_together() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    client.write("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.write("3;note=1\r\nab\r\r\nB\r\n\ncdefghijkl\r\n0\r\nTrailer: x\r\n\r\n");
    assert_eq!(client.response().json()["body_utf8"], "ab\r\ncdefghijkl");
    assert_eq!(client.call("GET", "/public/ping", &[], "").status, 200);
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    client.write(
        "PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(client.head().status, 100);
    client.write("ok");
    assert_eq!(client.response().json()["body_utf8"], "ok");
}

#[test]
fn a_malformed_request_is_refused_and_recorded() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    client.write("GET /caf\u{e9} HTTP/1.1\r\nHost: h\r\n\r\n");
    let response = client.response();
    assert_eq!(response.status, 400);
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(client.read().unwrap(), 0);
    assert!(!exchange.requests()[0].complete);
}

#[test]
fn heads_and_bodies_are_bounded() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    client.write(format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(65 * 1024)));
    assert_eq!(client.response().status, 431);
    let mut client = Client::connect(exchange.addr());
    client.write("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 67108865\r\n\r\n");
    // Refused, but read on: a reset would take the answer away.
    client.write(vec![b'x'; 1 << 20]);
    assert_eq!(client.response().status, 413);
}

#[test]
fn the_time_is_skewed_while_running() {
    let exchange =
        Exchange::builder().frozen_at_ms(1_700_000_000_000).clock_skew_ms(90_000).start();
    let response = get(&exchange, "/time");
    assert_eq!(response.json()["serverTime"], 1_700_000_090_000_i64);
    assert_eq!(response.header("date"), Some("Tue, 14 Nov 2023 22:14:50 GMT"));
    exchange.set_clock_skew_ms(-1);
    assert_eq!(get(&exchange, "/time").json()["serverTime"], exchange.now_ms());
    assert_eq!(exchange.now_ms(), 1_699_999_999_999);
}

#[test]
fn answers_come_as_ordered() {
    let exchange = Exchange::start();
    assert_eq!(get(&exchange, "/public/ping").json(), json!({}));
    assert_eq!(
        get(&exchange, "/public/ticker?symbol=BTC%2FUSD").json(),
        json!({ "symbol": "BTC/USD", "price": "42000.10" })
    );
    let busy = get(&exchange, "/public/status/503?retry_after=Wed,%2021%20Oct&body=no+way");
    assert_eq!((busy.status, &busy.body[..]), (503, &b"no way"[..]));
    assert_eq!(busy.header("retry-after"), Some("Wed, 21 Oct"));
    assert_eq!(get(&exchange, "/public/status/418").refusal(), (418, "418".into()));
    let redirect = get(&exchange, "/public/redirect?to=http%3A%2F%2Fh%2Fa%3Fb&status=307");
    assert_eq!(redirect.status, 307);
    assert_eq!(redirect.header("location"), Some("http://h/a?b"));
    assert_eq!(get(&exchange, "/nowhere").status, 404);
    assert_eq!(get(&exchange, "/timeless").status, 404);
}

#[test]
fn a_big_body_has_its_size_in_both_framings() {
    let exchange = Exchange::start();
    let plain = get(&exchange, "/public/big?bytes=200001");
    assert_eq!(plain.header("content-length"), Some("200001"));
    assert_eq!(plain.body.len(), 200_001);
    let chunked = get(&exchange, "/public/big?bytes=200001&chunked=1");
    assert_eq!(chunked.header("content-length"), None);
    assert_eq!(chunked.body, plain.body);
}

#[test]
fn head_and_no_content_have_no_body() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    client.send("HEAD", "/public/big?bytes=5", &[], "");
    assert_eq!(client.head().header("content-length"), Some("5"));
    let empty = client.call("GET", "/public/status/204", &[], "");
    assert_eq!((empty.status, empty.header("content-length")), (204, None));
    assert_eq!(client.call("GET", "/public/ping", &[], "").status, 200);
}

#[test]
fn a_slow_answer_is_whole() {
    let exchange = Exchange::start();
    let slow = get(&exchange, "/public/slow?head_ms=1&body_ms=1");
    assert_eq!(slow.json(), json!({ "slow": true }));
}

#[tokio::test]
async fn a_gated_answer_waits_for_the_gate() {
    let exchange = Exchange::start();
    let mut gated = Client::connect(exchange.addr());
    gated.send("GET", "/public/gate", &[], "");
    exchange.wait_until(|exchange| exchange.requests().len() == 1).await;
    // A round trip on another connection is time enough for an answer that must not come.
    assert_eq!(get(&exchange, "/public/ping").status, 200);
    assert!(!gated.has_bytes());
    exchange.open_gate(1);
    assert_eq!(gated.response().status, 200);
}

#[test]
fn a_connection_closes_when_the_client_says_so() {
    let exchange = Exchange::start();
    let mut client = Client::connect(exchange.addr());
    let response = client.call("GET", "/public/ping", &[("Connection", "close")], "");
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(client.read().unwrap(), 0);
}

#[test]
fn a_handler_comes_before_the_endpoints() {
    let exchange = Exchange::builder()
        .handler("/public/ping", |request| {
            Reply::text(201, format!("{} {}", request.method, request.body_text()))
                .header("Set-Cookie", "a=1")
                .header("Set-Cookie", "b=2")
                .chunked()
        })
        .start();
    let mut client = Client::connect(exchange.addr());
    let response = client.call("POST", "/public/ping/x", &[], "body");
    assert_eq!((response.status, &response.body[..]), (201, &b"POST body"[..]));
    let cookies = response.headers.iter().filter(|(name, _)| name == "Set-Cookie");
    assert_eq!(cookies.count(), 2);
}
