//! Signatures of OAuth 1.0a.

use hmac::{Hmac, KeyInit, Mac};
use networkpype_test::peers::{Kind, Peer};
use sha2::Sha256;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http::{encoded, escaped, get, post_form};
use crate::jwt::{Key, new_id, now};

const SECRETS: &str = "cs%26%C3%A9&ts";

/// The value of `Authorization` for a request with `parameters` in its query or form.
fn header(
    method: &str,
    url: &str,
    parameters: &[(&str, &str)],
    algorithm: &str,
    sign: impl Fn(&str) -> Vec<u8>,
) -> String {
    header_with(&[("oauth_token", "tk")], method, url, parameters, algorithm, sign)
}

/// The same, with these parameters of the protocol in place of the token.
fn header_with(
    more: &[(&str, &str)],
    method: &str,
    url: &str,
    parameters: &[(&str, &str)],
    algorithm: &str,
    sign: impl Fn(&str) -> Vec<u8>,
) -> String {
    let (nonce, timestamp) = (new_id(), now().to_string());
    let mut own = vec![
        ("oauth_consumer_key", "ck"),
        ("oauth_nonce", &nonce),
        ("oauth_signature_method", algorithm),
        ("oauth_timestamp", &timestamp),
        ("oauth_version", "1.0"),
    ];
    own.extend(more);
    let mut all: Vec<_> =
        own.iter().chain(parameters).map(|(name, value)| (escaped(name), escaped(value))).collect();
    all.sort();
    let all: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let base = format!("{method}&{}&{}", escaped(url), escaped(&all.join("&")));
    let signature = escaped(&STANDARD.encode(sign(&base)));
    let own: Vec<_> =
        own.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("OAuth {}, oauth_signature=\"{signature}\"", own.join(", "))
}

fn hmac(secrets: &str) -> impl Fn(&str) -> Vec<u8> + use<> {
    let secrets = secrets.to_owned();
    move |text| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secrets.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

#[test]
fn a_signature_covers_query_and_form() {
    let Some(server) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let url = server.url("/r%20v/x");
    let parameters = [("b", "=%3D"), ("a 3", "é")];
    let query = encoded(&parameters);
    let target = format!("/r%20v/x?{query}");
    let status =
        |target: &str, header: &str| get(&server, target, &[("Authorization", header)]).status;
    let good = header("GET", &url, &parameters, "HMAC-SHA256", hmac(SECRETS));
    assert_eq!(status(&target, &good), 200);
    assert_eq!(status(&target, &good), 401, "the same nonce again");
    let good = || header("GET", &url, &parameters, "HMAC-SHA256", hmac(SECRETS));
    assert_eq!(status(&format!("{target}&c=1"), &good()), 401);
    let wrong = header("GET", &url, &parameters, "HMAC-SHA256", hmac("cs&ts"));
    assert_eq!(status(&target, &wrong), 401);

    let good = header("POST", &url, &parameters, "HMAC-SHA256", hmac(SECRETS));
    let post = |form| post_form(&server, "/r%20v/x", &[("Authorization", &good)], form).status;
    assert_eq!(post(&[("b", "other")]), 401);
    let good = header("POST", &url, &parameters, "HMAC-SHA256", hmac(SECRETS));
    let post = |form| post_form(&server, "/r%20v/x", &[("Authorization", &good)], form).status;
    assert_eq!(post(&parameters), 200);
}

#[test]
fn a_private_key_signs() {
    let Some(server) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let status = |key: &Key| {
        let sign = |text: &str| key.sign(text.as_bytes());
        let header = header("GET", &server.url("/"), &[], "RSA-SHA256", sign);
        get(&server, "/", &[("Authorization", &header)]).status
    };
    assert_eq!(status(&Key::rs256(server.get("rsa_key"))), 200);
    assert_eq!(status(&Key::new_es256()), 401);
}

#[test]
fn a_timestamp_that_is_off_is_refused() {
    let Some(server) = Peer::start(Kind::Oauth1Oauthlib, &[("TIMESTAMP_TTL", "0")]) else { return };
    let header = header("GET", &server.url("/"), &[], "HMAC-SHA256", hmac(SECRETS));
    assert_eq!(get(&server, "/", &[("Authorization", &header)]).status, 401);
}

#[test]
fn a_token_is_had_in_three_steps_and_by_no_other_verifier() {
    let Some(server) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let ask = |path: &str, more: &[(&str, &str)], token_secret: &str| {
        let sign = hmac(&format!("cs%26%C3%A9&{token_secret}"));
        let own = header_with(more, "POST", &server.url(path), &[], "HMAC-SHA256", sign);
        post_form(&server, path, &[("Authorization", &own)], &[])
    };
    let temporary = ask("/initiate", &[("oauth_callback", "oob")], "");
    assert_eq!(temporary.status, 200);
    let [token, secret] = ["oauth_token", "oauth_token_secret"].map(|name| temporary.field(name));
    assert_eq!(temporary.field("oauth_callback_confirmed"), "true");
    let yes = get(&server, &format!("/authorize?oauth_token={token}"), &[]);
    let verifier = yes.field("oauth_verifier");
    let exchange = |verifier: &str| {
        ask("/token", &[("oauth_token", &token), ("oauth_verifier", verifier)], &secret)
    };
    assert_eq!(exchange("another").status, 401);
    let granted = exchange(&verifier);
    assert_eq!(granted.status, 200);
    assert_eq!(exchange(&verifier).status, 401, "it was taken once");
    let [token, secret] = ["oauth_token", "oauth_token_secret"].map(|name| granted.field(name));
    assert_eq!(ask("/a", &[("oauth_token", &token)], &secret).status, 200);
    assert_eq!(ask("/a", &[("oauth_token", &token)], "").status, 401);
}
