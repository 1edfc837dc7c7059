//! Who asks, and for whom (RFC 5849, section 1.1)?

use std::{borrow::Cow, fmt, sync::Arc};

#[cfg(feature = "oauth1-rsa-sha1")]
use networkpype_auth::RsaSha1Key;
use networkpype_auth::{HmacAlgorithm, KeyEncoding, SignatureAlgorithm, SigningKey};
use networkpype_core::{AuthError, Secret};

use super::{method::Method, parameters::Parameter};

/// The client credentials: what identifies the program, once called consumer key and consumer secret, and how it signs.
///
/// ```
/// use networkpype_schemes::oauth1::ClientCredentials;
///
/// let client = ClientCredentials::hmac_sha1("my-consumer-key", "my-consumer-secret");
/// # let _ = client;
/// ```
#[derive(Clone)]
pub struct ClientCredentials {
    pub(super) key: String,
    pub(super) method: Method,
}

impl ClientCredentials {
    /// `HMAC-SHA1` (RFC 5849, section 3.4.2): what most servers take.
    pub fn hmac_sha1(key: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self::new(key, Method::Hmac(HmacAlgorithm::Sha1, secret.into()))
    }

    /// `HMAC-SHA256`, of servers that have gone beyond the standard.
    pub fn hmac_sha256(key: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self::new(key, Method::Hmac(HmacAlgorithm::Sha256, secret.into()))
    }

    /// `HMAC-SHA512`, of servers that have gone beyond the standard.
    pub fn hmac_sha512(key: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self::new(key, Method::Hmac(HmacAlgorithm::Sha512, secret.into()))
    }

    /// `RSA-SHA1` (RFC 5849, section 3.4.3). The token's secret is no part of the key.
    ///
    /// Where a key is kept elsewhere, or another library is to sign, there is [`signed_by`](Self::signed_by).
    ///
    /// # Errors
    /// When `private_key` is no RSA key of 2048 to 8192 bits in PEM or DER.
    #[cfg(feature = "oauth1-rsa-sha1")]
    pub fn rsa_sha1(
        key: impl Into<String>,
        private_key: impl Into<Secret>,
        encoding: KeyEncoding,
    ) -> Result<Self, AuthError> {
        let private_key = RsaSha1Key::new(&private_key.into(), encoding)?;
        Ok(Self::new(key, Method::RsaSha1(private_key)))
    }

    /// `RSA-SHA256`, of servers that have gone beyond the standard.
    ///
    /// # Errors
    /// When `private_key` is no RSA key of 2048 to 8192 bits in this encoding.
    pub fn rsa_sha256(
        key: impl Into<String>,
        private_key: impl Into<Secret>,
        encoding: KeyEncoding,
    ) -> Result<Self, AuthError> {
        Self::rsa(key, SignatureAlgorithm::RsaPkcs1Sha256, private_key.into(), encoding)
    }

    /// `RSA-SHA512`, of servers that have gone beyond the standard.
    ///
    /// # Errors
    /// As [`rsa_sha256`](Self::rsa_sha256).
    pub fn rsa_sha512(
        key: impl Into<String>,
        private_key: impl Into<Secret>,
        encoding: KeyEncoding,
    ) -> Result<Self, AuthError> {
        Self::rsa(key, SignatureAlgorithm::RsaPkcs1Sha512, private_key.into(), encoding)
    }

    /// `PLAINTEXT` (RFC 5849, section 3.4.4): both secrets are sent with each request. Nothing is signed, so nothing but TLS
    /// protects it.
    ///
    /// **Do not place them in the query** ([`ParameterPlacement::Query`](super::ParameterPlacement::Query)): they would stand in
    /// every URL, and so in the logs of servers and proxies. It is possible, for servers that take nothing else.
    pub fn plaintext(key: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self::new(key, Method::Plaintext(secret.into()))
    }

    /// A signature method that `sign` does: for a key in a hardware module, another library, or a method of the server's own.
    /// `method` is what `oauth_signature_method` says. `sign` is given the signature base string and returns the signature's
    /// bytes, which are sent as base64.
    ///
    /// ```
    /// use networkpype_schemes::oauth1::ClientCredentials;
    ///
    /// # fn ask_the_module(_: &[u8]) -> Result<Vec<u8>, networkpype_core::AuthError> { Ok(vec![]) }
    /// let client = ClientCredentials::signed_by("my-consumer-key", "RSA-SHA1", |base_string| {
    ///     ask_the_module(base_string)
    /// });
    /// # let _ = client;
    /// ```
    pub fn signed_by(
        key: impl Into<String>,
        method: impl Into<Cow<'static, str>>,
        sign: impl Fn(&[u8]) -> Result<Vec<u8>, AuthError> + Send + Sync + 'static,
    ) -> Self {
        Self::new(key, Method::Custom(method.into(), Arc::new(sign)))
    }

    fn new(key: impl Into<String>, method: Method) -> Self {
        Self { key: key.into(), method }
    }

    fn rsa(
        key: impl Into<String>,
        algorithm: SignatureAlgorithm,
        private_key: Secret,
        encoding: KeyEncoding,
    ) -> Result<Self, AuthError> {
        Ok(Self::new(key, Method::Rsa(SigningKey::new(algorithm, &private_key, encoding)?)))
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The token credentials: what a resource owner has granted, once called access token and token secret.
///
/// They do not end by themselves in the standard. Keep both halves where secrets are kept.
#[derive(Clone)]
pub struct TokenCredentials {
    pub(super) token: Secret,
    pub(super) secret: Secret,
    pub(super) more: Vec<Parameter>,
}

impl TokenCredentials {
    /// A token and its secret, which is empty for some servers.
    pub fn new(token: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { token: token.into().into(), secret: secret.into(), more: Vec::new() }
    }

    /// The token.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// The secret that belongs to it.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// What else the server said when it gave them out, such as `user_id`: the first parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let name = super::parameters::encode(name.as_bytes());
        let found = self.more.iter().find(|parameter| parameter.name == name)?;
        String::from_utf8(super::parameters::decode(found.value.as_bytes())).ok()
    }
}

impl fmt::Debug for TokenCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCredentials").finish_non_exhaustive()
    }
}
