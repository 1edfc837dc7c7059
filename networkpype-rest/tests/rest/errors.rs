use std::{error::Error as _, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode};
use networkpype_core::{
    Progress, RestRequest, RestResponse, TransportError, TransportErrorKind, mock::MockRest,
};
use networkpype_rest::{ErrorKind, Outcome};
use serde_json::Value;

use crate::support::{answering, over};

#[tokio::test]
async fn an_error_status_carries_what_the_server_said() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("7"));
    let transport = MockRest::new(move |_| {
        Ok(RestResponse::new(StatusCode::TOO_MANY_REQUESTS)
            .with_headers(headers.clone())
            .with_body("slow down"))
    });
    let manager = over(&transport).build().expect("manager");
    let error = manager.execute_request::<Value>(RestRequest::get("/x")).await.expect_err("429");
    assert!(error.is_status() && error.is_throttled());
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.body_excerpt(), Some("slow down"));
    assert_eq!(error.outcome(), Outcome::Refused);
    assert_eq!(error.to_string(), "the server answered with an error (status 429)");
}

#[tokio::test]
async fn an_error_status_is_data_when_asked_for() {
    let manager = over(&answering(400, r#"{"code":-1}"#)).build().expect("manager");
    let body: Value =
        manager.execute_request(RestRequest::get("/x").error_status_as_data()).await.expect("data");
    assert_eq!(body["code"], -1);
}

#[tokio::test]
async fn a_redirect_is_an_error_status_and_is_not_followed() {
    let transport = answering(307, "");
    let manager = over(&transport).build().expect("manager");
    let error = manager.execute_request::<()>(RestRequest::post("/x")).await.expect_err("redirect");
    assert_eq!((error.outcome(), transport.requests().len()), (Outcome::Refused, 1));
}

#[tokio::test]
async fn a_success_that_does_not_decode_was_done_all_the_same() {
    for (status, body) in [(200, "<html>"), (200, "{\"id\":"), (200, ""), (204, "")] {
        let manager = over(&answering(status, body)).build().expect("manager");
        let error =
            manager.execute_request::<Value>(RestRequest::post("/x")).await.expect_err(body);
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Decode, Outcome::Done), "{body}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(error.body_excerpt(), Some(body));
    }
    let manager = over(&answering(204, "")).build().expect("manager");
    manager.execute_request::<()>(RestRequest::post("/x")).await.expect("nothing");
    assert_eq!(
        manager.execute_request::<Option<u8>>(RestRequest::get("/x")).await.expect("none"),
        None
    );
}

#[tokio::test]
async fn a_transport_failure_says_what_became_of_the_request() {
    for (kind, progress, expected, outcome) in [
        (TransportErrorKind::Connect, Progress::NotSent, ErrorKind::Connect, Outcome::NotSent),
        (TransportErrorKind::Tls, Progress::NotSent, ErrorKind::Connect, Outcome::NotSent),
        (TransportErrorKind::WouldAlter, Progress::NotSent, ErrorKind::Request, Outcome::NotSent),
        (TransportErrorKind::Io, Progress::Sent, ErrorKind::Transport, Outcome::Unknown),
        (TransportErrorKind::Timeout, Progress::Sent, ErrorKind::Timeout, Outcome::Unknown),
        (
            TransportErrorKind::Io,
            Progress::Answered(StatusCode::OK),
            ErrorKind::Transport,
            Outcome::Done,
        ),
        (
            TransportErrorKind::TooLarge,
            Progress::Answered(StatusCode::OK),
            ErrorKind::TooLarge,
            Outcome::Done,
        ),
        (
            TransportErrorKind::Io,
            Progress::Answered(StatusCode::BAD_REQUEST),
            ErrorKind::Transport,
            Outcome::Refused,
        ),
        (
            TransportErrorKind::Io,
            Progress::Answered(StatusCode::BAD_GATEWAY),
            ErrorKind::Transport,
            Outcome::Unknown,
        ),
    ] {
        let transport = MockRest::new(move |_| Err(TransportError::new(kind, progress, "broken")));
        let manager = over(&transport).build().expect("manager");
        let error = manager.call(RestRequest::post("/x")).await.expect_err("broken");
        assert_eq!((error.kind(), error.outcome()), (expected, outcome), "{kind:?} {progress:?}");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("broken"));
    }
}
