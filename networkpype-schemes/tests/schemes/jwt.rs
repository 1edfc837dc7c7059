use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_core::{Auth, AuthError, RestRequest, WebSocketHandshake, WebSocketRequest};
use networkpype_schemes::jwt::{Entropy, Jwt, JwtAlgorithm, JwtBuilder, KeyEncoding};

use crate::wire::{NOW_MS, clock_at, header};

const URL: &str = "https://api.example.com/v1/orders";
const SECRET: &str = "a secret of at least thirty-two bytes";

fn hs256() -> JwtBuilder {
    Jwt::with_secret(JwtAlgorithm::Hs256, SECRET)
        .expect("usable")
        .clock(clock_at(NOW_MS))
        .entropy(Fixed)
}

struct Fixed;

impl Entropy for Fixed {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        Ok([0x11; 16])
    }
}

/// The header and the claims as they were signed.
fn parts(token: &str) -> [String; 2] {
    let mut parts = token.split('.');
    [(); 2].map(|()| {
        let part = parts.next().expect("three parts");
        String::from_utf8(URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("UTF-8")
    })
}

async fn sent(auth: &Jwt, request: RestRequest) -> String {
    let request = auth.rest_authenticate(request).await.expect("signed");
    let header = header(&request, "authorization");
    header.strip_prefix("Bearer ").expect("a bearer token").to_owned()
}

#[tokio::test]
async fn claims_stand_in_the_order_said_and_times_behind_them() {
    let auth = hs256()
        .header("kid", "my-\"key\"")
        .claim("iss", "my-app")
        .claim_json("scope", r#"["read","trade"]"#)
        .claim_template("uri", "{method} {host}{path}")
        .not_before()
        .with_id()
        .build()
        .expect("usable");
    let [header, claims] = parts(&sent(&auth, RestRequest::post(URL)).await);
    assert_eq!(header, r#"{"alg":"HS256","typ":"JWT","kid":"my-\"key\""}"#);
    assert_eq!(
        claims,
        r#"{"iss":"my-app","scope":["read","trade"],"uri":"POST api.example.com/v1/orders","iat":1699999990,"nbf":1699999990,"exp":1700000120,"jti":"11111111-1111-4111-9111-111111111111"}"#
    );
}

#[tokio::test]
async fn the_type_of_a_token_may_be_another() {
    let auth = hs256().header("typ", "at+jwt").build().expect("usable");
    let [header, _] = parts(&sent(&auth, RestRequest::get(URL)).await);
    assert_eq!(header, r#"{"alg":"HS256","typ":"at+jwt"}"#);
}

/// The whole token, computed apart from this project.
#[tokio::test]
async fn a_token_is_signed_over_what_it_shows() {
    let auth = hs256().claim("sub", "me").build().expect("usable");
    assert_eq!(
        sent(&auth, RestRequest::get(URL)).await,
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJtZSIsImlhdCI6MTY5OTk5OTk5MCwiZXhwIjoxNzAwMDAwMTIwfQ.BrF5AkVk2m2hpzmyGYVMQYZJs8iFEc5C8rwwOg6MQio"
    );
}

/// Upbit and Bithumb: the parameters of the request, hashed, where there are any.
#[tokio::test]
async fn a_claim_that_has_nothing_to_say_is_left_out() {
    let auth = hs256()
        .claim_template_when("query_hash", "{query|sha512|hex}", "{query}")
        .build()
        .expect("usable");
    let [_, claims] = parts(&sent(&auth, RestRequest::get(URL)).await);
    assert_eq!(claims, r#"{"iat":1699999990,"exp":1700000120}"#);
    let [_, claims] = parts(&sent(&auth, RestRequest::get(URL).param("a", "1")).await);
    assert!(claims.starts_with(r#"{"query_hash":"#), "{claims}");
}

#[tokio::test]
async fn each_request_has_a_token_of_its_own_unless_one_is_reused() {
    let clock = clock_at(NOW_MS);
    let make =
        |builder: JwtBuilder| builder.clock(clock.clone()).with_id().build().expect("usable");
    let secret = || Jwt::with_secret(JwtAlgorithm::Hs256, SECRET).expect("usable");
    let (single, reused) = (make(secret()), make(secret().reuse()));
    let get = || RestRequest::get(URL);
    assert_ne!(sent(&single, get()).await, sent(&single, get()).await);

    let first = sent(&reused, get()).await;
    assert_eq!(sent(&reused, get()).await, first);
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(sent(&reused, get()).await, first);
    clock.advance(Duration::from_millis(1));
    let second = sent(&reused, get()).await;
    assert_ne!(second, first, "half of its life is over");
    clock.set(networkpype_core::Timestamp::from_millis(NOW_MS));
    assert_ne!(sent(&reused, get()).await, second, "the clock was set back");
}

#[tokio::test]
async fn a_token_goes_where_the_api_wants_it_and_into_handshakes() {
    let auth = hs256().in_header("X-Token", "").build().expect("usable");
    let request = auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    assert!(header(&request, "x-token").starts_with("eyJ"));
    assert!(request.headers()["x-token"].is_sensitive());
    let handshake = WebSocketHandshake::new("wss://ws.example.com/");
    let handshake = auth.ws_handshake(handshake).await.expect("signed");
    assert!(header(&handshake.into_request(), "x-token").starts_with("eyJ"));
    let error = auth.ws_authenticate(WebSocketRequest::text("x")).await.expect_err("no place");
    assert!(error.to_string().contains("handshake"), "{error}");
}

#[test]
fn what_cannot_be_signed_is_refused_when_it_is_built() {
    for (builder, expected) in [
        (
            hs256().claim("iat", "1"),
            "sets `iat` itself: say how long before now it is with `backdate`",
        ),
        (hs256().claim("a", "1").claim_json("a", "2"), "`a` twice"),
        (
            hs256().claim_json("exp", "1"),
            "sets `exp` itself: say how long a token lives with `expires_in`",
        ),
        (hs256().claim("nbf", "1").not_before(), "leave out `not_before`"),
        (hs256().with_id().claim("jti", "1"), "leave out `with_id`"),
        (hs256().header("alg", "none"), "sets `alg` itself"),
        (hs256().header("kid", "1").header("kid", "2"), "`kid` twice"),
        (hs256().claim_json("a", "{"), "`a` is not JSON"),
        (hs256().claim_template("a", "{nothing}"), "nothing"),
        (hs256().claim_template_when("a", "x", "{b|nofilter}"), "template"),
        (hs256().expires_in(Duration::from_millis(999)), "less than a second"),
        (hs256().reuse().claim_template("uri", "{path}"), "reused"),
        (hs256().in_header("no name", ""), "no name"),
    ] {
        let error = builder.build().expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = Jwt::with_key(JwtAlgorithm::Hs256, SECRET, KeyEncoding::Pem).expect_err("none");
    assert!(error.to_string().contains("with_secret"), "{error}");
    let error = Jwt::with_secret(JwtAlgorithm::Es256, SECRET).expect_err("no key").to_string();
    assert!(!error.contains(SECRET), "{error}");
}

#[test]
fn a_template_that_no_token_could_hold_is_refused_when_it_is_built() {
    for (template, reason) in [
        ("{timestamp}", "write `{now(s)}`"),
        ("{nonce|md5|hex}", "write `{now(s)}`"),
        ("{random}", "is bytes"),
        ("{body|sha256}", "is bytes"),
    ] {
        for builder in
            [hs256().claim_template("a", template), hs256().header_template("a", template)]
        {
            let error = builder.build().expect_err(template).to_string();
            assert!(error.contains(reason), "{template}: {error}");
        }
    }
}

#[test]
fn a_token_of_a_member_of_the_body_is_not_reused() {
    let error = hs256().claim_template("a", "{member(a)}").reuse().build().expect_err("refused");
    assert!(error.to_string().contains("mint one for each"), "{error}");
}
