use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_core::{AuthError, Secret};
use serde_json::value::RawValue;

use super::refused;

/// The members of a JSON Web Key (RFC 7517), as they stand in the text that it was read from.
pub(crate) struct Jwk<'j>(BTreeMap<Cow<'j, str>, &'j RawValue>);

impl<'j> Jwk<'j> {
    pub(crate) fn parse(text: &'j [u8]) -> Result<Self, AuthError> {
        // The parser's own errors may quote values, so they go no further.
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|_| refused("the key is not a JSON Web Key: not a JSON object"))
    }

    /// A member that is a string, `None` where it is missing or something else.
    pub(crate) fn text(&self, name: &str) -> Option<&'j str> {
        // Whatever is looked for here, names and base64url, is written without escapes.
        self.0.get(name)?.get().strip_prefix('"')?.strip_suffix('"')
    }

    /// A member as a value of this type, `None` where it is missing or something else.
    #[cfg(feature = "jwt")]
    pub(crate) fn parsed<T: serde::Deserialize<'j>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// Refuses a key in which the member `name` says something else than `needed`.
    pub(crate) fn check(&self, name: &str, needed: &str) -> Result<(), AuthError> {
        if self.text(name) == Some(needed) {
            return Ok(());
        }
        Err(refused(format!(
            "the JSON Web Key is of another {name} than {needed}, which is needed"
        )))
    }

    /// Whether there is a member of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The bytes of a member.
    pub(crate) fn bytes(&self, name: &'static str) -> Result<Secret, AuthError> {
        self.text(name)
            .ok_or_else(|| refused(format!("the JSON Web Key lacks its member {name}")))
            .and_then(|text| {
                URL_SAFE_NO_PAD.decode(text).map(Secret::from).map_err(|_| {
                    refused(format!("the member {name} of the JSON Web Key is not base64url"))
                })
            })
    }
}
