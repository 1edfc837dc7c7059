//! What of a form has to be fresh when it is sent: what its client, its grant and its key are known by.

use std::sync::{Mutex, PoisonError};

use networkpype_core::{Auth, AuthError, RestRequest, Secret, WebSocketRequest, async_trait};

use super::{client::push, presentation::Server, requests::Endpoint};

/// Completes one form for its endpoint, anew for each attempt.
pub(super) struct Form {
    endpoint: Endpoint,
    /// As far as it may wait.
    text: Secret,
    sent: Mutex<Option<RestRequest>>,
}

impl Form {
    pub(super) fn new(endpoint: Endpoint, text: Secret) -> Self {
        Self { endpoint, text, sent: Mutex::default() }
    }

    /// The request as it was completed last; `None` where it was not.
    pub(super) fn sent(&self) -> Option<RestRequest> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn complete(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        let endpoint = &self.endpoint;
        let (audiences, now) = (endpoint.audiences(), endpoint.clock.now());
        let mut body = self.text.expose_bytes().to_vec();
        if let Some(assertion) = &endpoint.assertion {
            let (client, entropy) = (endpoint.client.id(), &*endpoint.entropy);
            push(&mut body, "assertion", &assertion.sign(client, audiences, now, entropy)?);
        }
        let request = endpoint.client.prove(request, body, audiences, now, &*endpoint.entropy)?;
        // After the body, which forgets what the one before was.
        let mut request = request.header("content-type", "application/x-www-form-urlencoded");
        if let Some(presentation) = &endpoint.presentation {
            presentation.prove(Server::Authorization, &mut request, None)?;
        }
        Ok(request)
    }
}

#[async_trait]
impl Auth for Form {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        let request = self.complete(request)?;
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.clone());
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("a form is sent to an endpoint and not on a WebSocket"))
    }
}
