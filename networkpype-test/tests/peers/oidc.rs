//! The authorization server.

use networkpype_test::peers::{Kind, Peer, approve, decline};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::http::{Answer, base64url, basic, encoded, escaped, post_form};
use crate::jwt::{Key, claims, dpop, jwt, new_id, now};

const CLIENT_CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");
const READ: (&str, &str) = ("scope", "read");
const NATIVE: (&str, &str) = ("client_id", "native");
const CALLBACK: (&str, &str) = ("redirect_uri", "http://127.0.0.1:9/cb");
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

fn cc() -> String {
    basic("cc", &escaped("cc-secret-&=+ %:x"))
}

fn token_for_cc(oidc: &Peer, proof: Option<&str>) -> Answer {
    let cc = cc();
    let mut headers = vec![("Authorization", &*cc)];
    headers.extend(proof.map(|proof| ("DPoP", proof)));
    post_form(oidc, "/token", &headers, &[CLIENT_CREDENTIALS, READ])
}

#[test]
fn clients_are_known_by_their_secrets() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[("AT_TTL", "7")]) else { return };
    let answer = token_for_cc(&oidc, None);
    assert_eq!((answer.status, &answer.json()["expires_in"]), (200, &json!(7)));
    assert_eq!(claims(&answer.text("access_token"))["aud"], oidc.get("audience"));
    for (wrong, status) in [("no", 401), ("cc-secret-&=+ %:x", 400)] {
        let headers = [("Authorization", &*basic("cc", wrong))];
        let answer = post_form(&oidc, "/token", &headers, &[CLIENT_CREDENTIALS, READ]);
        assert_eq!(answer.status, status, "{wrong}");
    }
    for (secret, status) in [("ccpost-secret", 200), ("no", 401)] {
        let form = [CLIENT_CREDENTIALS, READ, ("client_id", "ccpost"), ("client_secret", secret)];
        assert_eq!(post_form(&oidc, "/token", &[], &form).status, status);
    }
}

#[test]
fn clients_are_known_by_their_assertions() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let assertion = |client: &str, key: &Key, audience: &str| {
        let claims = json!({
            "iss": client, "sub": client, "aud": audience, "jti": new_id(), "iat": now(), "exp": now() + 60,
        });
        jwt(key, json!({}), &claims)
    };
    let status = |assertion: &str| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let form = [
            CLIENT_CREDENTIALS,
            READ,
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ];
        post_form(&oidc, "/token", &[], &form).status
    };
    let issuer = oidc.get("issuer");
    let key = Key::es256(oidc.get("pkjwt_key"));
    let good = assertion("pkjwt", &key, issuer);
    assert_eq!(status(&good), 200);
    assert_eq!(status(&good), 401, "the same assertion again");
    assert_eq!(status(&assertion("pkjwt", &key, "http://other")), 401);
    assert_eq!(status(&assertion("pkjwt", &Key::new_es256(), issuer)), 401);
    let shared = Key::hs256("csjwt-secret-csjwt-secret-csjwt-secret");
    assert_eq!(status(&assertion("csjwt", &shared, issuer)), 200);
    assert_eq!(status(&assertion("csjwt", &Key::hs256(&"x".repeat(32)), issuer)), 401);
}

