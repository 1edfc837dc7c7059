//! Tokens and proofs, made by hand.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http::base64url;

pub(crate) enum Key {
    Hs256(Vec<u8>),
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
}

impl Key {
    pub(crate) fn hs256(secret: &str) -> Self {
        Self::Hs256(secret.into())
    }

    /// From a file that a server told of.
    pub(crate) fn rs256(path: &str) -> Self {
        Self::Rs256(RsaKeyPair::from_pkcs8(&der(path)).unwrap())
    }

    /// From a file that a server told of.
    pub(crate) fn es256(path: &str) -> Self {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der(path));
        Self::Es256(pair.unwrap())
    }

    pub(crate) fn new_es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Hs256(_) => "HS256",
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
        }
    }

    pub(crate) fn sign(&self, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Hs256(secret) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
                mac.update(text);
                mac.finalize().into_bytes().to_vec()
            }
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).unwrap();
                signature
            }
            Self::Es256(pair) => pair.sign(&random, text).unwrap().as_ref().to_vec(),
        }
    }

    fn public_jwk(&self) -> Value {
        let Self::Es256(pair) = self else { panic!("proofs are signed with ES256 here") };
        let point = pair.public_key().as_ref();
        json!({ "crv": "P-256", "kty": "EC", "x": base64url(&point[1..33]), "y": base64url(&point[33..]) })
    }

    /// By RFC 7638: the members of the JWK in the order of their names, without spaces.
    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.public_jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        base64url(Sha256::digest(text))
    }
}

fn der(path: &str) -> Vec<u8> {
    let pem = std::fs::read_to_string(path).unwrap();
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines).unwrap()
}

/// A token whose header says, beside the algorithm, what `header` does.
pub(crate) fn jwt(key: &Key, mut header: Value, claims: &Value) -> String {
    header["alg"] = key.algorithm().into();
    let signed = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
    let signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", base64url(signature))
}

/// What a token says about itself.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The proof that `key` sends this request, with `more` claims.
pub(crate) fn dpop(key: &Key, method: &str, url: &str, more: &Value) -> String {
    let mut claims = json!({ "jti": new_id(), "htm": method, "htu": url, "iat": now() });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    jwt(key, json!({ "typ": "dpop+jwt", "jwk": key.public_jwk() }), &claims)
}

/// What a proof says of the token that it goes with.
pub(crate) fn token_hash(token: &str) -> Value {
    json!({ "ath": base64url(Sha256::digest(token)) })
}

pub(crate) fn new_id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("id-{:08}", LAST.fetch_add(1, Ordering::Relaxed))
}

#[allow(clippy::disallowed_methods, reason = "the servers read the machine's clock")]
pub(crate) fn now() -> u64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.unwrap().as_secs()
}
