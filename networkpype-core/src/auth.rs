use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{Extensions, StatusCode};

use crate::{
    BoxError, Clock, Explanation, Origin, RestRequest, RestResponse, WebSocketHandshake,
    WebSocketRequest, WebSocketResponse, WireError,
};

/// How requests prove who sends them: one scheme for REST and WebSocket.
///
/// A scheme takes a request by value and returns it signed. The manager keeps the unsigned original, so a signing that
/// fails leaves nothing half signed, and every attempt is signed anew. Only the two named methods are needed.
///
/// ```
/// use networkpype_core::{Auth, AuthError, RestRequest, Secret, WebSocketRequest, async_trait};
///
/// struct TokenHeader(Secret);
///
/// #[async_trait]
/// impl Auth for TokenHeader {
///     async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
///         request.insert_sensitive_header("X-Token", self.0.expose_bytes())?;
///         Ok(request)
///     }
///
///     async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
///         Err(AuthError::unsupported("this scheme has no signature for WebSocket messages"))
///     }
/// }
/// ```
#[async_trait]
pub trait Auth: Send + Sync {
    /// Signs a REST request. In the extensions of one that was refused and is tried again stands the [`Recovery`] that
    /// was proposed last, as in those of a handshake.
    ///
    /// # Errors
    /// When it cannot be signed. It is not sent then.
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError>;

    /// Signs a WebSocket message. A scheme that cannot says so; it never passes the message through. The extensions of the
    /// message hold the [`Origin`] of the connection.
    ///
    /// # Errors
    /// When it cannot be signed. It is not sent then.
    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError>;

    /// Signs the URL and headers that open a WebSocket, anew at every connect.
    ///
    /// # Errors
    /// By default always: a scheme that signs handshakes says how.
    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        let _ = handshake;
        Err(AuthError::unsupported("this scheme does not sign WebSocket handshakes"))
    }

    /// The next step of a login by message: asked with `None` after each connect, then with each message received,
    /// until it says [`Done`](LoginStep::Done), [`NotNeeded`](LoginStep::NotNeeded) or
    /// [`Refused`](LoginStep::Refused). Messages that arrive before that are not delivered to the user.
    ///
    /// `session` belongs to one connection alone: one scheme serves many, so a challenge to answer is kept there. At the
    /// start of a login it holds the [`Origin`] of the connection, and what [`ws_handshake`](Self::ws_handshake) noted in
    /// the extensions of the handshake.
    ///
    /// # Errors
    /// When the login message cannot be made.
    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let _ = (session, received);
        Ok(LoginStep::NotNeeded)
    }

    /// Waits until a connection that is up has to prove anew who it is, and gives the message that does so: for
    /// credentials that end before the connection. It is asked after each login, with that login's `session`, and after
    /// each renewal. By default it waits for ever.
    ///
    /// The message is sent among the others. Those that come then are shown to [`ws_login`](Self::ws_login) until it says
    /// [`Done`](LoginStep::Done) or [`Refused`](LoginStep::Refused); the ones for which it says [`Wait`](LoginStep::Wait)
    /// are the user's. A renewal that is refused or not answered ends the connection.
    ///
    /// # Errors
    /// When there will be no such message. The connection ends then, before the server ends it.
    ///
    /// # Cancellation
    /// Dropping the future loses nothing: it may be asked again with the same `session`.
    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        let _ = session;
        std::future::pending().await
    }

    /// Sees every response to a request or a handshake that this scheme signed, successes too: to learn nonces, or to
    /// verify the server's own signature.
    ///
    /// # Errors
    /// When the response is not what it claims to be. The caller then gets no response.
    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        let _ = (signed, response);
        Ok(())
    }

    /// Says what to do about a rejected request. By default nothing.
    ///
    /// # Errors
    /// When what it takes to recover failed.
    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let _ = rejection;
        Ok(Recovery::GiveUp)
    }

    /// How this scheme came to sign `unsigned` as `signed`, for a request that was refused; `None` where it has nothing to
    /// say. By default it has not.
    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let _ = (unsigned, signed);
        None
    }

    /// The clock this scheme stamps with, `None` where it does not stamp. A factory with a synchronized clock refuses
    /// a scheme that stamps with another.
    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        None
    }

    /// Whether credentials may go to `origin`. It can only narrow what the manager allows.
    fn allows(&self, origin: &Origin) -> bool {
        let _ = origin;
        true
    }
}

