//! JSON Web Tokens that the program signs itself (RFC 7519).

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

#[doc(no_inline)]
pub use networkpype_auth::{
    JwtAlgorithm, JwtError, JwtErrorKind, JwtKey, JwtSigner, JwtVerifier, JwtVerifierBuilder,
    KeyEncoding, PublicJwk, SignatureAlgorithm, SigningKey, VerifiedJws, VerifiedJwt, VerifyingKey,
};
use networkpype_auth::{Part, Recipe, Values};
use networkpype_core::{
    Auth, AuthError, Clock, Explanation, RestRequest, Secret, Timestamp, WebSocketHandshake,
    WebSocketRequest, async_trait,
};

use crate::entropy::uuid_text;

mod builder;

pub use builder::JwtBuilder;

pub use crate::entropy::Entropy;

/// Signs a token for each request, or one for many, and sends it in a header.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::jwt::{Jwt, JwtAlgorithm};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), networkpype_core::AuthError> {
/// let auth = Jwt::with_secret(JwtAlgorithm::Hs256, "a secret of at least thirty-two bytes")?
///     .header("kid", "my-key")
///     .claim("iss", "my-app")
///     .claim_template("uri", "{method} {host}{path}")
///     .build()?;
/// let request = auth.rest_authenticate(RestRequest::get("https://api.example.com/account")).await?;
/// assert!(request.headers()["authorization"].to_str().unwrap().starts_with("Bearer eyJ"));
/// # Ok(())
/// # }
/// ```
///
/// A token that somebody else gives out is sent with [`Bearer`](crate::Bearer) or OAuth.
pub struct Jwt {
    signer: JwtSigner,
    recipe: Recipe,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    life: Duration,
    /// The token that is sent for now, where one is sent for many requests.
    reused: Option<Mutex<Option<Minted>>>,
}

/// A token, and when it was signed.
struct Minted {
    header: Secret,
    at: Timestamp,
}

/// What a signature was made with beside the request: to make the same one again, for its explanation.
#[derive(Clone)]
struct Stamps {
    now: Timestamp,
    uuid: String,
    random: [u8; 16],
}

impl Stamps {
    fn values(&self) -> Values<'_> {
        Values::new().now(self.now).uuid(&self.uuid).random(&self.random)
    }
}

impl Jwt {
    /// Tokens signed so.
    pub fn builder(signer: JwtSigner) -> JwtBuilder {
        JwtBuilder::new(signer)
    }

    /// Tokens signed with an HMAC under this secret.
    ///
    /// # Errors
    /// When the algorithm is no HMAC, or the secret is empty.
    pub fn with_secret(
        algorithm: JwtAlgorithm,
        secret: impl Into<Secret>,
    ) -> Result<JwtBuilder, AuthError> {
        JwtSigner::with_secret(algorithm, &secret.into()).map(Self::builder)
    }

    /// Tokens signed with this private key.
    ///
    /// # Errors
    /// When the algorithm is an HMAC, or the key is none for it.
    pub fn with_key(
        algorithm: JwtAlgorithm,
        key: impl Into<Secret>,
        encoding: KeyEncoding,
    ) -> Result<JwtBuilder, AuthError> {
        let Some(with_key) = algorithm.signature_algorithm() else {
            return Err(AuthError::new(
                networkpype_core::AuthErrorKind::Configuration,
                format!(
                    "{} is no algorithm for private keys: use `with_secret`",
                    algorithm.as_str()
                ),
            ));
        };
        let key = SigningKey::new(with_key, &key.into(), encoding)?;
        JwtSigner::with_key(algorithm, key).map(Self::builder)
    }

    fn stamps(&self) -> Result<Stamps, AuthError> {
        let uuid = match self.recipe.uses(&Part::Uuid) {
            true => uuid_text(self.entropy.uuid()?),
            false => String::new(),
        };
        let random = if self.recipe.uses(&Part::Random) { self.entropy.bytes()? } else { [0; 16] };
        Ok(Stamps { now: self.clock.now(), uuid, random })
    }

    fn sign(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        let name = self.recipe.headers().next().unwrap_or_default().to_owned();
        if let Some(reused) = &self.reused {
            let reused = reused.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.clock.now();
            // Of a clock that was set back nobody knows how long the token still lives.
            if let Some(minted) = reused.as_ref().filter(|minted| {
                minted.at <= now && now.saturating_since(minted.at) < self.life / 2
            }) {
                request.insert_sensitive_header(&name, minted.header.expose_bytes())?;
                return Ok(request);
            }
        }
        let stamps = self.stamps()?;
        let mut signed = self.recipe.sign_request(request, stamps.values(), |payload| {
            let signature = self.signer.signature(payload)?;
            Ok(format!("{}.{signature}", String::from_utf8_lossy(payload)))
        })?;
        if let (Some(reused), Some(header)) = (&self.reused, signed.headers().get(&name)) {
            let minted = Minted { header: header.as_bytes().into(), at: stamps.now };
            *reused.lock().unwrap_or_else(PoisonError::into_inner) = Some(minted);
        }
        signed.extensions_mut().insert(stamps);
        Ok(signed)
    }
}

#[async_trait]
impl Auth for Jwt {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        self.sign(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported(
            "this scheme sends tokens in handshakes: use a recipe where each message has one",
        ))
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        self.sign(handshake.into_request()).map(WebSocketHandshake::from_request)
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let stamps = signed.extensions().get::<Stamps>()?;
        let algorithm = self.signer.algorithm().as_str().to_owned();
        self.recipe.explain_request(unsigned.clone(), stamps.values(), "jwt", algorithm).ok()
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        Some(Arc::clone(&self.clock))
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("signer", &self.signer).finish_non_exhaustive()
    }
}
