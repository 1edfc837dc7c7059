//! What stands on the wire.

use std::time::Duration;

use networkpype::{
    ConnectionManagersFactory, RateLimit, RestRequest, Throttler,
    schemes::oauth2::{AuthorizationServer, Client, Grant, OAuth2},
};
use networkpype_test::{RawServer, Step};

/// The factory of an API and its authorization server, both on `server`.
fn factory(server: &RawServer) -> networkpype::ConnectionManagersFactoryBuilder {
    let endpoint = format!("{}/token?tenant=a%2Fb", server.url());
    let limits = [
        RateLimit::new("calls", 10, Duration::from_millis(20)),
        RateLimit::new("tokens", 10, Duration::from_millis(20)),
    ];
    ConnectionManagersFactory::builder()
        .base_url(server.url())
        .throttler(Throttler::new(limits).expect("limits"))
        .default_limit("calls")
        .auth_with(move |api| {
            OAuth2::builder()
                .caller(api.anonymous_caller())
                .clock(api.clock())
                .server(AuthorizationServer::new(endpoint))
                .client(Client::with_secret("my id", "s&cret"))
                .grant(Grant::client_credentials())
                .scope("a b")
                .limit("tokens")
                .build()
        })
}

/// What is asked for a token with.
const FORM: &str = "grant_type=client_credentials&scope=a+b";

/// Answers a request for a token.
fn token_answer(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let mut steps = answer(status, headers, body);
    steps.insert(1, Step::ReadBody(FORM.len()));
    steps
}

/// Answers a request without a body.
fn answer(status: &str, headers: &str, body: &str) -> Vec<Step> {
    vec![
        Step::ReadHead,
        Step::write(format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )),
    ]
}

#[tokio::test]
async fn a_token_is_asked_for_as_the_standard_says_and_sent_with_the_request() {
    let token = |name: &str| {
        token_answer(
            "200 OK",
            "",
            &format!(r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":60}}"#),
        )
    };
    let challenge = "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n";
    let server = RawServer::start_scripts(vec![
        token("t0ken"),
        answer("200 OK", "", "[]"),
        answer("403 Forbidden", challenge, "no"),
    ]);
    let api = factory(&server).build().expect("a factory");
    let manager = api.rest_manager();
    let response = manager.call(RestRequest::get("/orders").auth_required()).await.expect("called");
    assert_eq!(response.status(), 200);
    let refused = manager.call(RestRequest::get("/admin").auth_required()).await.expect("called");
    assert_eq!(refused.status(), 403);
    let received: Vec<String> = server
        .received()
        .iter()
        .map(|bytes| String::from_utf8(bytes.clone()).expect("text").to_ascii_lowercase())
        .collect();
    assert_eq!(received.len(), 3, "{received:?}");
    let (head, body) = received[0].split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("post /token?tenant=a%2fb http/1.1\r\n"), "{head}");
    let mut headers: Vec<&str> =
        head.lines().skip(1).filter(|line| !line.starts_with("user-agent")).collect();
    headers.sort_unstable();
    let host = format!("host: {}", server.addr());
    assert_eq!(
        headers,
        [
            "accept: application/json",
            "authorization: basic bxkrawq6cyuynmnyzxq=",
            "content-length: 39",
            "content-type: application/x-www-form-urlencoded",
            &host,
        ]
    );
    assert_eq!(body, FORM);
    for request in &received[1..] {
        assert!(request.contains("\r\nauthorization: bearer t0ken\r\n"), "{request}");
    }
}

#[tokio::test]
async fn a_redirect_of_a_token_request_is_not_followed() {
    let elsewhere = RawServer::start(answer("200 OK", "", r#"{"access_token":"stolen"}"#));
    let to = format!("Location: {}/token\r\n", elsewhere.url());
    for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let server = RawServer::start(token_answer(status, &to, ""));
        let api = factory(&server).build().expect("a factory");
        let manager = api.rest_manager();
        let call = manager.call(RestRequest::get("/orders").auth_required());
        let error = call.await.expect_err("no token");
        assert!(error.is_auth(), "{error:?}");
        assert_eq!(server.connections(), 1, "nothing but the request for a token");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn t9_a_request_that_is_refused_for_a_young_token_is_sent_with_it_again_then_with_another_and_no_oftener()
 {
    let token = || {
        token_answer("200 OK", "", r#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#)
    };
    let refused = || answer("401 Unauthorized", "WWW-Authenticate: Bearer\r\n", "no");
    // The token is fresh, and may not have reached the API yet: it is sent once more, then another, and then it is enough.
    let scripts = vec![token(), refused(), refused(), token(), refused(), refused()];
    let server = RawServer::start_scripts(scripts);
    let api = factory(&server).build().expect("a factory");
    let manager = api.rest_manager();
    let call = manager.call(RestRequest::get("/orders").auth_required());
    assert_eq!(call.await.expect("a response").status(), 401);
    assert_eq!(server.connections(), 5);
}
