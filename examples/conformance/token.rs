//! Do two JSON Web Tokens say the same, and does one of them verify?

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype::{
    Secret,
    auth::{JwtAlgorithm, JwtKey, JwtVerifier, KeyEncoding, SigningKey},
};
use serde_json::Value;

/// Whether `own` has the header and claims of `expected`, and is signed with `key`.
pub(crate) fn same(expected: &str, own: &str, key: &str) -> Result<(), String> {
    let (expected, own) = (token_in(expected), token_in(own));
    for (index, part) in ["header", "claims"].into_iter().enumerate() {
        let (wanted, got) = (json_of(expected, index)?, json_of(own, index)?);
        if wanted != got {
            return Err(format!("{part}: expected {wanted}, got {got}"));
        }
    }
    verify(own, key)
}

/// The token in a header or a text.
fn token_in(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or_default()
}

/// The header or the claims of a token.
pub(crate) fn json_of(token: &str, index: usize) -> Result<Value, String> {
    let part = token.split('.').nth(index).ok_or("it is no token")?;
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn verify(token: &str, key: &str) -> Result<(), String> {
    let text = |error: networkpype::AuthError| error.to_string();
    let algorithm = json_of(token, 0)?["alg"].as_str().unwrap_or_default().to_owned();
    let algorithm: JwtAlgorithm = algorithm.parse().map_err(text)?;
    let key = Secret::from(key);
    let key = match algorithm.signature_algorithm() {
        None => JwtKey::with_secret(algorithm, &key).map_err(text)?,
        Some(with_key) => {
            let key = [KeyEncoding::Pem, KeyEncoding::SeedBase64, KeyEncoding::DerBase64]
                .into_iter()
                .find_map(|encoding| SigningKey::new(with_key, &key, encoding).ok())
                .ok_or("the key cannot be read")?;
            JwtKey::with_key(algorithm, key.verifying_key().map_err(text)?).map_err(text)?
        }
    };
    let verifier = JwtVerifier::builder().key(key).build().map_err(text)?;
    verifier.verify_signature(token).map(|_| ()).map_err(|error| error.to_string())
}
