//! Passwords, by two servers.

use hmac::digest::Digest;
use networkpype_test::peers::{Kind, Peer};
use sha2::{Sha256, Sha512};

use crate::http::{basic, get};

/// The answer to a Digest challenge with `qop=auth` or, for a request without a body, `auth-int`.
fn digest<H: Digest>(
    challenge: &str,
    (user, password): (&str, &str),
    uri: &str,
    (algorithm, qop): (&str, &str),
) -> String {
    let hash = |text: String| const_hex::encode(H::digest(text));
    let given = |name: &str| {
        let value = challenge.split_once(&format!("{name}=\"")).map_or("", |(_, rest)| rest);
        value.split('"').next().unwrap().to_owned()
    };
    let (realm, nonce, opaque) = (given("realm"), given("nonce"), given("opaque"));
    let body = if qop == "auth-int" { format!(":{}", hash(String::new())) } else { String::new() };
    let (secret, request) =
        (hash(format!("{user}:{realm}:{password}")), hash(format!("GET:{uri}{body}")));
    let response = hash(format!("{secret}:{nonce}:00000001:abc:{qop}:{request}"));
    let mut header = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         algorithm={algorithm}, qop={qop}, nc=00000001, cnonce=\"abc\", response=\"{response}\""
    );
    if !opaque.is_empty() {
        header += &format!(", opaque=\"{opaque}\"");
    }
    header
}

#[test]
fn apache_takes_basic_in_utf_8() {
    let Some(apache) = Peer::start(Kind::DigestBasicApache, &[]) else { return };
    let status =
        |user, password| get(&apache, "/b/", &[("Authorization", &basic(user, password))]).status;
    assert_eq!(status("u", "p:w"), 200);
    assert_eq!(status("jäsøn", "sécret"), 200);
    assert_eq!(status("u", "wrong"), 401);
    let refused = get(&apache, "/b/", &[]);
    assert_eq!(refused.header("WWW-Authenticate"), "Basic realm=\"realm1\"");
}

#[test]
fn apache_takes_digest_until_the_nonce_is_stale() {
    let Some(apache) = Peer::start(Kind::DigestBasicApache, &[("NONCE_TTL", "1")]) else { return };
    let uri = "/d/?a=%20b";
    let challenge = get(&apache, uri, &[]);
    assert_eq!(challenge.status, 401);
    let answer = |user, password| {
        let challenge = challenge.header("WWW-Authenticate");
        digest::<md5::Md5>(challenge, (user, password), uri, ("MD5", "auth"))
    };
    let good = answer("u", "p:w");
    assert_eq!(get(&apache, uri, &[("Authorization", &good)]).status, 200);
    assert_eq!(get(&apache, uri, &[("Authorization", &answer("jäsøn", "sécret"))]).status, 200);
    assert_eq!(get(&apache, uri, &[("Authorization", &answer("u", "wrong"))]).status, 401);
    assert_eq!(get(&apache, "/d/?a=b", &[("Authorization", &good)]).status, 400);
    let refused = (0..1_000)
        .find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            let answer = get(&apache, uri, &[("Authorization", &good)]);
            (answer.status != 200).then_some(answer)
        })
        .unwrap();
    assert!(refused.header("WWW-Authenticate").contains("stale=true"), "{refused:?}");
}

#[test]
fn httpbin_takes_basic() {
    let Some(httpbin) = Peer::start(Kind::DigestHttpbin, &[]) else { return };
    let status = |password| {
        get(&httpbin, "/basic-auth/u/p", &[("Authorization", &basic("u", password))]).status
    };
    assert_eq!(status("p"), 200);
    assert_eq!(status("wrong"), 401);
}

#[test]
fn httpbin_takes_digest_by_every_algorithm() {
    let Some(httpbin) = Peer::start(Kind::DigestHttpbin, &[]) else { return };
    for qop in ["auth", "auth-int"] {
        for (algorithm, answer) in [
            ("MD5", digest::<md5::Md5> as fn(&str, (&str, &str), &str, (&str, &str)) -> String),
            ("SHA-256", digest::<Sha256>),
            ("SHA-512", digest::<Sha512>),
        ] {
            for (password, status) in [("p", 200), ("wrong", 401)] {
                let uri = format!("/digest-auth/{qop}/u/p/{algorithm}");
                let challenge = get(&httpbin, &uri, &[]);
                let challenge = challenge.header("WWW-Authenticate");
                assert!(challenge.contains(algorithm), "{challenge}");
                let header = answer(challenge, ("u", password), &uri, (algorithm, qop));
                let answer = get(&httpbin, &uri, &[("Authorization", &header)]);
                assert_eq!(answer.status, status, "{uri}");
            }
        }
    }
    let both = get(&httpbin, "/digest-auth/both/u/p/MD5", &[]);
    let both = both.header("WWW-Authenticate");
    assert!(both.contains("auth-int") && both.contains("auth,"), "{both}");
}
