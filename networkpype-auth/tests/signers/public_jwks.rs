//! Public keys: what is published of a private one, and what others know it by.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_auth::{JwtAlgorithm, KeyEncoding, PublicJwk, SignatureAlgorithm, SigningKey};
use networkpype_core::Secret;
use serde_json::{Value, json};

use crate::vectors::{ALGORITHMS, committed, pem_for, pem_key, verifier, verifies};

fn parsed(jwk: &Value) -> PublicJwk {
    jwk.to_string().parse().unwrap_or_else(|error| panic!("{error}"))
}

fn refused(jwk: &Value) -> String {
    jwk.to_string().parse::<PublicJwk>().expect_err("refused").to_string()
}

#[test]
fn the_thumbprints_of_rfc_7638_and_8037_reproduce() {
    let file = committed("jose/jwk_thumbprint.json");
    let cases = file["cases"].as_array().expect("cases");
    assert!(!cases.is_empty());
    for case in cases {
        let thumbprint = parsed(&case["key"]).thumbprint();
        assert_eq!(thumbprint, case["expected"]["thumbprint_sha256"], "{}", case["name"]);
    }
}

#[test]
fn the_public_half_of_a_key_is_the_one_that_stands_beside_it_in_its_jwk() {
    let mut kinds = Vec::new();
    for file in ["jose/rfc7515_8037.json", "jose/generated_pyjwt.json"] {
        for case in committed(file)["cases"].as_array().expect("cases") {
            let algorithm = case["alg"].as_str().unwrap_or_default().parse::<JwtAlgorithm>();
            let Some(algorithm) = algorithm.ok().and_then(JwtAlgorithm::signature_algorithm) else {
                continue;
            };
            let jwk = case["key"].to_string();
            let key = SigningKey::new(algorithm, &Secret::new(jwk.as_str()), KeyEncoding::Jwk);
            let public = key.expect("a key").public_jwk();
            assert_eq!(public, parsed(&case["key"]), "{}", case["name"]);
            let members: Value = serde_json::from_str(&public.to_string()).expect("JSON");
            for (name, value) in members.as_object().expect("an object") {
                assert_eq!(value, &case["key"][name], "{name} of {}", case["name"]);
                assert!(["kty", "crv", "x", "y", "n", "e"].contains(&name.as_str()), "{name}");
            }
            kinds.push(algorithm);
        }
    }
    assert!(kinds.contains(&SignatureAlgorithm::RsaPkcs1Sha256), "{kinds:?}");
    assert!(kinds.contains(&SignatureAlgorithm::EcdsaP384Sha384), "{kinds:?}");
    assert!(kinds.contains(&SignatureAlgorithm::Ed25519), "{kinds:?}");
}

