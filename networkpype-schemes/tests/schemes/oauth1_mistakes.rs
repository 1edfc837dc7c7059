//! OAuth 1.0a: what is refused before it is sent, and how that is told.

use std::error::Error as _;

use networkpype_core::{Auth, AuthError, AuthErrorKind, RestRequest};
use networkpype_schemes::oauth1::{
    ClientCredentials, KeyEncoding, OAuth1, OAuth1Builder, ParameterPlacement, TokenCredentials,
};

fn builder() -> OAuth1Builder {
    OAuth1::builder(ClientCredentials::hmac_sha1("ck", "cs"))
}

fn told(builder: OAuth1Builder) -> String {
    let error = builder.build().expect_err("a mistake");
    assert_eq!(error.kind(), AuthErrorKind::Configuration, "{error}");
    error.to_string()
}

#[test]
fn settings_that_contradict_each_other_are_told_when_they_are_made() {
    let plaintext = || OAuth1::builder(ClientCredentials::plaintext("ck", "cs"));
    let own = || OAuth1::builder(ClientCredentials::signed_by("ck", "OWN", |_| Ok(Vec::new())));
    for (mistake, why) in [
        (builder().placement(ParameterPlacement::Query).realm("Photos"), "realm"),
        (builder().realm("a\nb"), "control character"),
        (OAuth1::builder(ClientCredentials::hmac_sha1("", "cs")), "key is empty"),
        (OAuth1::builder(ClientCredentials::hmac_sha1("ck", "")), "secret is empty"),
        (
            OAuth1::builder(ClientCredentials::plaintext("ck", ""))
                .token(TokenCredentials::new("t", "")),
            "secret is empty",
        ),
        (plaintext().body_hash(), "PLAINTEXT"),
        (own().body_hash(), "body_hash_with"),
        (builder().parameter("oauth_nonce", "1"), "`oauth_nonce`"),
        (builder().parameter("oauth_body_hash", "1"), "`oauth_body_hash`"),
        (builder().parameter("", "1"), "no name"),
        (builder().parameter("x", "1").parameter("x", "2"), "`x` is said twice"),
    ] {
        let told = told(mistake);
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn a_key_that_is_none_is_refused_without_being_repeated() {
    for encoding in [KeyEncoding::Pem, KeyEncoding::Der] {
        let error = ClientCredentials::rsa_sha256("ck", "hunter2", encoding).expect_err("no key");
        assert_eq!(error.kind(), AuthErrorKind::Credentials);
        assert!(!format!("{error:?}").contains("hunter2"), "{error}");
    }
    #[cfg(feature = "oauth1-rsa-sha1")]
    ClientCredentials::rsa_sha1("ck", "hunter2", KeyEncoding::Pem).expect_err("no key");
}

async fn refused(builder: OAuth1Builder, request: RestRequest) -> AuthError {
    let auth = builder.token(TokenCredentials::new("tk", "ts")).build().expect("a scheme");
    let error = auth.rest_authenticate(request).await.expect_err("refused");
    assert_eq!(error.kind(), AuthErrorKind::Request, "{error}");
    error
}

#[tokio::test]
async fn a_parameter_that_would_come_twice_is_refused() {
    let get = || RestRequest::get("https://h/a");
    for request in [
        get().param("oauth_nonce", "1"),
        RestRequest::get("https://h/a?oauth%5Ftoken=hunter2"),
        get().param("oauth_signature", "x"),
        RestRequest::post("https://h/a").form_param("oauth_timestamp", 1),
    ] {
        for placement in [ParameterPlacement::Header, ParameterPlacement::Query] {
            let error = refused(builder().placement(placement), request.clone()).await;
            let told = error.to_string();
            assert!(told.contains("`oauth_") && !told.contains("hunter2"), "{told}");
        }
    }
    // Not the scheme's own.
    let auth = builder().build().expect("a scheme");
    let _ = auth.rest_authenticate(get().param("oauth_token", "1")).await.expect("signed");
}

#[tokio::test]
async fn what_has_no_room_for_parameters_in_its_body_is_refused() {
    let in_body = || builder().placement(ParameterPlacement::Body);
    let post = || RestRequest::post("https://h/a");
    for (request, why) in [
        (RestRequest::get("https://h/a"), "header or the query"),
        (RestRequest::head("https://h/a"), "header or the query"),
        // RFC 9110, section 9.3.8.
        (RestRequest::new(http::Method::TRACE, "https://h/a"), "header or the query"),
        (post().header("content-type", "text/plain"), "Content-Type"),
        (post().json_object([("a", 1)]), "not a form"),
        (post().body("a=1"), "not a form"),
        (post().body("a=1").header("content-type", "text/plain"), "not a form"),
        (
            post().body(vec![0xff]).header("content-type", "application/x-www-form-urlencoded"),
            "not a form",
        ),
    ] {
        let error = refused(in_body(), request).await;
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        assert!(format!("{error}: {cause}").contains(why), "{error}: {cause}");
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused() {
    let post = || RestRequest::post("https://h/a");
    refused(builder(), RestRequest::get("/a")).await;
    refused(builder(), RestRequest::get("https://h/{id}")).await;
    refused(builder(), post().form_param("a", 1).append_header("content-type", "text/plain")).await;
    refused(builder(), post().header("host", "a/b")).await;
}

#[tokio::test]
async fn a_signature_or_a_nonce_that_cannot_be_had_sends_nothing() {
    let failing = || AuthError::new(AuthErrorKind::Other, "the module is locked");
    let module =
        OAuth1::builder(ClientCredentials::signed_by("ck", "RSA-SHA1", move |_| Err(failing())));
    let nonces = builder().nonces(move || Err(failing()));
    for auth in [module, nonces] {
        let auth = auth.build().expect("a scheme");
        let error = auth.rest_authenticate(RestRequest::get("https://h/")).await;
        assert_eq!(error.expect_err("locked").to_string(), "the module is locked");
    }
}
