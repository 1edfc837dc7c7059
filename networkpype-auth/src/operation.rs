//! What is done to the signed text, and the keys to do it with.

use std::{borrow::Cow, fmt, sync::Arc};

use networkpype_core::{AuthError, AuthErrorKind, Secret};

use crate::{DigestEncoding, HashAlgorithm, HmacAlgorithm, HmacSigner, Keyring};
#[cfg(feature = "jwt")]
use crate::{JwtAlgorithm, JwtSigner};
#[cfg(feature = "asymmetric")]
use crate::{KeyEncoding, SignatureAlgorithm, SigningKey};

/// What makes a signature of the text that is signed, in a program's own code: for what no recipe can say, such as the
/// typed data of a blockchain's wallet.
///
/// It is given the text and the account's credentials, and returns the signature's bytes.
pub type SignFn = dyn Fn(&[u8], &Keyring) -> Result<Vec<u8>, AuthError> + Send + Sync;

/// How a signature is made, and under which credential.
#[derive(Clone)]
#[non_exhaustive]
pub enum Operation {
    /// An HMAC.
    Hmac {
        /// Which.
        algorithm: HmacAlgorithm,
        /// The name of the credential that is the key.
        credential: Cow<'static, str>,
    },
    /// The hash of the text with the key behind it, which some APIs use in place of an HMAC.
    KeyedHash {
        /// Which.
        algorithm: HashAlgorithm,
        /// The name of the credential that is the key.
        credential: Cow<'static, str>,
    },
    /// A signature with a private key.
    #[cfg(feature = "asymmetric")]
    PrivateKey {
        /// Which.
        algorithm: SignatureAlgorithm,
        /// The name of the credential that is the key.
        credential: Cow<'static, str>,
        /// How the credential writes the key.
        encoding: KeyEncoding,
    },
    /// A JSON Web Token (RFC 7519) in its compact serialization, whose header and claims are the text that is signed.
    #[cfg(feature = "jwt")]
    Jwt {
        /// How it is signed.
        algorithm: JwtAlgorithm,
        /// The name of the credential that is the key.
        credential: Cow<'static, str>,
        /// How the credential writes a private key; the secret of an HMAC is the credential itself.
        encoding: KeyEncoding,
    },
    /// The program's own.
    Custom(Arc<SignFn>),
}

impl Operation {
    /// Its name in recipes.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Hmac { algorithm, .. } => algorithm.as_str().into(),
            Self::KeyedHash { algorithm, .. } => format!("keyed-{}", algorithm.as_str()).into(),
            #[cfg(feature = "asymmetric")]
            Self::PrivateKey { algorithm, .. } => algorithm.as_str().into(),
            #[cfg(feature = "jwt")]
            Self::Jwt { algorithm, .. } => algorithm.as_str().into(),
            Self::Custom(_) => "custom".into(),
        }
    }

    /// The name of the credential that it signs with as a secret which the server has too: not of a private key.
    pub fn shared_secret(&self) -> Option<&str> {
        match self {
            Self::Hmac { credential, .. } | Self::KeyedHash { credential, .. } => Some(credential),
            #[cfg(feature = "jwt")]
            Self::Jwt { algorithm, credential, .. } => {
                algorithm.signature_algorithm().is_none().then_some(credential.as_ref())
            }
            _ => None,
        }
    }

    /// Whether its signature holds what was signed.
    pub fn holds_payload(&self) -> bool {
        #[cfg(feature = "jwt")]
        if matches!(self, Self::Jwt { .. }) {
            return true;
        }
        false
    }

    /// The signer with the key from `keyring`, parsed once.
    ///
    /// # Errors
    /// When there is no such credential, or it is no such key.
    pub fn signer(&self, keyring: &Keyring) -> Result<Signer, AuthError> {
        Ok(Signer(match self {
            Self::Hmac { algorithm, credential } => Ready::Hmac(Box::new(HmacSigner::new(
                *algorithm,
                shared_secret(keyring, credential)?,
            ))),
            Self::KeyedHash { algorithm, credential } => {
                Ready::KeyedHash(*algorithm, shared_secret(keyring, credential)?.clone())
            }
            #[cfg(feature = "asymmetric")]
            Self::PrivateKey { algorithm, credential, encoding } => {
                Ready::Key(SigningKey::new(*algorithm, keyring.need(credential)?, *encoding)?)
            }
            #[cfg(feature = "jwt")]
            Self::Jwt { algorithm, credential, encoding } => {
                Ready::Jwt(match algorithm.signature_algorithm() {
                    None => {
                        JwtSigner::with_secret(*algorithm, shared_secret(keyring, credential)?)?
                    }
                    Some(own) => {
                        let key = keyring.need(credential)?;
                        JwtSigner::with_key(*algorithm, SigningKey::new(own, key, *encoding)?)?
                    }
                })
            }
            Self::Custom(sign) => Ready::Custom(Arc::clone(sign), keyring.clone()),
        }))
    }
}

/// The secret of an HMAC, which a private key never is: whoever gives one has chosen another way to sign than their key is
/// for, and every request would be refused.
fn shared_secret<'k>(keyring: &'k Keyring, name: &str) -> Result<&'k Secret, AuthError> {
    let secret = keyring.need(name)?;
    if secret.expose_bytes().trim_ascii_start().starts_with(b"-----BEGIN ") {
        return Err(AuthError::new(
            AuthErrorKind::Credentials,
            format!("the credential `{name}` is a key in PEM, and the secret of an HMAC is needed"),
        ));
    }
    Ok(secret)
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({})", self.name())
    }
}

/// Signs in one way with one key, which is held ready.
#[derive(Clone)]
pub struct Signer(Ready);

#[derive(Clone)]
enum Ready {
    Hmac(Box<HmacSigner>),
    KeyedHash(HashAlgorithm, Secret),
    #[cfg(feature = "asymmetric")]
    Key(SigningKey),
    #[cfg(feature = "jwt")]
    Jwt(JwtSigner),
    Custom(Arc<SignFn>, Keyring),
}

impl Signer {
    /// The signature of `payload` as text: in `encoding` or, of a token, the whole of it.
    ///
    /// # Errors
    /// When the operation fails; those with a key that was accepted do not, but for a program's own.
    pub fn sign(&self, payload: &[u8], encoding: DigestEncoding) -> Result<String, AuthError> {
        Ok(match &self.0 {
            Ready::Hmac(signer) => signer.sign(payload).to_text(encoding),
            Ready::KeyedHash(algorithm, key) => {
                let text = Secret::from([payload, key.expose_bytes()].concat());
                algorithm.digest(text.expose_bytes()).to_text(encoding)
            }
            #[cfg(feature = "asymmetric")]
            Ready::Key(key) => encoding.encode(&key.sign(payload)?),
            #[cfg(feature = "jwt")]
            Ready::Jwt(signer) => {
                let text = std::str::from_utf8(payload).map_err(|_| {
                    AuthError::new(
                        AuthErrorKind::Request,
                        "a token is signed over what is not text",
                    )
                })?;
                let signature = signer.signature(payload)?;
                let mut token = String::with_capacity(payload.len() + 1 + signature.len());
                token.push_str(text);
                token.push('.');
                token.push_str(&signature);
                token
            }
            Ready::Custom(sign, keyring) => encoding.encode(&sign(payload, keyring)?),
        })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}
