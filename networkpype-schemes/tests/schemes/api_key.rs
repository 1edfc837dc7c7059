use networkpype_core::{
    Auth, AuthErrorKind, LoginStep, RestRequest, WebSocketHandshake, WebSocketRequest,
};
use networkpype_schemes::ApiKey;

const URL: &str = "https://api.example.com/account?a=1";

async fn signed(auth: &ApiKey, request: RestRequest) -> RestRequest {
    auth.rest_authenticate(request).await.expect("signed")
}

#[tokio::test]
async fn the_first_example_of_the_python_guide_is_a_line() {
    let auth = ApiKey::header("X-API-KEY", "my-key").expect("usable");

    let request = signed(&auth, RestRequest::get(URL)).await;
    assert_eq!(request.headers()["x-api-key"], "my-key");
    assert!(request.headers()["x-api-key"].is_sensitive());
    assert_eq!(request.headers().len(), 1);
    assert_eq!(request.clone().target(), "/account?a=1");
}

#[tokio::test]
async fn a_header_may_have_a_prefix_and_replaces_its_namesake() {
    let auth =
        ApiKey::header("Authorization", "my-key").and_then(|auth| auth.with_prefix("Token "));
    let request = RestRequest::get(URL).header("authorization", "Basic x");
    let request = signed(&auth.expect("usable"), request).await;
    assert_eq!(request.headers()["authorization"], "Token my-key");
    assert_eq!(request.headers().len(), 1);
}

#[tokio::test]
async fn a_query_key_is_encoded_and_comes_last() {
    let auth = ApiKey::query("api_key", "k+/= é").expect("usable");
    let mut request = signed(&auth, RestRequest::get(URL).param("b", "x y")).await;
    assert_eq!(request.target(), "/account?a=1&b=x%20y&api_key=k%2B%2F%3D%20%C3%A9");
    let mut frozen = RestRequest::get(URL);
    frozen.query_string();
    assert!(signed(&auth, frozen).await.target().starts_with("/account?a=1&api_key="));
}

#[tokio::test]
async fn a_cookie_stands_beside_those_that_are_there() {
    let auth = ApiKey::cookie("session", "k=1").expect("usable");
    let request = signed(&auth, RestRequest::get(URL).header("Cookie", "a=1; b=2")).await;
    assert_eq!(request.headers()["cookie"], "a=1; b=2; session=k=1");
    assert!(request.headers()["cookie"].is_sensitive());
    assert_eq!(request.headers().get_all("cookie").iter().count(), 1);
}

#[tokio::test]
async fn a_key_is_not_sent_twice() {
    for (auth, request) in [
        (ApiKey::query("a", "my-key"), RestRequest::get(URL)),
        (ApiKey::cookie("a", "my-key"), RestRequest::get(URL).header("cookie", "a=1")),
    ] {
        let error = auth.expect("usable").rest_authenticate(request).await.expect_err("twice");
        assert_eq!(error.kind(), AuthErrorKind::Request);
        assert!(!error.to_string().contains("my-key"), "{error}");
    }
}

#[tokio::test]
async fn handshakes_carry_the_key_and_messages_do_not() {
    for (auth, target, header) in [
        (ApiKey::header("X-API-KEY", "my-key"), "/ws", Some("x-api-key")),
        (ApiKey::query("key", "my-key"), "/ws?key=my-key", None),
        (ApiKey::cookie("key", "my-key"), "/ws", Some("cookie")),
    ] {
        let auth = auth.expect("usable");
        let handshake =
            auth.ws_handshake(WebSocketHandshake::new("wss://h/ws")).await.expect("signed");
        let mut request = handshake.into_request();
        assert_eq!(request.target(), target);
        assert_eq!(request.headers().keys().next().map(http::HeaderName::as_str), header);

        let error =
            auth.ws_authenticate(WebSocketRequest::text("x")).await.expect_err("unsupported");
        assert_eq!(error.kind(), AuthErrorKind::Unsupported);
        assert!(error.to_string().contains("WebSocketHandshake::auth_required"), "{error}");
        assert!(matches!(
            auth.ws_login(&mut networkpype_core::Extensions::new(), None).await,
            Ok(LoginStep::NotNeeded)
        ));
        assert!(auth.time_provider().is_none());
    }
}

#[test]
fn what_cannot_be_sent_is_refused_when_the_scheme_is_made() {
    let prefixed = |prefix| ApiKey::header("x", "my-key").and_then(|auth| auth.with_prefix(prefix));
    for (made, kind, reason) in [
        (
            ApiKey::header("X API", "my-key"),
            AuthErrorKind::Configuration,
            "\"X API\" cannot be the name",
        ),
        (
            ApiKey::header("Content-Length", "my-key"),
            AuthErrorKind::Configuration,
            "content-length",
        ),
        (ApiKey::header("Connection", "my-key"), AuthErrorKind::Configuration, "connection"),
        (ApiKey::header("Host", "my-key"), AuthErrorKind::Configuration, "host"),
        (ApiKey::header("Transfer-Encoding", "my-key"), AuthErrorKind::Configuration, "transfer"),
        (ApiKey::header("Upgrade", "my-key"), AuthErrorKind::Configuration, "upgrade"),
        (ApiKey::header("Sec-WebSocket-Key", "my-key"), AuthErrorKind::Configuration, "websocket"),
        (ApiKey::query("", "my-key"), AuthErrorKind::Configuration, "a query parameter"),
        (ApiKey::cookie("a=b", "my-key"), AuthErrorKind::Configuration, "a cookie"),
        (ApiKey::header("x", ""), AuthErrorKind::Credentials, "empty"),
        (ApiKey::query("x", ""), AuthErrorKind::Credentials, "empty"),
        (ApiKey::cookie("x", ""), AuthErrorKind::Credentials, "empty"),
        (ApiKey::header("x", "my-key\n"), AuthErrorKind::Credentials, "line end"),
        (ApiKey::header("x", "my-kéy"), AuthErrorKind::Credentials, "not ASCII"),
        (ApiKey::cookie("x", "my-key; y"), AuthErrorKind::Credentials, "no cookie"),
        (ApiKey::query("x", b"my-key\xff"), AuthErrorKind::Credentials, "UTF-8"),
        (prefixed("a\n"), AuthErrorKind::Credentials, "control character"),
    ] {
        let error = made.expect_err(reason);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!format!("{error:?}").contains("my-k"), "{error:?}");
    }
}

#[test]
fn the_key_does_not_print() {
    let auth = ApiKey::header("X-API-KEY", "my-key").and_then(|auth| auth.with_prefix("Token "));
    let shown = format!("{:?}", auth.expect("usable"));
    assert!(
        shown.contains("X-API-KEY") && !shown.contains("my-key") && !shown.contains("Token"),
        "{shown}"
    );
}
