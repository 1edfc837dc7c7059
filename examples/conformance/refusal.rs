//! Tokens that must be refused, and for which reason.

use networkpype::{
    ManualClock, Secret, Timestamp,
    auth::{JwtAlgorithm, JwtErrorKind, JwtKey, JwtVerifier},
};
use serde_json::Value;

use crate::{
    jose::{text, token_of},
    text_of,
};

/// What is asked for where a case says no algorithm.
const ALL: &str =
    "HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 ES256K EdDSA";

/// Checks a case if it is a token that must be refused.
pub(crate) fn replay(case: &Value) -> Option<Result<(), String>> {
    let expected = &case["expected"];
    let says = [&expected["valid"], &expected["valid_signature"]];
    if !says.contains(&&Value::Bool(false)) {
        return None;
    }
    let token = token_of(case)?;
    Some(verifier(case).and_then(|verifier| {
        // A signature that is good may be of claims that are not.
        let refused = match verifier.verify_signature(token) {
            Ok(_) if expected["valid_signature"] == Value::Bool(false) => None,
            Ok(_) => verifier.verify(token).err(),
            Err(error) => Some(error),
        };
        let why = text_of(&expected["why"]);
        match refused {
            None => Err(format!("it is taken, and must be refused: {why}")),
            Some(error) if fits(error.kind(), why) => Ok(()),
            Some(error) => Err(format!("it is refused because {error}, and not for {why:?}")),
        }
    }))
}

/// A verifier with the key of a case for the algorithms that it allows.
fn verifier(case: &Value) -> Result<JwtVerifier, String> {
    let allowed: Vec<&str> = match case["allowed_algs"].as_array() {
        Some(list) => list.iter().map(text_of).collect(),
        None => ALL.split(' ').collect(),
    };
    let mut builder = JwtVerifier::builder();
    let jwk = Secret::from(case["key"].to_string());
    for algorithm in allowed.iter().filter_map(|name| name.parse::<JwtAlgorithm>().ok()) {
        builder = match &case["key"] {
            // Whatever a token without a signature is checked with.
            Value::Null => {
                builder.key(JwtKey::with_secret(JwtAlgorithm::Hs256, &"any".into()).map_err(text)?)
            }
            // Of all algorithms those are meant that the key is for.
            _ => builder.keys(JwtKey::from_jwk(algorithm, &jwk)),
        };
    }
    let instant = ["now", "now_s", "clock"].iter().find_map(|name| case[name].as_i64());
    if let Some(seconds) = instant {
        builder = builder.clock(ManualClock::new(Timestamp::from_millis(seconds * 1000)));
    }
    for name in ["issuer", "expected_iss"] {
        builder = case[name].as_str().into_iter().fold(builder, |builder, it| builder.issuer(it));
    }
    for name in ["audience", "expected_aud"] {
        builder = case[name].as_str().into_iter().fold(builder, |builder, it| builder.audience(it));
    }
    builder.build().map_err(text)
}

/// Whether it is the reason that a case gives, as far as its words tell.
fn fits(kind: JwtErrorKind, why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
    match kind {
        _ if says(&["alg none", "alg: none", "alg=none", "allowed"]) => {
            kind == JwtErrorKind::AlgorithmNotAccepted
        }
        _ if says(&["critical", "crit header", "b64"]) => kind == JwtErrorKind::CriticalHeader,
        _ if says(&["empty signature", "swapped", "tampered"]) => {
            matches!(kind, JwtErrorKind::InvalidSignature | JwtErrorKind::Malformed)
        }
        _ => true,
    }
}
