//! What stands on the wire, and what is sent again.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use networkpype::{
    BoxError, Error, RestManager, RestManagerBuilder, RestRequest, Resync, async_trait,
    schemes::oauth1::{
        AuthorizationFlow, ClientCredentials, OAuth1, OUT_OF_BAND, ParameterPlacement,
        TokenCredentials, token::TokenErrorKind,
    },
};
use networkpype_test::{RawServer, Step};

const PLACEMENTS: [ParameterPlacement; 3] =
    [ParameterPlacement::Header, ParameterPlacement::Query, ParameterPlacement::Body];

fn scheme(placement: ParameterPlacement) -> OAuth1 {
    let client = ClientCredentials::hmac_sha1("ck", "hunter-secret");
    let token = TokenCredentials::new("hunter-token", "hunter-token-secret");
    OAuth1::builder(client).token(token).placement(placement).build().expect("a scheme")
}

fn builder(server: &RawServer, placement: ParameterPlacement) -> RestManagerBuilder {
    RestManager::builder().base_url(server.url()).auth(scheme(placement))
}

fn post() -> RestRequest {
    RestRequest::post("/a").form_param("a", "x y").auth_required()
}

/// Answers a request whatever its body is.
fn answer(head: &str, body: &str) -> Vec<Step> {
    vec![
        Step::ReadHead,
        Step::write(format!(
            "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )),
        Step::HalfClose,
    ]
}

/// All requests, once each has come to its end.
async fn received(server: &RawServer) -> Vec<String> {
    server.wait_until(|server| server.finished() == server.connections()).await;
    server.received().iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
}

fn values(requests: &[String], name: &str) -> BTreeSet<String> {
    let value = |request: &String| {
        let rest = request.split(&format!("{name}=")).nth(1).expect(name);
        let rest = rest.trim_start_matches('"');
        rest.split(['"', '&', ',', ' ', '\r']).next().unwrap_or_default().to_owned()
    };
    requests.iter().map(value).collect()
}

#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

#[async_trait]
impl Resync for Counted {
    async fn resync(&self) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_credentials_wherever_they_stand() {
    let elsewhere = RawServer::start(answer("200 OK", ""));
    for placement in PLACEMENTS {
        for status in ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"] {
            let head = format!("{status}\r\nLocation: {}/a", elsewhere.url());
            let server = RawServer::start(answer(&head, ""));
            let manager = builder(&server, placement).build().expect("a manager");
            let response = manager.call(post()).await.expect("an answer");
            assert!(response.status().is_redirection(), "{status}");
            assert_eq!(server.connections(), 1);
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn credentials_go_to_no_other_origin() {
    let server = RawServer::start(answer("200 OK", ""));
    let elsewhere = RawServer::start(answer("200 OK", ""));
    let manager = builder(&server, ParameterPlacement::Query).build().expect("a manager");
    let other = RestRequest::get(format!("{}/a", elsewhere.url())).auth_required();
    let error: Error = manager.call(other).await.expect_err("refused");
    assert!(error.is_auth(), "{error:?}");
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_refusal_is_sent_again_once_for_its_cause_with_the_whole_body_and_another_nonce() {
    for placement in PLACEMENTS {
        for (body, times, resyncs) in [
            ("oauth_problem=nonce_used", 2, 0),
            ("oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-2", 2, 1),
            ("oauth_problem=signature_invalid", 1, 0),
            ("oauth_problem=token_expired", 1, 0),
            ("no", 1, 0),
        ] {
            let script = answer("401 Unauthorized\r\nWWW-Authenticate: OAuth", body);
            let server = RawServer::start_scripts(vec![script; 5]);
            let resync = Counted::default();
            let manager = builder(&server, placement).resync(resync.clone()).build();
            let response = manager.expect("a manager").call(post()).await.expect("an answer");
            assert_eq!(response.status(), 401);
            assert_eq!(server.connections(), times, "{body}");
            assert_eq!(resync.0.load(Ordering::Relaxed), resyncs, "{body}");
            let received = received(&server).await;
            for request in &received {
                assert!(request.contains("\r\n\r\na=x+y"), "{request}");
            }
            assert_eq!(values(&received, "oauth_nonce").len(), times, "{received:?}");
        }
    }
}

#[tokio::test]
async fn two_causes_are_each_mended_once() {
    let refused = |code: &str| {
        answer(&format!("401 No\r\nWWW-Authenticate: OAuth oauth_problem=\"{code}\""), "")
    };
    let scripts = vec![
        refused("timestamp_refused"),
        refused("nonce_used"),
        refused("timestamp_refused"),
        refused("nonce_used"),
    ];
    let server = RawServer::start_scripts(scripts);
    let manager = builder(&server, ParameterPlacement::Header).resync(Counted::default()).build();
    let response = manager.expect("a manager").call(post()).await.expect("an answer");
    assert_eq!(response.status(), 401);
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_server_that_repeats_what_it_was_sent_puts_no_credential_into_an_error() {
    for placement in PLACEMENTS {
        let server = RawServer::start(answer(
            "401 No",
            "bad token hunter-token, base string POST&http%3A%2F%2Fh&oauth_token%3Dhunter-token",
        ));
        let manager = builder(&server, placement).build().expect("a manager");
        let error = manager.execute(post()).await.expect_err("refused");
        let explanation = error.explanation().expect("how it was signed");
        let text = format!("{error} {error:?} {:?} {explanation}", error.body_excerpt());
        assert!(!text.contains("hunter"), "{text}");
        assert!(explanation.signed_text().contains("%26oauth_nonce%3D"), "{explanation}");
    }
}

#[tokio::test]
async fn a_redirect_of_a_request_for_a_token_is_not_followed() {
    let elsewhere = RawServer::start(answer("200 OK", ""));
    for placement in PLACEMENTS {
        let head = format!("307 Temporary\r\nLocation: {}/", elsewhere.url());
        let server = RawServer::start(answer(&head, "oauth_token=t&oauth_token_secret=s"));
        let flow = AuthorizationFlow::builder(scheme(placement))
            .caller(RestManager::builder().anonymous().build().expect("a manager"))
            .temporary_credential_endpoint(format!("{}/i", server.url()))
            .authorization_endpoint(format!("{}/a", server.url()))
            .token_endpoint(format!("{}/t", server.url()))
            .build()
            .expect("a flow");
        let error = flow.temporary_credentials(OUT_OF_BAND).await.expect_err("no token");
        assert_eq!(error.kind(), TokenErrorKind::Refused, "{error:?}");
        assert_eq!(server.connections(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}
