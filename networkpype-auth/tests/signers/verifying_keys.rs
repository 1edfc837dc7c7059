//! Public keys in their forms, and what is said of those that cannot be used.

use aws_lc_rs::{encoding::AsDer as _, signature::ParsedPublicKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use networkpype_auth::{PublicJwk, SignatureAlgorithm, SigningKey, VerifyingKey};
use networkpype_core::{AuthError, AuthErrorKind};

use crate::vectors::{ALGORITHMS, pem_for, pem_key, shared_key, verifier};

const ED25519: SignatureAlgorithm = SignatureAlgorithm::Ed25519;
const RSA: SignatureAlgorithm = SignatureAlgorithm::RsaPssSha384;
const P256: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;
const P521: SignatureAlgorithm = SignatureAlgorithm::EcdsaP521Sha512;

fn pem(mark: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {mark}-----\n{}\n-----END {mark}-----\n", lines.join("\n"))
}

/// SubjectPublicKeyInfo, as another implementation writes it.
fn info(key: &SigningKey) -> Vec<u8> {
    let parsed = ParsedPublicKey::new(verifier(key.algorithm()), key.public_key()).expect("a key");
    parsed.as_der().expect("DER").as_ref().to_vec()
}

#[test]
fn a_public_key_verifies_in_all_its_forms() {
    for (algorithm, ..) in ALGORITHMS {
        let key = pem_key(algorithm, &pem_for(algorithm));
        let info = info(&key);
        let text = pem("PUBLIC KEY", &info);
        let mut forms = vec![
            VerifyingKey::from_pem(algorithm, &text),
            VerifyingKey::from_pem(algorithm, &text.replace('\n', "\\n")),
            VerifyingKey::from_der(algorithm, &info),
            VerifyingKey::from_der(algorithm, key.public_key()),
            VerifyingKey::from_jwk(algorithm, &key.public_jwk()),
            key.verifying_key(),
        ];
        if key.public_jwk().to_string().contains("RSA") {
            let pkcs1 = pem("RSA PUBLIC KEY", key.public_key());
            forms.push(VerifyingKey::from_pem(algorithm, &pkcs1));
        }
        let signature = key.sign(b"message").expect("signed");
        for form in forms {
            let form = form.unwrap_or_else(|error| panic!("{algorithm:?}: {error}"));
            assert_eq!(form.algorithm(), algorithm);
            assert!(form.verify(b"message", &signature), "{algorithm:?}");
            assert!(!form.verify(b"massage", &signature), "{algorithm:?}");
            assert!(!form.verify(b"message", &signature[1..]), "{algorithm:?}");
            assert!(!form.verify(b"message", b""), "{algorithm:?}");
        }
    }
}

#[test]
fn published_public_keys_are_read() {
    for (algorithm, name) in
        [(ED25519, "ed25519_public_pem"), (RSA, "rsa2048_public_pem"), (P256, "p256_public_pem")]
    {
        let key = VerifyingKey::from_pem(algorithm, &shared_key(name)).expect(name);
        let signed = pem_key(algorithm, &pem_for(algorithm)).sign(b"m").expect("signed");
        assert!(key.verify(b"m", &signed), "{name}");
    }
}

#[test]
fn a_zero_in_front_of_a_modulus_does_no_harm() {
    let key = pem_key(RSA, &pem_for(RSA));
    let jwk: serde_json::Value = serde_json::from_str(&key.public_jwk().to_string()).expect("JSON");
    let n = jwk["n"].as_str().expect("a modulus");
    let n = URL_SAFE_NO_PAD.decode(n).expect("base64url");
    let mut padded = jwk.clone();
    padded["n"] = URL_SAFE_NO_PAD.encode([vec![0], n].concat()).into();
    let public: PublicJwk = padded.to_string().parse().expect("a key");
    let verifier = VerifyingKey::from_jwk(RSA, &public).expect("a key");
    assert!(verifier.verify(b"m", &key.sign(b"m").expect("signed")));
}

#[test]
fn what_is_no_public_key_for_the_algorithm_says_what_it_is() {
    fn said(result: Result<VerifyingKey, AuthError>) -> String {
        let error = result.expect_err("refused");
        assert_eq!(error.kind(), AuthErrorKind::Credentials);
        error.to_string()
    }
    let of = |algorithm| pem_key(algorithm, &pem_for(algorithm));
    let spki = |algorithm| pem("PUBLIC KEY", &info(&of(algorithm)));
    let cut = spki(ED25519).replace("-----END PUBLIC KEY-----", "");
    for (algorithm, text, expected) in [
        (ED25519, spki(RSA), "this is an RSA key, and an Ed25519 key is needed"),
        (RSA, spki(P256), "this is an EC key on P-256, and an RSA key is needed"),
        (P256, spki(P521), "this is an EC key on P-521, and an EC key on P-256 is needed"),
        (P521, spki(ED25519), "this is an Ed25519 key, and an EC key on P-521 is needed"),
        (RSA, pem("PUBLIC KEY", b"no key"), "this is not the public half of an RSA key"),
        (ED25519, pem_for(ED25519), "this is a private key, and the public key is needed"),
        (P256, pem_for(P256), "this is a private key, and the public key is needed"),
        (
            RSA,
            include_str!("fixtures/certificate.pem").to_owned(),
            "this is a certificate or the like",
        ),
        (RSA, String::new(), "the key is not PEM: no line says -----BEGIN PUBLIC KEY-----"),
        (ED25519, cut, "the key is not PEM: a line is damaged"),
    ] {
        let said = said(VerifyingKey::from_pem(algorithm, &text));
        assert!(said.starts_with(expected), "{said}");
    }
    for jwk in [of(RSA).public_jwk(), of(P521).public_jwk(), of(ED25519).public_jwk()] {
        let said = said(VerifyingKey::from_jwk(P256, &jwk));
        assert!(said.starts_with("the JSON Web Key is of another "), "{said}");
    }
    // A point that is not on the curve, and RSA keys that are too short to trust.
    let off = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                  "y":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}"#;
    let off = VerifyingKey::from_jwk(P256, &off.parse().expect("members"));
    assert_eq!(said(off), "this is not the public half of an EC key on P-256, or it is damaged");
    let short = serde_json::json!({"kty": "RSA", "e": "AQAB", "n": "_".repeat(172)}).to_string();
    let short = VerifyingKey::from_jwk(RSA, &short.parse().expect("members"));
    assert_eq!(said(short), "an RSA key needs 2048 to 8192 bits");
}

