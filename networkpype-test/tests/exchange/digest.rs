use hmac::digest::Digest;
use md5::Md5;
use networkpype_test::{DigestCounts, DigestRealm, Exchange};

use crate::client::{Client, Response};

const TARGET: &str = "/api/digest/a?b=%20c";

fn hex(text: &str) -> String {
    const_hex::encode(Md5::digest(text))
}

/// The answer with `qop=auth` to a challenge's nonce.
fn answer(nonce: &str, count: &str, password: &str, uri: &str) -> String {
    let secret = hex(&format!("u:a \"realm\", and \\ more:{password}"));
    let asked = hex(&format!("GET:{uri}"));
    let response = hex(&format!("{secret}:{nonce}:{count}:c:auth:{asked}"));
    format!(
        r#"Digest username="u", realm="a \"realm\", and \\ more", nonce="{nonce}", uri="{uri}", response="{response}", opaque="op=aque", qop=auth, nc={count}, cnonce="c""#
    )
}

fn get(exchange: &Exchange, authorization: Option<&str>) -> Response {
    let headers: Vec<_> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
    Client::connect(exchange.addr()).call("GET", TARGET, &headers, "")
}

fn nonce(response: &Response) -> String {
    let challenge = response.header("www-authenticate").unwrap();
    challenge.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn a_realm_lets_in_whoever_knows_the_password_and_has_a_fresh_count() {
    let realm = DigestRealm::new("u", "p").uses(2);
    let exchange = Exchange::builder().digest(&realm).start();
    let asked = get(&exchange, None);
    assert_eq!(asked.status, 401);
    let nonce = nonce(&asked);
    for (count, password, uri, status, stale) in [
        ("00000001", "wrong", TARGET, 401, false),
        ("00000001", "p", "/api/digest/a?b= c", 401, false),
        ("1", "p", TARGET, 401, false),
        ("0000000A", "p", TARGET, 401, false),
        ("00000001", "p", TARGET, 200, false),
        ("00000001", "p", TARGET, 401, true),
        ("0000000a", "p", TARGET, 200, false),
        ("0000000b", "p", TARGET, 401, true),
    ] {
        let response = get(&exchange, Some(&answer(&nonce, count, password, uri)));
        assert_eq!(response.status, status, "{count} {password} {uri}");
        let challenge = response.header("www-authenticate").unwrap_or_default();
        assert_eq!(challenge.contains("stale=true"), stale, "{challenge}");
    }
    let DigestCounts { accepted, asked, stale, replayed, wrong, .. } = realm.counts();
    assert_eq!((accepted, asked, stale, replayed, wrong), (2, 1, 1, 1, 4));
}

#[test]
fn nobody_enters_an_exchange_without_a_realm() {
    assert_eq!(get(&Exchange::start(), None).status, 403);
}
