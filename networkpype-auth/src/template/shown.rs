//! What of a template comes out as it is written, and can it stand where it is to go?

use networkpype_core::{AuthError, AuthErrorKind};

use super::Template;
use crate::{Filter, Keyring, Part};

/// Something that comes out as it is, neither hashed nor encoded.
pub(crate) enum Shown<'t> {
    /// A text of the template.
    Text(&'t str),
    /// The credential of this name.
    Credential(&'t str),
}

impl Template {
    /// The mistake in a template whose result has to be text, if there is one.
    ///
    /// # Errors
    /// When it holds the bytes of a hash, or random bytes, that nothing turns into text.
    pub fn check_text(&self) -> Result<(), AuthError> {
        match self.parts.iter().find(|part| part.is_bytes()) {
            None => Ok(()),
            Some(part) => mistake(format!(
                "`{{{}}}` is bytes, and text is needed: add `|hex` or `|base64`",
                part.label()
            )),
        }
    }

    /// The mistake in a template that becomes the value of a parameter, if there is one.
    ///
    /// # Errors
    /// As [`check_text`](Self::check_text), and when a text in it holds a line end or another control character.
    pub fn check_param(&self) -> Result<(), AuthError> {
        self.check_text()?;
        let mut holds_control = false;
        self.visit_shown(&mut |shown| {
            holds_control |= matches!(shown, Shown::Text(text) if text.bytes().any(is_control));
        });
        if holds_control {
            return mistake("its text holds a line end or another control character");
        }
        Ok(())
    }

    /// The mistake in a template that becomes the value of a header, if there is one.
    ///
    /// # Errors
    /// As [`check_param`](Self::check_param), and when a text at an end of the value has a space there.
    pub fn check_header(&self) -> Result<(), AuthError> {
        self.check_param()?;
        let (first, last) = (self.parts.first(), self.parts.last());
        let begins = matches!(first, Some(Part::Literal(text)) if text.starts_with([' ', '\t']));
        let ends = matches!(last, Some(Part::Literal(text)) if text.ends_with([' ', '\t']));
        if begins || ends {
            return mistake("servers strip the spaces at the ends of a header: leave them out");
        }
        Ok(())
    }

    /// The mistake in a credential that a value of this template holds as it is, if there is one.
    pub(crate) fn check_credentials(
        &self,
        keyring: &Keyring,
        goes_to: &str,
        is_header: bool,
    ) -> Result<(), AuthError> {
        let mut found = Ok(());
        self.visit_shown(&mut |shown| {
            let Shown::Credential(name) = shown else { return };
            let Some(value) = keyring.get(name) else { return };
            let problem = match value.expose_str() {
                None => "is not UTF-8 text",
                Some(text) if is_header && text.bytes().any(is_control) => {
                    "holds a line end or another control character"
                }
                Some(text) if is_header && text.trim_matches([' ', '\t']) != text => {
                    "begins or ends with a space, which servers strip"
                }
                Some(_) => return,
            };
            found = Err(AuthError::new(
                AuthErrorKind::Credentials,
                format!("the credential `{name}` {problem}, and goes into the {goes_to}"),
            ));
        });
        found
    }

    /// Shows `each` what comes out as it is.
    pub(crate) fn visit_shown<'t>(&'t self, each: &mut dyn FnMut(Shown<'t>)) {
        self.parts.iter().for_each(|part| part.visit_shown(each));
    }

    fn is_bytes(&self) -> bool {
        self.parts.iter().any(Part::is_bytes)
    }
}

impl Part {
    /// Whether it is bytes rather than text.
    fn is_bytes(&self) -> bool {
        match self {
            Self::Random | Self::Hash { encoding: None, .. } => true,
            Self::Piped { of, through } => {
                through.iter().fold(of.is_bytes(), |is_bytes, filter| match filter {
                    Filter::Hash(_) | Filter::Hmac { .. } => true,
                    Filter::Encode(_) | Filter::Percent(_) | Filter::Json | Filter::Plain => false,
                    _ => is_bytes,
                })
            }
            _ => false,
        }
    }

    fn visit_shown<'t>(&'t self, each: &mut dyn FnMut(Shown<'t>)) {
        match self {
            Self::Literal(text) => each(Shown::Text(text)),
            Self::Credential(name) => each(Shown::Credential(name)),
            Self::Piped { of, through } => {
                let last = through.iter().rposition(Filter::hides);
                let before = &through[..last.unwrap_or(0)];
                if last.is_none() {
                    of.visit_shown(each);
                } else if last.is_some_and(|at| through[at] == Filter::Json)
                    && !before.iter().any(Filter::hides)
                {
                    // JSON escapes every control character but this one.
                    of.visit_shown(&mut |shown| {
                        if matches!(shown, Shown::Text(text) if text.contains('\u{7f}')) {
                            each(Shown::Text("\u{7f}"));
                        }
                    });
                }
                for filter in &through[last.map_or(0, |at| at + 1)..] {
                    if let Filter::Prefix(text) | Filter::Suffix(text) | Filter::Or(text) = filter {
                        each(Shown::Text(text));
                    }
                }
            }
            Self::Object(entries) => {
                // Strings are escaped; the text of other JSON is not.
                entries
                    .iter()
                    .filter(|entry| entry.is_json)
                    .for_each(|entry| entry.value.visit_shown(each));
            }
            _ => {}
        }
    }
}

impl Filter {
    /// Whether nothing that goes in comes out as it was.
    fn hides(&self) -> bool {
        matches!(
            self,
            Self::Hash(_) | Self::Hmac { .. } | Self::Encode(_) | Self::Percent(_) | Self::Json
        )
    }
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

fn mistake(message: impl Into<std::borrow::Cow<'static, str>>) -> Result<(), AuthError> {
    Err(AuthError::new(AuthErrorKind::Configuration, message))
}

#[cfg(test)]
mod tests {
    use crate::TemplateNames;

    use super::*;

    fn parsed(text: &str) -> Template {
        let credentials = vec!["key".into(), "secret".into()];
        let names = TemplateNames { credentials, ..TemplateNames::default() };
        Template::parse(text, &names).expect("a template")
    }

    #[test]
    fn bytes_are_told_from_text() {
        for (text, is_text) in [
            ("{random}", false),
            ("{random|hex}", true),
            ("{body|sha256}", false),
            ("{body|sha256|base64}", true),
            ("{body|sha256|hex|md5}", false),
            ("{key|hmac-sha256|prefix(a)}", false),
            ("{(a{random})|upper}", false),
            ("{(a{random})|percent}", true),
            ("{body}{timestamp}", true),
        ] {
            assert_eq!(parsed(text).check_text().is_ok(), is_text, "{text}");
        }
    }

    #[test]
    fn a_header_is_checked_where_its_text_comes_out_as_it_is() {
        for (text, fits) in [
            ("a\nb", false),
            ("{key}\r", false),
            ("{key|prefix(a\u{7f})}", false),
            ("{key|or('\n')}", false),
            ("{('\n'{key})|upper}", false),
            ("{('\n'{key})|base64}", true),
            ("{('\n'{key})|sha256|hex}", true),
            ("{key|base64|suffix('\n')}", false),
            ("{('\n\u{7f}'{key})|json}", false),
            ("{('\n'{key})|json}", true),
            (" {key}", false),
            ("{key} ", false),
            ("a {key} b", true),
            ("a\tb", true),
            ("é", true),
        ] {
            assert_eq!(parsed(text).check_header().is_ok(), fits, "{text:?}");
        }
    }

    #[test]
    fn a_credential_is_checked_where_it_comes_out_as_it_is() {
        for (text, credential, fits) in [
            ("{key}", "k", true),
            ("{key}", "k\n", false),
            ("{key}", " k", false),
            ("Bearer {(a{key})|lower}", "k\r\nX: 1", false),
            ("{key|base64}", "k\n", true),
            ("{secret}", "k\n", true),
        ] {
            let keyring = Keyring::new().with("key", credential).with("secret", "s");
            let checked = parsed(text).check_credentials(&keyring, "header \"X\"", true);
            assert_eq!(checked.is_ok(), fits, "{text} {credential:?}");
            assert!(parsed(text).check_credentials(&keyring, "form", false).is_ok());
        }
        let binary = Keyring::new().with("key", vec![0xff]);
        assert!(parsed("{key}").check_credentials(&binary, "form", false).is_err());
    }
}
