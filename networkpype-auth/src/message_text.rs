use networkpype_core::{AuthError, AuthErrorKind, WebSocketRequest};

use crate::{Part, Subject, Template, Values};

/// The names in braces that stand for a value.
const NAMES: [(&str, Part); 5] = [
    ("key", Part::Key),
    ("timestamp", Part::Timestamp),
    ("nonce", Part::Nonce),
    ("passphrase", Part::Passphrase),
    ("signature", Part::Signature),
];

/// A JSON message written down with names in braces where values belong: `{key}`, `{timestamp}`, `{nonce}`,
/// `{passphrase}` and `{signature}`.
///
/// Values are escaped as JSON strings are, so they belong inside quotes; a number may stand without. Everything else
/// is sent as it is written.
///
/// ```
/// use networkpype_auth::{MessageText, Values};
/// use networkpype_core::Secret;
///
/// let text = MessageText::parse(r#"{"op":"auth","args":["{key}",{timestamp},"{signature}"]}"#)?;
/// let key = Secret::new("K\"1");
/// let message = text.fill(&Values::new().key(&key).timestamp("17").signature("5ig"))?;
/// assert_eq!(message, r#"{"op":"auth","args":["K\"1",17,"5ig"]}"#);
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MessageText {
    parts: Template,
}

impl MessageText {
    /// Reads a text with names in braces.
    ///
    /// # Errors
    /// When a name in braces is not known, or the text is not JSON once values stand for the names.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_name(rest) {
            let known = NAMES.iter().find(|(known, _)| *known == name);
            let (_, part) = known.ok_or_else(|| {
                unusable(&format!("`{{{name}}}` is not known; write {}", known_names()))
            })?;
            parts.push(Part::literal(before.to_owned()));
            parts.push(part.clone());
            rest = after;
        }
        parts.push(Part::literal(rest.to_owned()));
        let parsed = Self { parts: parts.into() };
        // A digit is JSON inside quotes and outside of them.
        let sample = Values::new().timestamp("1").nonce("1").signature("1");
        let one = "1".into();
        let filled = parsed.fill(&sample.key(&one).passphrase(&one))?;
        match serde_json::from_str::<serde_json::Value>(&filled) {
            Ok(_) => Ok(parsed),
            Err(_) => Err(unusable("it is not JSON")),
        }
    }

    /// Whether `part` stands in it.
    pub fn uses(&self, part: &Part) -> bool {
        self.parts.uses(part)
    }

    /// The text with `values` in place of the names.
    ///
    /// # Errors
    /// When a value is missing or is not UTF-8.
    pub fn fill(&self, values: &Values<'_>) -> Result<String, AuthError> {
        let mut out = String::new();
        for part in self.parts.parts() {
            if let Part::Literal(text) = part {
                out.push_str(text);
                continue;
            }
            let value = Template::from(part.clone()).render(&mut Subject::Nothing, values)?;
            let text = value.expose_str().ok_or_else(|| unusable("a value is not UTF-8 text"))?;
            let quoted = serde_json::Value::from(text).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
        Ok(out)
    }

    /// The message with `values` in place of the names.
    ///
    /// # Errors
    /// As [`fill`](Self::fill).
    pub fn message(&self, values: &Values<'_>) -> Result<WebSocketRequest, AuthError> {
        Ok(WebSocketRequest::json_text(self.fill(values)?))
    }
}

/// What is before the next name in braces, the name, and what is behind it. JSON itself never has a bare word in
/// braces.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    for (open, _) in text.match_indices('{') {
        let inside = &text[open + 1..];
        if let Some(close) = inside.find('}')
            && close > 0
            && inside[..close].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Some((&text[..open], &inside[..close], &inside[close + 1..]));
        }
    }
    None
}

fn known_names() -> String {
    NAMES.map(|(name, _)| format!("`{{{name}}}`")).join(", ")
}

fn unusable(why: &str) -> AuthError {
    AuthError::new(AuthErrorKind::Configuration, format!("the login message cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_cannot_become_a_message_is_refused() {
        for (text, reason) in [
            (r#"{"op":"login","sign":"{sig}"}"#, "`{sig}` is not known"),
            (r#"{"op":"login","sign":{signature}"#, "not JSON"),
            ("login {key}", "not JSON"),
        ] {
            let error = MessageText::parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_value_stays_inside_its_quotes() {
        let key = "\"},\n\\".into();
        let text = MessageText::parse(r#"{"a":"{key}"}"#).expect("JSON");
        let filled = text.fill(&Values::new().key(&key)).expect("filled");
        assert_eq!(filled, r#"{"a":"\"},\n\\"}"#);
    }

    #[test]
    fn braces_that_are_json_stay() {
        let text = r#"{"a":{},"b":{"c":"{key}"},"d":"{ key }"}"#;
        let key = "K".into();
        let filled = MessageText::parse(text).expect("JSON").fill(&Values::new().key(&key));
        assert_eq!(filled.expect("filled"), r#"{"a":{},"b":{"c":"K"},"d":"{ key }"}"#);
    }
}
