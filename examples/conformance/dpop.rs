//! Proofs of possession (RFC 9449): theirs verify as their case says, and ours say the same of the same request.

use networkpype::{
    Method, Secret, Timestamp,
    auth::{JwtAlgorithm, JwtKey, JwtVerifier, KeyEncoding, PublicJwk, SigningKey},
    schemes::oauth2::{DpopClaims, DpopKey},
};
use serde_json::{Map, Value};

use crate::{report::Outcome, text_of, token};

/// The type that the header of a proof has.
const TYPE: &str = "dpop+jwt";

/// Replays a case if it is one of these.
pub(crate) fn replay(case: &Value) -> Option<Outcome> {
    let proof = case["proof"].as_str()?;
    if case["verified"] == Value::Bool(false) {
        return Some(Outcome::Skipped("no other implementation reproduces it".to_owned()));
    }
    let expected = &case["expected"];
    if expected["valid"] == Value::Bool(false) {
        let fits = verified(proof, expected).and_then(|theirs| same(case, &theirs));
        return Some(match fits {
            Err(reason) if is_meant(text_of(&case["why"]), &reason) => Outcome::Passed,
            Err(reason) => Outcome::Failed(format!("it is refused for another reason: {reason}")),
            Ok(()) => Outcome::Failed("it has to be refused, and fits".to_owned()),
        });
    }
    Some(match verified(proof, expected).and_then(|theirs| same(case, &theirs)) {
        Ok(()) => Outcome::Passed,
        Err(difference) => Outcome::Failed(difference),
    })
}

/// Whether this is the reason that the case gives, as far as it names what is wrong.
fn is_meant(why: &str, reason: &str) -> bool {
    const NAMES: [&str; 9] =
        ["typ", "alg", "jwk", "jkt", "htm", "htu", "ath", "nonce", "signature"];
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.map(str::to_ascii_lowercase).filter(|word| NAMES.contains(&word.as_str())).collect()
    };
    let (meant, found) = (words(why), words(reason));
    meant.is_empty() || found.iter().any(|found| meant.contains(found))
}

/// A proof that verifies by the key in its header.
struct Proof {
    algorithm: JwtAlgorithm,
    jwk: PublicJwk,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

fn verified(proof: &str, expected: &Value) -> Result<Proof, String> {
    let header = object(token::json_of(proof, 0)?)?;
    let algorithm: JwtAlgorithm =
        header.get("alg").map(text_of).unwrap_or_default().parse().map_err(text)?;
    let jwk = header.get("jwk").cloned().unwrap_or_default();
    if ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|name| jwk.get(name).is_some()) {
        return Err("jwk: it holds a private key".to_owned());
    }
    let jwk: PublicJwk = jwk.to_string().parse().map_err(text)?;
    if let Some(jkt) = expected["jkt"].as_str().filter(|jkt| *jkt != jwk.thumbprint()) {
        return Err(format!("jkt: expected {jkt}, got {}", jwk.thumbprint()));
    }
    let key = JwtKey::from_jwk(algorithm, &Secret::from(jwk.to_string())).map_err(text)?;
    let verifier = JwtVerifier::builder().key(key).token_type(TYPE).build().map_err(text)?;
    verifier.verify_signature(proof).map_err(text)?;
    if header.get("typ").map(text_of) != Some(TYPE) {
        return Err("typ: it is no proof".to_owned());
    }
    let claims = object(token::json_of(proof, 1)?)?;
    if !["jti", "htm", "htu"].iter().all(|name| claims.get(*name).is_some_and(Value::is_string))
        || !claims.get("iat").is_some_and(Value::is_number)
    {
        return Err("claims: `jti`, `htm`, `htu` or `iat` is missing".to_owned());
    }
    Ok(Proof { algorithm, jwk, header, claims })
}

/// Whether a proof of ours for the same request, at the same time, says the same.
fn same(case: &Value, theirs: &Proof) -> Result<(), String> {
    let claim = |name: &str| theirs.claims.get(name).map(text_of).unwrap_or_default();
    if case["nonce"].as_str().is_some_and(|nonce| nonce != claim("nonce")) {
        return Err("nonce: it is not the server's".to_owned());
    }
    for (name, wanted) in [("header", &theirs.header), ("claims", &theirs.claims)] {
        if case[name].is_object() && case[name] != Value::Object(wanted.clone()) {
            return Err(format!("{name}: the proof does not say what the case does"));
        }
    }
    let issued_at = theirs.claims.get("iat").and_then(Value::as_i64).unwrap_or_default();
    // The URL of the request, where the case has one: the proof leaves its query out.
    let url = ["url", "uri"].iter().find_map(|name| case[*name].as_str());
    let method = case["method"].as_str().unwrap_or_else(|| claim("htm"));
    let mut claims = DpopClaims::new(
        &method.parse::<Method>().map_err(text)?,
        url.unwrap_or_else(|| claim("htu")),
        Timestamp::from_secs(issued_at),
    )
    .map_err(text)?
    .jti(claim("jti"));
    if let Some(token) = case["access_token"].as_str() {
        claims = claims.access_token(&token.into());
    }
    if let Some(nonce) = theirs.claims.get("nonce").and_then(Value::as_str) {
        claims = claims.nonce(nonce);
    }
    let (key, is_theirs) = key(case, theirs.algorithm)?;
    let key = DpopKey::new(theirs.algorithm, key).map_err(text)?;
    let ours = verified(&key.proof(&claims).map_err(text)?, &Value::Null)?;
    if is_theirs && ours.jwk != theirs.jwk {
        return Err("key: it is not the one in the header".to_owned());
    }
    let has_token = case["access_token"].is_string();
    // Without the token nothing but the proof says what its hash is.
    let of = if has_token { &ours.claims } else { &theirs.claims };
    let ath = case["expected"]["ath"].as_str();
    if let Some(ath) = ath.filter(|ath| of.get("ath").map(text_of) != Some(*ath)) {
        return Err(format!("ath: expected {ath}, got {:?}", of.get("ath")));
    }
    for (name, wanted) in &theirs.claims {
        // What is no claim of a proof is the other's own.
        let is_ours = ["jti", "htm", "htu", "iat", "nonce"].contains(&name.as_str())
            || name == "ath" && has_token;
        let got = ours.claims.get(name);
        if is_ours && got != Some(wanted) {
            return Err(format!("{name}: expected {wanted}, got {got:?}"));
        }
    }
    if let Some(name) = ours.claims.keys().find(|name| !theirs.claims.contains_key(*name)) {
        return Err(format!("{name}: the other proof does not say it"));
    }
    Ok(())
}

/// The case's private key, or one of its kind where it is not published.
fn key(case: &Value, algorithm: JwtAlgorithm) -> Result<(SigningKey, bool), String> {
    let of = algorithm.signature_algorithm().ok_or("alg: a shared secret proves nothing")?;
    for name in ["private_jwk", "private_key", "key"] {
        let key = match &case[name] {
            Value::Object(jwk) if jwk.contains_key("d") => {
                SigningKey::new(of, &case[name].to_string().into(), KeyEncoding::Jwk)
            }
            Value::String(pem) => SigningKey::new(of, &pem.as_str().into(), KeyEncoding::Pem),
            _ => continue,
        };
        return Ok((key.map_err(text)?, true));
    }
    Ok((SigningKey::generate(of).map_err(text)?, false))
}

fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err("a part of the proof is no object".to_owned()),
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
