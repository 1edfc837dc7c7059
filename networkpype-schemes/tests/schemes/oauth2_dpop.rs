//! Tokens that are bound to a key.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, StatusCode};
use networkpype_auth::{JwtKey, JwtVerifier, PublicJwk};
use networkpype_core::{
    Auth, Caller, Clock as _, Error, Recovery, Rejection, RestRequest, RestResponse, Timestamp,
    WebSocketHandshake, WebSocketRequest, async_trait,
};
use networkpype_schemes::oauth2::{
    Assertion, Client, DpopClaims, DpopKey, Grant, JwtAlgorithm, JwtSigner, OAuth2, OAuth2Builder,
    SignatureAlgorithm, SigningKey, fields_are,
    token::{MemoryTokenStore, TokenErrorKind},
    token_login,
};
use serde_json::{Value, json};

use crate::{
    oauth2_issuer::{
        API_URL, Answer, Issuer, TOKEN_URL, Wall, authorization, form_value, says, scheme, sent,
    },
    wire::{header, vectors_here_only},
};

fn key() -> DpopKey {
    DpopKey::generate().expect("a key")
}

/// A bound token of this name that lives an hour.
fn bound(name: &str) -> Answer {
    says(200, &json!({"access_token": name, "token_type": "DPoP", "expires_in": 3600}).to_string())
}

