//! The scheme: a compiled recipe with credentials and a clock.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use networkpype_auth::{Keyring, Signer, Values, is_error_field};
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Clock, Explanation, Extensions, LoginStep, Recovery, Rejection,
    RestRequest, Timestamp, WebSocketHandshake, WebSocketRequest, WebSocketResponse, async_trait,
};

use crate::entropy::{Entropy, uuid_text};

use super::{
    builder::RecipeBuilder,
    compile::{Compiled, Requests},
    compile_request::{Draws, Signed},
    credentials::{CredentialProvider, Credentials},
    keys::{keyring, signer},
    nonce::Nonces,
    spec::RecipeSpec,
};

/// Signs as a recipe says: requests, and where it says so WebSocket handshakes, messages and logins.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::recipe::{Credentials, RecipeAuth, RecipeSpec};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let recipe = RecipeSpec::from_toml(r#"
///     credentials = ["key", "secret"]
///
///     [request]
///     payload = "{timestamp}{method}{target}{body}"
///     headers.X-KEY = "{key}"
///     headers.X-TIME = "{timestamp}"
///     headers.X-SIGN = "{signature}"
/// "#)?;
/// let auth = RecipeAuth::builder(recipe)
///     .credentials(Credentials::new().with("key", "my-key").with("secret", "my-secret"))
///     .build()?;
///
/// let signed = auth.rest_authenticate(RestRequest::get("https://api.example.com/orders")).await?;
/// assert_eq!(signed.headers()["x-key"], "my-key");
/// # Ok(())
/// # }
/// ```
pub struct RecipeAuth {
    pub(super) compiled: Compiled,
    /// None where the credentials were given, and are ready.
    pub(super) provider: Option<Arc<dyn CredentialProvider>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) nonces: Nonces,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) ready: Mutex<Option<(Credentials, Arc<Ready>)>>,
}

/// What is made from credentials once.
pub(super) struct Ready {
    pub(super) keyring: Keyring,
    signers: Vec<Signer>,
}

impl Ready {
    /// `provider` is whom the credentials come from, where one was asked.
    pub(super) fn new(
        compiled: &Compiled,
        credentials: &Credentials,
        provider: Option<&dyn CredentialProvider>,
    ) -> Result<Self, AuthError> {
        let mut keyring = keyring(compiled, credentials, provider)?;
        let requests = compiled.request.iter().chain(&compiled.handshake);
        for requests in requests {
            requests.base.what.prepare(&mut keyring)?;
            requests.rules.iter().try_for_each(|(_, rule)| rule.what.prepare(&mut keyring))?;
        }
        compiled.login.iter().try_for_each(|login| login.what.prepare(&mut keyring))?;
        compiled.message.iter().try_for_each(|message| message.what.prepare(&mut keyring))?;
        let signers: Result<Vec<_>, _> =
            compiled.operations.iter().map(|operation| signer(operation, &keyring)).collect();
        Ok(Self { keyring, signers: signers? })
    }
}

/// Everything in a signature that is not in the request: to make the same one again, for its explanation.
#[derive(Clone)]
pub(super) struct Stamps {
    pub(super) now: Timestamp,
    timestamp: String,
    nonce: String,
    uuid: String,
    random: [u8; 16],
    pub(super) ready: Arc<Ready>,
}

impl Stamps {
    pub(super) fn values(&self) -> Values<'_> {
        Values::new()
            .keyring(&self.ready.keyring)
            .now(self.now)
            .timestamp(&self.timestamp)
            .nonce(&self.nonce)
            .uuid(&self.uuid)
            .random(&self.random)
    }

    pub(super) fn sign<T>(&self, signed: &Signed<T>, payload: &[u8]) -> Result<String, AuthError> {
        let signer = signed.operation.and_then(|index| self.ready.signers.get(index));
        let signer = signer.ok_or_else(|| {
            AuthError::new(
                AuthErrorKind::Configuration,
                "there is something to sign and nothing to sign it with",
            )
        })?;
        signer.sign(payload, signed.digest)
    }
}

