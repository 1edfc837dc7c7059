//! What does a token endpoint's answer say, however loosely its issuer reads RFC 6749, section 5.1?

use std::time::Duration;

use networkpype_auth::token::{Lifetime, ObtainedToken, TokenError, TokenErrorKind};
use networkpype_core::Secret;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse, TokenType};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::presentation::Presentation;

/// A token as its issuer writes it. Nothing of it is ever written again.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Answer {
    #[serde(skip_serializing)]
    access_token: AccessToken,
    #[serde(skip_serializing, default, deserialize_with = "kind")]
    token_type: Kind,
    #[serde(skip_serializing, default, deserialize_with = "seconds")]
    expires_in: Option<Duration>,
    #[serde(skip_serializing, default)]
    refresh_token: Option<RefreshToken>,
    #[serde(skip_serializing, default, rename = "scope", deserialize_with = "words")]
    scopes: Option<Vec<Scope>>,
}

/// How a token is to be sent. Some issuers do not say.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Kind(Option<String>);

impl TokenType for Kind {}

impl TokenResponse for Answer {
    type TokenType = Kind;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &Kind {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scopes.as_ref()
    }
}

impl Answer {
    /// The token, where it is one that is sent like this.
    pub(super) fn into_token(self, sent: &Presentation) -> Result<ObtainedToken, TokenError> {
        sent.check_type(self.token_type.0.as_deref())?;
        let access = Secret::from(self.access_token.into_secret());
        if access.is_empty() || !access.expose_bytes().iter().all(u8::is_ascii_graphic) {
            let message = "the issuer's token is empty or holds what no header can";
            return Err(TokenError::new(TokenErrorKind::Malformed, message));
        }
        let refresh = self.refresh_token.map(|token| Secret::from(token.into_secret()));
        let scope = self
            .scopes
            .map(|words| words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" "));
        Ok(ObtainedToken::new(access)
            .lifetime(self.expires_in.map(Lifetime::of).unwrap_or_default())
            .refresh(refresh.filter(|token| !token.is_empty()))
            .scope(scope.filter(|scope| !scope.is_empty())))
    }
}

/// As [`seconds_of`], of a field.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Ok(seconds_of(&Value::deserialize(from)?))
}

/// Seconds as a number, as a text, or not at all. What is not to be understood counts as not said, what is below zero as
/// zero, what no number can hold as the greatest.
pub(super) fn seconds_of(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => match number.as_u64() {
            Some(whole) => return Some(Duration::from_secs(whole)),
            None => number.as_f64(),
        },
        Value::String(text) => match text.trim().parse::<u64>() {
            Ok(whole) => return Some(Duration::from_secs(whole)),
            Err(_) => text.trim().parse::<f64>().ok(),
        },
        _ => None,
    };
    // The cast saturates at both ends.
    number.filter(|number| !number.is_nan()).map(|number| Duration::from_secs(number as u64))
}

fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Scope>>, D::Error> {
    let split = |text: &str| -> Vec<Scope> {
        text.split_ascii_whitespace().map(|word| Scope::new(word.to_owned())).collect()
    };
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(split(&text)),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).flat_map(split).collect()),
        _ => None,
    })
}

