use std::sync::Arc;

use async_trait::async_trait;
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Clock, Explanation, Extensions, LoginStep, Origin, Recovery,
    Rejection, RestRequest, RestResponse, WebSocketHandshake, WebSocketRequest, WebSocketResponse,
};
use networkpype_time::TimeSynchronizer;

/// A scheme for WebSockets that learns the server's time before it stamps for the first time, as the pre-processor of
/// the REST manager does for requests.
pub(super) struct Timely {
    auth: Arc<dyn Auth>,
    synchronizer: TimeSynchronizer,
}

impl Timely {
    pub(super) fn new(auth: Arc<dyn Auth>, synchronizer: TimeSynchronizer) -> Self {
        Self { auth, synchronizer }
    }

    async fn learn(&self) -> Result<(), AuthError> {
        if self.auth.time_provider().is_none() {
            return Ok(());
        }
        self.synchronizer.ensure_initialized().await.map_err(|error| {
            AuthError::new(AuthErrorKind::Other, "the server's time is not known")
                .with_source(error)
        })
    }
}

#[async_trait]
impl Auth for Timely {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        self.auth.rest_authenticate(request).await
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        self.learn().await?;
        self.auth.ws_authenticate(request).await
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        self.learn().await?;
        self.auth.ws_handshake(handshake).await
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        if received.is_none() {
            self.learn().await?;
        }
        self.auth.ws_login(session, received).await
    }

    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        self.auth.ws_renewal(session).await
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        self.auth.on_response(signed, response).await
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        self.auth.on_rejected(rejection).await
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        self.auth.explain(unsigned, signed)
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        self.auth.time_provider()
    }

    fn allows(&self, origin: &Origin) -> bool {
        self.auth.allows(origin)
    }
}
