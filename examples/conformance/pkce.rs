//! Proof keys for codes: what a verifier's challenge is.

use std::sync::atomic::{AtomicUsize, Ordering};

use networkpype::{
    AuthError,
    schemes::oauth2::{CodeVerifier, Entropy},
};
use serde_json::Value;

use crate::{compare, report::Outcome, text_of};

/// Replays a case if it is one of these.
pub(crate) fn replay(case: &Value) -> Option<Outcome> {
    let expected = &case["expected"];
    let challenge = expected.get("code_challenge").or_else(|| case.get("code_challenge"))?;
    let methods = [&expected["code_challenge_method"], &case["code_challenge_method"]];
    let methods: Vec<_> = methods.into_iter().filter(|method| !method.is_null()).collect();
    if !methods.is_empty() && methods.iter().all(|method| *method == "plain") {
        return Some(match verifier_of(case) {
            // The challenge is the verifier (RFC 7636, section 4.2).
            Some(own) if own != text_of(challenge) => {
                Outcome::Failed(format!("code_challenge: of the method plain it is {own:?}"))
            }
            _ => Outcome::Skipped("the library sends challenges of the method S256 alone".into()),
        });
    }
    if let Some(other) = methods.iter().find(|method| **method != "S256") {
        let problem = format!("code_challenge_method: expected {other}, got \"S256\"");
        return Some(Outcome::Failed(problem));
    }
    Some(match check(case, text_of(challenge)) {
        Ok(()) => Outcome::Passed,
        Err(difference) => Outcome::Failed(difference),
    })
}

fn verifier_of(case: &Value) -> Option<&str> {
    case["code_verifier"].as_str().or(case["expected"]["code_verifier"].as_str())
}

fn check(case: &Value, challenge: &str) -> Result<(), String> {
    let text = |error: AuthError| error.to_string();
    let written = verifier_of(case);
    let drawn = match octets(case) {
        Some(octets) => Some(CodeVerifier::generate_with(&octets).map_err(text)?),
        None => None,
    };
    let verifier = match (written, drawn) {
        (Some(written), Some(drawn)) => {
            compare::same(
                "code_verifier",
                written,
                drawn.secret().expose_str().unwrap_or_default(),
            )?;
            drawn
        }
        (Some(written), None) => CodeVerifier::new(written).map_err(text)?,
        (None, Some(drawn)) => drawn,
        (None, None) => return Err("`code_verifier` is missing".to_owned()),
    };
    compare::same("code_challenge", challenge, &verifier.challenge())
}

/// What was random when the case was made. A verifier is made of 32 octets; of others it is only read.
fn octets(case: &Value) -> Option<Octets> {
    let octets = case["random_octets"].as_array()?.iter();
    let octets: Vec<u8> = octets.filter_map(|octet| octet.as_u64()?.try_into().ok()).collect();
    (octets.len() == 32).then(|| Octets(octets, AtomicUsize::new(0)))
}

/// These octets, sixteen at a time.
struct Octets(Vec<u8>, AtomicUsize);

impl Entropy for Octets {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        let from = self.1.fetch_add(16, Ordering::Relaxed);
        let taken = self.0.get(from..from + 16).and_then(|octets| octets.try_into().ok());
        taken.ok_or_else(|| AuthError::unsupported("the case has no more random octets"))
    }
}
