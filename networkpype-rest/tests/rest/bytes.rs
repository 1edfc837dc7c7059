//! What the signer saw is what the server received.

use http::Method;
use networkpype_core::{Encoding, RestRequest};
use networkpype_rest::{ErrorKind, Outcome, RestManager};
use networkpype_test::Exchange;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::support::Seal;

/// Text with everything that encoders get wrong.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ -~]{0,12}",
        "\\PC{0,8}",
        prop::sample::select(vec![
            "+",
            "%",
            "%2F",
            "a b",
            "/",
            "..",
            "é=&",
            "1e-7",
            "219.0",
            "'\"<>",
            "\u{1F600}",
            "a[]"
        ])
        .prop_map(str::to_owned),
    ]
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![text(), Just("dup".to_owned())];
    prop::collection::vec((name, text()), 0..5)
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Form(Vec<(String, String)>),
    Json(Vec<(String, String)>),
    JsonText(String),
    Bytes(Vec<u8>),
}

fn body() -> impl Strategy<Value = Body> {
    let number =
        prop::sample::select(vec!["1e-7", "219.0", "0.10", "123456789012345678901234567890", "-0"]);
    prop_oneof![
        Just(Body::None),
        pairs().prop_map(Body::Form),
        pairs().prop_map(Body::Json),
        (text(), number).prop_map(|(name, number)| {
            Body::JsonText(format!("{{ {} : {number} }}\n", serde_json::Value::from(name)))
        }),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Body::Bytes),
    ]
}

fn build(
    segment: &str,
    typed: &str,
    params: &[(String, String)],
    encoding: Encoding,
    body: &Body,
) -> RestRequest {
    let mut request = RestRequest::new(Method::POST, format!("/echo/{{segment}}/x%2Fy//z{typed}"))
        .path_param("segment", segment)
        .auth_required();
    for (name, value) in params {
        request = request.param_as(encoding, name, value);
    }
    match body.clone() {
        Body::None => request,
        Body::Form(pairs) => pairs
            .into_iter()
            .fold(request, |request, (name, value)| request.form_param(name, value)),
        Body::Json(members) => request.json_object(members),
        Body::JsonText(text) => request.json_text(text),
        Body::Bytes(bytes) => request.body(bytes),
    }
}

#[test]
fn the_bytes_signed_are_the_bytes_received() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let exchange = Exchange::start();
    let seal = Seal::new("s");
    let manager = RestManager::builder()
        .base_url(exchange.url())
        .auth(seal.clone())
        .build()
        .expect("manager");
    let typed = prop::sample::select(vec!["", "?", "?a=1&&b=%20+&c", "?=&=", "?x=%zz"]);
    let encoding = prop::sample::select(vec![
        Encoding::Rfc3986,
        Encoding::Form,
        Encoding::Plus,
        Encoding::AsIs,
    ]);
    let case = (text(), typed, pairs(), encoding, body());
    let mut sent = 0_usize;
    let mut runner =
        TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&case, |(segment, typed, params, encoding, body)| {
        let before = exchange.requests().len();
        let request = build(&segment, typed, &params, encoding, &body);
        match runtime.block_on(manager.call(request)) {
            Ok(response) => {
                prop_assert_eq!(response.status().as_u16(), 200);
                let received = exchange.requests().pop().expect("a request was received");
                let signed = seal.seen().pop().expect("a request was signed");
                let query = received.query();
                let (query, own) =
                    query.rsplit_once("seal=").expect("the scheme's own parameter is last");
                let seal = format!("s-{}", signed.attempt);
                prop_assert_eq!(own, seal.as_str());
                let query = query.strip_suffix('&').unwrap_or(query);
                prop_assert_eq!(query, signed.query.as_str());
                prop_assert_eq!(&received.body[..], &signed.body[..]);
            }
            Err(error) => {
                // What cannot be sent unchanged is not sent at all.
                prop_assert_eq!(
                    (error.kind(), error.outcome()),
                    (ErrorKind::Request, Outcome::NotSent)
                );
                prop_assert_eq!(exchange.requests().len(), before);
                let dots = ["", ".", ".."].contains(&segment.as_str());
                prop_assert!(dots || encoding == Encoding::AsIs, "{:?}", error);
            }
        }
        Ok(())
    });
    outcome.expect("the property holds");
    sent += exchange.requests().len();
    assert!(sent > 150, "most cases are sent: {sent}");
}

fn head_of(exchange: &Exchange) -> String {
    let received = exchange.requests().pop().expect("a request");
    String::from_utf8(received.head.to_vec()).expect("text")
}

#[tokio::test]
async fn the_head_on_the_wire_is_this_one_and_no_other() {
    let exchange = Exchange::start();
    let manager = RestManager::builder()
        .base_url(exchange.url())
        .user_agent("me/1")
        .build()
        .expect("manager");
    manager.call(RestRequest::get("/echo?a=b").header("X-One", "1")).await.expect("response");
    let host = exchange.addr();
    assert_eq!(
        head_of(&exchange),
        format!(
            "GET /echo?a=b HTTP/1.1\r\nx-one: 1\r\nuser-agent: me/1\r\naccept: */*\r\nhost: {host}\r\n\r\n"
        ),
    );
    manager.call(RestRequest::post("/echo").json_text("{}")).await.expect("response");
    assert_eq!(
        head_of(&exchange),
        format!(
            "POST /echo HTTP/1.1\r\ncontent-type: application/json\r\nuser-agent: me/1\r\naccept: */*\r\n\
             host: {host}\r\ncontent-length: 2\r\n\r\n"
        ),
    );
}

#[tokio::test]
async fn a_method_that_expects_content_says_when_there_is_none() {
    let exchange = Exchange::start();
    let manager = RestManager::builder().base_url(exchange.url()).build().expect("manager");
    for (method, expected) in [
        (Method::POST, Some("0")),
        (Method::PUT, Some("0")),
        (Method::PATCH, Some("0")),
        (Method::GET, None),
        (Method::DELETE, None),
    ] {
        manager.call(RestRequest::new(method.clone(), "/echo")).await.expect("response");
        let received = exchange.requests().pop().expect("a request");
        assert_eq!(received.header("content-length"), expected, "{method}");
    }
}

#[tokio::test]
async fn a_streamed_body_is_produced_for_each_attempt() {
    use futures_util::stream;

    let exchange = Exchange::start();
    let manager = RestManager::builder().base_url(exchange.url()).build().expect("manager");
    for length in [Some(6), None] {
        let request = RestRequest::post("/echo")
            .body_stream(length, || Box::pin(stream::iter([Ok("abc".into()), Ok("def".into())])));
        for _ in 0..2 {
            manager.call(request.clone()).await.expect("response");
            let received = exchange.requests().pop().expect("a request");
            assert_eq!(received.body_text(), "abcdef");
            assert_eq!(received.header("content-length"), length.map(|_| "6"));
        }
    }
}
