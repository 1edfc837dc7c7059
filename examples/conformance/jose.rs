//! JSON Web Signatures and Tokens: what a signer makes, what a verifier takes and what it refuses, and thumbprints of keys.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype::{
    AuthError, Secret,
    auth::{JwtAlgorithm, JwtKey, JwtSigner, JwtVerifier, PublicJwk, VerifyingKey},
};
use serde_json::Value;

use crate::{compare, refusal, report::Outcome, said, text_of};

/// Algorithms that are registered for signatures, and that the library has not. `none` signs nothing.
const NOT_HERE: [&str; 4] = ["Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];

/// One signature: its algorithm, its key, what is signed and what comes of it.
struct Signed {
    algorithm: String,
    key: Value,
    input: String,
    expected: String,
}

/// Replays a case if it is one of these.
pub(crate) fn replay(case: &Value) -> Option<Outcome> {
    if let Some(thumbprint) = thumbprint_of(case) {
        return Some(thumbprint);
    }
    if let Some(refused) = refusal::replay(case) {
        return Some(outcome(refused));
    }
    let all = signatures(case)?;
    if case["verified"] == Value::Bool(false) {
        return Some(Outcome::Skipped("no other implementation reproduces it".to_owned()));
    }
    let all = match all {
        Ok(all) => all,
        Err(problem) => return Some(Outcome::Failed(problem)),
    };
    if let Some(unknown) = all.iter().find(|it| it.algorithm.parse::<JwtAlgorithm>().is_err()) {
        let name = &unknown.algorithm;
        return Some(match NOT_HERE.contains(&name.as_str()) {
            true => Outcome::Skipped(format!("the library has no {name}")),
            false => Outcome::Failed(format!("{name:?} is no algorithm that signs")),
        });
    }
    if all.iter().any(|it| it.key["crv"] == "Ed448") {
        return Some(Outcome::Skipped("the library has no Ed448".to_owned()));
    }
    let checked = all.iter().try_for_each(|signed| check(case, signed));
    Some(outcome(checked.and_then(|()| match said::token_of(case) {
        Some(token) if said::is_whole(token) => refusal::taken(case, token),
        _ => Ok(()),
    })))
}

fn outcome(result: Result<(), String>) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed,
        Err(difference) => Outcome::Failed(difference),
    }
}

fn thumbprint_of(case: &Value) -> Option<Outcome> {
    let expected = text_of(case["expected"].get("thumbprint_sha256")?);
    if case["key"]["kty"] == "oct" {
        let why =
            "the library names no shared secrets: a hash of one tells of it (RFC 7638, section 7)";
        return Some(Outcome::Skipped(why.to_owned()));
    }
    let key = case["key"].to_string().parse::<PublicJwk>().map_err(text);
    Some(outcome(key.and_then(|key| compare::same("thumbprint", expected, &key.thumbprint()))))
}

fn signatures(case: &Value) -> Option<Result<Vec<Signed>, String>> {
    if let Some(signing) = case["data"].get("signing") {
        let output = &case["data"]["output"];
        return Some(of_cookbook(&case["data"]["input"], signing, output));
    }
    let token = said::token_of(case)?;
    if !case["key"].is_object() {
        // There is a signature to be taken, and nothing to take it by.
        let is_positive = says_valid(case) && said::is_whole(token);
        return is_positive.then(|| Err("its key is missing, or no JWK".to_owned()));
    }
    let input = said::input(case, token)?;
    Some(input.and_then(|input| {
        let algorithm = algorithm(&input)?;
        let expected = token.rsplit('.').next().unwrap_or_default().to_owned();
        Ok(vec![Signed { algorithm, key: case["key"].clone(), input, expected }])
    }))
}

fn says_valid(case: &Value) -> bool {
    ["valid", "valid_signature"].iter().any(|it| case["expected"][*it] == Value::Bool(true))
}

