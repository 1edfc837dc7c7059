//! Who asks for tokens, and how does it prove that?

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use networkpype_auth::{JwtAlgorithm, JwtSigner};
use networkpype_core::{AuthError, Encoding, RestRequest, Secret, Timestamp};

use super::{
    assertion::{Assertion, Audiences},
    error::unusable,
    server::AuthorizationServer,
};
use crate::entropy::Entropy;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A program that is registered with an authorization server, and how it proves that it is the one (RFC 6749, section 2.3;
/// OpenID Connect Core, section 9).
///
/// ```
/// use networkpype_schemes::oauth2::Client;
///
/// let server_side = Client::with_secret("my-client", "my-secret");
/// let desktop = Client::public("my-client");
/// # let _ = (server_side, desktop);
/// ```
#[derive(Clone)]
#[must_use = "a client does nothing until a scheme is given it"]
pub struct Client {
    id: String,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    Unnamed,
    None,
    Certificate,
    Basic { secret: Secret, encoding: Encoding },
    Post(Secret),
    Assertion(Box<Assertion>),
}

impl Client {
    /// A program that can keep no secret: one on its users' machines. It sends its id alone (`none`).
    pub fn public(id: impl Into<String>) -> Self {
        Self { id: id.into(), proof: Proof::None }
    }

    /// A program that is not registered, and has no id: for [`Grant::jwt_bearer`](super::Grant::jwt_bearer), where the
    /// assertion says who asks.
    pub fn unnamed() -> Self {
        Self { id: String::new(), proof: Proof::Unnamed }
    }

    /// A program with a secret, sent as `client_secret_basic`: id and secret are form-encoded each and then stand in the
    /// `Authorization` header, as RFC 6749, section 2.3.1 has it.
    pub fn with_secret(id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        let proof = Proof::Basic { secret: secret.into(), encoding: Encoding::Form };
        Self { id: id.into(), proof }
    }

    /// The same, not form-encoded, for servers that do not decode. It makes a difference only where the id or the secret
    /// has other characters than letters, digits, `-`, `.`, `_` and `*`.
    pub fn with_raw_secret(id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        let proof = Proof::Basic { secret: secret.into(), encoding: Encoding::AsIs };
        Self { id: id.into(), proof }
    }

    /// A program with a secret that stands in the body: `client_secret_post`, for servers that do not take the header.
    pub fn with_secret_in_body(id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { id: id.into(), proof: Proof::Post(secret.into()) }
    }

    /// A program that signs a token with its secret and never sends that itself: `client_secret_jwt`.
    ///
    /// # Errors
    /// When `algorithm` is no HMAC, or the secret is empty.
    pub fn with_secret_jwt(
        id: impl Into<String>,
        algorithm: JwtAlgorithm,
        secret: impl Into<Secret>,
    ) -> Result<Self, AuthError> {
        let signer = JwtSigner::with_secret(algorithm, &secret.into())?;
        Ok(Self::with_assertion(id, Assertion::new(signer)))
    }

    /// A program that signs a token with its private key: `private_key_jwt`. The key's id, another audience or another life
    /// are said by the assertion; `iss` and `sub` are the client's id.
    pub fn with_assertion(id: impl Into<String>, assertion: Assertion) -> Self {
        Self { id: id.into(), proof: Proof::Assertion(Box::new(assertion)) }
    }

    /// A program whose TLS certificate says who it is (RFC 8705): it sends its id, and the connection that it is given does
    /// the rest. Of a discovered server the endpoints for such clients are used, where it names some.
    pub fn with_certificate(id: impl Into<String>) -> Self {
        Self { id: id.into(), proof: Proof::Certificate }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is told apart by, where that is sent as it is.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match &self.proof {
            Proof::Basic { secret, .. } | Proof::Post(secret) => Some(secret),
            _ => None,
        }
    }

    pub(super) fn has_certificate(&self) -> bool {
        matches!(self.proof, Proof::Certificate)
    }

    pub(super) fn is_named(&self) -> bool {
        !matches!(self.proof, Proof::Unnamed)
    }

    pub(super) fn is_public(&self) -> bool {
        matches!(self.proof, Proof::None)
    }

    /// Whether its id stands in the `Authorization` header, and so not in the body.
    pub(super) fn is_in_header(&self) -> bool {
        matches!(self.proof, Proof::Basic { .. })
    }

    /// The mistake in it, if there is one. `server` where it is known already.
    pub(super) fn check(&self, server: Option<&AuthorizationServer>) -> Result<(), AuthError> {
        let is_empty = |secret: &Secret| secret.is_empty() || secret.expose_str().is_none();
        if self.id.is_empty() && self.is_named() {
            return Err(unusable("the client's id is empty"));
        }
        match &self.proof {
            Proof::Unnamed | Proof::None | Proof::Certificate => Ok(()),
            Proof::Basic { secret, .. } | Proof::Post(secret) if is_empty(secret) => {
                Err(unusable("the client's secret is empty or not UTF-8 text"))
            }
            Proof::Basic { encoding: Encoding::AsIs, .. } if self.id.contains(':') => {
                Err(unusable("a client's id with a colon in it cannot be sent without encoding"))
            }
            Proof::Basic { .. } | Proof::Post(_) => Ok(()),
            Proof::Assertion(assertion) => assertion.check(server),
        }
    }

    /// Adds the proof to a request whose form, of which `body` is the text, names the client already where it has to.
    pub(super) fn prove(
        &self,
        mut request: RestRequest,
        mut body: Vec<u8>,
        audiences: Audiences<'_>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<RestRequest, AuthError> {
        match &self.proof {
            Proof::Unnamed | Proof::None | Proof::Certificate => {}
            Proof::Basic { secret, encoding } => {
                let secret = secret.expose_str().unwrap_or_default();
                let pair = format!("{}:{}", encoding.encode(&self.id), encoding.encode(secret));
                let pair = Secret::from(pair);
                let value = Secret::from(format!("Basic {}", STANDARD.encode(pair.expose_bytes())));
                request.insert_sensitive_header("authorization", value.expose_bytes())?;
            }
            Proof::Post(secret) => push(&mut body, "client_secret", secret),
            Proof::Assertion(assertion) => {
                let signed = assertion.sign(&self.id, audiences, now, entropy)?;
                push(&mut body, "client_assertion_type", &ASSERTION_TYPE.into());
                push(&mut body, "client_assertion", &signed);
            }
        }
        Ok(request.body(body))
    }
}

/// Adds a parameter to the text of a form.
pub(super) fn push(body: &mut Vec<u8>, name: &str, value: &Secret) {
    let value = value.expose_str().unwrap_or_default();
    let separator = if body.is_empty() { "" } else { "&" };
    body.extend_from_slice(
        format!("{separator}{name}={}", Encoding::Form.encode(value)).as_bytes(),
    );
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match &self.proof {
            Proof::Unnamed => "unnamed",
            Proof::None => "none",
            Proof::Certificate => "tls_client_auth",
            Proof::Basic { .. } => "client_secret_basic",
            Proof::Post(_) => "client_secret_post",
            Proof::Assertion(_) => "private_key_jwt",
        };
        f.debug_struct("Client").field("method", &method).finish_non_exhaustive()
    }
}
