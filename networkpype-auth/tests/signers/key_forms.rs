use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::{
    encoding::AsDer as _,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
        ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
        KeyPair as _,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use networkpype_auth::{DigestEncoding, KeyEncoding, SignatureAlgorithm, SigningKey};
use networkpype_core::Secret;

use crate::vectors::{P256_WITH_PARAMETERS, der_of, pem_for, pem_key, shared_key};

fn public(
    algorithm: SignatureAlgorithm,
    secret: impl Into<Secret>,
    encoding: KeyEncoding,
) -> Vec<u8> {
    SigningKey::new(algorithm, &secret.into(), encoding)
        .unwrap_or_else(|error| panic!("{algorithm:?} {encoding:?}: {error}"))
        .public_key()
        .to_vec()
}

#[test]
fn a_key_is_the_same_in_all_its_forms() {
    let ed25519 = SignatureAlgorithm::Ed25519;
    let expected = public(ed25519, shared_key("ed25519_pkcs8_pem"), KeyEncoding::Pem);
    let seed_and_public = STANDARD.decode(shared_key("ed25519_seed_pub_base64")).expect("base64");
    for (secret, encoding) in [
        (shared_key("ed25519_seed_base64"), KeyEncoding::SeedBase64),
        (shared_key("ed25519_seed_base64").replace('=', ""), KeyEncoding::SeedBase64),
        (shared_key("ed25519_seed_pub_base64"), KeyEncoding::SeedBase64),
        (shared_key("ed25519_seed_base58"), KeyEncoding::SeedBase58),
        (DigestEncoding::Base58.encode(&seed_and_public), KeyEncoding::SeedBase58),
        (DigestEncoding::Hex.encode(&seed_and_public[..32]), KeyEncoding::SeedHex),
        (DigestEncoding::HexUpper.encode(&seed_and_public), KeyEncoding::SeedHex),
    ] {
        assert_eq!(public(ed25519, secret, encoding), expected, "{encoding:?}");
    }

    let rsa = SignatureAlgorithm::RsaPssSha256;
    let pem = shared_key("rsa2048_pkcs8_pem");
    let expected = public(rsa, pem.as_str(), KeyEncoding::Pem);
    // PKCS#8 is 26 bytes of what kind of key it is, and PKCS#1.
    let pkcs1 = der_of(&pem).split_off(26);
    let body = STANDARD.encode(&pkcs1);
    let pkcs1_pem =
        format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n");
    for (secret, encoding) in [
        (Secret::new(der_of(&pem)), KeyEncoding::Der),
        (Secret::new(pkcs1), KeyEncoding::Der),
        (Secret::new(pkcs1_pem), KeyEncoding::Pem),
        (Secret::new(shared_key("rsa2048_pkcs8_base64")), KeyEncoding::DerBase64),
        (Secret::new(body), KeyEncoding::DerBase64),
    ] {
        assert_eq!(public(rsa, secret, encoding), expected, "{encoding:?}");
    }
}

#[test]
fn line_ends_of_a_pem_text_may_be_any_that_survive_an_environment_variable() {
    for algorithm in [
        SignatureAlgorithm::Ed25519,
        SignatureAlgorithm::RsaPkcs1Sha256,
        SignatureAlgorithm::EcdsaP256Sha256,
    ] {
        let pem = pem_for(algorithm);
        let expected = public(algorithm, pem.as_str(), KeyEncoding::Pem);
        for line_end in ["\\n", "\r\n", "\\r\\n", "\n\n", "\r", " \n"] {
            let pem = pem.replace('\n', line_end);
            assert_eq!(public(algorithm, pem, KeyEncoding::Pem), expected, "{line_end:?}");
        }
        assert_eq!(public(algorithm, pem.trim_end(), KeyEncoding::Pem), expected);
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        for line_end in ["", "\n", "\\n", "\r\n"] {
            let base64 = lines.join(line_end) + line_end;
            assert_eq!(public(algorithm, base64, KeyEncoding::DerBase64), expected, "{line_end:?}");
        }
    }
}

#[test]
fn what_stands_before_a_private_key_is_skipped() {
    let ed25519 = SignatureAlgorithm::Ed25519;
    let pem = pem_for(ed25519);
    let expected = public(ed25519, pem.as_str(), KeyEncoding::Pem);
    for before in [
        shared_key("ed25519_public_pem"),
        include_str!("fixtures/certificate.pem").to_owned(),
        "Bag Attributes\n    friendlyName: key\n".to_owned(),
    ] {
        assert_eq!(public(ed25519, format!("{before}{pem}"), KeyEncoding::Pem), expected);
    }
    // `openssl ecparam -genkey` writes the curve first.
    pem_key(SignatureAlgorithm::EcdsaP256Sha256, P256_WITH_PARAMETERS);
}

#[test]
fn ec_keys_are_read_as_pkcs8_as_sec1_and_as_a_number() {
    for (algorithm, library) in [
        (SignatureAlgorithm::EcdsaP256Sha256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        (SignatureAlgorithm::EcdsaP384Sha384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        (SignatureAlgorithm::EcdsaP521Sha512, &ECDSA_P521_SHA512_FIXED_SIGNING),
        (SignatureAlgorithm::EcdsaSecp256k1Sha256, &ECDSA_P256K1_SHA256_FIXED_SIGNING),
    ] {
        let pair = EcdsaKeyPair::generate(library).expect("a key");
        let pkcs8 = pair.to_pkcs8v1().expect("PKCS#8");
        let sec1 = pair.private_key().as_der().expect("SEC1");
        let number = pair.private_key().as_be_bytes().expect("a number");
        for (secret, encoding) in [
            (Secret::new(pkcs8.as_ref()), KeyEncoding::Der),
            (Secret::new(STANDARD.encode(&pkcs8)), KeyEncoding::DerBase64),
            (Secret::new(sec1.as_ref()), KeyEncoding::Der),
            (Secret::new(STANDARD.encode(number.as_ref())), KeyEncoding::SeedBase64),
            (Secret::new(DigestEncoding::Base58.encode(number.as_ref())), KeyEncoding::SeedBase58),
            (Secret::new(DigestEncoding::Hex.encode(number.as_ref())), KeyEncoding::SeedHex),
        ] {
            let read = public(algorithm, secret, encoding);
            assert_eq!(read, pair.public_key().as_ref(), "{algorithm:?} {encoding:?}");
        }
    }
}

#[test]
fn key_encodings_are_named_as_they_are_read() {
    for name in ["pem", "der-base64", "der", "seed-base64", "seed-base58", "seed-hex", "jwk"] {
        assert_eq!(name.parse::<KeyEncoding>().expect("a name").as_str(), name);
    }
}
