//! HMAC signatures over any parts of a request, message or login.

use std::{fmt, sync::Arc};

#[doc(no_inline)]
pub use networkpype_auth::{
    DigestEncoding, HashAlgorithm, HmacAlgorithm, Login, Nonce, Part, Placement, Recipe,
    SecretEncoding, Template, TimestampFormat, fields_are,
};
use networkpype_auth::{HmacSigner, Values};
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Clock, Explanation, Extensions, LoginStep, Recovery, Rejection,
    RestRequest, Secret, Timestamp, WebSocketHandshake, WebSocketRequest, WebSocketResponse,
    async_trait,
};

mod builder;
mod resync;

pub use builder::HmacBuilder;
use resync::Resync;

/// Signs with an HMAC, in the way the builder is told: requests, and where configured WebSocket handshakes, messages
/// and logins.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::hmac::{Hmac, Part, Placement};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), networkpype_core::AuthError> {
/// let auth = Hmac::builder("my-key", "my-secret")
///     .key_in(Placement::header("X-MBX-APIKEY"))
///     .timestamp_in(Placement::query("timestamp"))
///     .sign([Part::Query])
///     .signature_in(Placement::query("signature"))
///     .build()?;
///
/// let mut request = auth.rest_authenticate(RestRequest::get("https://api.example.com/account")).await?;
/// assert!(request.query_string().starts_with("timestamp="));
/// # Ok(())
/// # }
/// ```
///
/// Every signature has a timestamp and a nonce of its own, so a request that is sent again is signed anew.
pub struct Hmac {
    signer: HmacSigner,
    digest: DigestEncoding,
    key: Secret,
    passphrase: Option<Secret>,
    request: Option<Recipe>,
    signs_handshakes: bool,
    message: Option<Recipe>,
    login: Option<Login>,
    clock: Arc<dyn Clock>,
    nonce: Nonce,
    resync: Resync,
}

impl Hmac {
    /// A scheme with this key, which is public, and this secret, which signs. An API without a key, such as one for
    /// webhooks, gets an empty one.
    pub fn builder(key: impl Into<Secret>, secret: impl Into<Secret>) -> HmacBuilder {
        HmacBuilder::new(key.into(), secret.into())
    }

    fn sign(&self, payload: &[u8]) -> Result<String, AuthError> {
        Ok(self.signer.sign(payload).to_text(self.digest))
    }

    /// What every signature is made with, but for its timestamp and nonce.
    fn values(&self) -> Values<'_> {
        let values = Values::new().key(&self.key);
        match &self.passphrase {
            Some(passphrase) => values.passphrase(passphrase),
            None => values,
        }
    }

    /// The nonce of `now` where one is used, and `""` where none is: nonces are not drawn in vain.
    fn nonce(&self, now: Timestamp, is_used: bool) -> String {
        if is_used { self.nonce.next(now).to_string() } else { String::new() }
    }

    fn sign_request(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        let recipe = self.request.as_ref().ok_or_else(|| {
            AuthError::unsupported(
                "this scheme was not told how to sign requests: give its builder `sign` and `signature_in`",
            )
        })?;
        let now = self.clock.now();
        let (stamp, nonce) = (recipe.stamp(now), self.nonce(now, recipe.uses(&Part::Nonce)));
        let values = self.values().timestamp(&stamp).nonce(&nonce);
        let mut signed = recipe.sign_request(request, values, |payload| self.sign(payload))?;
        signed.extensions_mut().insert(Stamps { stamp, nonce });
        Ok(signed)
    }
}

/// What a signature was made with beside the request and the credentials: to make the same one again, for its explanation.
#[derive(Clone)]
struct Stamps {
    stamp: String,
    nonce: String,
}

#[async_trait]
impl Auth for Hmac {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        self.sign_request(request)
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        let recipe = self.message.as_ref().ok_or_else(|| {
            AuthError::unsupported(
                "this scheme was not told how to sign messages: give its builder `ws_message`, or `ws_login` where \
                 the connection is authenticated once",
            )
        })?;
        let now = self.clock.now();
        let (stamp, nonce) = (recipe.stamp(now), self.nonce(now, recipe.uses(&Part::Nonce)));
        let values = self.values().timestamp(&stamp).nonce(&nonce);
        recipe.sign_message(request, values, |payload| self.sign(payload))
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        if !self.signs_handshakes {
            return Err(AuthError::unsupported(
                "this scheme was not told to sign handshakes: give its builder `sign_handshakes`",
            ));
        }
        let mut request = handshake.into_request();
        let has_body = request.form_params().is_some() || !request.body_bytes()?.is_empty();
        if request.method().as_str() != "GET" || has_body {
            return Err(AuthError::new(
                AuthErrorKind::Request,
                "a handshake is sent as a GET request without a body, and this one would be signed as another",
            ));
        }
        self.sign_request(request).map(WebSocketHandshake::from_request)
    }

    async fn ws_login(
        &self,
        _: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let Some(login) = &self.login else {
            return Ok(LoginStep::NotNeeded);
        };
        if let Some(received) = received {
            return Ok(login.judge(received, &self.values()));
        }
        let now = self.clock.now();
        let (stamp, nonce) = (login.stamp(now), self.nonce(now, login.uses(&Part::Nonce)));
        let values = self.values().timestamp(&stamp).nonce(&nonce);
        login.message(values, |payload| self.sign(payload)).map(LoginStep::Send)
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        Ok(if self.resync.wanted(rejection) { Recovery::ResyncTime } else { Recovery::GiveUp })
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let Stamps { stamp, nonce } = signed.extensions().get()?;
        let values = self.values().timestamp(stamp).nonce(nonce);
        let operation = format!("{}, {}", self.signer.algorithm().as_str(), self.digest.as_str());
        self.request.as_ref()?.explain_request(unsigned.clone(), values, "hmac", operation).ok()
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        let recipes = self.request.iter().chain(&self.message);
        let stamps = recipes.map(|recipe| recipe.uses(&Part::Timestamp));
        let stamps = stamps.chain(self.login.iter().map(|login| login.uses(&Part::Timestamp)));
        stamps.into_iter().any(|stamps| stamps).then(|| Arc::clone(&self.clock))
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hmac")
            .field("signer", &self.signer)
            .field("digest", &self.digest)
            .field("request", &self.request)
            .field("signs_handshakes", &self.signs_handshakes)
            .field("message", &self.message)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