/// One signature of the cookbook, or several with a key each.
fn of_cookbook(input: &Value, signing: &Value, output: &Value) -> Result<Vec<Signed>, String> {
    let several = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let (algorithms, keys) = (several(&input["alg"]), several(&input["key"]));
    let signatures = several(signing);
    if algorithms.len() != signatures.len() || keys.len() != signatures.len() {
        return Err("the case has not one key and algorithm for each signature".to_owned());
    }
    for signature in &signatures {
        let (header, payload) =
            text_of(&signature["sig-input"]).split_once('.').unwrap_or_default();
        if let Some(given) = signature["protected_b64u"].as_str() {
            compare::same("protected_b64u", given, header)?;
        }
        if let Some(given) = input["payload"].as_str().filter(|given| *given != payload) {
            compare::same("payload", &URL_SAFE_NO_PAD.encode(given), payload)?;
        }
        if let Some(compact) = output["compact"].as_str() {
            let sig = text_of(&signature["sig"]);
            let detached = format!("{header}..{sig}");
            if compact != detached {
                compare::same("compact", compact, &format!("{header}.{payload}.{sig}"))?;
            }
        }
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
    Ok(text_of(&header_of(input)?["alg"]).to_owned())
}

fn header_of(input: &str) -> Result<Value, String> {
    said::json(input.split('.').next().unwrap_or_default())
}

fn check(case: &Value, signed: &Signed) -> Result<(), String> {
    let algorithm: JwtAlgorithm = signed.algorithm.parse().map_err(text)?;
    let jwk = Secret::from(signed.key.to_string());
    let key = JwtKey::from_jwk(algorithm, &jwk).map_err(text)?;
    let verifier = JwtVerifier::builder().key(key).build().map_err(text)?;
    let verifies = |whose: &str, signature: &str| match verify(&verifier, signed, signature) {
        Err(why) => Err(format!("signature: the {whose} one does not verify: {why}")),
        Ok(()) => Ok(()),
    };
    verifies("expected", &signed.expected)?;
    let is_private = ["d", "k"].iter().any(|member| signed.key.get(member).is_some());
    if !is_private {
        return Ok(());
    }
    let signer = JwtSigner::from_jwk(algorithm, &jwk).map_err(text)?;
    let own = signer.signature(signed.input.as_bytes()).map_err(text)?;
    verifies("own", &own)?;
    match differs_each_time(algorithm) || case["deterministic"] == Value::Bool(false) {
        true => Ok(()),
        false => compare::same("signature", &signed.expected, &own),
    }
}

fn differs_each_time(algorithm: JwtAlgorithm) -> bool {
    ["ES", "PS"].iter().any(|family| algorithm.as_str().starts_with(family))
}

/// Whether a verifier takes the signature, and the payload out of it, or refuses it where the header is one that must not
/// be.
fn verify(verifier: &JwtVerifier, signed: &Signed, signature: &str) -> Result<(), String> {
    let (header, payload) = signed.input.split_once('.').ok_or("it has no payload")?;
    if header.is_empty() {
        return verify_bare(signed, signature);
    }
    let members = header_of(&signed.input)?;
    let is_unencoded = members["b64"] == Value::Bool(false);
    if members.get("b64").is_some() && members.get("crit").is_none() {
        let bare = format!("{header}..{signature}");
        return match verifier.verify_detached(&bare, payload.as_bytes()) {
            Err(_) => Ok(()),
            Ok(_) => Err("`b64` is taken, and `crit` does not name it (RFC 7797)".to_owned()),
        };
    }
    let bytes = match is_unencoded {
        true => payload.as_bytes().to_vec(),
        false => URL_SAFE_NO_PAD.decode(payload).map_err(|error| error.to_string())?,
    };
    let detached = format!("{header}..{signature}");
    verifier.verify_detached(&detached, &bytes).map_err(|error| error.to_string())?;
    if is_unencoded && payload.contains('.') {
        // It has no compact form (RFC 7797, section 5.2).
        return Ok(());
    }
    let whole = format!("{}.{signature}", signed.input);
    let verified = verifier.verify_signature(&whole).map_err(|error| error.to_string())?;
    match verified.payload() == bytes {
        true => Ok(()),
        false => Err("the payload is another".to_owned()),
    }
}

/// A signature whose algorithm is said elsewhere, where nothing protects it. It has no compact form.
fn verify_bare(signed: &Signed, signature: &str) -> Result<(), String> {
    let algorithm: JwtAlgorithm = signed.algorithm.parse().map_err(text)?;
    let Some(with_key) = algorithm.signature_algorithm() else {
        // An HMAC is the same each time, and is compared.
        return Ok(());
    };
    let key: PublicJwk = signed.key.to_string().parse().map_err(text)?;
    let key = VerifyingKey::from_jwk(with_key, &key).map_err(text)?;
    let bytes = URL_SAFE_NO_PAD.decode(signature).map_err(|error| error.to_string())?;
    match key.verify(signed.input.as_bytes(), &bytes) {
        true => Ok(()),
        false => Err("it is of something else".to_owned()),
    }
}

pub(crate) fn text(error: AuthError) -> String {
    error.to_string()
}
