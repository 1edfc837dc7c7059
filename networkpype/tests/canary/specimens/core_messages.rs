//! Requests, responses, handshakes and messages.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use networkpype_core::{
    CloseFrame, Encoding, JsonMembers, LoginRefusal, LoginStep, Pair, Pairs, Redactor, Rejection,
    RestRequest, RestResponse, Secret, StreamedBody, WebSocketEvent, WebSocketHandshake,
    WebSocketRequest, WebSocketResponse,
};
use serde::{Serialize, Serializer, ser::Error as _};

use super::core_words::home;
use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    let (request, response) = (form_request(), response());
    specimens! {
        debug networkpype_core::CloseFrame => [close()];
        debug networkpype_core::JsonMembers => [members()];
        debug networkpype_core::LoginStep => [LoginStep::Send(message()), LoginStep::Refused(LoginRefusal::new("code 60009"))];
        debug networkpype_core::Pair => pairs();
        debug networkpype_core::Pairs => [pairs_of_a_query()];
        debug networkpype_core::Redactor => [Redactor::of([CANARY.to_owned()])];
        debug networkpype_core::Rejection<'_> => [Rejection::new(&request, &response)];
        debug networkpype_core::RestRequest => requests();
        debug networkpype_core::RestResponse => [response.clone()];
        debug networkpype_core::StreamedBody => [streamed_body()];
        debug networkpype_core::WebSocketEvent => [
            WebSocketEvent::Message(WebSocketResponse::from_text(CANARY)),
            WebSocketEvent::Closed(Some(close())),
        ];
        debug networkpype_core::WebSocketHandshake => [
            handshake(),
            WebSocketHandshake::from_request(form_request()),
            WebSocketHandshake::new(format!("wss://user:{CANARY}@h/")),
        ];
        debug networkpype_core::WebSocketRequest => messages();
        debug networkpype_core::WebSocketResponse => [
            WebSocketResponse::from_text(CANARY),
            WebSocketResponse::from_binary(CANARY),
        ];
    }
}

/// Headers as they are sent and received.
pub(crate) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["authorization", "set-cookie", "location"] {
        headers.insert(name, HeaderValue::from_static(CANARY));
    }
    headers
}

pub(crate) fn close() -> CloseFrame {
    CloseFrame::new(4003, format!("bad key {CANARY}"))
}

/// A request that is filled but for its body.
fn filled(request: RestRequest) -> RestRequest {
    request
        .param("key", CANARY)
        .param_as(Encoding::AsIs, "raw", CANARY)
        .header("authorization", format!("Bearer {CANARY}"))
        .append_header("cookie", format!("session={CANARY}"))
        .extension(CANARY.to_owned())
        .extension(Secret::new(CANARY))
        .limit("orders")
        .auth_required()
}

pub(crate) fn form_request() -> RestRequest {
    filled(RestRequest::post(format!("https://api.example.com/order?typed={CANARY}")))
        .form_param("password", CANARY)
}

fn requests() -> Vec<RestRequest> {
    let url = format!("https://api.example.com/order?typed={CANARY}");
    let open = || filled(RestRequest::post(&url));
    let mut requests = vec![
        form_request(),
        open().json_object([("password", CANARY)]),
        open().json_text(format!("[\"{CANARY}\"]")),
        open().body(CANARY),
        open().body_stream(None, || Box::pin(futures_util::stream::empty())),
        open().path_param("id", CANARY),
        http::Request::post(&url).body(CANARY.into()).expect("request").into(),
    ];
    for request in requests.clone() {
        // Frozen, its bytes are kept beside what they were made of.
        let mut frozen = request;
        let _ = (frozen.target(), frozen.body_bytes());
        requests.push(frozen);
    }
    requests.extend(unusable_requests());
    requests
}

/// Requests that remember a mistake.
pub(crate) fn unusable_requests() -> Vec<RestRequest> {
    vec![
        RestRequest::get(format!("https://user:{CANARY}@api.example.com/")),
        RestRequest::get(format!("https://api.example.com:{CANARY}/")),
        RestRequest::get(format!("https://api.example.com/?key={CANARY} ü")),
        RestRequest::get(format!("https://api.example.com/#{CANARY}")),
        RestRequest::get(format!("{CANARY}://api.example.com/")),
        RestRequest::get("/").header("x-key", format!("{CANARY}\r\n")),
        RestRequest::get("/").header(format!("x\n{CANARY}"), "1"),
        RestRequest::get("/").header("content-length", CANARY),
        RestRequest::get("/").path_param("id", CANARY),
        RestRequest::post("/").json(&Unwritable),
        RestRequest::post("/").json_object([("key", Unwritable)]),
        RestRequest::post("/").json_text(format!("{{{CANARY}")).form_param("key", CANARY),
    ]
}

/// A value whose own error quotes it.
pub(crate) struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(CANARY))
    }
}

fn streamed_body() -> StreamedBody {
    let request = RestRequest::post("/")
        .body_stream(Some(13), || Box::pin(futures_util::stream::iter([Ok(CANARY.into())])));
    request.streamed_body().expect("streamed").clone()
}

fn pairs() -> [Pair; 2] {
    [Pair::new("key", CANARY), Pair::encoded_as(Encoding::AsIs, "key", CANARY)]
}

fn pairs_of_a_query() -> Pairs {
    RestRequest::get(format!("/?a={CANARY}&b={CANARY}")).param("c", CANARY).params().clone()
}

pub(crate) fn members() -> JsonMembers {
    let mut members = JsonMembers::default();
    members.push("text", &CANARY).expect("JSON");
    members.push("object", &[("key", CANARY)]).expect("JSON");
    members
}

pub(crate) fn response() -> RestResponse {
    RestResponse::new(StatusCode::OK)
        .with_headers(headers())
        .with_body(format!("{{\"token\":\"{CANARY}\"}}"))
        .answering(Method::POST, &home(), form_request().path())
}

pub(crate) fn handshake() -> WebSocketHandshake {
    WebSocketHandshake::new(format!("wss://api.example.com/ws?token={CANARY}"))
        .param("key", CANARY)
        .header("authorization", CANARY)
}

fn message() -> WebSocketRequest {
    WebSocketRequest::json_object([("op", "login"), ("key", CANARY)]).extension(CANARY.to_owned())
}

fn messages() -> Vec<WebSocketRequest> {
    let mut messages = vec![
        message(),
        WebSocketRequest::json_text(format!("[\"{CANARY}\"]")),
        WebSocketRequest::text(CANARY),
        WebSocketRequest::binary(CANARY),
        WebSocketRequest::json(&Unwritable),
    ];
    for message in messages.clone() {
        let mut frozen = message;
        let _ = frozen.bytes();
        messages.push(frozen);
    }
    messages
}
