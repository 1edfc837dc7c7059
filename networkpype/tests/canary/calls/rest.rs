use networkpype::{Error, ErrorKind, RestConnection, RestManager, RestRequest};
use networkpype_test::{Exchange, ExchangeBuilder, Recorded, Reply};
use serde_json::Value;

use super::{check_transcript, exchanges, factory, harmless, scheme::Undeclared};
use crate::{
    canary::{CANARY, shows_canary},
    transcript,
};

/// What of a request the exchange quotes, and how.
const QUOTES: [&str; 5] = ["target", "decoded", "headers", "body", "json"];

/// `/quote/STATUS/QUOTE` answers with this status and what it was sent.
fn quoting(builder: ExchangeBuilder) -> ExchangeBuilder {
    builder.handler("/quote/", |request| {
        let mut segments = request.path().split('/').skip(2);
        let status = segments.next().and_then(|status| status.parse().ok()).expect("a status");
        Reply::text(status, quote(request, segments.next().expect("what to quote")))
    })
}

fn quote(request: &Recorded, what: &str) -> String {
    match what {
        "target" => request.target.clone(),
        "decoded" => {
            let parsed = RestRequest::get(&request.target);
            let values = parsed.params().iter().map(|pair| pair.value().into_owned());
            values.collect::<Vec<_>>().join(" ")
        }
        "headers" => {
            let sent = ["authorization", "cookie", "x-credential", "x-key"];
            sent.map(|name| request.header(name).unwrap_or_default()).join("\n")
        }
        "body" => request.body_text().to_owned(),
        _ => {
            Value::from(format!("{}{}", quote(request, "decoded"), request.body_text())).to_string()
        }
    }
}

/// A request of each kind to `path`.
fn requests(path: &str) -> [RestRequest; 3] {
    [
        RestRequest::get(path),
        RestRequest::post(path).form_param("visible", "yes"),
        RestRequest::post(path).json_object([("visible", "yes")]),
    ]
    .map(|request| request.param("symbol", "BTCUSDT").auth_required())
}

/// No body that the exchange sends is a number.
async fn failure(manager: &RestManager, request: RestRequest) -> Error {
    let error = manager.execute_request::<u32>(request).await.expect_err("no number");
    transcript::append(&harmless(&error));
    error
}

#[tokio::test]
async fn no_error_or_trace_of_a_call_shows_what_a_scheme_placed() {
    transcript::record();
    for exchange in exchanges(quoting) {
        let factory = factory(&exchange, Undeclared::new());
        transcript::note(&factory);
        let factory = factory.build().expect("factory");
        let manager = factory.rest_manager();
        for status in [200, 400, 401, 500] {
            for what in QUOTES {
                for request in requests(&format!("/quote/{status}/{what}")) {
                    let quoted = what != "body" || request.method() == "POST";
                    let error = failure(&manager, request.clone()).await;
                    let kind = if status == 200 { ErrorKind::Decode } else { ErrorKind::Status };
                    assert_eq!(error.kind(), kind, "{error:?}");
                    let excerpt = error.body_excerpt().expect("a body was sent");
                    assert_eq!(excerpt.contains("[redacted]"), quoted, "{excerpt}");
                    transcript::note(&manager.call(request).await.expect("a response"));
                }
            }
        }
        the_exchanges_own_echo_is_harmless(&manager).await;
        transcript::note(&manager);
        transcript::note(&factory);
        everything_was_sent(&exchange);
        factory.close().await;
    }
    check_transcript(&["rest_call", "signing again", "reqwest", "rustls", "[redacted]"]);
}

async fn the_exchanges_own_echo_is_harmless(manager: &RestManager) {
    for path in ["/echo", "/raw-head", "/public/status/400", "/public/status/500"] {
        for request in requests(path) {
            let error = manager.execute_request::<u32>(request).await.expect_err("no number");
            // `/echo` answers with the body in base64 too, which nobody can know.
            let error = format!("{error} {error:?} {error:#?}");
            assert!(!error.contains(CANARY), "{error}");
        }
    }
}

fn everything_was_sent(exchange: &Exchange) {
    let requests = exchange.requests();
    let sent = |part: fn(&Recorded) -> &[u8]| {
        requests.iter().any(|request| shows_canary(&String::from_utf8_lossy(part(request))))
    };
    assert!(sent(|request| &request.head) && sent(|request| &request.body));
}

#[tokio::test]
async fn a_body_that_is_cut_off_does_not_show_it_either() {
    transcript::record();
    let exchange = quoting(Exchange::builder())
        .handler("/long", |request| {
            let quoted = format!("{}{}", quote(request, "headers"), "x".repeat(1000));
            Reply::text(400, quoted).chunked()
        })
        .start();
    let connection =
        RestConnection::builder().max_response_bytes(1000).build().expect("connection");
    let factory = factory(&exchange, Undeclared::new())
        .rest_options(|rest| rest.connection(connection))
        .build()
        .expect("factory");
    let request = RestRequest::get("/long").auth_required();
    let error = failure(&factory.rest_manager(), request).await;
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert!(error.body_excerpt().is_some_and(|it| it.contains("[redacted]")), "{error:?}");
    check_transcript(&["rest_call"]);
}
