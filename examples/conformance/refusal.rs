//! Tokens that must be refused, and for which reason.

use std::time::Duration;

use networkpype::{
    ManualClock, Secret, Timestamp,
    auth::{JwtAlgorithm, JwtErrorKind, JwtKey, JwtVerifier},
};
use serde_json::Value;

use crate::{jose::text, reason::Reason, said::token_of, text_of};

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
    let why = text_of(&expected["why"]);
    let asked = Asked::of(case, Reason::read(why));
    Some(asked.refusal(case, token).and_then(|refused| match refused {
        None => Err(format!("it is taken, and must be refused: {why}")),
        Some((kind, _)) if asked.reason.fits(kind, |kind| asked.is_for(kind)) => Ok(()),
        Some((_, told)) => Err(format!("it is refused because {told}, and not for {why:?}")),
    }))
}

/// Checks a token that must be taken, with the algorithms and for the claims that its case asks for.
pub(crate) fn taken(case: &Value, token: &str) -> Result<(), String> {
    let asked = Asked::of(case, Reason::read(""));
    match asked.refusal(case, token)? {
        None => Ok(()),
        Some((_, told)) => Err(format!("it is refused because {told}, and must be taken")),
    }
}

/// What a case asks of its token. What it does not ask for is not looked at, so that nothing is refused for another reason than
/// its own.
struct Asked<'c> {
    issuers: Vec<&'c str>,
    audiences: Vec<&'c str>,
    token_type: Option<&'c str>,
    /// In seconds.
    now: Option<i64>,
    leeway: u64,
    reason: Reason,
}

impl<'c> Asked<'c> {
    fn of(case: &'c Value, reason: Reason) -> Self {
        let texts = |names: [&str; 2]| names.iter().flat_map(|name| texts(&case[*name])).collect();
        Self {
            issuers: texts(["issuer", "expected_iss"]),
            audiences: texts(["audience", "expected_aud"]),
            token_type: case["expected_typ"].as_str(),
            now: ["now", "now_s", "clock"].iter().find_map(|name| case[*name].as_i64()),
            leeway: case["leeway"].as_u64().unwrap_or_default(),
            reason,
        }
    }

    /// Why the token is refused, in kind and in words, `None` where it is taken.
    fn refusal(&self, case: &Value, token: &str) -> Result<Option<(JwtErrorKind, String)>, String> {
        let keys = keys(case)?;
        if keys.is_empty() {
            let told = "its key is for no algorithm that the case allows";
            return Ok(Some((JwtErrorKind::AlgorithmNotAccepted, told.to_owned())));
        }
        let verifier = self.verifier(keys)?;
        // A signature that is good may be of claims that are not.
        let error = match verifier.verify_signature(token) {
            Ok(_) if !self.is_of_claims(case) => None,
            Ok(_) => verifier.verify(token).err(),
            Err(error) => Some(error),
        };
        Ok(error.map(|error| (error.kind(), error.to_string())))
    }

    /// Whether the claims matter, and not the signature alone: what is signed need have none.
    fn is_of_claims(&self, case: &Value) -> bool {
        let says = |kind| self.reason.says(kind);
        let asks = !self.issuers.is_empty() || !self.audiences.is_empty() || self.now.is_some();
        match &case["expected"]["valid_signature"] {
            Value::Bool(false) => false,
            Value::Bool(true) if case["expected"]["valid"].is_null() => false,
            _ => {
                asks || self.reason.is_of_claims()
                    || says(JwtErrorKind::Malformed) && !says(JwtErrorKind::InvalidSignature)
            }
        }
    }

    fn verifier(&self, keys: Vec<JwtKey>) -> Result<JwtVerifier, String> {
        let mut builder = JwtVerifier::builder().keys(keys);
        if !self.reason.says(JwtErrorKind::Expired) {
            builder = builder.expiry_optional();
        }
        if self.audiences.is_empty() && !self.reason.says(JwtErrorKind::WrongAudience) {
            builder = builder.any_audience();
        }
        builder = builder.leeway(match self.is_for(JwtErrorKind::Expired) {
            true => Duration::from_secs(self.leeway),
            false => Duration::MAX,
        });
        if let Some(seconds) = self.now {
            let now = Timestamp::from_millis(seconds.saturating_mul(1000));
            builder = builder.clock(ManualClock::new(now));
        }
        builder = self.issuers.iter().fold(builder, |builder, it| builder.issuer(*it));
        builder = self.audiences.iter().fold(builder, |builder, it| builder.audience(*it));
        builder = self.token_type.into_iter().fold(builder, |builder, it| builder.token_type(it));
        builder.build().map_err(text)
    }

    /// Whether the case asks for claims that are refused so, by a member of its own or by its reason.
    fn is_for(&self, kind: JwtErrorKind) -> bool {
        match kind {
            JwtErrorKind::Expired | JwtErrorKind::NotYetValid => {
                let says = [JwtErrorKind::Expired, JwtErrorKind::NotYetValid];
                self.now.is_some() || says.iter().any(|kind| self.reason.says(*kind))
            }
            JwtErrorKind::WrongIssuer => !self.issuers.is_empty(),
            JwtErrorKind::WrongAudience => !self.audiences.is_empty(),
            _ => false,
        }
    }
}

