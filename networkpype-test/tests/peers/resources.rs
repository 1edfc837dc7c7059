//! Servers that take tokens.

use networkpype_test::peers::{Kind, Peer};
use serde_json::{Value, json};

use crate::http::{basic, escaped, get, post_form};
use crate::jwt::{Key, dpop, jwt, new_id, now, token_hash};

fn status(peer: &Peer, target: &str, authorization: &str, proof: &str) -> u16 {
    let mut headers = vec![("Authorization", authorization)];
    if !proof.is_empty() {
        headers.push(("DPoP", proof));
    }
    get(peer, target, &headers).status
}

#[test]
fn haproxy_takes_tokens_by_the_key_of_their_algorithm() {
    let Some(haproxy) = Peer::start(Kind::JwtHaproxy, &[]) else { return };
    let good = json!({ "aud": haproxy.get("audience"), "exp": now() + 60 });
    let call = |key: &Key, claims: &Value| {
        status(&haproxy, "/any", &format!("Bearer {}", jwt(key, json!({}), claims)), "")
    };
    let rsa = Key::rs256(haproxy.get("rs256_key"));
    assert_eq!(call(&rsa, &good), 200);
    assert_eq!(call(&Key::es256(haproxy.get("es256_key")), &good), 200);
    assert_eq!(call(&Key::hs256(haproxy.get("hs256_secret")), &good), 200);
    assert_eq!(call(&Key::new_es256(), &good), 401);
    assert_eq!(call(&Key::hs256("wrong"), &good), 401);
    assert_eq!(call(&rsa, &json!({ "aud": "urn:np:api", "exp": 1 })), 401);
    assert_eq!(call(&rsa, &json!({ "aud": "urn:other", "exp": now() + 60 })), 403);
    assert_eq!(get(&haproxy, "/any", &[]).status, 401);
}

#[test]
fn apache_takes_bearer_and_bound_tokens_by_fetched_keys() {
    let Some(apache) = Peer::start(Kind::Oauth2RsApache, &[]) else { return };
    let issuer = Key::rs256(apache.get("issuer_key"));
    let token = |more: Value| {
        let mut claims = json!({ "sub": "u", "iss": "i", "iat": now(), "exp": now() + 60 });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwt(&issuer, json!({ "kid": apache.get("issuer_kid") }), &claims)
    };
    let bearer = |token: &str| status(&apache, "/j/i", &format!("Bearer {token}"), "");
    assert_eq!(bearer(&token(json!({}))), 200);
    assert_eq!(bearer(&token(json!({ "exp": 1 }))), 401);
    let forged = jwt(&Key::new_es256(), json!({ "kid": "r1" }), &json!({ "exp": now() + 60 }));
    assert_eq!(bearer(&forged), 401);

    let (key, url) = (Key::new_es256(), apache.url("/d/i"));
    let bound = token(json!({ "cnf": { "jkt": key.thumbprint() } }));
    let call = |proof: &str| status(&apache, "/d/i", &format!("DPoP {bound}"), proof);
    let proof = dpop(&key, "GET", &url, &token_hash(&bound));
    assert_eq!(call(&proof), 200);
    assert_eq!(call(&proof), 401, "the same proof again");
    assert_eq!(call(&dpop(&Key::new_es256(), "GET", &url, &token_hash(&bound))), 401);
    assert_eq!(call(""), 401);
}

#[test]
fn apache_trusts_the_authorization_server_it_is_told_of() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let keys = oidc.url("/jwks");
    let Some(apache) = Peer::start(Kind::Oauth2RsApache, &[("JWKS_URI", &keys)]) else { return };
    let client = basic("cc", &escaped("cc-secret-&=+ %:x"));
    let form = [("grant_type", "client_credentials"), ("scope", "read")];
    let token = post_form(&oidc, "/token", &[("Authorization", &client)], &form);
    let token = token.text("access_token");
    assert_eq!(status(&apache, "/j/i", &format!("Bearer {token}"), ""), 200);
    let cut = &token[..token.len() - 8];
    assert_eq!(status(&apache, "/j/i", &format!("Bearer {cut}AAAAAAAA"), ""), 401);
}

/// An access token (RFC 9068) of the key that `server` told of.
fn access_token(server: &Peer, more: &Value) -> String {
    let mut claims = json!({
        "iss": server.get("issuer"), "aud": server.get("audience"), "sub": "u", "client_id": "c",
        "jti": new_id(), "iat": now(), "exp": now() + 60,
    });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let header = json!({ "typ": "at+jwt", "kid": server.get("issuer_kid") });
    jwt(&Key::es256(server.get("issuer_key")), header, &claims)
}

#[test]
fn oauth4webapi_takes_a_proof_of_this_request_once() {
    let Some(server) = Peer::start(Kind::DpopRs, &[]) else { return };
    let (key, url) = (Key::new_es256(), server.url("/d"));
    let bound = access_token(&server, &json!({ "cnf": { "jkt": key.thumbprint() } }));
    let call = |proof: &str| status(&server, "/d?x=1", &format!("DPoP {bound}"), proof);
    let proof = dpop(&key, "GET", &url, &token_hash(&bound));
    assert_eq!(call(&proof), 200);
    assert_eq!(call(&proof), 401, "the same proof again");
    for wrong in [
        dpop(&key, "POST", &url, &token_hash(&bound)),
        dpop(&key, "GET", &server.url("/other"), &token_hash(&bound)),
        dpop(&key, "GET", &url, &token_hash("other")),
        dpop(&Key::new_es256(), "GET", &url, &token_hash(&bound)),
    ] {
        assert_eq!(call(&wrong), 401);
    }
    assert_eq!(status(&server, "/b", &format!("Bearer {bound}"), ""), 401);
    let free = format!("Bearer {}", access_token(&server, &json!({})));
    assert_eq!(status(&server, "/b", &free, ""), 200);
    assert_eq!(status(&server, "/d", &free, ""), 401);
}

#[test]
fn oauth4webapi_asks_for_its_nonce() {
    let Some(server) = Peer::start(Kind::DpopRs, &[("DPOP_NONCE", "n1")]) else { return };
    let (key, url) = (Key::new_es256(), server.url("/d"));
    let bound = access_token(&server, &json!({ "cnf": { "jkt": key.thumbprint() } }));
    let call = |nonce: &str| {
        let mut more = token_hash(&bound);
        more["nonce"] = nonce.into();
        let (token, proof) = (format!("DPoP {bound}"), dpop(&key, "GET", &url, &more));
        get(&server, "/d", &[("Authorization", &token), ("DPoP", &proof)])
    };
    let refused = call("other");
    assert_eq!((refused.status, refused.header("DPoP-Nonce")), (401, "n1"));
    assert!(refused.header("WWW-Authenticate").contains("use_dpop_nonce"), "{refused:?}");
    assert_eq!(call("n1").status, 200);
}
