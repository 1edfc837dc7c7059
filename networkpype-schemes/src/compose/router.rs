use std::{fmt, sync::Arc};

use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Clock, Explanation, Extensions, LoginStep, Origin, Recovery,
    Rejection, RestRequest, RestResponse, WebSocketHandshake, WebSocketRequest, WebSocketResponse,
    async_trait,
};

use super::{AuthRoute, clock_of};

/// Different schemes for different requests: by host, path and method, and for WebSockets.
///
/// ```
/// use networkpype_core::{Auth, RestRequest};
/// use networkpype_schemes::{ApiKey, Bearer, compose::{AuthRoute, AuthRouter}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), networkpype_core::AuthError> {
/// let auth = AuthRouter::builder()
///     .route(AuthRoute::path("/v2/**"), Bearer::new("my-token")?)
///     .route(AuthRoute::path("/v1/**"), ApiKey::header("X-API-KEY", "my-key")?)
///     .build()?;
/// let request = auth.rest_authenticate(RestRequest::get("https://api.example.com/v2/me")).await?;
/// assert_eq!(request.headers()["authorization"], "Bearer my-token");
/// # Ok(())
/// # }
/// ```
///
/// The first route that matches decides. A request that none matches is refused: it goes out without a signature only where
/// that is asked for, with [`anonymous`](AuthRouterBuilder::anonymous). Only requests for which authentication was asked for
/// come here at all.
pub struct AuthRouter {
    routes: Arc<[Route]>,
    otherwise: Option<Arc<dyn Auth>>,
    web_socket: Option<Arc<dyn Auth>>,
}

struct Route {
    of: AuthRoute,
    /// `None` signs nothing.
    auth: Option<Arc<dyn Auth>>,
}

/// Which scheme is for which request. Made by [`AuthRouter::builder`].
#[derive(Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct AuthRouterBuilder {
    routes: Vec<Route>,
    otherwise: Option<Arc<dyn Auth>>,
    web_socket: Option<Arc<dyn Auth>>,
}

/// The scheme that signed a request: the routers, from the innermost, with what each chose.
#[derive(Clone, Default)]
struct Chosen(Vec<Choice>);

#[derive(Clone)]
struct Choice {
    by: Arc<[Route]>,
    auth: Option<Arc<dyn Auth>>,
}

impl AuthRouter {
    /// A router without routes.
    pub fn builder() -> AuthRouterBuilder {
        AuthRouterBuilder::default()
    }

    fn choose(&self, request: &RestRequest) -> Result<Option<&Arc<dyn Auth>>, AuthError> {
        if let Some(route) = self.routes.iter().find(|route| route.of.matches(request)) {
            return Ok(route.auth.as_ref());
        }
        if let Some(otherwise) = &self.otherwise {
            return Ok(Some(otherwise));
        }
        let host = request.origin().map(Origin::host).unwrap_or_default();
        let message = format!(
            "no scheme is for {} {host}{}: add a `route` that matches it, or say what is done `otherwise`",
            request.method(),
            request.path(),
        );
        Err(AuthError::new(AuthErrorKind::Configuration, message))
    }

    /// The scheme that signed this request here.
    fn chosen<'r>(&self, signed: &'r RestRequest) -> Option<&'r Arc<dyn Auth>> {
        let Chosen(chosen) = signed.extensions().get()?;
        let choice = chosen.iter().find(|choice| Arc::ptr_eq(&choice.by, &self.routes))?;
        choice.auth.as_ref()
    }

    fn note(&self, signed: &mut RestRequest, auth: Option<Arc<dyn Auth>>) {
        let chosen = signed.extensions_mut().get_or_insert_default::<Chosen>();
        chosen.0.push(Choice { by: Arc::clone(&self.routes), auth });
    }

    fn web_socket(&self) -> Result<&Arc<dyn Auth>, AuthError> {
        self.web_socket.as_ref().or(self.otherwise.as_ref()).ok_or_else(|| {
            AuthError::new(
                AuthErrorKind::Configuration,
                "no scheme is for WebSockets: say which with `websocket`",
            )
        })
    }

    /// The same, if its credentials may go there.
    fn web_socket_at(&self, origin: Option<&Origin>) -> Result<&Arc<dyn Auth>, AuthError> {
        let auth = self.web_socket()?;
        match origin.is_none_or(|origin| auth.allows(origin)) {
            true => Ok(auth),
            false => Err(not_allowed()),
        }
    }

    fn schemes(&self) -> impl Iterator<Item = &Arc<dyn Auth>> {
        let routed = self.routes.iter().filter_map(|route| route.auth.as_ref());
        routed.chain(&self.otherwise).chain(&self.web_socket)
    }
}

