//! Proof keys for codes (RFC 7636): what proves that a code is exchanged by who asked for it?

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_core::{AuthError, AuthErrorKind, Secret};
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};

use crate::entropy::{Entropy, SystemEntropy};

/// A secret that stays with the program, and whose hash goes into the URL of a login (RFC 7636, method S256).
///
/// An [`AuthorizationRequest`](super::AuthorizationRequest) makes one by itself. This is for a program that puts a login's
/// URL together on its own.
///
/// ```
/// use networkpype_schemes::oauth2::CodeVerifier;
///
/// // RFC 7636, appendix B.
/// let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")?;
/// assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// A verifier that was made before.
    ///
    /// # Errors
    /// When it has not from 43 to 128 characters, or others than letters, digits, `-`, `.`, `_` and `~` (RFC 7636, section
    /// 4.1).
    pub fn new(verifier: impl Into<Secret>) -> Result<Self, AuthError> {
        let verifier = verifier.into();
        let bytes = verifier.expose_bytes();
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        if (43..=128).contains(&bytes.len()) && bytes.iter().all(fits) {
            return Ok(Self(verifier));
        }
        let message = "a code verifier has from 43 to 128 characters, of letters, digits, `-`, `.`, `_` and `~`";
        Err(AuthError::new(AuthErrorKind::Credentials, message))
    }

    /// A new verifier, of 32 bytes from the operating system.
    ///
    /// # Errors
    /// When there are no random bytes to be had.
    pub fn generate() -> Result<Self, AuthError> {
        Self::generate_with(&SystemEntropy)
    }

    /// The same with random bytes from elsewhere, for tests that want the same verifier twice.
    ///
    /// # Errors
    /// When there are no random bytes to be had.
    pub fn generate_with(entropy: &dyn Entropy) -> Result<Self, AuthError> {
        random_text(entropy).map(Self)
    }

    /// The parameter `code_challenge`, which goes with `code_challenge_method=S256`.
    pub fn challenge(&self) -> String {
        self.pkce().as_str().to_owned()
    }

    /// The parameter `code_verifier`, for the exchange of the code.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    pub(super) fn pkce(&self) -> PkceCodeChallenge {
        let text = self.0.expose_str().unwrap_or_default().to_owned();
        // The library wants from 43 to 128 characters, which all have here.
        PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(text))
    }
}

/// 32 random bytes as 43 characters, as RFC 7636, section 4.1 recommends.
pub(super) fn random_text(entropy: &dyn Entropy) -> Result<Secret, AuthError> {
    let bytes = Secret::from([entropy.bytes()?, entropy.bytes()?].concat());
    Ok(URL_SAFE_NO_PAD.encode(bytes.expose_bytes()).into())
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeVerifier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::Value;

    use super::*;

    /// These bytes, sixteen at a time.
    struct Octets(Vec<u8>, AtomicUsize);

    impl Entropy for Octets {
        fn bytes(&self) -> Result<[u8; 16], AuthError> {
            let from = 16 * self.1.fetch_add(1, Ordering::Relaxed);
            Ok(self.0[from..from + 16].try_into().expect("sixteen"))
        }
    }

    #[test]
    fn challenges_are_those_of_the_vectors() {
        let mut made_of_octets = 0;
        for text in [
            include_str!("../../../vectors/pkce/rfc7636.json"),
            include_str!("../../../vectors/pkce/generated.json"),
        ] {
            let vectors: Value = serde_json::from_str(text).expect("JSON");
            let cases = vectors["cases"].as_array().expect("cases");
            assert!(!cases.is_empty());
            for case in cases {
                let verifier = case["code_verifier"].as_str();
                let verifier = verifier.or(case["expected"]["code_verifier"].as_str());
                let verifier =
                    CodeVerifier::new(verifier.expect("a verifier")).expect("a verifier");
                assert_eq!(
                    verifier.challenge(),
                    case["expected"]["code_challenge"],
                    "{}",
                    case["name"]
                );
                assert_eq!(verifier.pkce().method().as_str(), "S256");
                if let Some(octets) = case["random_octets"].as_array() {
                    let octets =
                        octets.iter().map(|it| it.as_u64().expect("octet") as u8).collect();
                    let made = CodeVerifier::generate_with(&Octets(octets, AtomicUsize::new(0)));
                    let made = made.expect("a verifier");
                    assert_eq!(made.secret().expose_bytes(), verifier.secret().expose_bytes());
                    made_of_octets += 1;
                }
            }
        }
        assert_eq!(made_of_octets, 1);
    }

    #[test]
    fn a_verifier_is_long_enough_and_of_letters_that_need_no_encoding() {
        for (text, fits) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("~".repeat(128), true),
            ("a".repeat(129), false),
            ("a".repeat(42) + "+", false),
            ("a".repeat(42) + "\u{e9}", false),
            (String::new(), false),
        ] {
            assert_eq!(CodeVerifier::new(text.as_str()).is_ok(), fits, "{text}");
        }
        let verifier = CodeVerifier::generate().expect("random bytes");
        assert_eq!(verifier.secret().expose_bytes().len(), 43);
        assert_ne!(verifier.challenge(), CodeVerifier::generate().expect("more").challenge());
        assert_eq!(format!("{verifier:?}"), "CodeVerifier { .. }");
    }
}
