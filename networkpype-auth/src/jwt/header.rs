use networkpype_core::{AuthError, AuthErrorKind};
use serde::Serialize;

use super::JwtAlgorithm;

impl JwtAlgorithm {
    /// The JSON text of a header that names this algorithm: `alg`, `typ` and then `extra` in its order, without spaces.
    /// A `typ` in `extra` replaces `JWT`, and stays in second place.
    ///
    /// # Errors
    /// When `extra` holds `alg` or a name twice, or a value that has no JSON.
    ///
    /// ```
    /// use networkpype_auth::JwtAlgorithm;
    ///
    /// let header = JwtAlgorithm::Es256.header([("kid", "key-1"), ("nonce", "abc")])?;
    /// assert_eq!(header, r#"{"alg":"ES256","typ":"JWT","kid":"key-1","nonce":"abc"}"#);
    /// # Ok::<(), networkpype_core::AuthError>(())
    /// ```
    pub fn header<N: AsRef<str>, V: Serialize>(
        self,
        extra: impl IntoIterator<Item = (N, V)>,
    ) -> Result<String, AuthError> {
        let mut names = vec!["alg".to_owned()];
        let (mut typ, mut rest) = (String::from("\"JWT\""), String::new());
        for (name, value) in extra {
            let name = name.as_ref();
            let value = json(&value)?;
            if names.iter().any(|known| known == name) {
                // Two members of one name may be read either way (RFC 7515, section 4).
                return Err(unfit("holds a name twice, or `alg`, which is the signer's"));
            }
            names.push(name.to_owned());
            if name == "typ" {
                typ = value;
            } else {
                rest.extend([",", &json(&name)?, ":", &value]);
            }
        }
        Ok(format!("{{\"alg\":\"{}\",\"typ\":{typ}{rest}}}", self.as_str()))
    }
}

fn json(value: &impl Serialize) -> Result<String, AuthError> {
    serde_json::to_string(value).map_err(|_| unfit("holds a value that has no JSON"))
}

fn unfit(reason: &str) -> AuthError {
    AuthError::new(AuthErrorKind::Configuration, format!("the header of the token {reason}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_header_begins_with_alg_and_typ_and_keeps_the_order_of_the_rest() {
        let none: [(&str, &str); 0] = [];
        for (extra, expected) in [
            (vec![], r#"{"alg":"RS256","typ":"JWT"}"#),
            (
                vec![
                    ("kid", json!("k/1+\u{e9}\"")),
                    ("b64", json!(false)),
                    ("crit", json!(["b64"])),
                ],
                "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k/1+\u{e9}\\\"\",\"b64\":false,\"crit\":[\"b64\"]}",
            ),
            (
                vec![("kid", json!("k")), ("typ", json!("at+jwt"))],
                r#"{"alg":"RS256","typ":"at+jwt","kid":"k"}"#,
            ),
        ] {
            let header = JwtAlgorithm::Rs256.header(extra).expect("a header");
            assert_eq!(header, expected);
            serde_json::from_str::<BTreeMap<String, Value>>(&header).expect("an object");
        }
        assert_eq!(
            JwtAlgorithm::EdDsa.header(none).expect("a header"),
            r#"{"alg":"EdDSA","typ":"JWT"}"#
        );
    }

    #[test]
    fn a_header_names_one_algorithm_and_nothing_twice() {
        for extra in [
            vec![("alg", "none")],
            vec![("kid", "a"), ("kid", "a")],
            vec![("typ", "a"), ("typ", "a")],
        ] {
            let error = JwtAlgorithm::Rs256.header(extra).expect_err("refused");
            assert_eq!(error.kind(), AuthErrorKind::Configuration);
        }
        let unwritable = BTreeMap::from([(vec![1], 2)]);
        let error = JwtAlgorithm::Rs256.header([("jwk", unwritable)]).expect_err("refused");
        assert_eq!(error.kind(), AuthErrorKind::Configuration);
    }
}
