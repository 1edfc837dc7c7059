use std::sync::atomic::{AtomicBool, Ordering};

use networkpype::{
    Auth, AuthError, LoginStep, Pair, Recovery, Rejection, RestRequest, RestResponse,
    WebSocketHandshake, WebSocketRequest, WebSocketResponse, async_trait,
};
use networkpype_core::{Extensions, LoginRefusal};
use serde_json::json;

use crate::{canary::CANARY, transcript};

/// A scheme as a user would write it: it puts secrets into every part of a request, and tells nobody which they are.
/// How everything that it meets prints is noted.
pub(super) struct Undeclared {
    login: Option<fn() -> WebSocketRequest>,
    has_signed_again: AtomicBool,
}

impl Undeclared {
    pub(super) fn new() -> Self {
        Self { login: None, has_signed_again: AtomicBool::new(false) }
    }

    /// Logs in with this message; any answer is a refusal.
    pub(super) fn with_login(login: fn() -> WebSocketRequest) -> Self {
        Self { login: Some(login), ..Self::new() }
    }

    /// Headers of every sort, and parameters whose encodings differ from their values.
    fn fill(request: &mut RestRequest) -> Result<(), AuthError> {
        request.insert_sensitive_header("authorization", format!("Bearer {}", secret("bearer")))?;
        let credential = format!("key={}/2026, sign=\"{}==\"", secret("part"), secret("quoted"));
        request.insert_header("x-credential", credential)?;
        request.insert_header("x-key", secret("header"))?;
        request
            .insert_header("cookie", format!("theme=dark; session={}; last=1", secret("cookie")))?;
        request.append_query(Pair::new("key", secret("query")));
        request.append_query(Pair::new("sign", secret("encoded/+= &\"\u{fc}")));
        // The exchange's `/public/status` answers with this.
        request.append_query(Pair::new("body", format!("bad key {}", secret("asked"))));
        request.extensions_mut().insert(secret("extension"));
        transcript::note(request);
        Ok(())
    }
}

/// A secret of its own for each place, so that what is known of one does not remove another.
fn secret(place: &str) -> String {
    format!("{CANARY}-{place}")
}

#[async_trait]
impl Auth for Undeclared {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        Self::fill(&mut request)?;
        if request.form_params().is_some() {
            request.append_form(Pair::new("password", secret("form +\u{fc}")))?;
            request.form_params_mut()?.prepend(Pair::new("key", secret("first")));
        }
        if request.json_members().is_some() {
            request.append_json("password", &secret("json\"\\\u{fc}"))?;
            request.append_json(
                "nested",
                &json!({ "list": [secret("item"), { "sign": secret("inner") }] }),
            )?;
        }
        transcript::note(&request);
        let _ = (request.target(), request.body_bytes()?);
        transcript::note(&request);
        Ok(request)
    }

    async fn ws_authenticate(
        &self,
        mut request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        request.append_json("reason", &format!("bad key {}", secret("message")))?;
        transcript::note(&request);
        Ok(request)
    }

    async fn ws_handshake(
        &self,
        mut handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        Self::fill(handshake.request_mut())?;
        transcript::note(&handshake);
        Ok(handshake)
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        session.insert(secret("session"));
        let step = match (self.login, received) {
            (None, _) => LoginStep::NotNeeded,
            (Some(login), None) => LoginStep::Send(login()),
            (Some(_), Some(received)) => {
                assert!(received.text().contains(CANARY), "the server quotes what it was sent");
                transcript::note(received);
                LoginStep::Refused(LoginRefusal::new("code 60009"))
            }
        };
        transcript::note(&step);
        Ok(step)
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        transcript::note(signed);
        transcript::note(response);
        Ok(())
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        transcript::note(rejection);
        let again = !self.has_signed_again.swap(true, Ordering::Relaxed);
        Ok(if again { Recovery::SignAgain } else { Recovery::GiveUp })
    }
}
