//! What the claims of a token have to say (RFC 7519, section 4.1), decided from them and an instant.

use std::{borrow::Cow, time::Duration};

use networkpype_core::Timestamp;

use super::{JwtError, JwtErrorKind, members::Members};

/// What is asked of a token beside its signature.
#[derive(Clone)]
pub(super) struct Rules {
    /// Any, where it is empty.
    pub(super) issuers: Vec<String>,
    /// Whom tokens may be meant for.
    pub(super) audiences: Vec<String>,
    pub(super) any_audience: bool,
    pub(super) required: Vec<String>,
    pub(super) must_expire: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) leeway: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            any_audience: false,
            required: Vec::new(),
            must_expire: true,
            max_age: None,
            leeway: Duration::from_secs(60),
        }
    }
}

impl Rules {
    pub(super) fn check(&self, claims: &Members<'_>, now: Timestamp) -> Result<(), JwtError> {
        self.check_times(claims, now)?;
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        let is_there = |name: &String| claims.json(name).is_some_and(|json| json != "null");
        match self.required.iter().find(|name| !is_there(name)) {
            None => Ok(()),
            Some(name) => Err(missing(format!("it lacks the claim `{name}`, which is required"))),
        }
    }

    fn check_times(&self, claims: &Members<'_>, now: Timestamp) -> Result<(), JwtError> {
        let expired = |message| Err(JwtError::new(JwtErrorKind::Expired, message));
        let early = |message| Err(JwtError::new(JwtErrorKind::NotYetValid, message));
        // Whatever is later than this does not begin yet, whatever is earlier has ended.
        let (late, ended) = (now.saturating_add(self.leeway), now.saturating_sub(self.leeway));
        match instant(claims, "exp")? {
            Some(exp) if exp <= ended => return expired("it has expired, by its `exp`"),
            None if self.must_expire => {
                return Err(missing("it has no `exp`, so that it never ends"));
            }
            _ => {}
        }
        if instant(claims, "nbf")?.is_some_and(|nbf| nbf > late) {
            return early("it is not valid yet, by its `nbf`");
        }
        match (instant(claims, "iat")?, self.max_age) {
            (Some(iat), _) if iat > late => early("it was issued in the future, by its `iat`"),
            (Some(iat), Some(age)) if iat.saturating_add(age) < ended => {
                expired("it was issued too long ago, by its `iat`")
            }
            (None, Some(_)) => {
                Err(missing("it has no `iat`, so that it does not say when it was issued"))
            }
            _ => Ok(()),
        }
    }

    fn check_issuer(&self, claims: &Members<'_>) -> Result<(), JwtError> {
        let not_text = |_| JwtError::malformed("its `iss` is no text");
        let issuer: Option<String> = claims.get("iss").map_err(not_text)?;
        match issuer {
            _ if self.issuers.is_empty() => Ok(()),
            Some(issuer) if self.issuers.contains(&issuer) => Ok(()),
            Some(_) => Err(JwtError::new(
                JwtErrorKind::WrongIssuer,
                "somebody else issued it, by its `iss`",
            )),
            None => Err(missing("it has no `iss`, so that it does not say who issued it")),
        }
    }

    fn check_audience(&self, claims: &Members<'_>) -> Result<(), JwtError> {
        let wrong = |message| Err(JwtError::new(JwtErrorKind::WrongAudience, message));
        let Some(audience) = audience(claims)? else {
            return match self.audiences.is_empty() {
                true => Ok(()),
                false => {
                    Err(missing("it has no `aud`, so that it does not say whom it is meant for"))
                }
            };
        };
        if self.any_audience || audience.iter().any(|name| self.audiences.contains(name)) {
            return Ok(());
        }
        match self.audiences.is_empty() {
            // RFC 7519, section 4.1.3: who finds no name of its own in it refuses it.
            true => wrong(
                "it is meant for somebody, by its `aud`, and the verifier has no name: give it its `audience`",
            ),
            false => wrong("it is meant for somebody else, by its `aud`"),
        }
    }
}

