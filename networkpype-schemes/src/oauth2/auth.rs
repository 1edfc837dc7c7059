//! How does a request carry the token, and what if that is refused?

use std::sync::Arc;

use http::Extensions;
use networkpype_auth::token::Token;
use networkpype_core::{
    Auth, AuthError, LoginStep, Recovery, Rejection, RestRequest, Secret, WebSocketHandshake,
    WebSocketRequest, WebSocketResponse, async_trait,
};

use super::{
    OAuth2,
    rejection::is_for_token,
    websocket::{CarriedIn, Sent},
};

impl OAuth2 {
    async fn put(&self, request: &mut RestRequest, into: &CarriedIn) -> Result<(), AuthError> {
        let token = self.token().await?;
        match into {
            CarriedIn::Header => {
                let value = Secret::from([b"Bearer ", token.access().expose_bytes()].concat());
                request.insert_sensitive_header("authorization", value.expose_bytes())?;
            }
            CarriedIn::Query(name) => {
                let value = token.access().expose_str().unwrap_or_default();
                request.append_query(networkpype_core::Pair::new(name.clone(), value));
            }
        }
        request.extensions_mut().insert(Sent(token.generation()));
        Ok(())
    }

    /// Another token than this one, which was refused.
    async fn after_refusal(&self, generation: u64) -> Result<Token, AuthError> {
        let shared = &self.shared;
        Ok(shared.cache.token_after_refusal(&shared.key, generation).await?)
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
        let Some(login) = &self.shared.websocket.login else {
            return Ok(LoginStep::NotNeeded);
        };
        let values = |token: &Arc<Token>| token.access().clone();
        let Some(received) = received else {
            let token = Arc::new(self.token().await?);
            let message = self.shared.websocket.message(login, &values(&token))?;
            session.insert(token);
            return Ok(LoginStep::Send(message));
        };
        let Some(token) = session.get::<Arc<Token>>() else {
            return Ok(LoginStep::Wait);
        };
        match self.shared.websocket.judge(login, received, &values(token)) {
            LoginStep::Refused(refusal) if refusal.recovery() == Recovery::GiveUp => {
                self.after_refusal(token.generation()).await?;
                Ok(LoginStep::Refused(refusal.with_recovery(Recovery::Refreshed)))
            }
            step => Ok(step),
        }
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let Some(Sent(generation)) = rejection.signed.extensions().get::<Sent>() else {
            return Ok(Recovery::GiveUp);
        };
        if !is_for_token(rejection.response.status(), rejection.response.headers()) {
            return Ok(Recovery::GiveUp);
        }
        self.after_refusal(*generation).await?;
        Ok(Recovery::Refreshed)
    }
}
