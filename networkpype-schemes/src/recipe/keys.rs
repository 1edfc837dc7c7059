//! From the texts of credentials to what they stand for.

#[cfg(feature = "asymmetric")]
use networkpype_auth::KeyEncoding;
use networkpype_auth::{
    DigestEncoding, Filter, HashAlgorithm, Keyring, Operation, Part, SecretEncoding, Signer,
};
use networkpype_core::{AuthError, AuthErrorKind, Secret};

use super::{
    compile::{Compiled, Declared, Transform},
    credentials::{CredentialProvider, Credentials},
};

pub(super) fn keyring(
    compiled: &Compiled,
    credentials: &Credentials,
    provider: Option<&dyn CredentialProvider>,
) -> Result<Keyring, AuthError> {
    let mut keyring = Keyring::new();
    for own in &compiled.credentials {
        let value = match credentials.get(&own.name).filter(|value| !value.is_empty()) {
            Some(value) => value,
            None if own.optional => {
                keyring = keyring.with(own.name.clone(), "");
                continue;
            }
            None => {
                let place = provider.and_then(|provider| provider.describe(&own.name));
                let place = place
                    .map(|place| format!(": it was looked for in {place}"))
                    .unwrap_or_default();
                return Err(AuthError::new(
                    AuthErrorKind::Credentials,
                    format!(
                        "the credential `{}` is declared by the recipe and was not given{place}",
                        own.name
                    ),
                ));
            }
        };
        if own.encoding == SecretEncoding::Utf8 && is_shared_secret(compiled, own) {
            check_ends(own, value)?;
        }
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

/// Whether it is the secret of an HMAC or of a keyed hash.
fn is_shared_secret(compiled: &Compiled, own: &Declared) -> bool {
    let signs = |operation: &Operation| operation.shared_secret() == Some(own.name.as_str());
    let is_key = |filter: &Filter| matches!(filter, Filter::Hmac { credential, .. } if *credential == own.name);
    compiled.operations.iter().any(signs)
        || compiled.any_part(
            &|part| matches!(part, Part::Piped { through, .. } if through.iter().any(is_key)),
        )
}

/// A secret that was read from a file often ends with the file's last line end. It would be signed with, and the server
/// would refuse every signature without saying why.
fn check_ends(own: &Declared, value: &Secret) -> Result<(), AuthError> {
    let bytes = value.expose_bytes();
    if bytes.trim_ascii() == bytes {
        return Ok(());
    }
    Err(AuthError::new(
        AuthErrorKind::Credentials,
        format!(
            "the credential `{}` begins or ends with a space or a line end: trim it, as what is read from a file \
             has to be",
            own.name
        ),
    ))
}

/// What signs with a key of `keyring`.
pub(super) fn signer(operation: &Operation, keyring: &Keyring) -> Result<Signer, AuthError> {
    operation.signer(keyring).map_err(|error| named_key(operation, keyring, error))
}

/// The error about a private key with the credential's name and, where it was to be PEM, what else it may be.
#[cfg(feature = "asymmetric")]
fn named_key(operation: &Operation, keyring: &Keyring, error: AuthError) -> AuthError {
    let (credential, encoding) = match operation {
        Operation::PrivateKey { credential, encoding, .. } => (credential, *encoding),
        Operation::Jwt { algorithm, credential, encoding } => {
            if algorithm.signature_algorithm().is_none() {
                return error;
            }
            (credential, *encoding)
        }
        _ => return error,
    };
    if keyring.need(credential).is_err() {
        // It was not given, which the error says.
        return error;
    }
    let way_out = match encoding {
        KeyEncoding::Pem => {
            "; where the key is not written as PEM, say how with `key-encoding`: `seed-base64`, `seed-hex`, \
             `der-base64`, `jwk` or another"
        }
        _ => "",
    };
    // Errors about keys do not repeat anything of them.
    let message = format!("the credential `{credential}` cannot be used: {error}{way_out}");
    AuthError::new(error.kind(), message)
}

#[cfg(not(feature = "asymmetric"))]
fn named_key(_: &Operation, _: &Keyring, error: AuthError) -> AuthError {
    error
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
