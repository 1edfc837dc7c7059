//! Tokens and signatures of RFC 7515, 7797 and 8037, of the JOSE cookbook (RFC 7520), and of other implementations.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_auth::{HmacSigner, JwtAlgorithm, JwtSigner, KeyEncoding, SigningKey};
use networkpype_core::Secret;
use serde_json::Value;

use crate::vectors::{committed, read, vectors_here_only, verifier, verifies};

/// What no signer here makes.
const NOT_SUPPORTED: [&str; 1] = ["none"];

fn string<'c>(value: &'c Value, name: &str) -> &'c str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn signer(algorithm: JwtAlgorithm, jwk: &Value) -> JwtSigner {
    JwtSigner::from_jwk(algorithm, &Secret::new(jwk.to_string()))
        .unwrap_or_else(|error| panic!("{algorithm:?}: {error}"))
}

/// Whether the last part of a token is the signature of what stands before it, by another implementation than the
/// signer's where the algorithm is not an HMAC.
fn token_verifies(algorithm: JwtAlgorithm, jwk: &Value, token: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    match (algorithm.hmac_algorithm(), algorithm.signature_algorithm()) {
        (Some(hmac), _) => {
            let key = URL_SAFE_NO_PAD.decode(string(jwk, "k")).expect("base64url");
            HmacSigner::new(hmac, &key.into()).verify(signed.as_bytes(), &signature)
        }
        (None, Some(asymmetric)) => {
            let jwk = Secret::new(jwk.to_string());
            let key = SigningKey::new(asymmetric, &jwk, KeyEncoding::Jwk).expect("a key");
            verifies(verifier(asymmetric), key.public_key(), signed.as_bytes(), &signature)
        }
        (None, None) => panic!("{algorithm:?} signs with nothing"),
    }
}

/// Checks one case, and returns whether its algorithm is supported. The vector's own token has to verify too, so that
/// the verifier is known to look at the same key.
fn reproduces(case: &Value, header: &str, token: &str) -> bool {
    let name = string(case, "name");
    let Ok(algorithm) = string(case, "alg").parse::<JwtAlgorithm>() else {
        assert!(NOT_SUPPORTED.contains(&string(case, "alg")), "{name}");
        return false;
    };
    let signer = signer(algorithm, &case["key"]);
    let signed = signer.sign(header, string(case, "payload_raw")).expect("signed");
    if case["deterministic"].as_bool().expect("a mark") {
        assert_eq!(signed, token, "{name}");
    } else {
        let unsigned = |token: &str| token.rsplit_once('.').expect("three parts").0.to_owned();
        assert_eq!(unsigned(&signed), unsigned(token), "{name}");
        assert_ne!(signed, token, "{name}: another signature each time");
    }
    for token in [signed.as_str(), token] {
        assert!(token_verifies(algorithm, &case["key"], token), "{name}");
        assert!(!token_verifies(algorithm, &case["key"], &token.replacen('e', "f", 1)), "{name}");
    }
    true
}

#[test]
fn the_tokens_of_rfc_7515_and_8037_reproduce() {
    let mut reproduced = Vec::new();
    for case in committed("jose/rfc7515_8037.json")["cases"].as_array().expect("cases") {
        let header = case["protected_raw"].as_str().unwrap_or_default();
        if reproduces(case, header, string(case, "compact")) {
            reproduced.push(string(case, "alg").to_owned());
        }
    }
    assert_eq!(reproduced, ["HS256", "RS256", "ES256", "ES512", "EdDSA"]);
}

#[test]
fn the_tokens_of_pyjwt_reproduce() {
    let file = committed("jose/generated_pyjwt.json");
    let tokens = file["cases"].as_array().expect("cases").iter();
    let valid = tokens.filter(|case| case["expected"]["valid_signature"] == true);
    let mut reproduced = 0;
    for case in valid {
        let token = string(&case["expected"], "token");
        reproduced += usize::from(reproduces(case, string(case, "header_raw"), token));
    }
    assert_eq!(reproduced, 26);
}

#[test]
fn a_token_is_allocated_once() {
    let file = committed("jose/generated_pyjwt.json");
    for case in file["cases"].as_array().expect("cases") {
        let name = case["alg"].as_str().unwrap_or_default();
        let Ok(algorithm) = name.parse::<JwtAlgorithm>() else { continue };
        let signer = signer(algorithm, &case["key"]);
        for length in 0..4 {
            let token = signer.sign_bytes(b"{}", &vec![b' '; length]).expect("signed");
            // There is room for a dot behind the signature.
            assert_eq!(token.capacity(), token.len() + 1, "{name}");
        }
    }
}

#[test]
fn a_payload_is_signed_encoded_and_unencoded_as_rfc_7797_has_it() {
    for case in committed("jose/rfc7797.json")["cases"].as_array().expect("cases") {
        let signer = signer(JwtAlgorithm::Hs256, &case["key"]);
        let header = URL_SAFE_NO_PAD.encode(string(case, "protected"));
        assert_eq!(header, string(case, "protected_b64u"));
        let input = format!("{header}.{}", string(case, "payload_signed"));
        let signature = signer.signature(input.as_bytes()).expect("signed");
        assert_eq!(signature, string(&case["expected"], "signature"));
    }
    let extra = [("b64", serde_json::json!(false)), ("crit", serde_json::json!(["b64"]))];
    assert_eq!(
        JwtAlgorithm::Hs256.header(extra).expect("a header"),
        r#"{"alg":"HS256","typ":"JWT","b64":false,"crit":["b64"]}"#
    );
}

#[test]
fn the_signatures_of_the_jose_cookbook_reproduce() {
    let Some(folder) = vectors_here_only("the signatures of the JOSE cookbook") else { return };
    let file = read(&Path::new(&folder).join("jose/rfc7520_cookbook_jws.json"));
    let mut reproduced = 0;
    for case in file["cases"].as_array().expect("cases") {
        let (input, signing) = (&case["data"]["input"], &case["data"]["signing"]);
        // One signs with three keys; one says of itself that it is corrupt.
        let single = input["alg"].as_str().filter(|_| case["verified"] == true);
        let Some(Ok(algorithm)) = single.map(str::parse::<JwtAlgorithm>) else { continue };
        let signature = signer(algorithm, &input["key"])
            .signature(string(signing, "sig-input").as_bytes())
            .expect("signed");
        if case["data"]["reproducible"] == true {
            assert_eq!(signature, string(signing, "sig"), "{}", case["name"]);
        }
        let token = format!("{}.{signature}", string(signing, "sig-input"));
        assert!(token_verifies(algorithm, &input["key"], &token), "{}", case["name"]);
        reproduced += 1;
    }
    assert_eq!(reproduced, 9);
}

#[test]
fn there_is_no_token_without_a_signature() {
    for name in ["none", "None", "NONE", "", "hs256", "eddsa", "ES521"] {
        let error = name.parse::<JwtAlgorithm>().expect_err("not supported");
        assert!(error.to_string().ends_with("ES256, ES384, ES512, ES256K, EdDSA"), "{error}");
    }
    for name in
        "HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 ES256K EdDSA"
            .split(' ')
    {
        assert_eq!(name.parse::<JwtAlgorithm>().expect("a name").as_str(), name);
    }
}

#[test]
fn a_signer_is_shared_by_tasks_and_not_printed() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let signer = JwtSigner::with_secret(JwtAlgorithm::Hs512, &"hunter2".into()).expect("a secret");
    shared(&signer);
    assert_eq!(signer.algorithm(), JwtAlgorithm::Hs512);
    assert_eq!(format!("{signer:?}"), "JwtSigner { algorithm: Hs512, .. }");
}
