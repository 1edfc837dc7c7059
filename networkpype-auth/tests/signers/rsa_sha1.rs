use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use networkpype_auth::{KeyEncoding, RsaSha1Key, SignatureAlgorithm, SigningKey};
use networkpype_core::Secret;

use crate::vectors::{P384_PKCS8, der_of, shared_key};

#[test]
fn another_library_verifies_what_a_key_signs_with_sha_1() {
    let pem = shared_key("rsa2048_pkcs8_pem");
    let pkcs1 = der_of(&pem).split_off(26);
    let public =
        SigningKey::new(SignatureAlgorithm::RsaPkcs1Sha256, &pem.as_str().into(), KeyEncoding::Pem);
    let public = public.expect("a key").public_key().to_vec();
    for (secret, encoding) in [
        (Secret::from(pem), KeyEncoding::Pem),
        (shared_key("rsa2048_pkcs8_base64").into(), KeyEncoding::DerBase64),
        (pkcs1.into(), KeyEncoding::Der),
    ] {
        let key = RsaSha1Key::new(&secret, encoding).expect("a key");
        let signature = key.sign(b"message").expect("signed");
        assert_eq!(signature, key.sign(b"message").expect("signed"), "{encoding:?}");
        let verifier =
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, &public);
        verifier.verify(b"message", &signature).expect("verifies");
        assert!(verifier.verify(b"another", &signature).is_err());
    }
}

#[test]
fn what_is_no_rsa_key_is_refused_without_being_repeated() {
    let too_short = include_str!("fixtures/rsa1024.pem");
    for (secret, encoding, told) in [
        (Secret::from(too_short), KeyEncoding::Pem, "2048 to 8192 bits"),
        (P384_PKCS8.into(), KeyEncoding::Pem, "and an RSA key is needed"),
        ("hunter2".into(), KeyEncoding::Pem, "not PEM"),
        ("hunter2".into(), KeyEncoding::Jwk, "PEM, DER"),
        ("hunter2".into(), KeyEncoding::SeedHex, "PEM, DER"),
    ] {
        let error = RsaSha1Key::new(&secret, encoding).expect_err(told).to_string();
        assert!(error.contains(told) && !error.contains("hunter2"), "{error}");
    }
}