fn asks_for(nonce: &'static str) -> Answer {
    says(400, r#"{"error":"use_dpop_nonce"}"#).and_nonce(nonce)
}

fn credentials(issuer: &Issuer, key: &DpopKey) -> OAuth2Builder {
    scheme(issuer, Grant::client_credentials()).dpop(key.clone())
}

/// What the proof of a request says, which verifies by the key in its header.
fn proof(request: &RestRequest, key: &DpopKey) -> Value {
    let proof = header(request, "dpop");
    assert!(request.headers()["dpop"].is_sensitive());
    let part = |number| {
        let part = proof.split('.').nth(number).expect("a part");
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")
    };
    let jwk = key.public_jwk().to_string();
    let public: Value = serde_json::from_str(&jwk).expect("JSON");
    assert_eq!(part(0), json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": public}));
    let by = JwtKey::from_jwk(JwtAlgorithm::Es256, &jwk.into()).expect("a key");
    let verifier = JwtVerifier::builder().key(by).build().expect("a verifier");
    verifier.verify_signature(proof).expect("it verifies");
    part(1)
}

fn response(status: u16, headers: &[(&'static str, &'static str)]) -> RestResponse {
    let headers = headers.iter().map(|(name, value)| {
        (name.parse::<http::HeaderName>().expect("a name"), value.parse().expect("a value"))
    });
    RestResponse::new(StatusCode::from_u16(status).expect("a status"))
        .with_headers(HeaderMap::from_iter(headers))
}

const USE_NONCE: (&str, &str) = ("www-authenticate", r#"DPoP error="use_dpop_nonce""#);

async fn recovery(auth: &OAuth2, signed: &RestRequest, answer: &RestResponse) -> Recovery {
    auth.on_response(signed, answer).await.expect("seen");
    auth.on_rejected(&Rejection::new(signed, answer)).await.expect("a recovery")
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_a_proof_of_its_own_bound_to_its_request_and_its_token() {
    let (issuer, key) = (Issuer::answers([bound("t0ken")]), key());
    let auth = credentials(&issuer, &key).build().expect("a scheme");
    let mut names = BTreeSet::new();
    for _ in 0..20 {
        let url = format!("{API_URL}/1?a=b");
        let request = auth.rest_authenticate(RestRequest::put(url).body("x")).await;
        let request = request.expect("signed");
        assert_eq!(header(&request, "authorization"), "DPoP t0ken");
        let claims = proof(&request, &key);
        names.insert(claims["jti"].as_str().expect("a name").to_owned());
        // RFC 9449, section 4.2: the URL without its query; SHA-256 of the token.
        assert_eq!(
            claims,
            json!({
                "jti": claims["jti"],
                "htm": "PUT",
                "htu": format!("{API_URL}/1"),
                "iat": Wall::new().now().as_secs(),
                "ath": "tGwJZ3NDJh8LQ5pHJCIiXjojDJwJTWqxZ2LiA2tZcFM",
            })
        );
    }
    assert_eq!(names.len(), 20);
    let asked = issuer.request(0);
    let claims = proof(&asked, &key);
    assert_eq!((&claims["htm"], &claims["htu"]), (&json!("POST"), &json!(TOKEN_URL)));
    assert!(claims.get("ath").is_none() && claims.get("nonce").is_none());
}

/// A caller that has to wait a minute for capacity.
struct Busy(Issuer);

#[async_trait]
impl Caller for Busy {
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        self.0.call(request).await
    }

    async fn call_signed(
        &self,
        request: RestRequest,
        signer: Arc<dyn Auth>,
    ) -> Result<RestResponse, Error> {
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.0.call(signer.rest_authenticate(request).await?).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_token_is_asked_for_with_is_made_after_the_wait_for_capacity() {
    let (issuer, key) = (Issuer::answers([bound("one"), bound("two")]), key());
    let signer = || JwtSigner::with_secret(JwtAlgorithm::Hs256, &"x".repeat(32).into());
    let assertion = || Assertion::new(signer().expect("a signer")).backdate(Duration::ZERO);
    let client = Client::with_assertion("my-client", assertion());
    for (number, grant) in [(0, Grant::client_credentials()), (1, Grant::jwt_bearer(assertion()))] {
        let auth = scheme(&issuer, grant).dpop(key.clone()).client(client.clone());
        let wall = Wall::new();
        let auth = auth.caller(Busy(issuer.clone())).clock(wall.clone()).build();
        auth.expect("a scheme").token().await.expect("a token");
        let now = wall.now().as_secs();
        assert_eq!(proof(&issuer.request(number), &key)["iat"], now);
        for name in ["client_assertion", "assertion"] {
            let Some(token) = issuer.form(number, name) else { continue };
            let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims"));
            let claims: Value = serde_json::from_slice(&claims.expect("base64url")).expect("JSON");
            assert_eq!(claims["iat"], now, "{name}");
        }
    }
    assert!(issuer.form(1, "assertion").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_server_of_tokens_that_asks_for_its_nonce_is_asked_once_more_and_no_oftener() {
    let (issuer, key) =
        (Issuer::answers([asks_for("n1"), bound("one").and_nonce("n2"), bound("two")]), key());
    let signer = JwtSigner::with_secret(JwtAlgorithm::Hs256, &"x".repeat(32).into());
    let client = Client::with_assertion("my-client", Assertion::new(signer.expect("a signer")));
    let auth = credentials(&issuer, &key).client(client).build().expect("a scheme");
    assert_eq!(authorization(&auth).await, "DPoP one");
    auth.login().await.expect("a token");
    let claims: Vec<Value> = (0..3).map(|number| proof(&issuer.request(number), &key)).collect();
    let nonces: Vec<_> = claims.iter().map(|claims| claims["nonce"].as_str()).collect();
    assert_eq!(nonces, [None, Some("n1"), Some("n2")], "also the one that came with a token");
    let names: BTreeSet<_> = claims.iter().map(|claims| claims["jti"].to_string()).collect();
    assert_eq!(names.len(), 3);
    let assertions: BTreeSet<_> =
        (0..3).map(|number| issuer.form(number, "client_assertion").expect("one")).collect();
    assert_eq!(assertions.len(), 3, "what the client is known by is new as well");

    // The same nonce again, none at all, and a server that always wants another.
    for answers in [
        vec![asks_for("n1"), asks_for("n1")],
        vec![asks_for("n1"), asks_for("n2")],
        vec![says(400, r#"{"error":"use_dpop_nonce"}"#)],
    ] {
        let asked = answers.len();
        let issuer = Issuer::answers(answers);
        let auth = credentials(&issuer, &key).build().expect("a scheme");
        let error = auth.token().await.expect_err("no token");
        assert_eq!((error.kind(), issuer.asked()), (TokenErrorKind::Refused, asked));
        assert!(error.to_string().contains("use_dpop_nonce"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_nonce_of_an_api_is_learnt_from_any_response_and_a_refusal_for_it_is_mended_once() {
    let (issuer, key) = (Issuer::answers([bound("one").and_nonce("of the issuer")]), key());
    let auth = credentials(&issuer, &key).build().expect("a scheme");
    let nonce = async || proof(&sent(&auth).await, &key)["nonce"].clone();

    let first = sent(&auth).await;
    let refused = response(401, &[USE_NONCE, ("dpop-nonce", "n1")]);
    assert_eq!(recovery(&auth, &first, &refused).await, Recovery::NewNonce);
    let second = sent(&auth).await;
    assert_eq!(proof(&second, &key)["nonce"], "n1");
    // It was sent with that nonce already: another attempt would be refused likewise.
    assert_eq!(recovery(&auth, &second, &refused).await, Recovery::GiveUp);
    let without = response(401, &[USE_NONCE]);
    assert_eq!(recovery(&auth, &second, &without).await, Recovery::GiveUp);
    // Of those at the same time, the ones with the old nonce are sent again without more ado.
    assert_eq!(recovery(&auth, &first, &without).await, Recovery::NewNonce);
    for status in [200, 404, 500] {
        let nonces = [("dpop-nonce", "n2"), ("dpop-nonce", "n3"), ("dpop-nonce", "n4")];
        let of_this = nonces[usize::from(status > 200) + usize::from(status > 404)];
        auth.on_response(&second, &response(status, &[of_this])).await.expect("seen");
        assert_eq!(nonce().await, of_this.1);
    }
    // Two of them are none.
    let two = response(200, &[("dpop-nonce", "a"), ("dpop-nonce", "b")]);
    auth.on_response(&second, &two).await.expect("seen");
    assert_eq!(nonce().await, "n4");
    // Another origin has not given out any.
    let other = RestRequest::get("https://files.example.com/a");
    let other = auth.rest_authenticate(other).await.expect("signed");
    assert!(proof(&other, &key).get("nonce").is_none());
    assert_eq!(issuer.asked(), 1, "no other token was asked for");
}

#[tokio::test(start_paused = true)]
async fn an_api_at_the_origin_of_its_authorization_server_has_nonces_of_its_own() {
    let (issuer, key) = (Issuer::answers([bound("one").and_nonce("as"), bound("two")]), key());
    let auth = credentials(&issuer, &key).build().expect("a scheme");
    let request = || auth.rest_authenticate(RestRequest::get(format!("{TOKEN_URL}/me")));
    let first = request().await.expect("signed");
    assert!(proof(&first, &key).get("nonce").is_none());
    auth.on_response(&first, &response(200, &[("dpop-nonce", "rs")])).await.expect("seen");
    assert_eq!(proof(&request().await.expect("signed"), &key)["nonce"], "rs");
    auth.login().await.expect("a token");
    assert_eq!(proof(&issuer.request(1), &key)["nonce"], "as");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_bound_is_refused_and_a_bound_one_is_never_sent_without_its_proof() {
    for kind in [json!("Bearer"), json!("bearer"), json!(null), json!("MAC")] {
        let answer = json!({"access_token": "one", "token_type": kind, "expires_in": 60});
        let issuer = Issuer::answers([says(200, &answer.to_string())]);
        let auth = credentials(&issuer, &key()).build().expect("a scheme");
        let error = auth.token().await.expect_err("a downgrade");
        assert_eq!(error.kind(), TokenErrorKind::Refused);
        assert!(error.to_string().contains("not bound to the key"), "{error}");
    }
    // The type is read in any case (RFC 6749, section 5.1).
    let issuer = Issuer::answers([says(200, r#"{"access_token":"one","token_type":"dpop"}"#)]);
    let auth = credentials(&issuer, &key()).build().expect("a scheme");
    assert_eq!(authorization(&auth).await, "DPoP one");
    let message = WebSocketRequest::json_text(r#"{"token":"{token}"}"#);
    let error = auth.ws_authenticate(message).await.expect_err("no proof");
    assert!(error.to_string().contains("no proof in a message"), "{error}");
    let login = || token_login(r#"{"t":"{token}"}"#).accepted_when(fields_are([("ok", "1")]));
    type Change = fn(OAuth2Builder) -> OAuth2Builder;
    let changes: [(Change, &str); 2] = [
        (|scheme| scheme.ws_query("token"), "ws_query"),
        (|scheme| scheme.token_type("custom"), "token_type"),
    ];
    for (change, reason) in changes {
        let error = change(credentials(&issuer, &key())).build().expect_err("unfit");
        assert!(error.to_string().contains(reason), "{error}");
    }
    for with_message in [
        credentials(&issuer, &key()).ws_login(login()),
        credentials(&issuer, &key()).ws_renewal(login()),
    ] {
        assert!(with_message.build().expect_err("unfit").to_string().contains("ws_login"));
    }
    let error = credentials(&issuer, &key()).param("dpop_jkt", "x").build().expect_err("unfit");
    assert!(error.to_string().contains("dpop_jkt"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_is_proved_as_a_get_to_https() {
    let (issuer, key) = (Issuer::answers([bound("one")]), key());
    let auth = credentials(&issuer, &key).build().expect("a scheme");
    let handshake = WebSocketHandshake::new("wss://WS.example.com/stream?v=1");
    let signed = auth.ws_handshake(handshake).await.expect("signed").into_request();
    assert_eq!(header(&signed, "authorization"), "DPoP one");
    let claims = proof(&signed, &key);
    let expected = (&json!("GET"), &json!("https://ws.example.com/stream"));
    assert_eq!((&claims["htm"], &claims["htu"]), expected);
    let refused = response(401, &[USE_NONCE, ("dpop-nonce", "n1")]);
    assert_eq!(recovery(&auth, &signed, &refused).await, Recovery::NewNonce);
}

#[tokio::test(start_paused = true)]
async fn a_code_is_bound_to_the_key_and_its_exchange_may_be_asked_for_a_nonce() {
    let (issuer, key) = (Issuer::answers([asks_for("n1"), bound("one")]), key());
    let auth = scheme(&issuer, Grant::stored_login()).dpop(key.clone()).build().expect("a scheme");
    let request = auth.authorization_request("https://app.example.com/cb").await.expect("a login");
    let query = request.url().split_once('?').expect("a query").1;
    assert_eq!(form_value(query, "dpop_jkt"), Some(key.thumbprint()));
    let state = request.state().expose_str().expect("text");
    let redirected = format!("https://app.example.com/cb?code=c0de&state={state}");
    auth.login_with(request.code_from(&redirected).expect("a code")).await.expect("tokens");
    let codes: Vec<_> = (0..2).map(|number| issuer.form(number, "code")).collect();
    assert_eq!(codes, [Some("c0de".to_owned()), Some("c0de".to_owned())]);
    assert_eq!(authorization(&auth).await, "DPoP one");
}

#[tokio::test(start_paused = true)]
async fn tokens_of_one_store_that_are_bound_to_another_key_are_not_used() {
    let store = MemoryTokenStore::new();
    let (mine, other) = (key(), key());
    for (key, answers, expected) in [
        (Some(&mine), vec![bound("mine")], "DPoP mine"),
        (Some(&other), vec![bound("other")], "DPoP other"),
        (None, vec![says(200, r#"{"access_token":"bearer","expires_in":60}"#)], "Bearer bearer"),
        (Some(&mine), vec![], "DPoP mine"),
    ] {
        let issuer = Issuer::answers(answers);
        let builder = scheme(&issuer, Grant::client_credentials()).store(store.clone());
        let builder = match key {
            Some(key) => builder.dpop(key.clone()),
            None => builder,
        };
        assert_eq!(authorization(&builder.build().expect("a scheme")).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_bound_to_another_key_is_none_and_the_error_says_for_which() {
    let issuer = Issuer::default();
    for (bound, told) in [(true, "with this DPoP key"), (false, "nobody has logged in yet: ")] {
        let builder = scheme(&issuer, Grant::stored_login());
        let builder = if bound { builder.dpop(key()) } else { builder };
        let error = builder.build().expect("a scheme").token().await.expect_err("nobody");
        assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_is_renewed_and_a_bad_proof_is_not_taken_for_one() {
    let (issuer, key) = (Issuer::answers([bound("one"), bound("two")]), key());
    let auth = credentials(&issuer, &key).build().expect("a scheme");
    let signed = sent(&auth).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let says = |challenge| response(401, &[("www-authenticate", challenge)]);
    let bad = says(r#"DPoP error="invalid_dpop_proof", algs="ES256""#);
    assert_eq!(recovery(&auth, &signed, &bad).await, Recovery::GiveUp);
    let ended = says(r#"DPoP error="invalid_token""#);
    assert_eq!(recovery(&auth, &signed, &ended).await, Recovery::Refreshed);
    assert_eq!(authorization(&auth).await, "DPoP two");
}

#[test]
fn a_key_signs_with_its_own_algorithm_and_shows_nothing_private() {
    for (algorithm, of) in [
        (JwtAlgorithm::Es256, SignatureAlgorithm::EcdsaP256Sha256),
        (JwtAlgorithm::Es384, SignatureAlgorithm::EcdsaP384Sha384),
        (JwtAlgorithm::EdDsa, SignatureAlgorithm::Ed25519),
    ] {
        let key = SigningKey::generate(of).expect("a key");
        let dpop = DpopKey::new(algorithm, key.clone()).expect("a key");
        assert_eq!(dpop.thumbprint(), key.public_jwk().thumbprint());
        let claims = DpopClaims::new(&Method::GET, "https://h/", Wall::new().now());
        let proof = dpop.proof(&claims.expect("claims")).expect("a proof");
        let header = URL_SAFE_NO_PAD.decode(proof.split('.').next().expect("a header"));
        let expected = format!(
            r#"{{"alg":"{}","typ":"dpop+jwt","jwk":{}}}"#,
            algorithm.as_str(),
            key.public_jwk()
        );
        assert_eq!(String::from_utf8(header.expect("base64")).expect("text"), expected);
        let wrong = if algorithm == JwtAlgorithm::EdDsa {
            JwtAlgorithm::Es256
        } else {
            JwtAlgorithm::EdDsa
        };
        assert!(DpopKey::new(wrong, key).is_err());
    }
}

#[test]
fn the_hash_of_the_token_in_the_standards_example_reproduces() {
    let Some(folder) = vectors_here_only("the proofs of RFC 9449") else { return };
    let file = std::path::Path::new(&folder).join("dpop/rfc9449.json");
    let file: Value =
        serde_json::from_slice(&std::fs::read(file).expect("the vectors")).expect("JSON");
    let key = key();
    let mut checked = 0;
    for case in file["cases"].as_array().expect("cases") {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let theirs = &case["claims"];
        let at = Timestamp::from_secs(theirs["iat"].as_i64().expect("a time"));
        let [method, url, jti] = ["htm", "htu", "jti"].map(|name| text(&theirs[name]));
        let method: Method = method.parse().expect("a method");
        let mut claims = DpopClaims::new(&method, &url, at).expect("claims").jti(jti);
        if let Some(token) = case["access_token"].as_str() {
            claims = claims.access_token(&token.into());
        }
        let proof = key.proof(&claims).expect("a proof");
        let ours = URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).expect("claims"));
        let ours: Value = serde_json::from_slice(&ours.expect("base64url")).expect("JSON");
        assert_eq!(&ours, theirs);
        let public: PublicJwk = case["header"]["jwk"].to_string().parse().expect("a key");
        assert_eq!(public.thumbprint(), text(&case["expected"]["jkt"]));
        checked += 1;
    }
    assert_eq!(checked, 3);
}
