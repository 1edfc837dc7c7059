//! Vectors, keys and the verifier that the tests share.

use std::{ffi::OsString, io::Write as _, path::Path};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P256K1_SHA256_ASN1,
    ECDSA_P256K1_SHA256_FIXED, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED,
    ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use networkpype_auth::{KeyEncoding, SignatureAlgorithm, SigningKey};
use networkpype_core::Secret;
use serde_json::Value;

/// Every algorithm, with its verifier and that of its DER form.
pub(crate) static ALGORITHMS: [(
    SignatureAlgorithm,
    &dyn VerificationAlgorithm,
    &dyn VerificationAlgorithm,
); 11] = [
    (SignatureAlgorithm::Ed25519, &ED25519, &ED25519),
    (SignatureAlgorithm::RsaPkcs1Sha256, &RSA_PKCS1_2048_8192_SHA256, &RSA_PKCS1_2048_8192_SHA256),
    (SignatureAlgorithm::RsaPkcs1Sha384, &RSA_PKCS1_2048_8192_SHA384, &RSA_PKCS1_2048_8192_SHA384),
    (SignatureAlgorithm::RsaPkcs1Sha512, &RSA_PKCS1_2048_8192_SHA512, &RSA_PKCS1_2048_8192_SHA512),
    (SignatureAlgorithm::RsaPssSha256, &RSA_PSS_2048_8192_SHA256, &RSA_PSS_2048_8192_SHA256),
    (SignatureAlgorithm::RsaPssSha384, &RSA_PSS_2048_8192_SHA384, &RSA_PSS_2048_8192_SHA384),
    (SignatureAlgorithm::RsaPssSha512, &RSA_PSS_2048_8192_SHA512, &RSA_PSS_2048_8192_SHA512),
    (SignatureAlgorithm::EcdsaP256Sha256, &ECDSA_P256_SHA256_FIXED, &ECDSA_P256_SHA256_ASN1),
    (SignatureAlgorithm::EcdsaP384Sha384, &ECDSA_P384_SHA384_FIXED, &ECDSA_P384_SHA384_ASN1),
    (SignatureAlgorithm::EcdsaP521Sha512, &ECDSA_P521_SHA512_FIXED, &ECDSA_P521_SHA512_ASN1),
    (
        SignatureAlgorithm::EcdsaSecp256k1Sha256,
        &ECDSA_P256K1_SHA256_FIXED,
        &ECDSA_P256K1_SHA256_ASN1,
    ),
];

pub(crate) const P256_WITH_PARAMETERS: &str = include_str!("fixtures/p256_with_parameters.pem");
pub(crate) const P384_PKCS8: &str = include_str!("fixtures/p384_pkcs8.pem");
pub(crate) const P521_SEC1: &str = include_str!("fixtures/p521_sec1.pem");
pub(crate) const SECP256K1_SEC1: &str = include_str!("fixtures/secp256k1_sec1.pem");

pub(crate) fn committed(file: &str) -> Value {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(file))
}

pub(crate) fn read(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// The folder of the vectors that may not be in the repository; where it is not set, says so past libtest, which keeps
/// what a passing test prints with `eprintln!` to itself.
pub(crate) fn vectors_here_only(what: &str) -> Option<OsString> {
    let folder = std::env::var_os("NETWORKPYPE_VECTORS");
    if folder.is_none() {
        let mut stderr = std::io::stderr();
        writeln!(stderr, "SKIPPED: NETWORKPYPE_VECTORS is not set, so {what} were not checked")
            .expect("stderr is open");
    }
    folder
}

/// A key of `vectors/ccxt/keys.json`, as its text.
pub(crate) fn shared_key(name: &str) -> String {
    committed("ccxt/keys.json")[name].as_str().expect("a key of this name").to_owned()
}

/// A PEM key for `algorithm`.
pub(crate) fn pem_for(algorithm: SignatureAlgorithm) -> String {
    match algorithm {
        SignatureAlgorithm::Ed25519 => shared_key("ed25519_pkcs8_pem"),
        SignatureAlgorithm::EcdsaP256Sha256 => shared_key("p256_sec1_pem"),
        SignatureAlgorithm::EcdsaP384Sha384 => P384_PKCS8.to_owned(),
        SignatureAlgorithm::EcdsaP521Sha512 => P521_SEC1.to_owned(),
        SignatureAlgorithm::EcdsaSecp256k1Sha256 => SECP256K1_SEC1.to_owned(),
        _ => shared_key("rsa2048_pkcs8_pem"),
    }
}

pub(crate) fn pem_key(algorithm: SignatureAlgorithm, pem: &str) -> SigningKey {
    SigningKey::new(algorithm, &Secret::new(pem), KeyEncoding::Pem)
        .unwrap_or_else(|error| panic!("{algorithm:?}: {error}"))
}

/// The bytes between the lines of a PEM text that holds nothing else.
pub(crate) fn der_of(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(base64).expect("base64")
}

pub(crate) fn verifies(
    algorithm: &'static dyn VerificationAlgorithm,
    public: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, public).verify(message, signature).is_ok()
}

/// The verifier of fixed signatures.
pub(crate) fn verifier(algorithm: SignatureAlgorithm) -> &'static dyn VerificationAlgorithm {
    ALGORITHMS.iter().find(|(known, ..)| *known == algorithm).expect("an algorithm").1
}
