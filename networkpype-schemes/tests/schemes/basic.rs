use std::{path::Path, sync::Mutex};

use networkpype_core::{
    Auth, AuthError, AuthErrorKind, RestRequest, Secret, WebSocketHandshake, WebSocketRequest,
    async_trait,
};
use networkpype_schemes::basic::{Basic, PasswordProvider};
use serde_json::Value;

use crate::wire::header;

const URL: &str = "https://api.example.com/account";

#[tokio::test]
async fn the_examples_of_the_standard_and_of_httpx_reproduce() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/basic");
    let mut checked = 0;
    for file in ["rfc7617.json", "generated.json"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("vectors");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        for case in file["cases"].as_array().expect("cases") {
            let text = |name: &str| case[name].as_str().expect("text");
            let auth = Basic::new(text("username"), text("password"));
            let expected = case["expected"]["authorization"].as_str();
            let Some(expected) = expected else {
                assert_eq!(auth.expect_err("no such user").kind(), AuthErrorKind::Credentials);
                checked += 1;
                continue;
            };
            let auth = auth.unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
            let request = auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
            assert_eq!(header(&request, "authorization"), expected, "{}", case["name"]);
            assert!(request.headers()["authorization"].is_sensitive());
            checked += 1;
        }
    }
    assert_eq!(checked, 10);
}

#[test]
fn what_no_server_could_read_is_refused_and_not_shown() {
    for (user, password, expected) in [
        ("a:b", "s3cret", "colon"),
        ("a\nb", "s3cret", "control character"),
        ("a", "s3c\rret", "control character"),
        ("a\u{7f}", "s3cret", "control character"),
    ] {
        let error = Basic::new(user, password).expect_err("refused");
        assert_eq!(error.kind(), AuthErrorKind::Credentials);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3c"), "{error:?}");
    }
    let error = Basic::new("a", Secret::from(&b"\xff"[..])).expect_err("no text");
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

#[tokio::test]
async fn a_handshake_has_the_header_and_a_message_cannot() {
    let auth = Basic::new("u", "p").expect("usable");
    let handshake = WebSocketHandshake::new("wss://ws.example.com/");
    let handshake = auth.ws_handshake(handshake).await.expect("signed");
    assert_eq!(header(&handshake.into_request(), "authorization"), "Basic dTpw");
    let message = WebSocketRequest::text("x");
    let error = auth.ws_authenticate(message).await.expect_err("no place for it");
    assert!(error.to_string().contains("handshake"), "{error}");
}

struct Rotated(Mutex<u32>);

#[async_trait]
impl PasswordProvider for Rotated {
    async fn user_and_password(&self) -> Result<(String, Secret), AuthError> {
        let mut asked = self.0.lock().expect("not poisoned");
        *asked += 1;
        match *asked {
            3 => Err(AuthError::new(AuthErrorKind::Credentials, "the vault is locked")),
            4 => Ok(("a:b".to_owned(), "p".into())),
            turn => Ok(("u".to_owned(), turn.to_string().into())),
        }
    }
}

#[tokio::test]
async fn a_provider_is_asked_each_time_and_what_it_gives_is_checked_too() {
    let auth = Basic::from_provider(Rotated(Mutex::new(0)));
    for expected in [Ok("Basic dTox"), Ok("Basic dToy"), Err("vault is locked"), Err("colon")] {
        let signed = auth.rest_authenticate(RestRequest::get(URL)).await;
        match (signed, expected) {
            (Ok(request), Ok(expected)) => assert_eq!(header(&request, "authorization"), expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (signed, _) => panic!("{expected:?} and not {signed:?}"),
        }
    }
}