impl Requests {
    /// What signs `request`: the first rule that matches it, or what counts without one.
    pub(super) fn of(&self, request: &RestRequest) -> &Signed<networkpype_auth::Recipe> {
        let rule = self.rules.iter().find(|(matcher, _)| matcher.matches(request));
        rule.map_or(&self.base, |(_, rule)| rule)
    }
}

impl RecipeAuth {
    /// A scheme that signs as `recipe` says. Give it credentials.
    pub fn builder(recipe: RecipeSpec) -> RecipeBuilder {
        RecipeBuilder::new(recipe)
    }

    /// The name of the recipe.
    pub fn name(&self) -> &str {
        &self.compiled.name
    }

    /// Whether the recipe itself says where the parameters of such a request are sent, so that a caller need not.
    pub fn carries(&self, request: &RestRequest) -> bool {
        let requests = self.compiled.request.as_ref();
        requests.is_some_and(|requests| requests.of(request).what.carries())
    }

    /// How this request would be signed now, without signing or sending it. For one that a server has refused, the error
    /// holds the explanation: [`Error::explanation`](networkpype_core::Error::explanation).
    ///
    /// # Errors
    /// As signing it.
    pub async fn explain_request(
        &self,
        mut request: RestRequest,
    ) -> Result<Explanation, AuthError> {
        // Rules match the path as it is sent.
        request.resolve(None)?;
        let requests = self.requests()?;
        let signed = requests.of(&request);
        let recipe = &signed.what;
        let stamps = self.stamps(signed, |now| recipe.stamp(now), signed.draws).await?;
        recipe.explain_request(request, stamps.values(), self.name(), self.operation(signed))
    }

    /// How this handshake would be signed now.
    ///
    /// # Errors
    /// As signing it.
    pub async fn explain_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<Explanation, AuthError> {
        let signed = self.handshakes()?.of(handshake.request());
        let recipe = &signed.what;
        let stamps = self.stamps(signed, |now| recipe.stamp(now), signed.draws).await?;
        let request = handshake.into_request();
        recipe.explain_request(request, stamps.values(), self.name(), self.operation(signed))
    }

    /// How this message would be signed now.
    ///
    /// # Errors
    /// As signing it.
    pub async fn explain_message(
        &self,
        message: WebSocketRequest,
    ) -> Result<Explanation, AuthError> {
        let signed = self.messages()?;
        let recipe = &signed.what;
        let stamps = self.stamps(signed, |now| recipe.stamp(now), signed.draws).await?;
        recipe.explain_message(message, stamps.values(), self.name(), self.operation(signed))
    }

    /// How a login would be signed now; `None` where the recipe has none.
    ///
    /// # Errors
    /// As making its message.
    pub async fn explain_login(&self) -> Result<Option<Explanation>, AuthError> {
        let Some(signed) = &self.compiled.login else { return Ok(None) };
        let login = &signed.what;
        let stamps = self.stamps(signed, |now| login.stamp(now), signed.draws).await?;
        login.explain(stamps.values(), self.name(), self.operation(signed)).map(Some)
    }

    /// What signs, and how its result becomes text.
    fn operation<T>(&self, signed: &Signed<T>) -> String {
        let operation = signed.operation.and_then(|index| self.compiled.operations.get(index));
        match operation {
            None => "nothing".to_owned(),
            Some(operation) if operation.holds_payload() => operation.name().into_owned(),
            Some(operation) => format!("{}, {}", operation.name(), signed.digest.as_str()),
        }
    }

    fn requests(&self) -> Result<&Requests, AuthError> {
        self.compiled.request.as_ref().ok_or_else(|| {
            AuthError::unsupported(
                "the recipe does not say how requests are signed: it has no `request`",
            )
        })
    }

    fn handshakes(&self) -> Result<&Requests, AuthError> {
        self.compiled.handshake.as_ref().ok_or_else(|| {
            AuthError::unsupported(
                "the recipe does not say how handshakes are signed: it has no `websocket.handshake`",
            )
        })
    }

    fn messages(&self) -> Result<&Signed<networkpype_auth::Recipe>, AuthError> {
        self.compiled.message.as_ref().ok_or_else(|| {
            AuthError::unsupported(
                "the recipe does not say how messages are signed: it has no `websocket.message`",
            )
        })
    }

