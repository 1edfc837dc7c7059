//! Secrets do not print: not in errors, not in traces, whatever the scheme declares, which is nothing.

use std::{
    io,
    sync::{Arc, Mutex},
};

use networkpype_core::{
    Progress, Recovery, RestRequest, RestResponse, TransportError, TransportErrorKind,
    mock::MockRest,
};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Seal, is_alone, over};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("lock")).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// An error and everything behind it, in every way in which it prints.
fn everything(error: &networkpype_rest::Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {:?}", error.body_excerpt());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn no_error_or_trace_of_a_call_shows_what_the_scheme_placed() {
    if !is_alone("secrets::no_error_or_trace_of_a_call_shows_what_the_scheme_placed", &[]) {
        return;
    }
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    // A server that quotes all that it was sent, in an error page and in a body that does not decode.
    let echo = |status: u16| {
        MockRest::new(move |request: &RestRequest| {
            let mut request = request.clone();
            let seal = request.headers()["x-seal"].to_str().expect("text").to_owned();
            let body = format!("you sent {} with {seal}", request.target());
            Ok(RestResponse::new(http::StatusCode::from_u16(status).expect("status"))
                .with_body(body))
        })
    };
    let broken = MockRest::new(|request: &RestRequest| {
        let body = request.clone().target();
        Err(TransportError::new(
            TransportErrorKind::Io,
            Progress::Answered(http::StatusCode::BAD_GATEWAY),
            "broken",
        )
        .with_response(http::HeaderMap::new(), body))
    });
    for transport in [echo(401), echo(500), echo(200), broken] {
        let manager = over(&transport)
            .auth(Seal::new("c4nary").recovering([Recovery::SignAgain]))
            .build()
            .expect("manager");
        let error = manager
            .execute_request::<Value>(RestRequest::get("/x").param("visible", 1).auth_required())
            .await
            .expect_err("an error");
        let text = everything(&error);
        assert!(!text.contains("c4nary"), "{text}");
        assert!(text.contains("visible=1"), "the excerpt keeps what is not secret: {text}");
        assert!(!format!("{manager:?}").contains("c4nary"));
    }
    assert!(log.text().contains("rest_attempt{number=2}"), "the calls were traced: {}", log.text());
    assert!(!log.text().contains("c4nary"), "{}", log.text());
}
