use std::{borrow::Cow, fmt, sync::Arc};

use networkpype_auth::{DigestEncoding, HashAlgorithm};
use networkpype_core::{AuthError, AuthErrorKind, Clock, Secret, SystemClock};

use super::{
    ClientCredentials, Entropy, OAuth1, ParameterPlacement, TokenCredentials, method::Method,
    sign::Own,
};
use crate::entropy::SystemEntropy;

/// Says for whom and how requests are signed. Made by [`OAuth1::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct OAuth1Builder {
    client: ClientCredentials,
    token: Option<TokenCredentials>,
    body_hash: BodyHash,
    settings: Settings,
}

/// Whether the body is hashed.
#[derive(Clone, Copy)]
enum BodyHash {
    No,
    AsSigned,
    With(HashAlgorithm),
}

/// What all signatures have in common, whoever they are for.
pub(super) struct Settings {
    pub(super) placement: ParameterPlacement,
    pub(super) realm: Option<String>,
    pub(super) version: bool,
    pub(super) body_hash: Option<HashAlgorithm>,
    pub(super) more: Vec<Own>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) nonces: Nonces,
}

/// Where nonces come from.
pub(super) enum Nonces {
    Random(Arc<dyn Entropy>),
    Own(Box<dyn Fn() -> Result<String, AuthError> + Send + Sync>),
}

impl Nonces {
    /// 96 random bits as hexadecimal: some servers take nothing but letters and digits, and no more than thirty.
    pub(super) fn next(&self) -> Result<String, AuthError> {
        match self {
            Self::Random(entropy) => Ok(DigestEncoding::Hex.encode(&entropy.bytes()?[..12])),
            Self::Own(next) => next(),
        }
    }
}

impl OAuth1Builder {
    pub(super) fn new(client: ClientCredentials) -> Self {
        let settings = Settings {
            placement: ParameterPlacement::default(),
            realm: None,
            version: true,
            body_hash: None,
            more: Vec::new(),
            clock: Arc::new(SystemClock),
            nonces: Nonces::Random(Arc::new(SystemEntropy)),
        };
        Self { client, token: None, body_hash: BodyHash::No, settings }
    }

    /// For whom the program acts. Default: for itself.
    pub fn token(mut self, token: TokenCredentials) -> Self {
        self.token = Some(token);
        self
    }

    /// Where the `oauth_` parameters are sent. Default: in the `Authorization` header.
    pub fn placement(mut self, placement: ParameterPlacement) -> Self {
        self.settings.placement = placement;
        self
    }

    /// The protection realm that the header names. It is sent and never signed. Default: none.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.settings.realm = Some(realm.into());
        self
    }

    /// Sends `oauth_body_hash`, so that bodies other than forms are signed too: the hash of the body, and of nothing where
    /// there is none, with the hash that is in the signature method. It is an extension of the standard (OAuth Request Body
    /// Hash), which the server has to know. Forms have none, since they are signed themselves. Default: no.
    pub fn body_hash(mut self) -> Self {
        self.body_hash = BodyHash::AsSigned;
        self
    }

    /// The same with this hash, for servers that stay with SHA-1 whatever the signature method is.
    pub fn body_hash_with(mut self, algorithm: HashAlgorithm) -> Self {
        self.body_hash = BodyHash::With(algorithm);
        self
    }

    /// Leaves `oauth_version` out, which the standard permits. Default: it says `1.0`.
    pub fn without_version(mut self) -> Self {
        self.settings.version = false;
        self
    }

    /// A further parameter of every request, such as an extension's `oauth_session_handle`. It stands where the others stand,
    /// and is signed.
    pub fn parameter(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        self.settings.more.push(Own { name: name.into(), value: value.into() });
        self
    }

    /// The clock that `oauth_timestamp` comes from. Give it the one that is synchronized with the server. Default: the
    /// machine's own.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Where nonces' random bytes come from. Default: the operating system.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.settings.nonces = Nonces::Random(Arc::new(entropy));
        self
    }

    /// Nonces of the program's own making, for servers that want them in another form. None may come twice for the same
    /// second, whichever process or task it is for: servers refuse it. Default: 24 random hexadecimal digits.
    pub fn nonces(
        mut self,
        next: impl Fn() -> Result<String, AuthError> + Send + Sync + 'static,
    ) -> Self {
        self.settings.nonces = Nonces::Own(Box::new(next));
        self
    }

    /// The scheme.
    ///
    /// # Errors
    /// When the client has no key, or nothing is secret of what signs; when a realm is to stand elsewhere than in the header, or holds a control character; when a further parameter is one
    /// that the scheme sets itself, is said twice or has no name; when a body is to be hashed that nothing signs, or with the
    /// hash of a signature method that names none.
    pub fn build(mut self) -> Result<OAuth1, AuthError> {
        if let Some(realm) = &self.settings.realm {
            if self.settings.placement != ParameterPlacement::Header {
                return Err(wrong("a realm stands in the header alone, and the parameters do not"));
            }
            if realm.chars().any(char::is_control) {
                return Err(wrong("the realm holds a control character, such as a line end"));
            }
        }
        check(&self.settings.more)?;
        if self.client.key.is_empty() {
            return Err(wrong(
                "the client's key is empty: give the one that the server has for it",
            ));
        }
        let has_none = |secret: Option<&Secret>| secret.is_none_or(Secret::is_empty);
        let of_token = self.token.as_ref().map(TokenCredentials::secret);
        if self.client.method.secret().is_some_and(Secret::is_empty) && has_none(of_token) {
            return Err(wrong(
                "the client's secret is empty and no token has another, so that anybody could sign",
            ));
        }
        self.settings.body_hash = match (self.body_hash, &self.client.method) {
            (BodyHash::No, _) => None,
            (_, Method::Plaintext(_)) => {
                return Err(wrong(
                    "`PLAINTEXT` signs nothing, so a hash of the body would protect nothing",
                ));
            }
            (BodyHash::With(algorithm), _) => Some(algorithm),
            (BodyHash::AsSigned, method) => Some(method.hash().ok_or_else(|| {
                wrong("the signature method names no hash: say which with `body_hash_with`")
            })?),
        };
        let signer = self.client.method.signer(self.token.as_ref().map(TokenCredentials::secret));
        Ok(OAuth1 {
            client: Arc::new(self.client),
            token: self.token,
            signer,
            settings: Arc::new(self.settings),
        })
    }
}

/// What the scheme sets by itself.
const SET: [&str; 9] = [
    "oauth_consumer_key",
    "oauth_token",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_version",
    "oauth_body_hash",
    "realm",
];

fn check(more: &[Own]) -> Result<(), AuthError> {
    for (index, Own { name, .. }) in more.iter().enumerate() {
        if name.is_empty() {
            return Err(wrong("a further parameter has no name"));
        }
        if SET.contains(&name.as_ref()) {
            let message = format!("the parameter `{name}` is one that the scheme sets itself");
            return Err(AuthError::new(AuthErrorKind::Configuration, message));
        }
        if more[..index].iter().any(|other| other.name == *name) {
            let message = format!("the parameter `{name}` is said twice");
            return Err(AuthError::new(AuthErrorKind::Configuration, message));
        }
    }
    Ok(())
}

fn wrong(message: &'static str) -> AuthError {
    AuthError::new(AuthErrorKind::Configuration, message)
}

impl fmt::Debug for OAuth1Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth1Builder")
            .field("client", &self.client)
            .field("placement", &self.settings.placement)
            .finish_non_exhaustive()
    }
}
