//! What is said of keys that cannot be used: which key is needed, and nothing of the one that was given.

use networkpype_auth::{JwtAlgorithm, JwtSigner, KeyEncoding, SignatureAlgorithm, SigningKey};
use networkpype_core::{AuthError, AuthErrorKind, Secret};

use crate::vectors::{
    P256_WITH_PARAMETERS, P384_PKCS8, P521_SEC1, SECP256K1_SEC1, der_of, pem_for, shared_key,
};

const ED25519: SignatureAlgorithm = SignatureAlgorithm::Ed25519;
const RSA: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1Sha256;
const P256: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;
const P384: SignatureAlgorithm = SignatureAlgorithm::EcdsaP384Sha384;

/// What is said of this key, after a look that nothing of it is repeated.
fn mistake(
    algorithm: SignatureAlgorithm,
    secret: impl Into<Secret>,
    encoding: KeyEncoding,
) -> String {
    let secret = secret.into();
    let error = SigningKey::new(algorithm, &secret, encoding).expect_err("refused");
    said(&error, &secret)
}

fn said(error: &AuthError, secret: &Secret) -> String {
    assert_eq!(error.kind(), AuthErrorKind::Credentials);
    assert!(std::error::Error::source(error).is_none());
    let text = format!("{error} {error:?}");
    let secret = String::from_utf8_lossy(secret.expose_bytes());
    for line in secret.split(['\n', '"']).filter(|line| line.len() > 7 && !line.contains("-----")) {
        assert!(!text.contains(line), "{text}");
    }
    error.to_string()
}

#[test]
fn a_key_of_the_wrong_kind_is_called_by_its_name() {
    let rsa = shared_key("rsa2048_pkcs8_pem");
    for (algorithm, pem, expected) in [
        (ED25519, rsa.as_str(), "this is an RSA key, and an Ed25519 key is needed"),
        (P256, &rsa, "this is an RSA key, and an EC key on P-256 is needed"),
        (RSA, &pem_for(ED25519), "this is an Ed25519 key, and an RSA key is needed"),
        (RSA, &pem_for(P256), "this is an EC key on P-256, and an RSA key is needed"),
        (P256, P384_PKCS8, "this is an EC key on P-384, and an EC key on P-256 is needed"),
        (
            P384,
            P256_WITH_PARAMETERS,
            "this is an EC key on P-256, and an EC key on P-384 is needed",
        ),
        (P256, P521_SEC1, "this is an EC key on P-521, and an EC key on P-256 is needed"),
        (
            SignatureAlgorithm::EcdsaP521Sha512,
            P384_PKCS8,
            "this is an EC key on P-384, and an EC key on P-521 is needed",
        ),
        (P256, SECP256K1_SEC1, "this is an EC key on secp256k1, and an EC key on P-256 is needed"),
        (
            SignatureAlgorithm::EcdsaSecp256k1Sha256,
            P256_WITH_PARAMETERS,
            "this is an EC key on P-256, and an EC key on secp256k1 is needed",
        ),
    ] {
        assert_eq!(mistake(algorithm, pem, KeyEncoding::Pem), expected);
    }
    let pkcs1 = der_of(&rsa).split_off(26);
    assert_eq!(
        mistake(ED25519, pkcs1, KeyEncoding::Der),
        "this is an RSA key, and an Ed25519 key is needed"
    );
}

