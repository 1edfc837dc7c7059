use std::sync::Mutex;

use networkpype_core::{
    Auth, AuthError, AuthErrorKind, RestRequest, Secret, WebSocketHandshake, WebSocketRequest,
    async_trait,
};
use networkpype_schemes::bearer::{Bearer, BearerProvider};

use crate::wire::header;

const URL: &str = "https://api.example.com/account";

#[tokio::test]
async fn a_token_stands_in_requests_and_handshakes_and_not_in_messages() {
    let auth = Bearer::new("a.b-c_d~e+f/g=").expect("usable");
    let request = RestRequest::get(URL).header("authorization", "Basic dTpw");
    let request = auth.rest_authenticate(request).await.expect("signed");
    assert_eq!(header(&request, "authorization"), "Bearer a.b-c_d~e+f/g=");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers().len(), 1);
    let handshake = WebSocketHandshake::new("wss://ws.example.com/");
    let handshake = auth.ws_handshake(handshake).await.expect("signed");
    assert_eq!(header(&handshake.into_request(), "authorization"), "Bearer a.b-c_d~e+f/g=");
    let error = auth.ws_authenticate(WebSocketRequest::text("x")).await.expect_err("no place");
    assert!(error.to_string().contains("handshake"), "{error}");
}

#[test]
fn what_is_no_token_is_refused_and_not_shown() {
    for token in ["", "t0ken x", "t0ken\n", "t0k\ren", "t0ken\0", "t0kén"] {
        let error = Bearer::new(token).expect_err("refused");
        assert_eq!(error.kind(), AuthErrorKind::Credentials, "{token:?}");
        assert!(!format!("{error} {error:?}").contains("t0k"), "{error:?}");
    }
}

#[test]
fn a_token_with_the_scheme_before_it_says_what_to_leave_out() {
    for token in ["Bearer t0ken", "bearer t0ken\n"] {
        let error = Bearer::new(token).expect_err("refused").to_string();
        assert!(error.contains("`Bearer ` before it"), "{error}");
        assert!(!error.contains("t0k"), "{error}");
    }
}

struct Rotated(Mutex<Vec<Result<&'static str, &'static str>>>);

#[async_trait]
impl BearerProvider for Rotated {
    async fn token(&self) -> Result<Secret, AuthError> {
        match self.0.lock().expect("not poisoned").remove(0) {
            Ok(token) => Ok(token.into()),
            Err(problem) => Err(AuthError::new(AuthErrorKind::Credentials, problem)),
        }
    }
}

#[tokio::test]
async fn a_provider_is_asked_each_time_and_what_it_gives_is_checked_too() {
    let answers = vec![Ok("one"), Ok("two"), Err("logged out"), Ok("a b")];
    let auth = Bearer::from_provider(Rotated(Mutex::new(answers)));
    for expected in [Ok("Bearer one"), Ok("Bearer two"), Err("logged out"), Err("a space")] {
        let signed = auth.rest_authenticate(RestRequest::get(URL)).await;
        match (signed, expected) {
            (Ok(request), Ok(expected)) => assert_eq!(header(&request, "authorization"), expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (signed, _) => panic!("{expected:?} and not {signed:?}"),
        }
    }
}