#[test]
fn a_private_key_is_not_published_with_its_public_half() {
    let whole = committed("jose/rfc7515_8037.json")["cases"][1]["key"].clone();
    assert!(whole["d"].is_string() && whole["kty"] == "RSA");
    let public = parsed(&whole).to_string();
    assert_eq!(public, json!({"e": whole["e"], "kty": "RSA", "n": whole["n"]}).to_string());
    let more =
        json!({"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "k", "use": "sig", "d": "AQ"});
    assert_eq!(parsed(&more).to_string(), r#"{"crv":"X25519","kty":"OKP","x":"AA"}"#);
}

#[test]
fn a_key_that_is_generated_signs_and_is_another_each_time() {
    for (algorithm, ..) in ALGORITHMS {
        let key = SigningKey::generate(algorithm).expect("a key");
        assert_eq!(key.algorithm(), algorithm);
        let again = SigningKey::new(algorithm, &key.to_pkcs8().expect("PKCS#8"), KeyEncoding::Der);
        let again = again.expect("the same key");
        let signed = again.sign(b"message").expect("signed");
        assert!(verifies(verifier(algorithm), key.public_key(), b"message", &signed));
        assert_eq!(again.public_jwk(), key.public_jwk(), "{algorithm:?}");
    }
    let key = || SigningKey::generate(SignatureAlgorithm::EcdsaP256Sha256).expect("a key");
    assert_ne!(key().public_jwk().thumbprint(), key().public_jwk().thumbprint());
}

#[test]
fn a_public_key_stands_in_a_header_as_it_is_hashed() {
    for (algorithm, jwt) in [
        (SignatureAlgorithm::Ed25519, JwtAlgorithm::EdDsa),
        (SignatureAlgorithm::RsaPssSha256, JwtAlgorithm::Ps256),
        (SignatureAlgorithm::EcdsaP384Sha384, JwtAlgorithm::Es384),
    ] {
        let public = pem_key(algorithm, &pem_for(algorithm)).public_jwk();
        let extra = [("typ", json!("dpop+jwt")), ("jwk", json!(public))];
        let header = jwt.header(extra).expect("a header");
        assert_eq!(
            header,
            format!(r#"{{"alg":"{}","typ":"dpop+jwt","jwk":{public}}}"#, jwt.as_str())
        );
    }
}

#[test]
fn a_zero_in_front_of_a_number_does_not_give_a_key_another_thumbprint() {
    let key = committed("jose/rfc7515_8037.json")["cases"][1]["key"].clone();
    let mut padded = key.clone();
    for name in ["n", "e"] {
        let number = URL_SAFE_NO_PAD.decode(key[name].as_str().expect("a number"));
        let number = number.expect("base64url");
        padded[name] = URL_SAFE_NO_PAD.encode([&[0, 0], number.as_slice()].concat()).into();
    }
    assert_eq!(parsed(&padded), parsed(&key));
    assert_eq!(parsed(&padded).thumbprint(), parsed(&key).thumbprint());
    // Coordinates keep theirs: they are as long as the curve's numbers.
    let point = json!({"kty": "EC", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(43)});
    assert!(parsed(&point).to_string().contains(&"A".repeat(43)));
}

#[test]
fn a_jwk_that_is_no_public_key_is_refused_by_the_name_of_what_is_wrong() {
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    for (jwk, expected) in [
        (json!(null), "the key is not a JSON Web Key: not a JSON object"),
        (json!({}), "the JSON Web Key is of another kty than EC, OKP and RSA"),
        (
            json!({"kty": "oct", "k": "AQ"}),
            "the JSON Web Key is a shared secret: it has no public half",
        ),
        (
            json!({"kty": "OKP", "x": X}),
            "the JSON Web Key lacks its member crv, or that names no curve",
        ),
        (
            json!({"kty": "OKP", "crv": "a\"b", "x": X}),
            "the JSON Web Key lacks its member crv, or that names no curve",
        ),
        (json!({"kty": "OKP", "crv": "Ed25519"}), "the JSON Web Key lacks its member x"),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": format!("{X}=")}),
            "the member x of the JSON Web Key is not base64url",
        ),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AQ"}),
            "the member x of the JSON Web Key has 1 bytes; on Ed25519 it has 32",
        ),
        (
            json!({"kty": "EC", "crv": "P-521", "x": X, "y": X}),
            "the member x of the JSON Web Key has 32 bytes; on P-521 it has 66",
        ),
        (json!({"kty": "EC", "crv": "P-256", "x": X}), "the JSON Web Key lacks its member y"),
        (
            json!({"kty": "RSA", "e": "AQAB", "n": ""}),
            "the member n of the JSON Web Key is empty or zero",
        ),
        (
            json!({"kty": "RSA", "e": "AAA", "n": X}),
            "the member e of the JSON Web Key is empty or zero",
        ),
        (json!({"kty": "RSA", "e": 65537, "n": X}), "the JSON Web Key lacks its member e"),
    ] {
        assert_eq!(refused(&jwk), expected, "{jwk}");
    }
}
