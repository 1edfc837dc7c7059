//! OAuth 1.0a (RFC 5849): requests signed for a client and, where there is one, for a resource owner.

use std::{fmt, sync::Arc};

#[doc(no_inline)]
pub use networkpype_auth::{HashAlgorithm, KeyEncoding, token};
use networkpype_core::{
    Auth, AuthError, Clock, Explanation, Recovery, Rejection, RestRequest, WebSocketHandshake,
    WebSocketRequest, async_trait,
};

mod answer;
mod base_string;
mod builder;
mod credentials;
mod flow;
mod method;
mod parameters;
mod placement;
mod problem;
mod sign;
mod temporary;

pub use crate::entropy::Entropy;
pub use builder::OAuth1Builder;
pub use credentials::{ClientCredentials, TokenCredentials};
pub use flow::{AuthorizationFlow, AuthorizationFlowBuilder, OUT_OF_BAND};
pub use placement::ParameterPlacement;
pub use temporary::TemporaryCredentials;

use base_string::Kind;
use builder::Settings;
use method::Signer;
use sign::Stamps;

/// Signs every authenticated request and WebSocket handshake with OAuth 1.0a.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::oauth1::{ClientCredentials, OAuth1, TokenCredentials};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), networkpype_core::AuthError> {
/// let auth = OAuth1::builder(ClientCredentials::hmac_sha256("my-consumer-key", "my-consumer-secret"))
///     .token(TokenCredentials::new("my-token", "my-token-secret"))
///     .build()?;
/// let request = auth.rest_authenticate(RestRequest::get("https://api.example.com/photos?size=2")).await?;
/// let header = request.headers()["authorization"].to_str().unwrap();
/// assert!(header.starts_with(r#"OAuth oauth_consumer_key="my-consumer-key", oauth_token="my-token", "#));
/// # Ok(())
/// # }
/// ```
///
/// Without a token the program signs for itself alone ("two-legged"). How a token is had: [`AuthorizationFlow`].
///
/// # What is signed
///
/// Method, scheme, host and path; the parameters of the query; those of the body where it says that it is a form; and those of
/// OAuth. They are read from the bytes that are sent, decoded, and encoded in the one way of the standard, so it does not
/// matter how the request writes them. A body of another kind is not signed, unless [`body_hash`](OAuth1Builder::body_hash)
/// is said.
///
/// Every attempt has a timestamp and a nonce of its own. A server that says `oauth_problem=timestamp_refused` has the clock
/// synchronized, one that says `nonce_used` gets another; each once.
///
/// A WebSocket's handshake is signed as the GET that the server receives: `wss` counts as `https` and `ws` as `http`.
/// Messages are not signed.
///
/// Clones share their keys.
#[derive(Clone)]
pub struct OAuth1 {
    client: Arc<ClientCredentials>,
    token: Option<TokenCredentials>,
    signer: Signer,
    settings: Arc<Settings>,
}

impl OAuth1 {
    /// Signs for this client.
    pub fn builder(client: ClientCredentials) -> OAuth1Builder {
        OAuth1Builder::new(client)
    }

    /// The same client and settings with another token, for a program that acts for many.
    #[must_use]
    pub fn with_token(&self, token: TokenCredentials) -> Self {
        let signer = self.client.method.signer(Some(&token.secret));
        Self { token: Some(token), signer, ..self.clone() }
    }
}

#[async_trait]
impl Auth for OAuth1 {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        self.sign(request, Kind::Call, &[])
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported(
            "OAuth 1.0a signs requests and no messages: ask for authentication of the handshake instead, with \
             `WebSocketHandshake::auth_required`",
        ))
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        let signed = self.sign(handshake.into_request(), Kind::Handshake, &[])?;
        Ok(WebSocketHandshake::from_request(signed))
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        Ok(problem::recovery(rejection.response))
    }

    fn explain(&self, _: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let stamps = signed.extensions().get::<Stamps>()?;
        self.explain_signed(signed.clone(), stamps).ok()
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        Some(Arc::clone(&self.settings.clock))
    }
}

impl fmt::Debug for OAuth1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth1")
            .field("client", &self.client)
            .field("has_token", &self.token.is_some())
            .field("placement", &self.settings.placement)
            .finish_non_exhaustive()
    }
}
