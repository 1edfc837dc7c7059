//! What holds whichever scheme signs, over real sockets.

#![cfg(feature = "full")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is the test's answer")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use networkpype::{
    Auth, Caller, Error, ErrorKind, Outcome, ProxyOptions, RestConnection, RestManager,
    RestRequest, RestResponse, StatusCode, async_trait,
    schemes::{
        ApiKey, Basic, Bearer, Jwt,
        hmac::{Hmac, Part, Placement},
        jwt::JwtAlgorithm,
        oauth2::{AuthorizationServer, Client, Grant, OAuth2},
    },
};
use networkpype_test::{RawServer, Step};

/// Gives out tokens, and counts them.
#[derive(Clone, Default)]
struct Issuer(Arc<AtomicUsize>);

#[async_trait]
impl Caller for Issuer {
    async fn call(&self, _: RestRequest) -> Result<RestResponse, Error> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let token = format!(r#"{{"access_token":"c4nary{number}","token_type":"Bearer"}}"#);
        Ok(RestResponse::new(StatusCode::OK).with_body(token))
    }
}

fn oauth2(issuer: &Issuer) -> OAuth2 {
    OAuth2::builder()
        .caller(issuer.clone())
        .server(AuthorizationServer::new("https://auth.test/token"))
        .client(Client::with_secret("c", "s"))
        .grant(Grant::client_credentials())
        .build()
        .expect("a scheme")
}

/// Each scheme, and how often it may send a request that is answered with 401.
fn schemes() -> Vec<(&'static str, Arc<dyn Auth>, usize)> {
    let hmac = Hmac::builder("c4nary", "c4nary")
        .key_in(Placement::header("x-key"))
        .timestamp_in(Placement::query("timestamp"))
        .sign([Part::Query])
        .signature_in(Placement::query("signature"));
    let jwt = Jwt::with_secret(JwtAlgorithm::Hs256, "c4nary-c4nary-c4nary-c4nary-c4nary");
    vec![
        ("basic", Arc::new(Basic::new("me", "c4nary").expect("a scheme")), 1),
        ("bearer", Arc::new(Bearer::new("c4nary").expect("a scheme")), 1),
        ("key in a header", Arc::new(ApiKey::header("x-key", "c4nary").expect("a scheme")), 1),
        ("key in the query", Arc::new(ApiKey::query("key", "c4nary").expect("a scheme")), 1),
        ("key in a cookie", Arc::new(ApiKey::cookie("key", "c4nary").expect("a scheme")), 1),
        ("jwt", Arc::new(jwt.expect("a key").build().expect("a scheme")), 1),
        ("hmac", Arc::new(hmac.build().expect("a scheme")), 1),
        // With the same token, which is young, and with another.
        ("oauth2", Arc::new(oauth2(&Issuer::default())), 3),
    ]
}

const BODY: &str = r#"{"order":"one"}"#;

/// A server that answers every request with `head`, for a request with [`BODY`].
fn answering(head: &str) -> RawServer {
    RawServer::start(vec![
        Step::ReadHead,
        Step::ReadBody(BODY.len()),
        Step::write(format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")),
    ])
}

fn order() -> RestRequest {
    RestRequest::post("/orders").json_text(BODY).auth_required()
}

fn api(url: String, auth: Arc<dyn Auth>) -> RestManager {
    RestManager::builder().base_url(url).auth(auth).build().expect("a manager")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_scheme_follows_a_redirect_with_what_it_signed() {
    let elsewhere = RawServer::start(vec![Step::ReadToEnd]);
    for status in ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"] {
        for to in [format!("{}/orders", elsewhere.url()), "/elsewhere".to_owned()] {
            let server = answering(&format!("{status}\r\nLocation: {to}"));
            for (sent, (name, auth, _)) in schemes().into_iter().enumerate() {
                let answer = api(server.url(), auth).call(order()).await.expect(name);
                assert!(answer.status().is_redirection(), "{name}");
                assert_eq!(server.connections(), sent + 1, "{name}: once, and not to {to}");
            }
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_answered_with_401_is_sent_again_once_for_each_cause_at_most_and_whole() {
    for (name, auth, most) in schemes() {
        let server = answering("401 Unauthorized");
        let answer = api(server.url(), auth).call(order()).await.expect(name);
        assert_eq!(answer.status(), 401, "{name}");
        assert_eq!(server.connections(), most, "{name}");
        for request in server.received() {
            let request = String::from_utf8(request).expect("text");
            assert!(request.ends_with(&format!("\r\n\r\n{BODY}")), "{name}: {request}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_password_in_a_url_are_refused_and_not_shown() {
    let server = answering("200 OK");
    let url = format!("http://me:c4nary@{}/orders", server.addr());
    for (name, auth, _) in schemes() {
        let manager = api(server.url(), Arc::clone(&auth));
        for request in [RestRequest::get(&url), RestRequest::get(&url).auth_required()] {
            let error = manager.call(request).await.expect_err(name);
            assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
            assert!(
                error.to_string().contains("URL") || format!("{error:?}").contains("user name")
            );
            assert!(!format!("{error} {error:?}").contains("c4nary"), "{name}: {error:?}");
        }
        let error = RestManager::builder().base_url(&url).auth(auth).build().expect_err(name);
        assert!(!format!("{error} {error:?}").contains("c4nary"), "{name}: {error:?}");
    }
    assert_eq!(server.connections(), 0);
}

/// Some proxies ask for their own password with 401: that is no word of the API about ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_401_of_a_proxy_is_not_the_apis_and_costs_no_token() {
    let proxy = RawServer::start(vec![
        Step::ReadHead,
        Step::write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
        Step::ReadToEnd,
    ]);
    let issuer = Issuer::default();
    let auth: Arc<dyn Auth> = Arc::new(oauth2(&issuer));
    let mut schemes = schemes();
    schemes.push(("oauth2, counted", auth, 2));
    for (name, auth, _) in schemes {
        let options = ProxyOptions::new(&proxy.url()).expect("a proxy");
        let connection = RestConnection::builder().proxy(options).build().expect("a connection");
        let manager = RestManager::builder()
            .base_url("https://api.test")
            .connection(connection)
            .auth(auth)
            .build()
            .expect("a manager");
        let error = manager.call(order()).await.expect_err(name);
        assert!(error.is_connect() && error.outcome() == Outcome::NotSent, "{name}: {error:?}");
    }
    assert_eq!(issuer.0.load(Ordering::SeqCst), 1, "the first, and no other for the 401");
    for request in proxy.received() {
        let request = String::from_utf8(request).expect("text");
        assert!(request.starts_with("CONNECT api.test:443 "), "{request}");
        assert!(!request.contains("c4nary"), "{request}");
    }
}