/// The key of a case for each of the algorithms that it allows, of all algorithms for those that the key is for.
fn keys(case: &Value) -> Result<Vec<JwtKey>, String> {
    if case["key"].is_null() {
        // Whatever a token without a signature is checked with.
        let any = JwtKey::with_secret(JwtAlgorithm::Hs256, &"any".into());
        return Ok(vec![any.map_err(text)?]);
    }
    let allowed: Vec<&str> = match case["allowed_algs"].as_array() {
        Some(list) => list.iter().map(text_of).collect(),
        None => ALL.split(' ').collect(),
    };
    let jwk = Secret::from(case["key"].to_string());
    let allowed = allowed.iter().filter_map(|name| name.parse::<JwtAlgorithm>().ok());
    Ok(allowed.filter_map(|algorithm| JwtKey::from_jwk(algorithm, &jwk).ok()).collect())
}

/// A text, or each text of a list.
fn texts(value: &Value) -> Vec<&str> {
    match value.as_array() {
        Some(list) => list.iter().filter_map(Value::as_str).collect(),
        None => value.as_str().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use networkpype::auth::JwtSigner;
    use serde_json::json;

    use super::*;

    fn case(claims: &Value, why: &str, more: &Value) -> Value {
        let signer = JwtSigner::with_secret(JwtAlgorithm::Hs256, &"hunter2".into());
        let token = signer.expect("a secret").sign(r#"{"alg":"HS256"}"#, &claims.to_string());
        let mut case = json!({
            "key": {"kty": "oct", "k": "aHVudGVyMg"},
            "token": token.expect("signed"),
            "expected": {"valid": false, "why": why},
        });
        let more = more.as_object().expect("an object").clone();
        case.as_object_mut().expect("an object").extend(more);
        case
    }

    fn told(case: &Value) -> Result<(), String> {
        replay(case).expect("a token that must be refused")
    }

    #[test]
    fn a_token_that_is_refused_for_another_reason_than_its_own_fails() {
        let me = json!({"expected_aud": "me"});
        for (claims, why, more) in [
            (json!({"sub": "x"}), "wrong audience", &me),
            (
                json!({"iss": "good", "aud": "me"}),
                "issued by a stranger",
                &json!({"expected_iss": "good", "expected_aud": "me"}),
            ),
            (json!({"nbf": 1, "exp": 2}), "nbf in the future", &json!({})),
            (json!({"exp": 1}), "a name twice in the header", &json!({})),
            (json!({"exp": 1}), "something else", &json!({})),
            (json!({"aud": "you"}), "something else", &json!({})),
            (json!({"sub": "x"}), "something else", &me),
            (json!({"aud": "you", "exp": 1}), "unknown kid", &me),
            (json!({"exp": 9}), "expired", &json!({"now": 8})),
            (json!({}), "expired", &json!({"now": 8})),
        ] {
            told(&case(&claims, why, more)).expect_err(why);
        }
    }

    #[test]
    fn a_token_that_is_refused_for_its_reason_passes_whatever_else_it_lacks() {
        for (claims, why, more) in [
            (json!({"aud": "you"}), "wrong audience", json!({"expected_aud": "me"})),
            (
                json!({"aud": "you", "exp": 1}),
                "wrong audience",
                json!({"expected_aud": ["me", "us"]}),
            ),
            (json!({"aud": "you"}), "an audience, and none is expected", json!({})),
            (json!({}), "no aud", json!({"audience": "me"})),
            (json!({"iss": "bad", "aud": "me"}), "issued by a stranger", json!({"issuer": "good"})),
            (json!({"nbf": 9, "aud": "me"}), "nbf in the future", json!({"now": 8})),
            (json!({"exp": 8}), "expired", json!({"now": 8})),
            (json!({"exp": 1, "aud": "me"}), "expired", json!({})),
            (json!({"exp": 3, "sub": "x"}), "expired", json!({"now": 8, "leeway": 5})),
            (json!({}), "exp is missing", json!({})),
            (json!({"exp": "1"}), "exp is no number", json!({"now": 8})),
            (json!({"exp": 1}), "something else", json!({"now": 8})),
            (json!({"aud": "you"}), "something else", json!({"expected_aud": "me"})),
            (json!({}), "a token of another typ", json!({"expected_typ": "at+jwt"})),
            (json!({}), "signed with another algorithm", json!({"allowed_algs": ["HS512"]})),
            (json!({}), "key of another kind", json!({"allowed_algs": ["RS256"]})),
            (json!({}), "another key", json!({"key": {"kty": "oct", "k": "AQ"}})),
        ] {
            told(&case(&claims, why, &more)).unwrap_or_else(|told| panic!("{why}: {told}"));
        }
    }
}
