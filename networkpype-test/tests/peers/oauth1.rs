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
    let (nonce, timestamp) = (new_id(), now().to_string());
    let own = [
        ("oauth_consumer_key", "ck"),
        ("oauth_nonce", &nonce),
        ("oauth_signature_method", algorithm),
        ("oauth_timestamp", &timestamp),
        ("oauth_token", "tk"),
        ("oauth_version", "1.0"),
    ];
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

fn hmac(secrets: &str) -> impl Fn(&str) -> Vec<u8> {
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
