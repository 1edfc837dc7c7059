//! Logins of people: redirects that are checked, and devices that wait.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use networkpype_auth::token::TokenErrorKind;
use networkpype_schemes::oauth2::{
    Assertion, AuthorizationRequest, Client, Grant, JwtAlgorithm, JwtSigner,
};

use crate::oauth2_issuer::{
    Answer, ISSUER, Issuer, authorization, printed, says, scheme, server, token, token_and_refresh,
};

fn begun(names_itself: bool) -> AuthorizationRequest {
    let server = if names_itself { server().names_itself_in_redirects() } else { server() };
    AuthorizationRequest::resume(&server, "http://127.0.0.1/cb", "st4te", "v3rifier")
}

#[test]
fn state_and_iss_of_a_redirect_are_checked() {
    use TokenErrorKind::{Malformed, ReauthenticationRequired, Refused};
    let ours = "https%3A%2F%2Fauth.example.com";
    for (names_itself, query, expected) in [
        (false, "code=c&state=st4te".to_owned(), None),
        (false, format!("code=c&state=st4te&iss={ours}"), None),
        (true, format!("code=c&state=st4te&iss={ours}"), None),
        (true, "code=c&state=st4te".to_owned(), Some(Refused)),
        (false, format!("code=c&state=st4te&iss={ours}%2F"), Some(Refused)),
        (false, "code=c&state=st4te&iss=https%3A%2F%2Fevil.example".to_owned(), Some(Refused)),
        (false, "code=c&state=other".to_owned(), Some(Refused)),
        (false, "code=c&state=".to_owned(), Some(Refused)),
        (false, "code=c".to_owned(), Some(Refused)),
        (false, "error=access_denied&state=other".to_owned(), Some(Refused)),
        (false, "error=access_denied&state=st4te".to_owned(), Some(ReauthenticationRequired)),
        (false, "error=c4nary&code=c&state=st4te".to_owned(), Some(Refused)),
        (false, "state=st4te".to_owned(), Some(Malformed)),
        (false, "code=&state=st4te".to_owned(), Some(Malformed)),
        (false, "code=a&code=b&state=st4te".to_owned(), Some(Malformed)),
        (false, "code=a&state=other&state=st4te".to_owned(), Some(Malformed)),
        (false, String::new(), Some(Refused)),
    ] {
        let request = begun(names_itself);
        for redirected in
            [format!("http://127.0.0.1/cb?{query}#a"), format!("/cb?{query}"), query.clone()]
        {
            let found = request.code_from(&redirected);
            match (found, expected) {
                (Ok(code), None) => assert!(!format!("{code:?}").contains("\"c\"")),
                (Err(error), Some(kind)) => {
                    assert_eq!(error.kind(), kind, "{redirected}");
                    let text = printed(&error);
                    assert!(!text.contains("st4te") && !text.contains("c4nary"), "{text}");
                }
                (found, _) => panic!("{redirected}: {found:?}, not {expected:?}"),
            }
        }
    }
    assert_eq!(ISSUER, "https://auth.example.com");
}

const PROMPT: &str = r#"{"device_code":"d/c","user_code":"WDJB-MJHT","verification_uri":"https://v.example",
    "verification_uri_complete":"https://v.example?c=1","expires_in":"600"}"#;

