use std::{fmt, future::poll_fn, sync::Arc, task::Poll};

use http::{HeaderName, HeaderValue};
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Clock, Explanation, Extensions, LoginStep, Origin, Recovery,
    Rejection, RestRequest, RestResponse, WebSocketHandshake, WebSocketRequest, WebSocketResponse,
    async_trait,
};

use super::clock_of;

/// Several schemes on one request, one after the other: each signs what those before it have added too.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::{ApiKey, Bearer, compose::AuthChain};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), networkpype_core::AuthError> {
/// let auth = AuthChain::new(ApiKey::header("X-API-KEY", "my-key")?).then(Bearer::new("my-token")?);
/// let request = auth.rest_authenticate(RestRequest::get("https://api.example.com/me")).await?;
/// assert_eq!(request.headers()["x-api-key"], "my-key");
/// assert_eq!(request.headers()["authorization"], "Bearer my-token");
/// # Ok(())
/// # }
/// ```
///
/// The order matters: a scheme that signs the query comes behind those that add to it. What is added behind a scheme that
/// signs all of it, such as Digest or OAuth 1.0a, is an error, as are two schemes that set one header.
///
/// Credentials go where all of the schemes allow. Handshakes and messages are signed by those of the schemes that can, and
/// by at least one; logins by message follow one another on each connection.
pub struct AuthChain {
    schemes: Schemes,
}

type Schemes = Arc<[Arc<dyn Auth>]>;

/// What each scheme of a chain was given and made, `None` where it does not sign such things: the chains, from the
/// innermost. Each has the extensions of its own stage, so that two schemes of one kind do not take one another's notes for
/// their own.
#[derive(Clone, Default)]
struct Stages(Vec<(Schemes, Vec<Option<Stage>>)>);

#[derive(Clone)]
struct Stage {
    unsigned: RestRequest,
    signed: RestRequest,
}

/// The schemes' sessions on one connection, so that two schemes of one kind do not take one another's for their own.
#[derive(Clone)]
struct Sessions {
    each: Vec<Extensions>,
    /// Whose turn it is.
    turn: usize,
    /// Whether one of them renews its login, and not all log in one after the other.
    renewing: bool,
}

impl AuthChain {
    /// A chain that begins with this scheme.
    pub fn new(first: impl Auth + 'static) -> Self {
        Self { schemes: Arc::new([Arc::new(first)]) }
    }

    /// The same with this scheme behind it.
    #[must_use]
    pub fn then(self, next: impl Auth + 'static) -> Self {
        let next: Arc<dyn Auth> = Arc::new(next);
        Self { schemes: self.schemes.iter().cloned().chain([next]).collect() }
    }

    /// The sessions of this connection. Each begins with what its scheme noted in the handshake.
    fn sessions<'s>(&self, session: &'s mut Extensions) -> &'s mut Sessions {
        let begun = session.remove::<Sessions>().unwrap_or_else(|| {
            let stages = self.noted(session);
            let each = (0..self.schemes.len()).map(|turn| match stages.get(turn) {
                Some(Some(stage)) => stage.signed.extensions().clone(),
                _ => Extensions::new(),
            });
            Sessions { each: each.collect(), turn: 0, renewing: false }
        });
        session.get_or_insert_with(|| begun)
    }

    fn noted<'n>(&self, notes: &'n Extensions) -> &'n [Option<Stage>] {
        let stages = notes.get::<Stages>().and_then(|Stages(chains)| {
            chains.iter().find(|(schemes, _)| Arc::ptr_eq(schemes, &self.schemes))
        });
        stages.map(|(_, stages)| stages.as_slice()).unwrap_or_default()
    }

    /// The schemes that have signed this here, and their stages.
    fn stages<'r>(
        &'r self,
        signed: &'r RestRequest,
    ) -> impl DoubleEndedIterator<Item = (&'r Arc<dyn Auth>, &'r Stage)> {
        let each = self.schemes.iter().zip(self.noted(signed.extensions()));
        each.filter_map(|(scheme, stage)| Some((scheme, stage.as_ref()?)))
    }

    fn note(&self, signed: &mut RestRequest, stages: Vec<Option<Stage>>) {
        let chains = signed.extensions_mut().get_or_insert_default::<Stages>();
        chains.0.push((Arc::clone(&self.schemes), stages));
    }
}

/// Refuses a scheme that has put its own in place of what one before it has set. Adding to it is another thing: cookies share
/// a header.
fn check_headers(
    original: &RestRequest,
    before: &RestRequest,
    after: &RestRequest,
) -> Result<(), AuthError> {
    let is_lost = |name: &&HeaderName| {
        let was = before.headers().get_all(*name);
        let is = after.headers().get_all(*name);
        let kept =
            |was: &HeaderValue| is.iter().any(|is| is.as_bytes().starts_with(was.as_bytes()));
        original.headers().get_all(*name) != was && !was.iter().all(kept)
    };
    let Some(name) = before.headers().keys().find(is_lost) else { return Ok(()) };
    let message = format!(
        "two schemes of the chain set the header `{name}`, which can be sent by one of them"
    );
    Err(AuthError::new(AuthErrorKind::Configuration, message))
}