#[test]
fn what_is_not_a_private_key_in_pem_says_what_it_is() {
    let damaged = shared_key("ed25519_pkcs8_pem").replace("MC4CAQ", "MC4C*Q");
    let cut = shared_key("ed25519_pkcs8_pem").replace("-----END PRIVATE KEY-----", "");
    let openssh =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n";
    for (pem, expected) in [
        (
            shared_key("ed25519_public_pem").as_str(),
            "this is a public key, and the private key is needed",
        ),
        (include_str!("fixtures/certificate.pem"), "this is a certificate or the like"),
        (include_str!("fixtures/encrypted_pkcs8.pem"), "the key is encrypted with a passphrase"),
        (include_str!("fixtures/encrypted_sec1.pem"), "the key is encrypted with a passphrase"),
        (openssh, "the key is in OpenSSH's own format"),
        (&damaged, "the key is not PEM: a line is damaged"),
        (&cut, "the key is not PEM: a line is damaged, or the last one"),
        (&shared_key("ed25519_seed_base64"), "the key is not PEM: no line says"),
        ("", "the key is not PEM: no line says"),
    ] {
        let said = mistake(ED25519, pem, KeyEncoding::Pem);
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn what_does_not_decode_is_refused() {
    let small = include_str!("fixtures/rsa1024.pem");
    let seed = shared_key("ed25519_seed_base64");
    let cut = der_of(&shared_key("ed25519_pkcs8_pem"))[..40].to_vec();
    for (algorithm, secret, encoding, expected) in [
        (
            ED25519,
            Secret::new(cut.clone()),
            KeyEncoding::Der,
            "this is not an Ed25519 key, or it is damaged",
        ),
        (
            RSA,
            Secret::new(cut.clone()),
            KeyEncoding::Der,
            "this is not an RSA key, or it is damaged",
        ),
        (
            P256,
            Secret::new(cut),
            KeyEncoding::Der,
            "this is not an EC key on P-256, or it is damaged",
        ),
        (ED25519, Secret::new(""), KeyEncoding::Der, "this is not an Ed25519 key"),
        (ED25519, Secret::new(seed.as_str()), KeyEncoding::DerBase64, "this is not an Ed25519 key"),
        (ED25519, Secret::new("hunter2!"), KeyEncoding::DerBase64, "the secret is not base64"),
        (ED25519, Secret::new("hunter2!"), KeyEncoding::SeedBase64, "the secret is not base64"),
        (ED25519, Secret::new("hunter2!"), KeyEncoding::SeedHex, "the secret is not hexadecimal"),
        (ED25519, Secret::new("hunter20"), KeyEncoding::SeedBase58, "the secret is not base58"),
        (
            ED25519,
            Secret::new("00".repeat(31)),
            KeyEncoding::SeedHex,
            "the key has 31 bytes; an Ed25519 seed has 32",
        ),
        (ED25519, Secret::new("00".repeat(33)), KeyEncoding::SeedHex, "the key has 33 bytes"),
        (ED25519, Secret::new("00".repeat(65)), KeyEncoding::SeedHex, "the key has 65 bytes"),
        (ED25519, Secret::new(""), KeyEncoding::SeedHex, "the key has 0 bytes"),
        (
            P256,
            Secret::new("11".repeat(48)),
            KeyEncoding::SeedHex,
            "the key has 48 bytes; a private key on P-256 has 32",
        ),
        (
            P384,
            Secret::new("11".repeat(32)),
            KeyEncoding::SeedHex,
            "the key has 32 bytes; a private key on P-384 has 48",
        ),
        (
            SignatureAlgorithm::EcdsaP521Sha512,
            Secret::new("01".repeat(65)),
            KeyEncoding::SeedHex,
            "the key has 65 bytes; a private key on P-521 has 66",
        ),
        (
            P256,
            Secret::new("00".repeat(32)),
            KeyEncoding::SeedHex,
            "this is not an EC key on P-256",
        ),
        (
            P256,
            Secret::new("ff".repeat(32)),
            KeyEncoding::SeedHex,
            "this is not an EC key on P-256",
        ),
        (RSA, Secret::new(seed.as_str()), KeyEncoding::SeedBase64, "an RSA key has no seed"),
        (
            RSA,
            Secret::new(der_of(small).split_off(26)),
            KeyEncoding::Der,
            "an RSA key needs 2048 to 8192 bits",
        ),
        (RSA, Secret::new(small), KeyEncoding::Pem, "an RSA key needs 2048 to 8192 bits"),
        (
            ED25519,
            Secret::new(small),
            KeyEncoding::Pem,
            "this is an RSA key, and an Ed25519 key is needed",
        ),
    ] {
        let said = mistake(algorithm, secret, encoding);
        assert!(said.starts_with(expected), "{encoding:?}: {said}");
    }
}

#[test]
fn a_public_key_that_is_another_ones_is_refused() {
    let seed = "01".repeat(32);
    let said = mistake(ED25519, seed.clone() + &seed, KeyEncoding::SeedHex);
    assert!(said.ends_with("its parts do not belong together"), "{said}");
    for (algorithm, jwk) in [
        (ED25519, jwk(&[("kty", "OKP"), ("crv", "Ed25519"), ("d", D), ("x", D)])),
        (P256, jwk(&[("kty", "EC"), ("crv", "P-256"), ("d", D), ("x", EC_X), ("y", EC_Y)])),
    ] {
        let said = mistake(algorithm, jwk, KeyEncoding::Jwk);
        assert!(said.ends_with("its parts do not belong together"), "{said}");
    }
}

/// RFC 8037, appendix A, and RFC 7515, appendix A.3.
const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

fn jwk(members: &[(&str, &str)]) -> String {
    let members: serde_json::Map<_, _> =
        members.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    serde_json::Value::Object(members).to_string()
}

#[test]
fn a_json_web_key_that_lacks_something_says_what() {
    for (algorithm, jwk, expected) in [
        (ED25519, "hunter2".to_owned(), "the key is not a JSON Web Key: not a JSON object"),
        (ED25519, "[]".to_owned(), "the key is not a JSON Web Key: not a JSON object"),
        (ED25519, "{}".to_owned(), "the JSON Web Key is of another kty than OKP, which is needed"),
        (
            RSA,
            jwk(&[("kty", "oct"), ("k", D)]),
            "the JSON Web Key is of another kty than RSA, which is needed",
        ),
        (
            P384,
            jwk(&[("kty", "EC"), ("crv", "P-256"), ("d", D), ("x", EC_X), ("y", EC_Y)]),
            "the JSON Web Key is of another crv than P-384, which is needed",
        ),
        (
            ED25519,
            jwk(&[("kty", "OKP"), ("crv", "Ed25519"), ("x", X)]),
            "the JSON Web Key is a public key: it lacks its member d",
        ),
        (
            ED25519,
            jwk(&[("kty", "OKP"), ("crv", "Ed25519"), ("d", D)]),
            "the JSON Web Key lacks its member x",
        ),
        (
            ED25519,
            jwk(&[("kty", "OKP"), ("crv", "Ed25519"), ("d", "hunter2!"), ("x", X)]),
            "the member d of the JSON Web Key is not base64url",
        ),
        (
            ED25519,
            jwk(&[("kty", "OKP"), ("crv", "Ed25519"), ("d", "aHVudGVyMg"), ("x", X)]),
            "the key has 7 bytes; an Ed25519 seed has 32",
        ),
        (
            RSA,
            jwk(&[("kty", "RSA"), ("n", D), ("e", "AQAB"), ("d", D)]),
            "the JSON Web Key lacks its member p",
        ),
        (
            RSA,
            jwk(&[("kty", "RSA"), ("d", D), ("oth", "")]),
            "RSA keys of more than two primes are not supported",
        ),
    ] {
        assert_eq!(mistake(algorithm, jwk, KeyEncoding::Jwk), expected);
    }
}

#[test]
fn a_damaged_rsa_json_web_key_is_refused() {
    let whole = crate::vectors::committed("jose/rfc7515_8037.json")["cases"][1]["key"].clone();
    assert_eq!(whole["kty"], "RSA");
    SigningKey::new(RSA, &Secret::new(whole.to_string()), KeyEncoding::Jwk).expect("whole");
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let mut damaged = whole.clone();
        damaged[name] = "AQ".into();
        let said = mistake(RSA, damaged.to_string(), KeyEncoding::Jwk);
        assert!(said.starts_with("this is not an RSA key"), "{name}: {said}");
    }
}

#[test]
fn a_token_is_signed_with_the_kind_of_key_that_its_algorithm_takes() {
    let secret = Secret::new("hunter2!");
    let refused = |result: Result<JwtSigner, AuthError>| result.expect_err("refused");
    let error = refused(JwtSigner::with_secret(JwtAlgorithm::Es256, &secret));
    assert_eq!(
        said(&error, &secret),
        "ES256 signs with a private key, and this is a shared secret"
    );
    let error = refused(JwtSigner::with_secret(JwtAlgorithm::Hs256, &Secret::new("")));
    assert_eq!(said(&error, &secret), "the secret is empty");

    let pem = Secret::new(pem_for(RSA));
    let key = SigningKey::new(RSA, &pem, KeyEncoding::Pem).expect("a key");
    let error = refused(JwtSigner::with_key(JwtAlgorithm::Hs256, key.clone()));
    assert_eq!(said(&error, &pem), "HS256 signs with a shared secret, and this is a private key");
    let error = refused(JwtSigner::with_key(JwtAlgorithm::Ps256, key));
    assert_eq!(error.kind(), AuthErrorKind::Configuration);
    assert_eq!(
        error.to_string(),
        "PS256 signs with rsa-pss-sha256, and the key was read for rsa-pkcs1-sha256"
    );

    let okp = Secret::new(jwk(&[("kty", "OKP"), ("crv", "Ed25519"), ("d", D), ("x", X)]));
    let error = refused(JwtSigner::from_jwk(JwtAlgorithm::Hs256, &okp));
    assert_eq!(said(&error, &okp), "the JSON Web Key is of another kty than oct, which is needed");
    let oct = Secret::new(jwk(&[("kty", "oct"), ("k", "")]));
    let error = refused(JwtSigner::from_jwk(JwtAlgorithm::Hs256, &oct));
    assert_eq!(said(&error, &oct), "the secret is empty");
}
