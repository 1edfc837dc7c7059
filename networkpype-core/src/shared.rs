//! A shared implementation of a seam is one too, so builders take a scheme or throttle by value or in an `Arc`.

use std::sync::Arc;

use async_trait::async_trait;
use http::Extensions;

use crate::{
    Auth, AuthError, BoxError, Caller, Charge, Clock, Error, Explanation, LimitId, LoginStep,
    Origin, Permit, Recovery, Rejection, ResponseHead, RestRequest, RestResponse, RestTransport,
    Resync, SendProgress, Throttle, ThrottleError, Ticker, Ticks, TransportError, WebSocketChannel,
    WebSocketHandshake, WebSocketRequest, WebSocketResponse, WebSocketTransport,
};

#[async_trait]
impl<A: Auth + ?Sized> Auth for Arc<A> {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        (**self).rest_authenticate(request).await
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        (**self).ws_authenticate(request).await
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        (**self).ws_handshake(handshake).await
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        (**self).ws_login(session, received).await
    }

    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        (**self).ws_renewal(session).await
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        (**self).on_response(signed, response).await
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        (**self).on_rejected(rejection).await
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        (**self).explain(unsigned, signed)
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        (**self).time_provider()
    }

    fn allows(&self, origin: &Origin) -> bool {
        (**self).allows(origin)
    }
}

#[async_trait]
impl<T: Throttle + ?Sized> Throttle for Arc<T> {
    async fn acquire(
        &self,
        charge: &Charge<'_>,
        deadline: Option<Ticks>,
    ) -> Result<Permit, ThrottleError> {
        (**self).acquire(charge, deadline).await
    }

    fn try_acquire(&self, charge: &Charge<'_>) -> Result<Permit, ThrottleError> {
        (**self).try_acquire(charge)
    }

    fn observe(&self, limit: Option<&LimitId>, response: ResponseHead<'_>, at: Ticks) {
        (**self).observe(limit, response, at);
    }

    fn ticker(&self) -> Option<Arc<dyn Ticker>> {
        (**self).ticker()
    }

    fn is_limiting(&self) -> bool {
        (**self).is_limiting()
    }
}

#[async_trait]
impl<T: RestTransport + ?Sized> RestTransport for Arc<T> {
    async fn send(
        &self,
        request: RestRequest,
        progress: &SendProgress,
    ) -> Result<RestResponse, TransportError> {
        (**self).send(request, progress).await
    }
}

#[async_trait]
impl<T: WebSocketTransport + ?Sized> WebSocketTransport for Arc<T> {
    async fn connect(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketChannel, TransportError> {
        (**self).connect(handshake).await
    }
}

#[async_trait]
impl<C: Caller + ?Sized> Caller for Arc<C> {
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        (**self).call(request).await
    }

    async fn call_signed(
        &self,
        request: RestRequest,
        signer: Arc<dyn Auth>,
    ) -> Result<RestResponse, Error> {
        (**self).call_signed(request, signer).await
    }
}

#[async_trait]
impl<R: Resync + ?Sized> Resync for Arc<R> {
    async fn resync(&self) -> Result<(), BoxError> {
        (**self).resync().await
    }
}
