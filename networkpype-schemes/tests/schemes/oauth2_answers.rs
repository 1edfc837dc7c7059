//! Answers of issuers in trouble, and what becomes of them.

use std::time::Duration;

use networkpype_auth::token::TokenErrorKind;
use networkpype_core::{Auth as _, Error, RestRequest, Secret};
use networkpype_schemes::oauth2::{
    Assertion, Client, Grant, JwtAlgorithm, JwtSigner, OAuth2, TokenExchange, TokenTypeHint,
};

use crate::oauth2_issuer::{
    Answer, Issuer, authorization, printed, says, scheme, token, token_and_refresh,
};

async fn refused(answer: Answer) -> (TokenErrorKind, String) {
    let issuer = Issuer::answers([answer]);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let error = auth.token().await.expect_err("refused");
    (error.kind(), printed(&error))
}

#[tokio::test(start_paused = true)]
async fn each_answer_has_its_kind_of_error_and_none_prints_a_body() {
    use TokenErrorKind::{Malformed, Refused, Unavailable};
    let html = "<html>c4nary</html>";
    for (status, body, kind) in [
        (500, html, Unavailable),
        (502, "", Unavailable),
        (503, r#"{"error":"invalid_grant","x":"c4nary"}"#, Unavailable),
        (429, r#"{"error":"invalid_grant","x":"c4nary"}"#, Unavailable),
        (408, html, Unavailable),
        (400, r#"{"error":"temporarily_unavailable"}"#, Unavailable),
        (400, r#"{"error":"server_error","error_description":"c4nary"}"#, Unavailable),
        (400, r#"{"error":"invalid_client","error_description":"c4nary"}"#, Refused),
        (
            401,
            r#"{"error":"invalid_client","error_uri":["c4nary"],"error_description":{}}"#,
            Refused,
        ),
        (400, r#"{"error":"invalid_grant","error_description":"c4nary"}"#, Refused),
        (400, r#"{"error":"c4nary"}"#, Refused),
        (400, r#"{"error":{"code":"c4nary"}}"#, Refused),
        (400, r#"{"error":"access_denied"}"#, Refused),
        (400, r#"{"error":"s3cret"}"#, Refused),
        (400, html, Refused),
        (401, html, Refused),
        (404, "", Refused),
        (302, html, Refused),
        (307, r#"{"access_token":"c4nary"}"#, Refused),
        (200, html, Malformed),
        (200, "", Malformed),
        (200, "[]", Malformed),
        (200, r#"{"token":"c4nary"}"#, Malformed),
        (200, r#"{"access_token":["c4nary"]}"#, Malformed),
        (200, "{\"access_token\":\"c4nary\\n\"}", Malformed),
        (200, r#"{"access_token":"c4nary","token_type":"DPoP"}"#, Refused),
        (200, r#"{"access_token":"c4nary","token_type":"N_A"}"#, Refused),
        // As GitHub says it.
        (200, r#"{"error":"bad_verification_code","error_description":"c4nary"}"#, Refused),
        (200, r#"{"error":"invalid_grant"}"#, Refused),
    ] {
        let (found, text) = refused(says(status, body)).await;
        assert_eq!(found, kind, "{status} {body}: {text}");
        for secret in ["c4nary", "s3cret", "czNjcmV0", "html"] {
            assert!(!text.contains(secret), "{status} {body}: {text}");
        }
    }
    let (kind, text) = refused(Answer::Unreachable).await;
    assert_eq!(kind, Unavailable);
    assert!(text.contains("timed out"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_known_code_is_named() {
    let (_, text) = refused(says(400, r#"{"error":"invalid_scope"}"#)).await;
    assert!(text.contains("invalid_scope"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_code_of_the_issuers_own_is_named_where_it_is_a_word_that_it_was_not_told() {
    for (client, code, shown) in [
        ("x", "bad_verification_code", true),
        ("invalid", "invalid_scope", true),
        ("hush", "hush", false),
        ("hush", "bad_hush", false),
        ("hush_hush", "hush", false),
        ("HUSH", "hush", false),
        ("x", "0a1b2c3d", false),
        ("x", "BadCode", false),
        ("x", "bad code", false),
        ("x", "a_code_that_is_longer_than_any_that_a_person_reads", false),
    ] {
        for in_body in [true, false] {
            let issuer = Issuer::answers([says(400, &format!(r#"{{"error":"{code}"}}"#))]);
            let client = match in_body {
                true => Client::with_secret_in_body("c", client),
                false => Client::with_secret("c", client),
            };
            let scheme = scheme(&issuer, Grant::password("me", "pass")).client(client);
            let error = scheme.build().expect("a scheme").token().await.expect_err("refused");
            assert_eq!(printed(&error).contains(code), shown, "{code}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_had_no_token_says_how_long_the_issuer_wants_to_be_left_alone() {
    for (after, expected) in [("100", Some(Duration::from_secs(100))), ("soon", None)] {
        let issuer = Issuer::answers([Answer::Busy(429, String::new(), after)]);
        let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
        let request = RestRequest::get("https://api.example.com/");
        let error = auth.rest_authenticate(request).await.expect_err("no token");
        assert_eq!(Error::from(error).retry_after(), expected, "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_to_log_in_by_a_grant_without_a_person() {
    let denied = || says(403, r#"{"error":"access_denied"}"#);
    let signer = JwtSigner::with_secret(JwtAlgorithm::Hs256, &"k".repeat(32).into());
    let assertion = Assertion::new(signer.expect("a key")).issuer("i").subject("s");
    for (grant, kind) in [
        (Grant::client_credentials(), TokenErrorKind::Refused),
        (Grant::jwt_bearer(assertion), TokenErrorKind::Refused),
        (Grant::token_exchange(TokenExchange::new(Secret::new("x"))), TokenErrorKind::Refused),
        (Grant::password("me", "p"), TokenErrorKind::ReauthenticationRequired),
    ] {
        let issuer = Issuer::answers([denied()]);
        let auth = scheme(&issuer, grant).build().expect("a scheme");
        let error = auth.token().await.expect_err("denied");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("access_denied"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_another_success_status_or_content_is_taken() {
    for (status, body) in [
        (201, r#"{"access_token":"t","token_type":"Bearer"}"#),
        (
            200,
            r#"{"access_token":"t","token_type":"bEARER","expires_in":"60","scope":["a"],"x":{}}"#,
        ),
        (200, r#"{"access_token":"t","error":null}"#),
        (200, r#"{"access_token":"t","error":""}"#),
    ] {
        let issuer = Issuer::answers([says(status, body)]);
        let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
        assert_eq!(authorization(&auth).await, "Bearer t", "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_type_of_a_servers_own_is_taken_where_it_is_named() {
    let bot = says(200, r#"{"access_token":"t","token_type":"Bot"}"#);
    let issuer = Issuer::answers([bot]);
    let auth =
        scheme(&issuer, Grant::client_credentials()).token_type("bot").build().expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer t");
}

#[tokio::test(start_paused = true)]
async fn t7_a_token_that_still_lives_is_used_while_the_issuer_is_in_trouble() {
    let answers = [token("one"), says(500, "<html>"), Answer::Unreachable, token("two")];
    let issuer = Issuer::answers(answers);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer one");
    // Due, and not ended: the renewal fails in the background.
    tokio::time::sleep(Duration::from_secs(3570)).await;
    for _ in 0..2 {
        assert_eq!(authorization(&auth).await, "Bearer one");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!((2..=3).contains(&issuer.asked()), "{}", issuer.asked());
    tokio::time::sleep(Duration::from_secs(40)).await;
    let mut last = auth.token().await;
    for _ in 0..3 {
        if last.is_ok() {
            break;
        }
        assert_eq!(last.expect_err("in trouble").kind(), TokenErrorKind::Unavailable);
        tokio::time::sleep(Duration::from_secs(31)).await;
        last = auth.token().await;
    }
    assert_eq!(last.expect("a token").access().expose_str(), Some("two"));
}

#[tokio::test(start_paused = true)]
async fn t7_an_issuer_that_says_when_to_come_again_is_asked_no_sooner() {
    let unavailable = r#"{"error":"temporarily_unavailable"}"#;
    for (status, body, after, secs) in [
        (429, "slow down", "90", 90),
        (503, "<html>", "90", 90),
        (429, r#"{"error":"invalid_grant"}"#, "90", 90),
        (400, unavailable, "90", 90),
        // Half a minute after what the clock says.
        (503, "", "Tue, 14 Nov 2023 22:13:50 GMT", 30),
    ] {
        let busy = Answer::Busy(status, body.to_owned(), after);
        let issuer = Issuer::answers([busy, token("t")]);
        let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
        for _ in 0..secs {
            let error = auth.token().await.expect_err("busy");
            assert_eq!(error.kind(), TokenErrorKind::Unavailable, "{status} {body}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(secs)), "{status} {body}");
            tokio::time::sleep(Duration::from_millis(990)).await;
        }
        assert_eq!(issuer.asked(), 1, "{status} {body}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(authorization(&auth).await, "Bearer t");
    }
    // Of no use where the same would be refused again.
    let refusal = Answer::Busy(400, r#"{"error":"invalid_client"}"#.to_owned(), "90");
    let issuer = Issuer::answers([refusal]);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    assert_eq!(auth.token().await.expect_err("refused").retry_after(), None);
}

#[tokio::test(start_paused = true)]
async fn t8_no_lifetime_makes_the_issuer_be_asked_without_end() {
    for life in ["0", "-1", "\"0\"", "null", "9223372036854775808", "1e300", "\"soon\""] {
        let body = format!(r#"{{"access_token":"t","token_type":"Bearer","expires_in":{life}}}"#);
        let issuer = Issuer::answers([says(200, &body)]);
        let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
        for _ in 0..50 {
            assert_eq!(authorization(&auth).await, "Bearer t", "{life}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(issuer.asked(), 1, "{life}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_scheme_prints_its_secrets() {
    let issuer = Issuer::answers([token_and_refresh("t0ken", "r3fresh")]);
    let builder = scheme(&issuer, Grant::password("me", "passw0rd"));
    let mut text = format!("{builder:?}");
    let auth: OAuth2 = builder.build().expect("a scheme");
    let token = auth.token().await.expect("a token");
    let signed = crate::oauth2_issuer::sent(&auth).await;
    let request = auth.authorization_request("http://127.0.0.1/").await.expect("a request");
    text += &format!("{auth:?} {token:?} {signed:?} {request:?} {:?}", TokenTypeHint::Access);
    text += &format!("{:?}", issuer.request(0));
    let state = request.state().expose_str().expect("text").to_owned();
    let verifier = request.verifier().expose_str().expect("text").to_owned();
    for secret in ["s3cret", "t0ken", "r3fresh", "passw0rd", "czNjcmV0", &state, &verifier] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
