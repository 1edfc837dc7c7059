//! OAuth 1.0a: what is signed, and what is sent.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU8, Ordering},
};

use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Clock as _, Encoding, RestRequest, WebSocketHandshake,
    WebSocketRequest,
};
use networkpype_schemes::oauth1::{
    ClientCredentials, Entropy, HashAlgorithm, OAuth1, OAuth1Builder, ParameterPlacement,
    TokenCredentials,
};

use crate::wire::{NOW_MS, body, clock_at, header};

/// Says 1, 2, 3.
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        Ok([self.0.fetch_add(1, Ordering::Relaxed) + 1; 16])
    }
}

fn with(client: ClientCredentials) -> OAuth1Builder {
    OAuth1::builder(client).clock(clock_at(NOW_MS)).entropy(Counting(AtomicU8::new(0)))
}

fn hmac() -> OAuth1Builder {
    with(ClientCredentials::hmac_sha1("ck", "cs")).token(TokenCredentials::new("tk", "ts"))
}

async fn signed(auth: OAuth1Builder, request: RestRequest) -> RestRequest {
    auth.build().expect("a scheme").rest_authenticate(request).await.expect("signed")
}

/// What of OAuth every signed text ends with, in the order of its names.
const OWN: &str = "oauth_consumer_key%3Dck%26oauth_nonce%3D010101010101010101010101%26\
                   oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D1700000000%26\
                   oauth_token%3Dtk%26oauth_version%3D1.0";

/// Asserts that this is what is signed; `{own}` stands for the parameters of OAuth.
async fn assert_base(auth: OAuth1Builder, request: RestRequest, expected: &str) {
    let auth = auth.build().expect("a scheme");
    let signed = auth.rest_authenticate(request.clone()).await.expect("signed");
    let explanation = auth.explain(&request, &signed).expect("explained");
    let difference = explanation.first_difference(&expected.replace("{own}", OWN));
    assert!(difference.is_none(), "{difference:?} in {explanation}");
}

#[tokio::test]
async fn a_space_is_signed_in_one_way_however_it_is_sent() {
    for request in [
        RestRequest::get("https://h/a?q=r%20b"),
        RestRequest::get("https://h/a?q=r+b"),
        RestRequest::get("https://h/a").param("q", "r b"),
        RestRequest::get("https://h/a").param_as(Encoding::Form, "q", "r b"),
    ] {
        assert_base(hmac(), request, "GET&https%3A%2F%2Fh%2Fa&{own}%26q%3Dr%2520b").await;
    }
    for request in [
        RestRequest::post("https://h/a").form_param("q", "r b"),
        RestRequest::post("https://h/a").form_param_as(Encoding::Rfc3986, "q", "r b"),
    ] {
        assert_base(hmac(), request, "POST&https%3A%2F%2Fh%2Fa&{own}%26q%3Dr%2520b").await;
    }
    let plus = RestRequest::get("https://h/a").param("q", "r+b");
    assert_base(hmac(), plus, "GET&https%3A%2F%2Fh%2Fa&{own}%26q%3Dr%252Bb").await;
}

#[tokio::test]
async fn parameters_are_encoded_and_then_sorted_by_name_and_value_and_repeated_ones_are_kept() {
    let request = RestRequest::post("https://h/a?z=1&a=2&a=%3D&a=10")
        .form_param("a", "1")
        .form_param("\u{e9}", "x")
        .form_param("A", "x");
    let expected = "POST&https%3A%2F%2Fh%2Fa&%25C3%25A9%3Dx%26A%3Dx%26a%3D%253D%26a%3D1%26a%3D10%26a%3D2%26{own}%26z%3D1";
    assert_base(hmac(), request, expected).await;
}