fn authorization_url(oidc: &Peer) -> String {
    let challenge = base64url(Sha256::digest(VERIFIER));
    let query = encoded(&[
        NATIVE,
        CALLBACK,
        ("response_type", "code"),
        ("scope", "openid offline_access read"),
        ("prompt", "consent"),
        ("state", "a-state"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    oidc.url(&format!("/auth?{query}"))
}

fn exchange(oidc: &Peer, redirect: &str, verifier: &str) -> Answer {
    assert!(redirect.starts_with(CALLBACK.1) && redirect.contains("state=a-state"), "{redirect}");
    let code = redirect.split_once("code=").unwrap().1.split('&').next().unwrap();
    let grant = ("grant_type", "authorization_code");
    let form = [grant, NATIVE, CALLBACK, ("code", code), ("code_verifier", verifier)];
    post_form(oidc, "/token", &[], &form)
}

fn refresh(oidc: &Peer, token: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), NATIVE, ("refresh_token", token)];
    post_form(oidc, "/token", &[], &form)
}

#[test]
fn a_person_logs_in_and_a_refresh_token_that_comes_twice_ends_it_all() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let redirect = approve(&authorization_url(&oidc));
    let other = exchange(&oidc, &redirect, &VERIFIER.replace('v', "w"));
    assert_eq!(other.refusal(), (400, "invalid_grant".into()));

    let redirect = approve(&authorization_url(&oidc));
    let first = exchange(&oidc, &redirect, VERIFIER).text("refresh_token");
    let second = refresh(&oidc, &first).text("refresh_token");
    assert_ne!(first, second);
    assert_eq!(refresh(&oidc, &first).refusal(), (400, "invalid_grant".into()));
    assert_eq!(refresh(&oidc, &second).refusal(), (400, "invalid_grant".into()));
}

#[test]
fn a_person_declines() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let redirect = decline(&authorization_url(&oidc));
    assert!(redirect.starts_with(CALLBACK.1), "{redirect}");
    assert!(redirect.contains("error=access_denied"), "{redirect}");
}

#[test]
fn a_device_waits_for_its_user() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let begin = || post_form(&oidc, "/device/auth", &[], &[NATIVE, ("scope", "openid read")]);
    let poll = |device: &Answer| {
        let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        let code = device.text("device_code");
        post_form(&oidc, "/token", &[], &[grant, NATIVE, ("device_code", &code)])
    };
    let device = begin();
    assert_eq!(poll(&device).refusal(), (400, "authorization_pending".into()));
    let _ = approve(&device.text("verification_uri_complete"));
    assert_eq!(poll(&device).status, 200);

    let device = begin();
    let _ = decline(&device.text("verification_uri_complete"));
    assert_eq!(poll(&device).refusal(), (400, "access_denied".into()));
}

#[test]
fn tokens_can_be_looked_at_and_revoked() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[("AT_FORMAT", "opaque")]) else { return };
    let token = token_for_cc(&oidc, None).text("access_token");
    assert!(!token.contains('.'), "{token}");
    let ask =
        |target: &str| post_form(&oidc, target, &[("Authorization", &cc())], &[("token", &token)]);
    assert_eq!(ask("/token/introspection").json()["active"], true);
    assert_eq!(ask("/token/revocation").status, 200);
    assert_eq!(ask("/token/introspection").json()["active"], false);
}

#[test]
fn tokens_are_bound_to_the_key_of_a_proof() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let (key, url) = (Key::new_es256(), oidc.url("/token"));
    let answer = token_for_cc(&oidc, Some(&dpop(&key, "POST", &url, &json!({}))));
    let claims = claims(&answer.text("access_token"));
    assert_eq!(
        (answer.text("token_type"), &claims["cnf"]["jkt"]),
        ("DPoP".into(), &json!(key.thumbprint()))
    );
    let misdirected = token_for_cc(&oidc, Some(&dpop(&key, "GET", &url, &json!({}))));
    assert_eq!(misdirected.refusal(), (400, "invalid_dpop_proof".into()));
}

#[test]
fn proofs_carry_the_nonce_of_the_server() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[("DPOP_NONCE", "1")]) else { return };
    let (key, url) = (Key::new_es256(), oidc.url("/token"));
    let call = |more| token_for_cc(&oidc, Some(&dpop(&key, "POST", &url, &more)));
    let refused = call(json!({}));
    assert_eq!(refused.refusal(), (400, "use_dpop_nonce".into()));
    assert_eq!(call(json!({ "nonce": refused.header("DPoP-Nonce") })).status, 200);
    assert_eq!(call(json!({ "nonce": "mine" })).refusal(), (400, "use_dpop_nonce".into()));
}