/// What a login by message does next.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoginStep {
    /// The scheme has no login by message.
    NotNeeded,
    /// Send this, and ask again with the next message.
    Send(WebSocketRequest),
    /// Ask again with the next message.
    Wait,
    /// The server accepted the login.
    Done,
    /// The server refused the login.
    Refused(LoginRefusal),
}

/// Why a server refused a login, and what may be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRefusal {
    reason: Cow<'static, str>,
    recovery: Recovery,
}

impl LoginRefusal {
    /// A refusal for this reason: the server's code, say. It becomes part of an error, so it must hold no secret.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), recovery: Recovery::GiveUp }
    }

    /// The same with what makes another connect and login worth trying. Default: nothing.
    #[must_use]
    pub fn with_recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What may be done about it.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }
}

impl From<&'static str> for LoginRefusal {
    fn from(reason: &'static str) -> Self {
        Self::new(reason)
    }
}

impl From<String> for LoginRefusal {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}

impl fmt::Display for LoginRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for LoginRefusal {}

/// A request that was signed and all the same refused, with a 4xx status other than 408, 418 or 429.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rejection<'a> {
    /// The request as it was signed, with the extensions that the scheme attached.
    pub signed: &'a RestRequest,
    /// What the server answered.
    pub response: &'a RestResponse,
    /// What was tried for this call already: to propose it again is of no use, so nothing need be done for it.
    pub tried: &'a [Recovery],
}

impl<'a> Rejection<'a> {
    /// Whether a response with this status to a signed request is one: the others are about limits or time.
    pub fn has_status(status: StatusCode) -> bool {
        status.is_client_error() && !matches!(status.as_u16(), 408 | 418 | 429)
    }

    /// The refusal of `signed` by `response`.
    pub fn new(signed: &'a RestRequest, response: &'a RestResponse) -> Self {
        Self { signed, response, tried: &[] }
    }

    /// The same after these recoveries of the same call.
    #[must_use]
    pub fn after(self, tried: &'a [Recovery]) -> Self {
        Self { tried, ..self }
    }
}

/// What a scheme proposes after a rejection. Each cause is tried once per call, and three in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recovery {
    /// Nothing: the caller gets the rejection.
    GiveUp,
    /// Sign again: the scheme has learnt what it lacked, such as a challenge to answer.
    SignAgain,
    /// Sign again: the server handed out a new nonce.
    NewNonce,
    /// Learn the server's time anew, then sign again.
    ResyncTime,
    /// Sign again: the scheme has got itself a new credential.
    Refreshed,
}

/// Why a request, message, handshake or response could not be authenticated. Nothing was sent.
pub struct AuthError {
    kind: AuthErrorKind,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    source: Option<BoxError>,
}

/// What kind of failure an [`AuthError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The scheme does not do this, such as signing WebSocket messages.
    Unsupported,
    /// The scheme was told to do what cannot be done.
    Configuration,
    /// A credential is missing or cannot be used.
    Credentials,
    /// The request cannot carry the signature, or holds what cannot be signed.
    Request,
    /// The response does not verify.
    Verification,
    /// Anything else.
    Other,
}

impl AuthError {
    /// A failure of this kind. The message must hold no secret.
    pub fn new(kind: AuthErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), retry_after: None, source: None }
    }

    /// The scheme does not do this. Say what and why.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(AuthErrorKind::Unsupported, message)
    }

    /// The same with its cause. The cause's own text must hold no secret either.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same with how long whoever gives out credentials asks to be left alone, from when it was asked.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// How long whoever gives out credentials asked to be left alone (`Retry-After`; RFC 9110, section 10.2.3). The API itself
    /// was not asked.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("retry_after", &self.retry_after)
            .field("source", &crate::show::Causes(StdError::source(self)))
            .finish()
    }
}

impl StdError for AuthError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<WireError> for AuthError {
    fn from(error: WireError) -> Self {
        Self::new(AuthErrorKind::Request, "the request cannot carry the signature")
            .with_source(error)
    }
}
