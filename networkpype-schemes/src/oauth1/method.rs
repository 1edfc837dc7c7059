//! How is the base string signed (RFC 5849, sections 3.4.2 to 3.4.4)?

use std::{borrow::Cow, fmt, sync::Arc};

#[cfg(feature = "oauth1-rsa-sha1")]
use networkpype_auth::RsaSha1Key;
use networkpype_auth::{
    DigestEncoding, HashAlgorithm, HmacAlgorithm, HmacSigner, SignatureAlgorithm, SigningKey,
};
use networkpype_core::{AuthError, Secret};

use super::parameters::encode;

/// What makes a signature's bytes of a base string, in a program's own code.
type SignFn = dyn Fn(&[u8]) -> Result<Vec<u8>, AuthError> + Send + Sync;

/// A signature method, with the client's share of the key.
#[derive(Clone)]
pub(super) enum Method {
    Hmac(HmacAlgorithm, Secret),
    Rsa(SigningKey),
    #[cfg(feature = "oauth1-rsa-sha1")]
    RsaSha1(RsaSha1Key),
    Plaintext(Secret),
    Custom(Cow<'static, str>, Arc<SignFn>),
}

impl Method {
    /// `oauth_signature_method`.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Hmac(HmacAlgorithm::Sha256, _) => "HMAC-SHA256",
            Self::Hmac(HmacAlgorithm::Sha512, _) => "HMAC-SHA512",
            Self::Hmac(..) => "HMAC-SHA1",
            Self::Rsa(key) if key.algorithm() == SignatureAlgorithm::RsaPkcs1Sha512 => "RSA-SHA512",
            Self::Rsa(_) => "RSA-SHA256",
            #[cfg(feature = "oauth1-rsa-sha1")]
            Self::RsaSha1(_) => "RSA-SHA1",
            Self::Plaintext(_) => "PLAINTEXT",
            Self::Custom(name, _) => name,
        }
    }

    /// The hash in it, which the body is hashed with too.
    pub(super) fn hash(&self) -> Option<HashAlgorithm> {
        match self.name().rsplit('-').next() {
            Some("SHA1") => Some(HashAlgorithm::Sha1),
            Some("SHA256") => Some(HashAlgorithm::Sha256),
            Some("SHA512") => Some(HashAlgorithm::Sha512),
            _ => None,
        }
    }

    /// What it has of a secret to share with the server.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Hmac(_, secret) | Self::Plaintext(secret) => Some(secret),
            _ => None,
        }
    }

    /// The signer with the whole key: the client's secret and the token's.
    pub(super) fn signer(&self, token_secret: Option<&Secret>) -> Signer {
        match self {
            Self::Hmac(algorithm, secret) => {
                let key = key(secret, token_secret);
                Signer::Hmac(Box::new(HmacSigner::new(*algorithm, &key)))
            }
            Self::Rsa(key) => Signer::Rsa(key.clone()),
            #[cfg(feature = "oauth1-rsa-sha1")]
            Self::RsaSha1(key) => Signer::RsaSha1(key.clone()),
            Self::Plaintext(secret) => Signer::Plaintext(key(secret, token_secret)),
            Self::Custom(_, sign) => Signer::Custom(Arc::clone(sign)),
        }
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Custom(..) => "custom",
            _ => self.name(),
        })
    }
}

/// Both secrets, each encoded, with `&` between them also where one is empty or there is no token.
fn key(client: &Secret, token: Option<&Secret>) -> Secret {
    let [client, token] = [Some(client), token]
        .map(|secret| Secret::from(encode(secret.map_or(&[], |secret| secret.expose_bytes()))));
    let mut key = Vec::with_capacity(client.expose_bytes().len() + token.expose_bytes().len() + 1);
    key.extend_from_slice(client.expose_bytes());
    key.push(b'&');
    key.extend_from_slice(token.expose_bytes());
    key.into()
}

/// A signature method with its whole key.
#[derive(Clone)]
pub(super) enum Signer {
    Hmac(Box<HmacSigner>),
    Rsa(SigningKey),
    #[cfg(feature = "oauth1-rsa-sha1")]
    RsaSha1(RsaSha1Key),
    Plaintext(Secret),
    Custom(Arc<SignFn>),
}

impl Signer {
    /// `oauth_signature`, before it is encoded.
    pub(super) fn sign(&self, base: &[u8]) -> Result<Secret, AuthError> {
        let bytes = match self {
            Self::Hmac(signer) => signer.sign(base).as_bytes().to_vec(),
            Self::Rsa(key) => key.sign(base)?,
            #[cfg(feature = "oauth1-rsa-sha1")]
            Self::RsaSha1(key) => key.sign(base)?,
            Self::Plaintext(key) => return Ok(key.clone()),
            Self::Custom(sign) => sign(base)?,
        };
        Ok(DigestEncoding::Base64.encode(&bytes).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_both_secrets_with_an_ampersand_also_where_one_is_empty() {
        for (client, token, expected) in [
            ("cs", Some("ts"), "cs&ts"),
            ("cs", Some(""), "cs&"),
            ("cs", None, "cs&"),
            ("", None, "&"),
            ("a&b", Some("c%d"), "a%26b&c%25d"),
            ("\u{fc}", Some("\u{6f22}"), "%C3%BC&%E6%BC%A2"),
        ] {
            let key = key(&client.into(), token.map(Secret::from).as_ref());
            assert_eq!(key.expose_str(), Some(expected));
        }
    }
}