fn not_allowed() -> AuthError {
    let message = "the scheme of this route does not allow its credentials to this host";
    AuthError::new(AuthErrorKind::Configuration, message)
}

impl AuthRouterBuilder {
    /// This scheme for the requests of this route that no route before it is for.
    pub fn route(mut self, of: AuthRoute, auth: impl Auth + 'static) -> Self {
        self.routes.push(Route { of, auth: Some(Arc::new(auth)) });
        self
    }

    /// Requests of this route go out as they are, without a signature.
    pub fn anonymous(mut self, of: AuthRoute) -> Self {
        self.routes.push(Route { of, auth: None });
        self
    }

    /// This scheme where no route matches, and for WebSockets unless they have one of their own. Default: such requests are
    /// refused.
    pub fn otherwise(mut self, auth: impl Auth + 'static) -> Self {
        self.otherwise = Some(Arc::new(auth));
        self
    }

    /// This scheme for the handshakes, logins and messages of WebSockets. Default: the one that is for requests `otherwise`.
    pub fn websocket(mut self, auth: impl Auth + 'static) -> Self {
        self.web_socket = Some(Arc::new(auth));
        self
    }

    /// The router.
    ///
    /// # Errors
    /// When it has no scheme, or a route that no request can match: a host with a scheme, a port or a path, a path without a
    /// slash before it, a method that is none.
    pub fn build(self) -> Result<AuthRouter, AuthError> {
        let Self { routes, otherwise, web_socket } = self;
        routes.iter().try_for_each(|route| route.of.check())?;
        let router = AuthRouter { routes: routes.into(), otherwise, web_socket };
        if router.schemes().next().is_none() {
            let message = "a router without a scheme signs nothing: leave it out, or add one";
            return Err(AuthError::new(AuthErrorKind::Configuration, message));
        }
        Ok(router)
    }
}

#[async_trait]
impl Auth for AuthRouter {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        // Routes match the path as it is sent. Managers have filled it already.
        request.resolve(None)?;
        let auth = self.choose(&request)?.cloned();
        let mut signed = match &auth {
            None => request,
            Some(auth) if request.origin().is_none_or(|origin| auth.allows(origin)) => {
                auth.rest_authenticate(request).await?
            }
            Some(_) => return Err(not_allowed()),
        };
        self.note(&mut signed, auth);
        Ok(signed)
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        self.web_socket_at(request.extensions().get())?.ws_authenticate(request).await
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        let auth = self.web_socket_at(handshake.origin())?;
        let mut signed = auth.ws_handshake(handshake).await?;
        self.note(signed.request_mut(), Some(Arc::clone(auth)));
        Ok(signed)
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        self.web_socket_at(session.get())?.ws_login(session, received).await
    }

    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        self.web_socket_at(session.get())?.ws_renewal(session).await
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        match self.chosen(signed) {
            Some(auth) => auth.on_response(signed, response).await,
            None => Ok(()),
        }
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        match self.chosen(rejection.signed) {
            Some(auth) => auth.on_rejected(rejection).await,
            None => Ok(Recovery::GiveUp),
        }
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        self.chosen(signed)?.explain(unsigned, signed)
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        clock_of(self.schemes().filter_map(|auth| auth.time_provider()))
    }

    /// Whether one of the schemes may be for `origin`; which of them is known when a request is signed.
    fn allows(&self, origin: &Origin) -> bool {
        let mut routed = self.routes.iter().filter(|route| route.of.is_for(origin));
        routed.any(|route| route.auth.as_ref().is_none_or(|auth| auth.allows(origin)))
            || self.otherwise.iter().chain(&self.web_socket).any(|auth| auth.allows(origin))
    }
}

impl fmt::Debug for AuthRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes: Vec<_> = self.routes.iter().map(|route| &route.of).collect();
        f.debug_struct("AuthRouter").field("routes", &routes).finish_non_exhaustive()
    }
}

impl fmt::Debug for AuthRouterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes: Vec<_> = self.routes.iter().map(|route| &route.of).collect();
        f.debug_struct("AuthRouterBuilder").field("routes", &routes).finish_non_exhaustive()
    }
}
