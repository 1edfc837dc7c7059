//! From the texts of credentials to what they stand for.

use networkpype_auth::{DigestEncoding, HashAlgorithm, Keyring};
use networkpype_core::{AuthError, AuthErrorKind, Secret};

use super::{
    compile::{Declared, Transform},
    credentials::Credentials,
};

pub(super) fn keyring(
    declared: &[Declared],
    credentials: &Credentials,
) -> Result<Keyring, AuthError> {
    let mut keyring = Keyring::new();
    for own in declared {
        let value = match credentials.get(&own.name).filter(|value| !value.is_empty()) {
            Some(value) => value,
            None if own.optional => {
                keyring = keyring.with(own.name.clone(), "");
                continue;
            }
            None => {
                return Err(AuthError::new(
                    AuthErrorKind::Credentials,
                    format!(
                        "the credential `{}` is declared by the recipe and was not given",
                        own.name
                    ),
                ));
            }
        };
        let value = own.encoding.decode(&transformed(value, own.transform)).map_err(|error| {
            AuthError::new(
                AuthErrorKind::Credentials,
                format!("the credential `{}` cannot be used", own.name),
            )
            .with_source(error)
        })?;
        keyring = keyring.with(own.name.clone(), value);
    }
    Ok(keyring)
}

fn transformed(value: &Secret, transform: Transform) -> Secret {
    let bytes = value.expose_bytes();
    match transform {
        Transform::None => value.clone(),
        Transform::Upper => bytes.to_ascii_uppercase().into(),
        Transform::Lower => bytes.to_ascii_lowercase().into(),
        Transform::Md5Hex => HashAlgorithm::Md5.digest(bytes).to_text(DigestEncoding::Hex).into(),
        Transform::Base64 => DigestEncoding::Base64.encode(bytes).into(),
    }
}