/// Keeps the first refusal of those that cannot do it, for where nobody can.
fn refused_by_all(refusal: Option<AuthError>, signed: bool) -> Result<(), AuthError> {
    match refusal {
        Some(refusal) if !signed => Err(refusal),
        _ => Ok(()),
    }
}

#[async_trait]
impl Auth for AuthChain {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        let original = request.clone();
        let mut request = request;
        let mut stages = Vec::with_capacity(self.schemes.len());
        for scheme in &*self.schemes {
            let unsigned = request.clone();
            request = scheme.rest_authenticate(request).await?;
            check_headers(&original, &unsigned, &request)?;
            stages.push(Some(Stage { unsigned, signed: request.clone() }));
        }
        self.note(&mut request, stages);
        Ok(request)
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        let (mut request, mut signed, mut refusal) = (request, false, None);
        for scheme in &*self.schemes {
            match scheme.ws_authenticate(request.clone()).await {
                Ok(by_this) => (request, signed) = (by_this, true),
                Err(error) if error.kind() == AuthErrorKind::Unsupported => {
                    refusal.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        refused_by_all(refusal, signed)?;
        Ok(request)
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        let original = handshake.request().clone();
        let (mut handshake, mut refusal) = (handshake, None);
        let mut stages = Vec::with_capacity(self.schemes.len());
        for scheme in &*self.schemes {
            match scheme.ws_handshake(handshake.clone()).await {
                Ok(signed) => {
                    let unsigned = std::mem::replace(&mut handshake, signed).into_request();
                    let signed = handshake.request().clone();
                    check_headers(&original, &unsigned, &signed)?;
                    stages.push(Some(Stage { unsigned, signed }));
                }
                Err(error) if error.kind() == AuthErrorKind::Unsupported => {
                    refusal.get_or_insert(error);
                    stages.push(None);
                }
                Err(error) => return Err(error),
            }
        }
        refused_by_all(refusal, stages.iter().any(Option::is_some))?;
        self.note(handshake.request_mut(), stages);
        Ok(handshake)
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let sessions = self.sessions(session);
        let mut received = received;
        // Whether a scheme before this one has logged in.
        let mut logged_in = received.is_some();
        let turns = self.schemes.iter().zip(&mut sessions.each).skip(sessions.turn);
        for (scheme, session) in turns {
            match scheme.ws_login(session, received).await? {
                step if sessions.renewing => return Ok(step),
                LoginStep::NotNeeded => {}
                LoginStep::Done => logged_in = true,
                step => return Ok(step),
            }
            sessions.turn += 1;
            received = None;
        }
        Ok(if logged_in { LoginStep::Done } else { LoginStep::NotNeeded })
    }

    /// Of whichever scheme has to renew its login first.
    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        let sessions = self.sessions(session);
        let mut waiting: Vec<_> = self
            .schemes
            .iter()
            .zip(&mut sessions.each)
            .map(|(scheme, session)| scheme.ws_renewal(session))
            .collect();
        let (turn, renewal) = poll_fn(|cx| {
            for (turn, waiting) in waiting.iter_mut().enumerate() {
                if let Poll::Ready(renewal) = waiting.as_mut().poll(cx) {
                    return Poll::Ready((turn, renewal));
                }
            }
            Poll::Pending
        })
        .await;
        drop(waiting);
        (sessions.turn, sessions.renewing) = (turn, true);
        renewal
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        // Each is shown it, also where one before does not accept it.
        let mut shown = Ok(());
        for (scheme, stage) in self.stages(signed) {
            shown = shown.and(scheme.on_response(&stage.signed, response).await);
        }
        shown
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        // One that fails to mend it does not keep the others from it.
        let mut failed = Ok(Recovery::GiveUp);
        for (scheme, stage) in self.stages(rejection.signed) {
            let rejection =
                Rejection::new(&stage.signed, rejection.response).after(rejection.tried);
            match scheme.on_rejected(&rejection).await {
                Ok(Recovery::GiveUp) => {}
                Ok(recovery) => return Ok(recovery),
                error => failed = failed.and(error),
            }
        }
        failed
    }

    /// By the last scheme that has something to say: what stands before it is what it signed.
    fn explain(&self, _: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let stages = self.stages(signed);
        stages.rev().find_map(|(scheme, stage)| scheme.explain(&stage.unsigned, &stage.signed))
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        clock_of(self.schemes.iter().filter_map(|scheme| scheme.time_provider()))
    }

    fn allows(&self, origin: &Origin) -> bool {
        self.schemes.iter().all(|scheme| scheme.allows(origin))
    }
}

impl fmt::Debug for AuthChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthChain").field("schemes", &self.schemes.len()).finish_non_exhaustive()
    }
}