/// One name, or a list of them.
fn audience(claims: &Members<'_>) -> Result<Option<Vec<String>>, JwtError> {
    if let Ok(one) = claims.get::<String>("aud") {
        return Ok(one.map(|name| vec![name]));
    }
    claims
        .get("aud")
        .map_err(|_| JwtError::malformed("its `aud` is neither a text nor a list of texts"))
}

/// Seconds since 1970, whole or not.
fn instant(claims: &Members<'_>, name: &str) -> Result<Option<Timestamp>, JwtError> {
    if let Ok(seconds) = claims.get::<i64>(name) {
        return Ok(seconds.map(|it| Timestamp::from_millis(it.saturating_mul(1000))));
    }
    match claims.get::<f64>(name) {
        // What is beyond the range is as far as it goes.
        Ok(seconds) => Ok(seconds.map(|it| Timestamp::from_millis((it * 1000.0) as i64))),
        Err(_) => Err(JwtError::malformed(format!("its `{name}` is no number"))),
    }
}

fn missing(message: impl Into<Cow<'static, str>>) -> JwtError {
    JwtError::new(JwtErrorKind::MissingClaim, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn check(rules: &Rules, claims: &Value) -> Result<(), JwtErrorKind> {
        let text = claims.to_string();
        let members = Members::parse(text.as_bytes()).expect("an object");
        rules.check(&members, Timestamp::from_millis(NOW * 1000)).map_err(|error| error.kind())
    }

    fn rules() -> Rules {
        Rules { must_expire: false, ..Rules::default() }
    }

    #[test]
    fn times_count_with_the_leeway_on_either_side() {
        use JwtErrorKind::{Expired, Malformed, NotYetValid};
        for (claims, expected) in [
            (json!({}), Ok(())),
            (json!({"exp": NOW + 1}), Ok(())),
            (json!({"exp": NOW - 59}), Ok(())),
            (json!({"exp": NOW - 60}), Err(Expired)),
            (json!({"exp": NOW as f64 - 59.5}), Ok(())),
            (json!({"exp": NOW as f64 - 60.5}), Err(Expired)),
            (json!({"exp": 0}), Err(Expired)),
            (json!({"exp": -1}), Err(Expired)),
            (json!({"exp": i64::MAX}), Ok(())),
            (json!({"exp": u64::MAX}), Ok(())),
            (json!({"exp": 1e300}), Ok(())),
            (json!({"exp": -1e300}), Err(Expired)),
            (json!({"exp": "1800000000"}), Err(Malformed)),
            (json!({"exp": true}), Err(Malformed)),
            (json!({"exp": null}), Err(Malformed)),
            (json!({"nbf": NOW + 60}), Ok(())),
            (json!({"nbf": NOW + 61}), Err(NotYetValid)),
            (json!({"nbf": [1]}), Err(Malformed)),
            (json!({"iat": NOW - 10}), Ok(())),
            (json!({"iat": NOW + 60}), Ok(())),
            (json!({"iat": NOW + 61}), Err(NotYetValid)),
            (json!({"iat": {}}), Err(Malformed)),
        ] {
            assert_eq!(check(&rules(), &claims), expected, "{claims}");
        }
        let strict = Rules { leeway: Duration::ZERO, ..rules() };
        assert_eq!(check(&strict, &json!({"exp": NOW})), Err(Expired));
        assert_eq!(check(&strict, &json!({"exp": NOW + 1, "nbf": NOW, "iat": NOW})), Ok(()));
        assert_eq!(check(&strict, &json!({"nbf": NOW + 1})), Err(NotYetValid));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rules = Rules {
            issuers: named(&["me"]),
            audiences: named(&["you"]),
            required: named(&["sub", "tenant"]),
            max_age: Some(Duration::from_secs(300)),
            ..Rules::default()
        };
        let mut claims = json!({});
        for (name, wrong, right) in [
            ("exp", json!("x"), json!(NOW + 10)),
            ("iat", json!(NOW + 1000), json!(NOW)),
            ("iss", json!("c4nary"), json!("me")),
            ("aud", json!("c4nary"), json!("you")),
            ("sub", json!(null), json!("c4nary")),
            ("tenant", json!(null), json!("c4nary")),
        ] {
            let mut check = |value: Option<Value>| {
                if let Some(value) = value {
                    claims[name] = value;
                }
                let text = claims.to_string();
                let members = Members::parse(text.as_bytes()).expect("an object");
                rules
                    .check(&members, Timestamp::from_millis(NOW * 1000))
                    .map_err(|it| it.to_string())
            };
            for error in [check(None), check(Some(wrong))].map(|it| it.expect_err(name)) {
                assert!(error.contains(&format!("`{name}`")), "{name}: {error}");
                assert!(!error.contains("c4nary"), "{error}");
            }
            let _ = check(Some(right));
        }
        assert_eq!(check(&rules, &claims), Ok(()));
    }

    #[test]
    fn a_token_ends_unless_it_is_said_that_it_need_not() {
        assert_eq!(check(&Rules::default(), &json!({})), Err(JwtErrorKind::MissingClaim));
        assert_eq!(check(&rules(), &json!({})), Ok(()));
    }

    #[test]
    fn a_token_may_be_too_old_although_it_has_not_ended() {
        let rules = Rules { max_age: Some(Duration::from_secs(300)), ..rules() };
        for (claims, expected) in [
            (json!({"iat": NOW - 360}), Ok(())),
            (json!({"iat": NOW - 361}), Err(JwtErrorKind::Expired)),
            (json!({"exp": NOW + 9, "iat": 0}), Err(JwtErrorKind::Expired)),
            (json!({"exp": NOW + 9}), Err(JwtErrorKind::MissingClaim)),
        ] {
            assert_eq!(check(&rules, &claims), expected, "{claims}");
        }
    }

    #[test]
    fn an_audience_is_one_text_or_a_list() {
        use JwtErrorKind::{Malformed, MissingClaim, WrongAudience};
        let ours = Rules { audiences: vec!["a".into(), "b".into()], ..rules() };
        let any = Rules { any_audience: true, ..rules() };
        for (claims, by_ours, by_nobody, by_any) in [
            (json!({"aud": "a"}), Ok(()), Err(WrongAudience), Ok(())),
            (json!({"aud": ["x", "b"]}), Ok(()), Err(WrongAudience), Ok(())),
            (json!({"aud": "ab"}), Err(WrongAudience), Err(WrongAudience), Ok(())),
            (json!({"aud": ["x"]}), Err(WrongAudience), Err(WrongAudience), Ok(())),
            (json!({"aud": []}), Err(WrongAudience), Err(WrongAudience), Ok(())),
            (json!({}), Err(MissingClaim), Ok(()), Ok(())),
            (json!({"aud": 1}), Err(Malformed), Err(Malformed), Err(Malformed)),
            (json!({"aud": ["a", 1]}), Err(Malformed), Err(Malformed), Err(Malformed)),
        ] {
            assert_eq!(check(&ours, &claims), by_ours, "{claims}");
            assert_eq!(check(&rules(), &claims), by_nobody, "{claims}");
            assert_eq!(check(&any, &claims), by_any, "{claims}");
        }
    }

    #[test]
    fn an_issuer_and_required_claims_have_to_be_there() {
        use JwtErrorKind::{Malformed, MissingClaim, WrongIssuer};
        let rules = Rules { issuers: vec!["i".into()], required: vec!["sub".into()], ..rules() };
        for (claims, expected) in [
            (json!({"iss": "i", "sub": "s"}), Ok(())),
            (json!({"iss": "i", "sub": null}), Err(MissingClaim)),
            (json!({"iss": "i"}), Err(MissingClaim)),
            (json!({"sub": "s"}), Err(MissingClaim)),
            (json!({"iss": "i ", "sub": "s"}), Err(WrongIssuer)),
            (json!({"iss": ["i"], "sub": "s"}), Err(Malformed)),
        ] {
            assert_eq!(check(&rules, &claims), expected, "{claims}");
        }
    }
}
