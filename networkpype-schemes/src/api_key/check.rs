//! May this name and this key be where they are to be?

use http::{HeaderName, HeaderValue};
use networkpype_core::{AuthError, AuthErrorKind, Secret, is_connection_header};

pub(super) fn header_name(name: &str) -> Result<(), AuthError> {
    match HeaderName::try_from(name) {
        Ok(name) if is_connection_header(name.as_str()) => Err(AuthError::new(
            AuthErrorKind::Configuration,
            format!(
                "the header {name} follows from the connection or the body, and cannot hold a key"
            ),
        )),
        Ok(_) => Ok(()),
        Err(_) => Err(unusable_name(name, "a header")),
    }
}

pub(super) fn parameter_name(name: &str) -> Result<(), AuthError> {
    if name.is_empty() { Err(unusable_name(name, "a query parameter")) } else { Ok(()) }
}

pub(super) fn cookie_name(name: &str) -> Result<(), AuthError> {
    // A cookie's name is a token (RFC 6265, section 4.1.1), and so is a header's.
    match HeaderName::try_from(name) {
        Ok(_) => Ok(()),
        Err(_) => Err(unusable_name(name, "a cookie")),
    }
}

pub(super) fn header_value(key: Secret) -> Result<Secret, AuthError> {
    let bytes = key.expose_bytes();
    let spaced = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_whitespace());
    if spaced(bytes.first()) || spaced(bytes.last()) {
        return Err(unusable_key("it begins or ends with a space or a line end"));
    }
    if !bytes.is_ascii() || HeaderValue::from_bytes(bytes).is_err() {
        return Err(unusable_key("it holds a control character or one that is not ASCII"));
    }
    not_empty(key)
}

pub(super) fn parameter_value(key: Secret) -> Result<Secret, AuthError> {
    if key.expose_str().is_none() {
        return Err(unusable_key("it is not UTF-8 text"));
    }
    not_empty(key)
}

pub(super) fn cookie_value(key: Secret) -> Result<Secret, AuthError> {
    let is_octet =
        |byte: &u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    if !key.expose_bytes().iter().all(is_octet) {
        return Err(unusable_key("it holds a character that no cookie may"));
    }
    not_empty(key)
}

fn not_empty(key: Secret) -> Result<Secret, AuthError> {
    if key.is_empty() { Err(unusable_key("it is empty")) } else { Ok(key) }
}

fn unusable_name(name: &str, of: &str) -> AuthError {
    AuthError::new(AuthErrorKind::Configuration, format!("{name:?} cannot be the name of {of}"))
}

fn unusable_key(why: &str) -> AuthError {
    AuthError::new(AuthErrorKind::Credentials, format!("the API key cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_values_are_the_octets_of_rfc_6265() {
        for byte in 0..=255_u8 {
            let allowed = byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
            assert_eq!(cookie_value(vec![byte].into()).is_ok(), allowed, "{byte}");
        }
    }

    #[test]
    fn header_values_are_text_without_spaces_at_their_ends() {
        for (key, allowed) in [
            ("a b", true),
            ("a\tb", true),
            ("a\n", false),
            (" a", false),
            ("a ", false),
            ("a\r\nX: y", false),
            ("ä", false),
            ("", false),
            ("\u{7f}", false),
        ] {
            assert_eq!(header_value(key.into()).is_ok(), allowed, "{key:?}");
        }
    }
}
