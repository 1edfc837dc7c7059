//! The features `asymmetric` and `jwt` of `networkpype-auth`: private keys and tokens.

use networkpype_auth::{
    DigestEncoding, HashAlgorithm, HmacAlgorithm, JwtAlgorithm, JwtErrorKind, JwtKey, JwtSigner,
    JwtVerifier, KeyEncoding, PublicJwk, RsaSha1Key, SecretEncoding, SignatureAlgorithm,
    SigningKey, VerifyingKey,
};
use networkpype_core::{AuthError, Secret};

use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

/// The example of RFC 8037, appendix A.1, with the canary in a member that nothing looks at.
fn jwk(d: &str) -> Secret {
    Secret::new(format!(
        "{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\
         \"d\":\"{d}\",\"kid\":\"{CANARY}\"}}"
    ))
}

pub(crate) fn specimens() -> Vec<Specimen> {
    let jwk = jwk("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let (ed25519, eddsa) = (SignatureAlgorithm::Ed25519, JwtAlgorithm::EdDsa);
    let key = SigningKey::new(ed25519, &jwk, KeyEncoding::Jwk).expect("a key");
    let secret = Secret::new(CANARY);
    // What is not public in the text that it is read from is left there.
    let public = jwk.expose_str().expect("text").parse::<PublicJwk>().expect("a key");
    let signer = JwtSigner::with_secret(JwtAlgorithm::Hs256, &secret).expect("a secret");
    let shared = JwtKey::with_secret(JwtAlgorithm::Hs256, &secret).expect("a secret");
    let builder = || JwtVerifier::builder().key(shared.clone()).expiry_optional();
    let verifier = builder().build().expect("a verifier");
    let token = signer.sign(r#"{"alg":"HS256"}"#, &format!(r#"{{"sub":"{CANARY}"}}"#)).expect("ok");
    let refused = format!(r#"{{"sub":"{CANARY}","aud":"{CANARY}"}}"#);
    let refused = signer.sign(r#"{"alg":"HS256"}"#, &refused).expect("signed");
    specimens! {
        debug networkpype_auth::JwtAlgorithm => [eddsa];
        error networkpype_auth::JwtError => [
            verifier.verify(CANARY).expect_err("no token"),
            verifier.verify(&refused).expect_err("somebody else's"),
        ];
        debug networkpype_auth::JwtErrorKind => [JwtErrorKind::Malformed];
        debug networkpype_auth::JwtKey => [shared.clone()];
        debug networkpype_auth::JwtSigner => [
            JwtSigner::with_secret(JwtAlgorithm::Hs256, &secret).expect("a secret"),
            JwtSigner::with_key(eddsa, key.clone()).expect("a key"),
        ];
        debug networkpype_auth::JwtVerifier => [verifier.clone()];
        debug networkpype_auth::JwtVerifierBuilder => [builder()];
        debug networkpype_auth::KeyEncoding => [KeyEncoding::Pem];
        display networkpype_auth::PublicJwk => [public, key.public_jwk()];
        debug networkpype_auth::RsaSha1Key => [rsa_sha1()];
        debug networkpype_auth::SignatureAlgorithm => [ed25519];
        debug networkpype_auth::SigningKey => [key.clone()];
        debug networkpype_auth::VerifiedJws<'_> => [verifier.verify_signature(&token).expect("ours")];
        debug networkpype_auth::VerifiedJwt => [verifier.verify(&token).expect("ours")];
        debug networkpype_auth::VerifyingKey => [key.verifying_key().expect("a key")];
    }
}

fn rsa_sha1() -> RsaSha1Key {
    let keys: serde_json::Value =
        serde_json::from_str(include_str!("../../../../vectors/ccxt/keys.json")).expect("JSON");
    let pem = keys["rsa2048_pkcs8_pem"].as_str().expect("a key");
    RsaSha1Key::new(&pem.into(), KeyEncoding::Pem).expect("a key")
}

/// Keys that cannot be used, and names of nothing.
pub(super) fn errors() -> Vec<AuthError> {
    let pem = |text: &str| {
        Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
    };
    let secrets = [
        Secret::new(CANARY),
        Secret::new(CANARY.as_bytes().repeat(2)),
        Secret::new(format!("-----BEGIN {CANARY}")),
        Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{CANARY}")),
        Secret::new(format!("{{\"kty\":\"{CANARY}\"}}")),
        pem(CANARY),
        pem(&format!("{CANARY}*")),
        jwk(CANARY),
        jwk(&format!("{CANARY}*")),
    ];
    let encodings = [
        KeyEncoding::Pem,
        KeyEncoding::DerBase64,
        KeyEncoding::Der,
        KeyEncoding::SeedBase64,
        KeyEncoding::SeedBase58,
        KeyEncoding::SeedHex,
        KeyEncoding::Jwk,
    ];
    let mut errors = Vec::new();
    for secret in &secrets {
        for encoding in encodings {
            for algorithm in [
                SignatureAlgorithm::Ed25519,
                SignatureAlgorithm::RsaPssSha256,
                SignatureAlgorithm::EcdsaP256Sha256,
            ] {
                errors.extend(SigningKey::new(algorithm, secret, encoding).err());
            }
            errors.extend(RsaSha1Key::new(secret, encoding).err());
        }
        errors.extend(JwtSigner::with_secret(JwtAlgorithm::EdDsa, secret).err());
        errors.extend(JwtSigner::from_jwk(JwtAlgorithm::Hs256, secret).err());
    }
    for secret in &secrets {
        let text = secret.expose_str().unwrap_or_default();
        for algorithm in [JwtAlgorithm::Hs256, JwtAlgorithm::Es256] {
            errors.extend(JwtKey::from_jwk(algorithm, secret).err());
            errors.extend(JwtKey::from_set(&[algorithm], secret).err());
            errors.extend(JwtKey::from_pem(algorithm, text).err());
        }
        errors.extend(
            VerifyingKey::from_der(SignatureAlgorithm::Ed25519, secret.expose_bytes()).err(),
        );
    }
    errors.extend(JwtAlgorithm::Hs256.header([(CANARY, CANARY), (CANARY, CANARY)]).err());
    errors.extend(CANARY.parse::<DigestEncoding>().err());
    errors.extend(CANARY.parse::<HashAlgorithm>().err());
    errors.extend(CANARY.parse::<HmacAlgorithm>().err());
    errors.extend(CANARY.parse::<JwtAlgorithm>().err());
    errors.extend(CANARY.parse::<KeyEncoding>().err());
    errors.extend(CANARY.parse::<PublicJwk>().err());
    errors.extend(CANARY.parse::<SecretEncoding>().err());
    errors.extend(CANARY.parse::<SignatureAlgorithm>().err());
    assert!(errors.len() > 200, "{errors:?}");
    errors
}
