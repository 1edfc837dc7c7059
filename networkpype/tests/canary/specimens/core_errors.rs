//! The errors of the core crate, each with everything that it can be given.

use std::time::Duration;

use http::StatusCode;
use networkpype_core::{
    AuthError, AuthErrorKind, BaseUrl, DecodeError, Error, ErrorKind, LoginRefusal, OriginPattern,
    OriginPolicy, OriginRefused, Outcome, Progress, ProxyOptions, Redactor, RestRequest,
    RestResponse, ThrottleError, Ticks, TransportError, TransportErrorKind, WebSocketRequest,
    WebSocketResponse, WireError,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    core_messages::{Unwritable, close, form_request, headers, members, unusable_requests},
    core_words::home,
    signing,
};
use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    specimens! {
        error networkpype_core::AuthError => auth_errors();
        error networkpype_core::DecodeError => decode_errors();
        error networkpype_core::Error => errors();
        error networkpype_core::LoginRefusal => [LoginRefusal::new("code 60009")];
        error networkpype_core::OriginRefused => [origin_refused()];
        error networkpype_core::ThrottleError => throttle_errors();
        error networkpype_core::TransportError => [transport_error()];
        error networkpype_core::WireError => wire_errors();
    }
}

/// Mistakes in everything that takes a text and reports it.
fn wire_errors() -> Vec<WireError> {
    let mut errors: Vec<WireError> = unusable_requests()
        .into_iter()
        .filter_map(|mut request| {
            request.resolve(Some(&BaseUrl::parse("https://h").expect("URL"))).err()
        })
        .collect();
    assert!(errors.len() > 8, "{errors:?}");
    let urls =
        ["https://u:{}@h", "https://h/?k={}", "{}", "https://h:{}/", "https://h/ {}", "x://{}"];
    for url in urls.map(|url| url.replace("{}", CANARY)) {
        errors.extend(BaseUrl::parse(&url).err());
        errors.extend(ProxyOptions::new(&url).err());
        errors.extend(OriginPattern::exactly(&url).err());
        errors.extend(OriginPattern::hosts_of(&url).err());
    }
    let mut request = RestRequest::post("https://h/").json_text(format!("[\"{CANARY}\"]"));
    errors.extend(request.json_members_mut().err());
    errors.extend(request.append_json("key", &CANARY).err());
    errors.extend(request.form_params_mut().err());
    errors.extend(request.insert_sensitive_header("x-key", format!("{CANARY}\n")).err());
    errors.extend(members().push("key", &Unwritable).err());
    let mut frozen = form_request();
    let _ = (frozen.target(), frozen.body_bytes());
    errors.extend(frozen.params_mut().err());
    errors.extend(frozen.form_params_mut().err());
    errors.extend(WebSocketRequest::json(&Unwritable).into_frame().err());
    errors.extend(WebSocketRequest::text(CANARY).append_json("key", &CANARY).err());
    errors.push(WireError::bad_default_header());
    errors
}

/// Bodies that do not decode; serde's own messages quote them.
fn decode_errors() -> Vec<DecodeError> {
    #[derive(Deserialize)]
    enum Known {}
    fn refused<T: DeserializeOwned>(body: &str) -> [DecodeError; 2] {
        let response = RestResponse::new(StatusCode::OK).with_body(body.to_owned());
        let message = WebSocketResponse::from_text(body.to_owned());
        [response.json::<T>().err(), message.json::<T>().err()]
            .map(|error| error.expect("it does not decode"))
    }
    let text = format!("\"{CANARY}\"");
    let mut errors = vec![DecodeError::empty()];
    errors.extend(refused::<u32>(&text));
    errors.extend(refused::<Known>(&text));
    errors.extend(refused::<String>(CANARY));
    errors.extend(refused::<String>(&text[..8]));
    errors
}

/// Messages are written by schemes and hold no secret; what is made here of a request's values must not either.
fn auth_errors() -> Vec<AuthError> {
    let mut errors = signing::errors();
    errors.extend(wire_errors().into_iter().map(AuthError::from));
    errors.push(AuthError::new(AuthErrorKind::Other, "failed").with_source(transport_error()));
    errors
}

pub(crate) fn transport_error() -> TransportError {
    let answered = Progress::Answered(StatusCode::BAD_GATEWAY);
    TransportError::new(TransportErrorKind::Io, answered, "broken")
        .with_response(headers(), format!("you sent {CANARY}"))
        .with_close(close())
}

fn origin_refused() -> OriginRefused {
    let policy = OriginPolicy::new(Some(home()));
    policy.check(&"https://evil.net".parse().expect("origin")).expect_err("refused")
}

fn throttle_errors() -> Vec<ThrottleError> {
    let (limit, wait) = ("orders", Duration::from_secs(1));
    vec![
        ThrottleError::NoLimitNamed,
        ThrottleError::UnknownLimit(limit.into()),
        ThrottleError::WeightAboveLimit { limit: limit.into(), weight: 2, capacity: 1 },
        ThrottleError::NotYet { limit: limit.into(), retry_at: Ticks::ZERO, retry_after: wait },
        ThrottleError::DeadlineExceeded { limit: limit.into(), ready_at: Ticks::ZERO, wait },
        ThrottleError::QueueFull { limit: limit.into(), max_waiters: 1 },
        ThrottleError::Closed,
        ThrottleError::Unavailable("no runtime".into()),
    ]
}

fn errors() -> Vec<Error> {
    let signed = form_request();
    let unsigned = RestRequest::post("https://api.example.com/order");
    let excerpt = Redactor::between(&unsigned, &signed).excerpt(CANARY.as_bytes());
    let mut errors = vec![
        Error::from(transport_error()).with_excerpt(excerpt),
        Error::new(ErrorKind::Disconnected, Outcome::Unknown, "closed").with_close(Some(close())),
        Error::from(origin_refused()),
    ];
    errors.extend(wire_errors().into_iter().map(Error::from));
    errors.extend(auth_errors().into_iter().map(Error::from));
    errors.extend(
        decode_errors().into_iter().map(|error| {
            Error::new(ErrorKind::Decode, Outcome::Done, "no number").with_source(error)
        }),
    );
    errors.extend(throttle_errors().into_iter().map(Error::from));
    errors
}
