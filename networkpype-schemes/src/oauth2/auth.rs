//! How does a request carry the token, and what if that is refused?

use std::{future::pending, sync::Arc};

use http::Extensions;
use networkpype_core::{
    Auth, AuthError, Clock, LoginStep, Recovery, Rejection, RestRequest, RestResponse, Secret,
    WebSocketHandshake, WebSocketRequest, WebSocketResponse, async_trait,
};

use super::{
    OAuth2,
    presentation::Server,
    rejection::{Cause, cause},
    websocket::{CarriedIn, Sent, Shown},
};

impl OAuth2 {
    async fn put(&self, request: &mut RestRequest, into: &CarriedIn) -> Result<(), AuthError> {
        let token = self.token().await?;
        match into {
            CarriedIn::Header => {
                let scheme = self.shared.presentation.scheme().as_bytes();
                let value = [scheme, b" ", token.access().expose_bytes()].concat();
                let value = Secret::from(value);
                request.insert_sensitive_header("authorization", value.expose_bytes())?;
                let token = Some(token.access());
                self.shared.presentation.prove(Server::Resource, request, token)?;
            }
            CarriedIn::Query(name) => {
                let value = token.access().expose_str().unwrap_or_default();
                request.append_query(networkpype_core::Pair::new(name.clone(), value));
            }
        }
        request.extensions_mut().insert(Sent(token.generation()));
        Ok(())
    }

    /// What a refusal of this token is mended by: another, or the same once more.
    async fn after_refusal(&self, generation: u64) -> Result<Recovery, AuthError> {
        let shared = &self.shared;
        let token = shared.cache.token_after_refusal(&shared.key, generation).await?;
        Ok(match token.generation() == generation {
            true => Recovery::SignAgain,
            false => Recovery::Refreshed,
        })
    }
}

#[async_trait]
impl Auth for OAuth2 {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        self.put(&mut request, &CarriedIn::Header).await?;
        Ok(request)
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        if self.shared.presentation.thumbprint().is_some() {
            let message = "a token that is bound to a key has no proof in a message: ask for authentication of the handshake \
                           instead, with `WebSocketHandshake::auth_required`";
            return Err(AuthError::unsupported(message));
        }
        self.shared.websocket.fill(request, || self.token()).await
    }

    async fn ws_handshake(
        &self,
        mut handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        self.put(handshake.request_mut(), &self.shared.websocket.handshake).await?;
        Ok(handshake)
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let websocket = &self.shared.websocket;
        let Some(received) = received else {
            let Some(login) = &websocket.login else { return Ok(LoginStep::NotNeeded) };
            let token = Arc::new(self.token().await?);
            let message = websocket.message(login, token.access())?;
            session.insert(Shown { token, is_renewal: false });
            return Ok(LoginStep::Send(message));
        };
        let Some(Shown { token, is_renewal }) = session.get() else { return Ok(LoginStep::Wait) };
        let shown_in = if *is_renewal { &websocket.renewal } else { &websocket.login };
        let Some(login) = shown_in else { return Ok(LoginStep::Wait) };
        match websocket.judge(login, received, token.access()) {
            // The next login gets another token; where there is none, the server's refusal says more than that.
            LoginStep::Refused(refusal)
                if refusal.recovery() == Recovery::GiveUp && !*is_renewal =>
            {
                Ok(LoginStep::Refused(match self.after_refusal(token.generation()).await {
                    Ok(recovery) => refusal.with_recovery(recovery),
                    Err(_) => refusal,
                }))
            }
            step => Ok(step),
        }
    }

    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        let in_message = session.get::<Shown>().map(|shown| shown.token.generation());
        let in_handshake = session.get::<Sent>().map(|Sent(generation)| *generation);
        let (Some(renewal), Some(generation)) =
            (&self.shared.websocket.renewal, in_message.or(in_handshake))
        else {
            return pending().await;
        };
        let token = self.shared.cache.token_after(&self.shared.key, generation).await?;
        let message = self.shared.websocket.message(renewal, token.access())?;
        session.insert(Shown { token: Arc::new(token), is_renewal: true });
        Ok(message)
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        self.shared.presentation.clock()
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        self.shared.presentation.learn(Server::Resource, signed, response.headers());
        Ok(())
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let Some(Sent(generation)) = rejection.signed.extensions().get::<Sent>() else {
            return Ok(Recovery::GiveUp);
        };
        match cause(rejection.response.status(), rejection.response.headers()) {
            // Another token than the one that was had for this call is of no use either.
            Cause::Token if rejection.tried.contains(&Recovery::Refreshed) => Ok(Recovery::GiveUp),
            Cause::Token => self.after_refusal(*generation).await,
            // The nonce came with this response, or with one since the request was sent.
            Cause::Nonce => {
                let presentation = &self.shared.presentation;
                Ok(match presentation.has_other_nonce(Server::Resource, rejection.signed) {
                    true => Recovery::NewNonce,
                    false => Recovery::GiveUp,
                })
            }
            Cause::Other => Ok(Recovery::GiveUp),
        }
    }
}