    async fn ready(&self) -> Result<Arc<Ready>, AuthError> {
        let credentials = match &self.provider {
            None => None,
            Some(provider) => {
                let names = self.compiled.credentials.iter().map(|own| own.name.as_str());
                Some(provider.credentials(&names.collect::<Vec<_>>()).await?)
            }
        };
        if let Some((of, ready)) = &*self.lock()
            && credentials.as_ref().is_none_or(|credentials| of.is_same(credentials))
        {
            return Ok(Arc::clone(ready));
        }
        let credentials = credentials.unwrap_or_default();
        let ready = Arc::new(Ready::new(&self.compiled, &credentials, self.provider.as_deref())?);
        *self.lock() = Some((credentials, Arc::clone(&ready)));
        Ok(ready)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Credentials, Arc<Ready>)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a signature is made with now. Nothing is drawn that is not used.
    async fn stamps<T>(
        &self,
        signed: &Signed<T>,
        stamp: impl FnOnce(Timestamp) -> String,
        draws: Draws,
    ) -> Result<Stamps, AuthError> {
        let ready = self.ready().await?;
        let now = self.clock.now();
        let or_nothing = |is_used: bool, text: &dyn Fn() -> String| {
            if is_used { text() } else { String::new() }
        };
        let random = if draws.random { self.entropy.bytes()? } else { [0; 16] };
        let uuid = if draws.uuid { uuid_text(self.entropy.uuid()?) } else { String::new() };
        Ok(Stamps {
            now,
            timestamp: stamp(now),
            nonce: or_nothing(draws.nonce, &|| self.nonces.next(signed.nonce, now)),
            uuid,
            random,
            ready,
        })
    }

    async fn sign_request(
        &self,
        requests: &Requests,
        mut request: RestRequest,
    ) -> Result<RestRequest, AuthError> {
        // Rules match the path as it is sent. Managers have filled it already.
        request.resolve(None)?;
        let signed = requests.of(&request);
        let recipe = &signed.what;
        let stamps = self.stamps(signed, |now| recipe.stamp(now), signed.draws).await?;
        let mut request = recipe
            .sign_request(request, stamps.values(), |payload| stamps.sign(signed, payload))?;
        request.extensions_mut().insert(stamps);
        Ok(request)
    }
}

#[async_trait]
impl Auth for RecipeAuth {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        let requests = self.requests()?;
        self.sign_request(requests, request).await
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        let signed = self.messages()?;
        let recipe = &signed.what;
        let stamps = self.stamps(signed, |now| recipe.stamp(now), signed.draws).await?;
        recipe.sign_message(request, stamps.values(), |payload| stamps.sign(signed, payload))
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        let requests = self.handshakes()?;
        let signed = self.sign_request(requests, handshake.into_request()).await?;
        Ok(WebSocketHandshake::from_request(signed))
    }

    async fn ws_login(
        &self,
        _: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let Some(signed) = &self.compiled.login else { return Ok(LoginStep::NotNeeded) };
        let login = &signed.what;
        // An answer is judged, and nothing drawn for that.
        let draws = if received.is_none() { signed.draws } else { Draws::default() };
        let stamps = self.stamps(signed, |now| login.stamp(now), draws).await?;
        if let Some(received) = received {
            return Ok(login.judge(received, &stamps.values()));
        }
        let sign = |payload: &[u8]| stamps.sign(signed, payload);
        login.message(stamps.values(), sign).map(LoginStep::Send)
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let means_clock = self
            .compiled
            .resync
            .iter()
            .any(|(field, code)| is_error_field(rejection.response, field, code));
        Ok(if means_clock { Recovery::ResyncTime } else { Recovery::GiveUp })
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let stamps = signed.extensions().get::<Stamps>()?;
        let own = self.compiled.request.as_ref()?.of(unsigned);
        let values = stamps.values();
        own.what.explain_request(unsigned.clone(), values, self.name(), self.operation(own)).ok()
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        self.compiled.uses_time().then(|| Arc::clone(&self.clock))
    }
}

impl fmt::Debug for RecipeAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecipeAuth").field("name", &self.compiled.name).finish_non_exhaustive()
    }
}