#[tokio::test]
async fn a_body_that_is_no_form_is_not_signed() {
    let json = RestRequest::post("https://h/a").json_object([("a", "1")]);
    assert_base(hmac(), json, "POST&https%3A%2F%2Fh%2Fa&{own}").await;
    let stream = RestRequest::post("https://h/a")
        .body_stream(None, || Box::pin(futures_util::stream::empty()));
    assert_base(hmac(), stream, "POST&https%3A%2F%2Fh%2Fa&{own}").await;
    let form = RestRequest::post("https://h/a")
        .body("a=1")
        .header("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
    assert_base(hmac(), form, "POST&https%3A%2F%2Fh%2Fa&a%3D1%26{own}").await;
}

#[tokio::test]
async fn a_hash_of_the_body_is_encoded_once_more_where_it_is_signed() {
    // SHA-1 of `{"a":"1"}` is base64 with `+`, `/` or `=` in it, as every SHA-1 ends with one.
    let json = || RestRequest::post("https://h/a").json_object([("a", "1")]);
    let sent = signed(hmac().body_hash(), json()).await;
    let sent = header(&sent, "authorization").to_owned();
    let hash = HashAlgorithm::Sha1.digest(br#"{"a":"1"}"#);
    let hash = hash.to_text(networkpype_auth::DigestEncoding::Base64);
    assert!(hash.ends_with('='), "{hash}");
    let once = Encoding::Rfc3986.encode(&hash).into_owned();
    assert!(sent.contains(&format!("oauth_body_hash=\"{once}\"")), "{sent}");
    let twice = Encoding::Rfc3986.encode(&once).into_owned();
    let expected = format!("POST&https%3A%2F%2Fh%2Fa&oauth_body_hash%3D{twice}%26{{own}}");
    assert_base(hmac().body_hash(), json(), &expected).await;
}

#[tokio::test]
async fn the_body_is_hashed_with_the_hash_of_the_method_unless_another_is_said() {
    let hash_of = async |auth: OAuth1Builder, request: RestRequest| {
        let sent = signed(auth, request).await;
        let header = header(&sent, "authorization").to_owned();
        let hash = header.split("oauth_body_hash=\"").nth(1)?.split('"').next()?;
        Some(hash.to_owned())
    };
    let sha256 = || with(ClientCredentials::hmac_sha256("ck", "cs")).body_hash();
    // Of nothing: SHA-256, and SHA-1.
    let nothing = "47DEQpj8HBSa%2B%2FTImW%2B5JCeuQeRkm5NMpJWZG3hSuFU%3D";
    let get = || RestRequest::get("https://h/a");
    assert_eq!(hash_of(sha256(), get()).await.as_deref(), Some(nothing));
    let sha1 = sha256().body_hash_with(HashAlgorithm::Sha1);
    assert_eq!(hash_of(sha1, get()).await.as_deref(), Some("2jmj7l5rSw0yVb%2FvlWAYkK%2FYBwk%3D"));
    let form = RestRequest::post("https://h/a").form_param("a", 1);
    assert_eq!(hash_of(sha256(), form).await, None, "a form is signed itself");
}

#[tokio::test]
async fn values_in_the_header_are_percent_encoded_and_the_realm_is_a_quoted_text_that_is_not_signed()
 {
    let client = || ClientCredentials::signed_by("k\u{e9} +\"", "OWN", |base| Ok(base.to_vec()));
    let plain = with(client()).parameter("oauth_x", "a b*~");
    let plain = signed(plain, RestRequest::get("https://h/a")).await;
    let in_realm = with(client()).parameter("oauth_x", "a b*~").realm("a \"b\\");
    let in_realm = signed(in_realm, RestRequest::get("https://h/a")).await;
    let [plain, in_realm] = [&plain, &in_realm].map(|sent| header(sent, "authorization"));
    assert!(plain.starts_with("OAuth oauth_consumer_key=\"k%C3%A9%20%2B%22\", "), "{plain}");
    assert!(plain.contains(", oauth_x=\"a%20b%2A~\", "), "{plain}");
    let rest = in_realm.strip_prefix("OAuth realm=\"a \\\"b\\\\\", ").expect("a realm");
    assert_eq!(Some(rest), plain.strip_prefix("OAuth "));
}

#[tokio::test]
async fn parameters_go_where_the_placement_says_and_the_signature_last() {
    let request = || RestRequest::post("https://h/a?q=1").form_param("f", "x y");
    let expected = "POST&https%3A%2F%2Fh%2Fa&f%3Dx%2520y%26{own}%26q%3D1";
    for placement in
        [ParameterPlacement::Header, ParameterPlacement::Query, ParameterPlacement::Body]
    {
        assert_base(hmac().placement(placement), request(), expected).await;
    }
    let own = "oauth_consumer_key=ck&oauth_token=tk&oauth_signature_method=HMAC-SHA1&\
               oauth_timestamp=1700000000&oauth_nonce=010101010101010101010101&oauth_version=1.0&\
               oauth_signature=";
    let mut query = signed(hmac().placement(ParameterPlacement::Query), request()).await;
    assert!(query.target().starts_with(&format!("/a?q=1&{own}")), "{}", query.target());
    assert_eq!(body(&query), "f=x+y");
    let mut form = signed(hmac().placement(ParameterPlacement::Body), request()).await;
    assert!(body(&form).starts_with(&format!("f=x+y&{own}")), "{}", body(&form));
    assert_eq!(form.target(), "/a?q=1");
    for sent in [&query, &form] {
        assert!(!sent.headers().contains_key("authorization"));
    }
    let mut empty =
        signed(hmac().placement(ParameterPlacement::Body), RestRequest::post("https://h/")).await;
    assert!(body(&empty).starts_with(own));
    assert_eq!(header(&empty, "content-type"), "application/x-www-form-urlencoded");
    empty.freeze().expect("it can be sent");
}

#[tokio::test]
async fn a_form_that_was_given_as_bytes_keeps_them_and_grows() {
    let kind = "application/x-www-form-urlencoded;charset=UTF-8";
    let request =
        || RestRequest::post("https://h/a").body("f=x+y&&g&h=%7e").header("content-type", kind);
    let in_body = || hmac().placement(ParameterPlacement::Body);
    let expected = "POST&https%3A%2F%2Fh%2Fa&f%3Dx%2520y%26g%3D%26h%3D~%26{own}";
    for auth in [hmac(), in_body()] {
        assert_base(auth, request(), expected).await;
    }
    let mut frozen = request();
    frozen.body_bytes().expect("bytes");
    let open = signed(in_body(), request()).await;
    assert!(body(&open).starts_with("f=x+y&&g&h=%7e&oauth_consumer_key=ck&"), "{}", body(&open));
    assert_eq!(header(&open, "content-type"), kind);
    // It is the one that the same parameters have in the header, so it is of all of them and of nothing else.
    let signature = body(&open).split("oauth_signature=").nth(1).expect("a signature").to_owned();
    let in_header = signed(hmac(), request()).await;
    assert!(header(&in_header, "authorization").contains(&signature), "{signature}");
    assert_eq!(body(&signed(in_body(), frozen).await), body(&open));
    // A server that quotes what it was sent does not have it shown.
    let redactor = networkpype_core::Redactor::between(&request(), &open);
    assert!(!redactor.redact(&format!("wrong: {signature}")).contains(&signature));
}

#[tokio::test]
async fn a_space_in_a_parameter_of_the_protocol_is_sent_as_servers_of_all_kinds_read_it() {
    let spaced = |placement| hmac().placement(placement).parameter("oauth_x", "a b~*");
    let request = || RestRequest::post("https://h/a");
    let mut query = signed(spaced(ParameterPlacement::Query), request()).await;
    let form = signed(spaced(ParameterPlacement::Body), request()).await;
    for sent in [query.target(), body(&form)] {
        assert!(sent.contains("&oauth_x=a%20b~%2A&oauth_signature="), "{sent}");
    }
}

#[tokio::test]
async fn a_version_is_sent_and_signed_unless_it_is_left_out() {
    let request = || RestRequest::get("https://h/a");
    let expected = format!("GET&https%3A%2F%2Fh%2Fa&{OWN}");
    assert_base(hmac(), request(), &expected).await;
    let without = expected.replace("%26oauth_version%3D1.0", "");
    assert_base(hmac().without_version(), request(), &without).await;
}

#[tokio::test]
async fn nothing_that_was_frozen_changes() {
    let mut request = RestRequest::post("https://h/a?b=%7e&&c").form_param("f", "x y");
    let (target, form) = (request.target(), body(&request));
    request.body_bytes().expect("no stream");
    for placement in
        [ParameterPlacement::Header, ParameterPlacement::Query, ParameterPlacement::Body]
    {
        let mut sent = signed(hmac().placement(placement), request.clone()).await;
        assert!(sent.target().starts_with(&target));
        assert!(body(&sent).starts_with(&form));
    }
}

#[tokio::test]
async fn every_attempt_has_a_nonce_of_its_own() {
    let auth = hmac().build().expect("a scheme");
    let mut nonces = BTreeSet::new();
    for _ in 0..3 {
        let sent = auth.rest_authenticate(RestRequest::get("https://h/")).await.expect("signed");
        let header = header(&sent, "authorization").to_owned();
        nonces.insert(header.split("oauth_nonce=\"").nth(1).expect("one")[..24].to_owned());
    }
    assert_eq!(nonces.len(), 3, "{nonces:?}");
}

#[tokio::test]
async fn a_program_that_acts_for_itself_sends_no_token() {
    let own = with(ClientCredentials::plaintext("ck", "c&s"));
    let sent = signed(own, RestRequest::get("https://h/")).await;
    let header = header(&sent, "authorization");
    assert!(!header.contains("oauth_token"), "{header}");
    assert!(header.ends_with(", oauth_signature=\"c%2526s%26\""), "{header}");
}

#[tokio::test]
async fn another_token_is_signed_for_with_its_own_secret() {
    let auth = hmac().build().expect("a scheme");
    let other = auth.with_token(TokenCredentials::new("t2", "s2"));
    let direct = hmac().token(TokenCredentials::new("t2", "s2")).build().expect("a scheme");
    let request = || RestRequest::get("https://h/");
    let [other, direct] = [other, direct].map(|auth| async move {
        header(&auth.rest_authenticate(request()).await.expect("signed"), "authorization")
            .to_owned()
    });
    assert_eq!(other.await, direct.await);
}

#[tokio::test]
async fn a_handshake_is_signed_as_the_get_that_the_server_receives() {
    let auth = || hmac().build().expect("a scheme");
    let handshake = WebSocketHandshake::new("wss://h/ws?a=1");
    let signed = auth().ws_handshake(handshake).await.expect("signed");
    let get = auth().rest_authenticate(RestRequest::get("https://h/ws?a=1")).await.expect("signed");
    assert_eq!(header(signed.request(), "authorization"), header(&get, "authorization"));

    let in_body = hmac().placement(ParameterPlacement::Body).build().expect("a scheme");
    let error = in_body.ws_handshake(WebSocketHandshake::new("wss://h/ws")).await;
    assert_eq!(error.expect_err("no body").kind(), AuthErrorKind::Request);
    let error = auth().ws_authenticate(WebSocketRequest::text("x")).await.expect_err("no message");
    assert_eq!(error.kind(), AuthErrorKind::Unsupported);
    assert!(error.to_string().contains("auth_required"), "{error}");
}

#[test]
fn the_clock_that_stamps_is_the_scheme_s_own() {
    let clock = clock_at(NOW_MS);
    let auth = hmac().clock(clock.clone()).build().expect("a scheme");
    assert_eq!(auth.time_provider().expect("a clock").identity(), clock.identity());
}

#[tokio::test]
async fn an_explanation_has_the_base_string_and_no_credential() {
    let client = ClientCredentials::hmac_sha256("my-consumer-key", "my-consumer-secret");
    let auth = OAuth1::builder(client)
        .token(TokenCredentials::new("my-token/1", "my-token-secret"))
        .clock(clock_at(NOW_MS))
        .build()
        .expect("a scheme");
    let request = RestRequest::get("https://h/a?key=my-consumer-key&q=x+y");
    let signed = auth.rest_authenticate(request.clone()).await.expect("signed");
    let explanation = auth.explain(&request, &signed).expect("explained");
    assert_eq!(explanation.operation(), "HMAC-SHA256");
    let text = format!("{explanation} {explanation:?} {}", explanation.signed_text());
    for secret in ["my-consumer", "my-token"] {
        assert!(!text.contains(secret), "{text}");
    }
    for shown in ["GET", "https%3A%2F%2Fh%2Fa", "%26q%3Dx%2520y", "<oauth_token, 14 bytes>"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let wrong = explanation.first_difference("GET&https%3A%2F%2Fh%2Fb").expect("differs");
    assert_eq!(wrong.part(), Some("base string URI"));
}

#[tokio::test]
async fn no_credential_prints() {
    let auth = OAuth1::builder(ClientCredentials::plaintext("hunter-key", "hunter-secret"))
        .token(TokenCredentials::new("hunter-token", "hunter-other"))
        .parameter("oauth_x", "hunter-more");
    let shown = format!("{auth:?}");
    let auth = auth.build().expect("a scheme");
    let signed = auth.rest_authenticate(RestRequest::get("https://h/")).await.expect("signed");
    let shown = format!("{shown} {auth:?} {signed:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(signed.headers()["authorization"].is_sensitive());
}
