use networkpype_core::{AuthError, AuthErrorKind, Secret, WebSocketRequest};
use serde_json::value::RawValue;

use crate::{Part, Subject, Template, Values, buffer::WipedBuffer};

/// The names in braces that stand for a value.
const NAMES: [(&str, Part); 5] = [
    ("key", Part::Key),
    ("timestamp", Part::Timestamp),
    ("nonce", Part::Nonce),
    ("passphrase", Part::Passphrase),
    ("signature", Part::Signature),
];

/// Stands for every value while the text is checked: no JSON outside of quotes, and inside of them in any place.
const LETTER: &str = "x";

/// Stands for a number.
const NUMBER: &str = "1700000000000";

/// A JSON message written down with names in braces where values belong: `{key}`, `{timestamp}`, `{nonce}`,
/// `{passphrase}` and `{signature}`.
///
/// Values are escaped as JSON strings are, so they belong inside quotes; a timestamp or nonce that is a number may stand
/// without. Everything else is sent as it is written.
///
/// ```
/// use networkpype_auth::{MessageText, Values};
/// use networkpype_core::Secret;
///
/// let text = MessageText::parse(r#"{"op":"auth","args":["{key}",{timestamp},"{signature}"]}"#)?;
/// let key = Secret::new("K\"1");
/// let message = text.fill(&Values::new().key(&key).timestamp("17").signature("5ig"))?;
/// assert_eq!(message.expose_bytes(), br#"{"op":"auth","args":["K\"1",17,"5ig"]}"#);
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MessageText {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    part: Part,
    /// Whether it stands inside quotes, where every text is a value.
    quoted: bool,
}

