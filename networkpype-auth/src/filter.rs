//! What may be done to a part before it is signed or sent?

use std::{borrow::Cow, fmt};

use networkpype_core::{AuthError, AuthErrorKind, Encoding, Secret};

use crate::{
    DigestEncoding, HashAlgorithm, HmacAlgorithm, ListStyle, ObjectStyle, Values,
    list_style::pairs_of,
};

/// One step that turns a part into another text, such as a hash or an encoding.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filter {
    /// The bytes of the hash.
    Hash(HashAlgorithm),
    /// The bytes of an HMAC under a credential.
    Hmac {
        /// Which.
        algorithm: HmacAlgorithm,
        /// The name of the credential that is the key.
        credential: Cow<'static, str>,
    },
    /// The bytes as text.
    Encode(DigestEncoding),
    /// Encoded as a parameter's value would be.
    Percent(Encoding),
    /// In upper case, as far as it is ASCII.
    Upper,
    /// In lower case, as far as it is ASCII.
    Lower,
    /// As a JSON string, quotes included.
    Json,
    /// What JSON text stands for: a string without its quotes, a list with commas between, everything else as it is.
    Plain,
    /// With this before it, where there is something.
    Prefix(Cow<'static, str>),
    /// With this behind it, where there is something.
    Suffix(Cow<'static, str>),
    /// Without this at its beginning, where it begins so.
    Strip(Cow<'static, str>),
    /// What stands behind the first of these; all of it where there is none.
    After(Cow<'static, str>),
    /// This, where there is nothing.
    Or(Cow<'static, str>),
}

impl Filter {
    pub(crate) fn apply(&self, input: Secret, values: &Values<'_>) -> Result<Secret, AuthError> {
        let bytes = input.expose_bytes();
        let around = |before: &str, after: &str| {
            Secret::from([before.as_bytes(), bytes, after.as_bytes()].concat())
        };
        Ok(match self {
            Self::Hash(algorithm) => algorithm.digest(bytes).as_bytes().to_vec().into(),
            Self::Hmac { algorithm, credential } => {
                values.hmac(*algorithm, credential)?.sign(bytes).as_bytes().to_vec().into()
            }
            Self::Encode(encoding) => encoding.encode(bytes).into(),
            Self::Percent(encoding) => encoding.encode(text(&input)?).into_owned().into(),
            Self::Upper => bytes.to_ascii_uppercase().into(),
            Self::Lower => bytes.to_ascii_lowercase().into(),
            Self::Json => {
                let mut quoted = crate::buffer::WipedBuffer::with_capacity(bytes.len() * 2 + 2);
                serde_json::to_writer(&mut quoted, text(&input)?)
                    .map_err(|_| unfit("cannot be written as JSON"))?;
                quoted.into_secret()
            }
            Self::Plain => {
                let pairs = pairs_of("", text(&input)?, ListStyle::Comma, ObjectStyle::Json);
                pairs.into_iter().map(|(_, value)| value).collect::<String>().into()
            }
            Self::Prefix(before) if !bytes.is_empty() => around(before, ""),
            Self::Suffix(after) if !bytes.is_empty() => around("", after),
            Self::Strip(start) => match bytes.strip_prefix(start.as_bytes()) {
                Some(rest) => rest.to_vec().into(),
                None => input,
            },
            Self::After(mark) => match text(&input)?.split_once(mark.as_ref()) {
                Some((_, rest)) => Secret::from(rest),
                None => input,
            },
            Self::Or(text) if bytes.is_empty() => text.clone().into_owned().into(),
            Self::Prefix(_) | Self::Suffix(_) | Self::Or(_) => input,
        })
    }

    /// Its name, for errors and explanations.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Hash(algorithm) => algorithm.as_str(),
            Self::Hmac { algorithm, .. } => algorithm.as_str(),
            Self::Encode(encoding) => encoding.as_str(),
            Self::Percent(_) => "percent",
            Self::Upper => "upper",
            Self::Lower => "lower",
            Self::Json => "json",
            Self::Plain => "plain",
            Self::Prefix(_) => "prefix",
            Self::Suffix(_) => "suffix",
            Self::Strip(_) => "strip",
            Self::After(_) => "after",
            Self::Or(_) => "or",
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hmac { algorithm, credential } => {
                write!(f, "Hmac({}, {credential:?})", algorithm.as_str())
            }
            // As a literal, it may be a token that never changes.
            Self::Prefix(text) | Self::Suffix(text) | Self::Strip(text) | Self::Or(text) => {
                write!(f, "{}(<{} bytes>)", self.name(), text.len())
            }
            _ => f.write_str(self.name()),
        }
    }
}

fn text(value: &Secret) -> Result<&str, AuthError> {
    value.expose_str().ok_or_else(|| unfit("is not UTF-8 text"))
}

fn unfit(why: &str) -> AuthError {
    AuthError::new(AuthErrorKind::Request, format!("a part that is signed or sent {why}"))
}
