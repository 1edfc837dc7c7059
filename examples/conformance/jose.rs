//! JSON Web Signatures and Tokens: what a signer makes of the bytes that are signed.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype::{
    AuthError, Secret,
    auth::{JwtAlgorithm, JwtSigner, KeyEncoding, SigningKey},
};
use serde_json::Value;

use crate::{compare, report::Outcome, text_of};

/// One signature: its algorithm, its key, what is signed and what comes of it.
struct Signed {
    algorithm: String,
    key: Value,
    input: String,
    expected: String,
}

/// Replays a case if it is one of these.
pub(crate) fn replay(case: &Value) -> Option<Outcome> {
    if case["expected"].get("thumbprint_sha256").is_some() {
        return Some(Outcome::Skipped("the library makes no thumbprints of keys".to_owned()));
    }
    let expected = &case["expected"];
    if [&expected["valid"], &expected["valid_signature"]].contains(&&Value::Bool(false)) {
        return Some(Outcome::Skipped("the library signs tokens and verifies none".to_owned()));
    }
    let all = match signatures(case)? {
        Ok(all) => all,
        Err(problem) => return Some(Outcome::Failed(problem)),
    };
    if case["verified"] == Value::Bool(false) {
        return Some(Outcome::Skipped("no other implementation reproduces it".to_owned()));
    }
    if let Some(unknown) = all.iter().find(|it| it.algorithm.parse::<JwtAlgorithm>().is_err()) {
        return Some(Outcome::Skipped(format!("the library has no {}", unknown.algorithm)));
    }
    Some(match all.iter().try_for_each(check) {
        Ok(()) => Outcome::Passed,
        Err(difference) => Outcome::Failed(difference),
    })
}

fn signatures(case: &Value) -> Option<Result<Vec<Signed>, String>> {
    if let Some(signing) = case["data"].get("signing") {
        return Some(of_cookbook(&case["data"]["input"], signing));
    }
    let encoded = |name: &str| case[name].as_str().map(|raw| URL_SAFE_NO_PAD.encode(raw));
    let input = match case["protected_b64u"].as_str() {
        Some(header) => format!("{header}.{}", case["payload_signed"].as_str()?),
        None => {
            let header = encoded("header_raw").or_else(|| encoded("protected_raw"))?;
            format!("{header}.{}", encoded("payload_raw")?)
        }
    };
    let expected = &case["expected"];
    let token =
        ["token", "compact", "signature"].iter().find_map(|name| expected[name].as_str())?;
    Some(algorithm(&input).map(|algorithm| {
        let expected = token.rsplit('.').next().unwrap_or_default().to_owned();
        vec![Signed { algorithm, key: case["key"].clone(), input, expected }]
    }))
}

/// One signature of the cookbook, or several with a key each.
fn of_cookbook(input: &Value, signing: &Value) -> Result<Vec<Signed>, String> {
    let several = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let (algorithms, keys) = (several(&input["alg"]), several(&input["key"]));
    let signatures = several(signing);
    if algorithms.len() != signatures.len() || keys.len() != signatures.len() {
        return Err("the case has not one key and algorithm for each signature".to_owned());
    }
    let with = signatures.iter().zip(algorithms.iter().zip(keys));
    Ok(with
        .map(|(signature, (algorithm, key))| Signed {
            algorithm: text_of(algorithm).to_owned(),
            key,
            input: text_of(&signature["sig-input"]).to_owned(),
            expected: text_of(&signature["sig"]).to_owned(),
        })
        .collect())
}

/// The algorithm that the header in front of what is signed names.
fn algorithm(input: &str) -> Result<String, String> {
    let header = input.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|error| error.to_string())?;
    let header: Value = serde_json::from_slice(&header).map_err(|error| error.to_string())?;
    Ok(text_of(&header["alg"]).to_owned())
}

fn check(signed: &Signed) -> Result<(), String> {
    let text = |error: AuthError| error.to_string();
    let algorithm: JwtAlgorithm = signed.algorithm.parse().map_err(text)?;
    let jwk = Secret::from(signed.key.to_string());
    let signer = JwtSigner::from_jwk(algorithm, &jwk).map_err(text)?;
    let own = signer.signature(signed.input.as_bytes()).map_err(text)?;
    let Some(verifier) = verifier(algorithm) else {
        return compare::same("signature", &signed.expected, &own);
    };
    let with_key = algorithm.signature_algorithm().ok_or("an HMAC is the same each time")?;
    let key = SigningKey::new(with_key, &jwk, KeyEncoding::Jwk).map_err(text)?;
    for (whose, signature) in [("expected", &signed.expected), ("own", &own)] {
        let bytes = URL_SAFE_NO_PAD.decode(signature).map_err(|error| error.to_string())?;
        UnparsedPublicKey::new(verifier, key.public_key())
            .verify(signed.input.as_bytes(), &bytes)
            .map_err(|_| format!("signature: the {whose} one does not verify"))?;
    }
    Ok(())
}

/// For algorithms whose signatures differ each time.
pub(crate) fn verifier(algorithm: JwtAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        JwtAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        JwtAlgorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
        JwtAlgorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
        JwtAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        JwtAlgorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        JwtAlgorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}