impl MessageText {
    /// Reads a text with names in braces.
    ///
    /// # Errors
    /// When a name in braces is not known, the text is not JSON once values stand for the names, or one stands outside
    /// of quotes that is not a timestamp or nonce.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        Self::read(text, &NAMES, |_| true)
    }

    /// Reads a text in which these names in braces stand for these parts, and no others do: all other braces are sent as they
    /// are written. For texts that are somebody else's, such as a message with one name of a scheme's own in it.
    ///
    /// ```
    /// use networkpype_auth::{MessageText, Part, Values};
    /// use networkpype_core::Secret;
    ///
    /// let text = MessageText::parse_names(r#"{"t":"{token}","u":"{key}"}"#, &[("token", Part::Key)])?;
    /// let message = text.fill(&Values::new().key(&Secret::new("T")))?;
    /// assert_eq!(message.expose_bytes(), br#"{"t":"T","u":"{key}"}"#);
    /// # Ok::<(), networkpype_core::AuthError>(())
    /// ```
    ///
    /// # Errors
    /// When the text is not JSON once values stand for the names, or one stands outside of quotes that is neither a time nor
    /// a nonce.
    pub fn parse_names(text: &str, names: &[(&str, Part)]) -> Result<Self, AuthError> {
        Self::read(text, names, |name| names.iter().any(|(known, _)| *known == name))
    }

    /// Takes what is in braces for a name where `is_name` says so.
    fn read(
        text: &str,
        names: &[(&str, Part)],
        is_name: impl Fn(&str) -> bool,
    ) -> Result<Self, AuthError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_name(rest, &is_name) {
            let known = names.iter().find(|(known, _)| *known == name);
            let (_, part) = known.ok_or_else(|| {
                unusable(&format!("`{{{name}}}` is not known; write {}", known_names()))
            })?;
            parts.push(Part::literal(before.to_owned()));
            parts.push(part.clone());
            rest = after;
        }
        parts.push(Part::literal(rest.to_owned()));
        Self::from_parts(parts, names)
    }

    /// A text whose names were read as those of a [`Template`].
    ///
    /// # Errors
    /// When it is not JSON once values stand for the names, or one stands outside of quotes that is neither a time nor a
    /// nonce.
    pub fn from_template(template: &Template) -> Result<Self, AuthError> {
        Self::from_parts(template.parts().to_vec(), &[])
    }

    /// `names` are what the parts are called in the text, where that is known.
    fn from_parts(parts: Vec<Part>, names: &[(&str, Part)]) -> Result<Self, AuthError> {
        let pieces = parts.into_iter().map(|part| Piece { part, quoted: true }).collect();
        let mut parsed = Self { pieces };
        if !parsed.is_json_with_letter_at(None) {
            return Err(unusable("it is not JSON"));
        }
        for index in 0..parsed.pieces.len() {
            parsed.pieces[index].quoted = parsed.is_json_with_letter_at(Some(index));
            let Piece { part, quoted } = &parsed.pieces[index];
            let is_number = matches!(part, Part::Timestamp | Part::Nonce | Part::Now(..));
            if !quoted && !is_number {
                let called = names.iter().find(|(_, named)| named == part);
                let label = called.map_or_else(|| part.label(), |(name, _)| (*name).to_owned());
                return Err(unusable(&format!("`{{{label}}}` has to stand inside quotes")));
            }
        }
        Ok(parsed)
    }

    /// The parts that stand in it.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.pieces.iter().map(|piece| &piece.part)
    }

    /// Whether `part` stands in it.
    pub fn uses(&self, part: &Part) -> bool {
        self.pieces.iter().any(|piece| piece.part == *part)
    }

    /// Whether `part` stands in it outside of quotes, where only numbers may.
    pub(crate) fn uses_as_number(&self, part: &Part) -> bool {
        self.pieces.iter().any(|piece| piece.part == *part && !piece.quoted)
    }

    /// The text with `values` in place of the names.
    ///
    /// # Errors
    /// When a value is missing, is not UTF-8, or stands outside of quotes and is not a number.
    pub fn fill(&self, values: &Values<'_>) -> Result<Secret, AuthError> {
        let mut out = WipedBuffer::with_capacity(512);
        for Piece { part, quoted } in &self.pieces {
            if let Part::Literal(text) = part {
                out.push(text.as_bytes());
                continue;
            }
            let value = Template::from(part.clone()).render(&mut Subject::Nothing, values)?;
            let text = value.expose_str().ok_or_else(|| unfit("is not UTF-8 text"))?;
            if *quoted {
                push_escaped(&mut out, text)?;
            } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
                out.push(text.as_bytes());
            } else {
                return Err(unfit("stands outside of quotes and is not a number"));
            }
        }
        let filled = out.into_secret();
        // What a value did to the text around it shows only now: a zero at its beginning, say.
        match serde_json::from_slice::<&RawValue>(filled.expose_bytes()) {
            Ok(_) => Ok(filled),
            Err(_) => Err(unfit("leaves no JSON where it stands")),
        }
    }

    /// The message with `values` in place of the names.
    ///
    /// # Errors
    /// As [`fill`](Self::fill).
    pub fn message(&self, values: &Values<'_>) -> Result<WebSocketRequest, AuthError> {
        let filled = self.fill(values)?;
        // Made of texts, so it is one.
        Ok(WebSocketRequest::json_text(filled.expose_str().unwrap_or_default()))
    }

    /// Whether the text is JSON with a letter for the value at `index` and numbers for all others.
    fn is_json_with_letter_at(&self, index: Option<usize>) -> bool {
        let stands = |(at, piece): (usize, &Piece)| match &piece.part {
            Part::Literal(text) => text.to_string(),
            _ if Some(at) == index => LETTER.to_owned(),
            _ => NUMBER.to_owned(),
        };
        let text: String = self.pieces.iter().enumerate().map(stands).collect();
        serde_json::from_str::<serde_json::Value>(&text).is_ok()
    }
}