#[test]
fn a_verifying_key_is_shared_by_tasks_and_not_printed() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let key = pem_key(ED25519, &pem_for(ED25519)).verifying_key().expect("a key");
    shared(&key);
    assert_eq!(format!("{key:?}"), "VerifyingKey { algorithm: Ed25519, .. }");
}

#[test]
fn an_ed25519_key_that_verifies_anything_is_refused_however_it_is_written() {
    // The second coordinates of the eight points of small order, also where they are not reduced. The highest bit is free.
    let all = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let info = info(&pem_key(ED25519, &pem_for(ED25519)));
    for text in all {
        let plain = bytes_of(text);
        let mut signed = plain.clone();
        signed[31] |= 0x80;
        for point in [plain, signed] {
            let info = [&info[..12], &point].concat();
            let jwk = serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&point)});
            let jwk: PublicJwk = jwk.to_string().parse().expect("members");
            for (form, result) in [
                ("the bare key", VerifyingKey::from_der(ED25519, &point)),
                ("DER", VerifyingKey::from_der(ED25519, &info)),
                ("PEM", VerifyingKey::from_pem(ED25519, &pem("PUBLIC KEY", &info))),
                ("a JSON Web Key", VerifyingKey::from_jwk(ED25519, &jwk)),
            ] {
                let error = result.expect_err(form);
                assert!(error.to_string().contains("small order"), "{form}, {text}: {error}");
            }
        }
    }
    // What it would mean: this one verifies a signature that nobody made.
    let identity = bytes_of(all[1]);
    let forged = [identity.as_slice(), &[0; 32]].concat();
    let library = ParsedPublicKey::new(verifier(ED25519), &identity).expect("the library takes it");
    assert!(library.verify_sig(b"anything", &forged).is_ok());
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}