fn kind<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
    Ok(Kind(match Value::deserialize(from)? {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ObtainedToken, TokenError> {
        let answer: Answer = serde_json::from_str(json)
            .map_err(|_| TokenError::new(TokenErrorKind::Malformed, "not an answer"))?;
        answer.into_token(&Presentation::Bearer(Vec::new()))
    }

    #[test]
    fn t8_a_lifetime_may_be_written_in_any_way_and_never_fails() {
        let secs = |secs| Some(Duration::from_secs(secs));
        for (written, expected) in [
            ("3600", secs(3600)),
            ("\"3600\"", secs(3600)),
            ("\" 3600 \"", secs(3600)),
            ("3599.9", secs(3599)),
            ("\"3599.9\"", secs(3599)),
            ("3.6e3", secs(3600)),
            ("0", secs(0)),
            ("-1", secs(0)),
            ("\"-1\"", secs(0)),
            ("9223372036854775808", secs(1 << 63)),
            ("18446744073709551616", secs(u64::MAX)),
            ("1e300", secs(u64::MAX)),
            ("\"inf\"", secs(u64::MAX)),
            ("\"NaN\"", None),
            ("null", None),
            ("\"soon\"", None),
            ("\"\"", None),
            ("true", None),
            ("{}", None),
            ("[3600]", None),
        ] {
            let json =
                format!(r#"{{"access_token":"t","token_type":"Bearer","expires_in":{written}}}"#);
            let token = read(&json).expect(written);
            assert_eq!(token.lifetime.relative, expected, "{written}");
        }
        let absent = read(r#"{"access_token":"t","token_type":"Bearer"}"#).expect("a token");
        assert_eq!(absent.lifetime, Lifetime::default());
    }

    #[test]
    fn a_scope_may_be_a_text_or_a_list() {
        for (written, expected) in [
            ("\"b a\"", Some("b a")),
            ("[\"b\",\"a\"]", Some("b a")),
            ("[\"b a\",1,null]", Some("b a")),
            ("\"\"", None),
            ("[]", None),
            ("null", None),
            ("7", None),
        ] {
            let json = format!(r#"{{"access_token":"t","token_type":"bearer","scope":{written}}}"#);
            assert_eq!(read(&json).expect(written).scope.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn only_a_bearer_token_written_in_any_case_is_taken_for_one() {
        for kind in ["\"Bearer\"", "\"bearer\"", "\"BEARER\"", "null", "\"\""] {
            let json = format!(r#"{{"access_token":"t","token_type":{kind}}}"#);
            assert!(read(&json).is_ok(), "{kind}");
        }
        assert!(read(r#"{"access_token":"t"}"#).is_ok());
        for kind in ["mac", "N_A", "pop", "bot"] {
            let json = format!(r#"{{"access_token":"t","token_type":"{kind}"}}"#);
            let answer: Answer = serde_json::from_str(&json).expect("an answer");
            assert!(
                answer.into_token(&Presentation::Bearer(vec![kind.to_ascii_uppercase()])).is_ok(),
                "{kind}"
            );
        }
        for kind in ["DPoP", "mac", "N_A", "pop", "bot"] {
            let json = format!(r#"{{"access_token":"t","token_type":"{kind}"}}"#);
            let error = read(&json).expect_err("refused");
            assert_eq!(error.kind(), TokenErrorKind::Refused, "{kind}");
        }
    }

    #[test]
    fn what_holds_no_usable_token_is_malformed() {
        for json in [
            "{}",
            "null",
            "[]",
            r#"{"access_token":null}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nX: y"}"#,
            r#"{"access_token":"\u00e9"}"#,
        ] {
            assert_eq!(read(json).expect_err(json).kind(), TokenErrorKind::Malformed, "{json}");
        }
    }

    #[test]
    fn an_empty_refresh_token_is_none() {
        for (written, expected) in [("\"\"", None), ("null", None), ("\"r\"", Some("r"))] {
            let json = format!(r#"{{"access_token":"t","refresh_token":{written}}}"#);
            let refresh = read(&json).expect(written).refresh;
            assert_eq!(refresh.as_ref().and_then(Secret::expose_str), expected);
        }
    }

    #[test]
    fn an_answer_prints_no_token() {
        let json = r#"{"access_token":"s3cret","refresh_token":"s3cret"}"#;
        let answer: Answer = serde_json::from_str(json).expect("an answer");
        assert!(!format!("{answer:?}").contains("s3cret"), "{answer:?}");
        assert_eq!(serde_json::to_string(&answer).expect("JSON"), "{}");
    }
}