/// Writes `text` as it stands inside the quotes of a JSON string.
fn push_escaped(out: &mut WipedBuffer, text: &str) -> Result<(), AuthError> {
    let mut quoted = WipedBuffer::with_capacity(text.len() * 2 + 2);
    serde_json::to_writer(&mut quoted, text).map_err(|_| unfit("cannot be written as JSON"))?;
    let quoted = quoted.into_secret();
    let inside = quoted.expose_bytes();
    out.push(&inside[1..inside.len() - 1]);
    Ok(())
}

/// What is before the next name in braces, the name, and what is behind it. JSON itself never has a bare word in
/// braces.
fn next_name(text: &str, is_name: impl Fn(&str) -> bool) -> Option<(&str, &str, &str)> {
    for (open, _) in text.match_indices('{') {
        let inside = &text[open + 1..];
        if let Some(close) = inside.find('}')
            && close > 0
            && inside[..close].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && is_name(&inside[..close])
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

fn unfit(why: &str) -> AuthError {
    AuthError::new(AuthErrorKind::Other, format!("a value of the login message {why}"))
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
            (r#"{"sig":{signature}}"#, "`{signature}` has to stand inside quotes"),
            (r#"{"key":{key}}"#, "`{key}` has to"),
            (r#"{"a":"{key}","b":[{key}]}"#, "`{key}` has to"),
            (r#"{"a":{passphrase}}"#, "`{passphrase}` has to"),
            (r#"{"a":"\u000{key}"}"#, "`{key}` has to"),
            (r#"{"a":0{nonce}}"#, "not JSON"),
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
        assert_eq!(filled.expose_str(), Some(r#"{"a":"\"},\n\\"}"#));
    }

    #[test]
    fn only_numbers_stand_outside_of_quotes() {
        let text = MessageText::parse(r#"{"a":{timestamp},"b":{nonce},"c":"{timestamp}"}"#);
        let text = text.expect("JSON");
        let fill = |timestamp| text.fill(&Values::new().timestamp(timestamp).nonce("8"));
        let filled = fill("17").expect("a number");
        assert_eq!(filled.expose_str(), Some(r#"{"a":17,"b":8,"c":"17"}"#));
        for timestamp in ["2023-11-14T22:13:20Z", "1,\"admin\":true", "017", ""] {
            assert!(fill(timestamp).is_err(), "{timestamp}");
        }
    }

    #[test]
    fn braces_that_are_json_stay() {
        let text = r#"{"a":{},"b":{"c":"{key}"},"d":"{ key }"}"#;
        let key = "K".into();
        let filled = MessageText::parse(text).expect("JSON").fill(&Values::new().key(&key));
        let expected = r#"{"a":{},"b":{"c":"K"},"d":"{ key }"}"#;
        assert_eq!(filled.expect("filled").expose_str(), Some(expected));
    }

    #[test]
    fn of_names_that_are_given_no_others_stand_for_a_value() {
        let (key, names) = (Secret::new("K{token}"), [("token", Part::Key)]);
        let fill = |text| {
            let text = MessageText::parse_names(text, &names)?;
            text.fill(&Values::new().key(&key))
        };
        for (text, expected) in [
            (r#"{"a":"{token}","b":"{key}"}"#, r#"{"a":"K{token}","b":"{key}"}"#),
            (r#"{"a":"{sig}{token}{timestamp}"}"#, r#"{"a":"{sig}K{token}{timestamp}"}"#),
            (r#"{"a":"{{token}}{","b":{}}"#, r#"{"a":"{K{token}}{","b":{}}"#),
            (r#"{"a":"{ token }{TOKEN}{tok"}"#, r#"{"a":"{ token }{TOKEN}{tok"}"#),
            (r#"{"a":1}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(fill(text).expect(text).expose_str(), Some(expected));
        }
        for (text, reason) in [
            (r#"{"a":{token}}"#, "`{token}` has to stand inside quotes"),
            (r#"{"a":"{token}","b":{key}}"#, "not JSON"),
            ("{token}", "`{token}` has to"),
        ] {
            let error = fill(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