fn pending() -> Answer {
    says(400, r#"{"error":"authorization_pending"}"#)
}

async fn wait(answers: Vec<Answer>) -> (Issuer, Result<String, TokenErrorKind>) {
    let issuer = Issuer::answers(answers);
    let shown = Arc::new(Mutex::new(Vec::new()));
    let prompts = Arc::clone(&shown);
    let grant = Grant::device(move |prompt| {
        prompts.lock().expect("lock").push((
            prompt.user_code().to_owned(),
            prompt.verification_uri().to_owned(),
            prompt.verification_uri_complete().map(str::to_owned),
        ));
    });
    let auth = scheme(&issuer, grant)
        .client(Client::public("my-client"))
        .scope("a b")
        .resource("urn:api")
        .build()
        .expect("a scheme");
    let token = auth.token().await;
    assert!(shown.lock().expect("lock").len() <= 1);
    (
        issuer,
        token.map(|it| it.access().expose_str().expect("text").to_owned()).map_err(|it| it.kind()),
    )
}

#[tokio::test(start_paused = true)]
async fn a_device_waits_five_seconds_and_five_more_for_good_when_told_to_slow_down() {
    let slow = || says(400, r#"{"error":"slow_down","error_description":7}"#);
    let answers = vec![
        says(200, PROMPT),
        pending(),
        slow(),
        pending(),
        slow(),
        pending(),
        token_and_refresh("t", "r"),
    ];
    let (issuer, token) = wait(answers).await;
    assert_eq!(token.as_deref(), Ok("t"));
    assert_eq!(issuer.times(), [0, 5, 10, 20, 30, 45, 60]);
    assert_eq!(issuer.body(0), "scope=a+b&resource=urn%3Aapi&client_id=my-client");
    assert_eq!(issuer.request(0).path(), "/device");
    let poll = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d%2Fc&client_id=my-client&resource=urn%3Aapi";
    assert!(
        (1..7)
            .all(|number| issuer.body(number) == poll && issuer.request(number).path() == "/token")
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_keeps_to_the_interval_it_is_told_and_takes_none_for_five_seconds() {
    for (interval, seconds) in [("7", 7), ("\"7\"", 7), ("0", 5), ("null", 5), ("-3", 5)] {
        let prompt = PROMPT.replace("\"600\"", &format!("600,\"interval\":{interval}"));
        let (issuer, token) = wait(vec![says(200, &prompt), pending(), token("t")]).await;
        assert_eq!(token.as_deref(), Ok("t"));
        assert_eq!(issuer.times(), [0, seconds, 2 * seconds], "{interval}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_backs_off_where_the_issuer_cannot_be_reached_and_never_asks_sooner() {
    let answers =
        vec![says(200, PROMPT), Answer::Unreachable, says(503, "<html>"), pending(), token("t")];
    let (issuer, had) = wait(answers).await;
    assert_eq!(had.as_deref(), Ok("t"));
    assert_eq!(issuer.times(), [0, 5, 15, 35, 55]);
    // An interval above what it backs off to.
    let prompt = PROMPT.replace("\"600\"", "600,\"interval\":70");
    let (issuer, _) = wait(vec![says(200, &prompt), Answer::Unreachable, token("t")]).await;
    assert_eq!(issuer.times(), [0, 70, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_device_leaves_an_issuer_alone_for_as_long_as_it_asks_to_be() {
    let busy = Answer::Busy(429, "slow down".to_owned(), "100");
    let answers = vec![says(200, PROMPT), pending(), busy, pending(), token("t")];
    let (issuer, had) = wait(answers).await;
    assert_eq!(had.as_deref(), Ok("t"));
    assert_eq!(issuer.times(), [0, 5, 10, 110, 120]);
}

#[tokio::test(start_paused = true)]
async fn a_device_gives_up_when_it_is_told_to_and_when_the_code_has_expired() {
    use TokenErrorKind::{Malformed, ReauthenticationRequired, Refused};
    for (status, body, kind) in [
        (400, r#"{"error":"access_denied"}"#, ReauthenticationRequired),
        (400, r#"{"error":"expired_token"}"#, ReauthenticationRequired),
        (400, r#"{"error":"invalid_grant"}"#, ReauthenticationRequired),
        (400, r#"{"error":"invalid_client"}"#, Refused),
        (401, "<html>", Refused),
        (302, "", Refused),
        (200, "{}", Malformed),
        (200, r#"{"access_token":"t","token_type":"DPoP"}"#, Refused),
    ] {
        let (_, token) = wait(vec![says(200, PROMPT), pending(), says(status, body)]).await;
        assert_eq!(token, Err(kind), "{status} {body}");
    }
    let prompt = PROMPT.replace("\"600\"", "22");
    let answers = std::iter::once(says(200, &prompt)).chain((0..9).map(|_| pending()));
    let (issuer, token) = wait(answers.collect()).await;
    assert_eq!(token, Err(ReauthenticationRequired));
    assert_eq!(issuer.times(), [0, 5, 10, 15, 20]);
    let (_, token) = wait(vec![says(200, r#"{"device_code":"d"}"#)]).await;
    assert_eq!(token, Err(Malformed));
    // As GitHub says it.
    let github = says(200, r#"{"error":"authorization_pending"}"#);
    let (_, token) = wait(vec![says(200, PROMPT), github, token_and_refresh("t", "r")]).await;
    assert_eq!(token.as_deref(), Ok("t"));
}

#[tokio::test(start_paused = true)]
async fn each_poll_of_a_device_has_an_assertion_of_its_own() {
    let issuer = Issuer::answers([says(200, PROMPT), pending(), pending(), token("t")]);
    let signer =
        JwtSigner::with_secret(JwtAlgorithm::Hs256, &"0123456789abcdef".into()).expect("signer");
    let auth = scheme(&issuer, Grant::device(|_| {}))
        .client(Client::with_assertion("c", Assertion::new(signer)))
        .build()
        .expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer t");
    let mut sent: Vec<String> =
        (0..4).map(|number| issuer.form(number, "client_assertion").expect("a token")).collect();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_login_on_a_device_is_made_once_and_its_refresh_token_used_after() {
    let answers = [says(200, PROMPT), token_and_refresh("one", "r1"), token("two")];
    let issuer = Issuer::answers(answers);
    let auth = scheme(&issuer, Grant::device(|_| {})).build().expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer one");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(authorization(&auth).await, "Bearer two");
    assert_eq!(issuer.body(2), "grant_type=refresh_token&refresh_token=r1");
}
