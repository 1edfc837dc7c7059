//! The ready-made schemes.

use networkpype_auth::{Part, Placement, SecretEncoding};
use networkpype_core::AuthError;
use networkpype_schemes::{
    api_key::ApiKey,
    basic::Basic,
    bearer::Bearer,
    compose::{AuthChain, AuthRoute, AuthRouter, AuthRouterBuilder},
    digest::{Digest, DigestAlgorithm, DigestBuilder},
    hmac::{Hmac, HmacBuilder},
    jwt::{Jwt, JwtAlgorithm, JwtBuilder},
};

use super::signing::{login, recipe};
use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    specimens! {
        debug networkpype_schemes::api_key::ApiKey => api_keys();
        debug networkpype_schemes::basic::Basic => [Basic::new(CANARY, CANARY).expect("scheme")];
        debug networkpype_schemes::bearer::Bearer => [bearer()];
        debug networkpype_schemes::compose::AuthChain => [AuthChain::new(bearer())];
        debug networkpype_schemes::compose::AuthRoute => [AuthRoute::path("/v1/**")];
        debug networkpype_schemes::compose::AuthRouter => [router().build().expect("scheme")];
        debug networkpype_schemes::compose::AuthRouterBuilder => [router()];
        debug networkpype_schemes::digest::Digest => [digest().build().expect("scheme")];
        debug networkpype_schemes::digest::DigestAlgorithm => [DigestAlgorithm::Sha512_256];
        debug networkpype_schemes::digest::DigestBuilder => [digest()];
        debug networkpype_schemes::jwt::Jwt => [jwt().build().expect("scheme")];
        debug networkpype_schemes::jwt::JwtBuilder => [jwt()];
        debug networkpype_schemes::hmac::Hmac => [hmac().build().expect("scheme")];
        debug networkpype_schemes::hmac::HmacBuilder => [hmac()];
    }
}

fn api_keys() -> [ApiKey; 4] {
    let key = |made: Result<ApiKey, AuthError>| made.expect("key");
    [
        key(ApiKey::header("X-Key", CANARY)),
        key(ApiKey::query("key", CANARY)),
        key(ApiKey::cookie("session", CANARY)),
        key(key(ApiKey::header("X-Key", CANARY)).with_prefix(CANARY)),
    ]
}

pub(crate) fn hmac() -> HmacBuilder {
    Hmac::builder(CANARY, CANARY)
        .passphrase(CANARY)
        .key_in(Placement::header("X-Key"))
        .passphrase_in(Placement::header("X-Passphrase"))
        .literal_in(Placement::query("window"), CANARY)
        .place(Placement::header("X-More"), [Part::literal(CANARY), Part::Key])
        .sign([Part::literal(CANARY), Part::Body])
        .signature_in(Placement::header("X-Sign"))
        .ws_message(recipe())
        .ws_login(login())
        .resync_on_code("-1021")
}

fn bearer() -> Bearer {
    Bearer::new(CANARY).expect("scheme")
}

fn router() -> AuthRouterBuilder {
    AuthRouter::builder().route(AuthRoute::path("/v1/**"), bearer())
}

fn digest() -> DigestBuilder {
    Digest::builder(CANARY, CANARY)
}

fn jwt() -> JwtBuilder {
    Jwt::with_secret(JwtAlgorithm::Hs256, CANARY)
        .expect("signer")
        .header("kid", CANARY)
        .claim("iss", CANARY)
        .claim_json("more", format!("[\"{CANARY}\"]"))
        .claim_template("uri", CANARY)
}

/// Keys that cannot be where they are to be.
pub(super) fn errors() -> Vec<AuthError> {
    let mut errors = Vec::new();
    for bad in [format!("{CANARY}\n"), format!("{CANARY} \u{fc};"), format!(" {CANARY}")] {
        errors.extend(ApiKey::header("X-Key", &bad).err());
        errors.extend(ApiKey::cookie("session", &bad).err());
        errors.extend(ApiKey::query("", &bad).err());
        errors.extend(ApiKey::header("X-Key", CANARY).and_then(|key| key.with_prefix(&bad)).err());
    }
    for bad in [format!("{CANARY}\n"), format!("{CANARY} \u{fc}")] {
        errors.extend(Basic::new(&bad, CANARY).err());
        errors.extend(Basic::new("user", bad.clone()).err());
        errors.extend(Digest::new(&bad, CANARY).err());
        errors.extend(Digest::new("user", bad.clone()).err());
        errors.extend(Bearer::new(bad.clone()).err());
        errors.extend(jwt().claim_json("more", bad.clone()).build().err());
    }
    errors.extend(Basic::new(format!("{CANARY}:"), CANARY).err());
    for encoding in [SecretEncoding::Base64, SecretEncoding::Hex] {
        errors.extend(hmac().secret_encoding(encoding).build().err());
    }
    errors.extend(hmac().signature_in(Placement::header("a b")).build().err());
    errors.extend(super::oauth1::build_errors());
    errors.extend(super::oauth2::build_errors());
    errors
}
