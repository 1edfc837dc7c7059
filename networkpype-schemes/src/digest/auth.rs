//! How does a request carry the answer, and what of a response?

use std::{borrow::Cow, sync::Arc};

use http::{HeaderName, StatusCode};
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Explanation, Recovery, Rejection, RestRequest, RestResponse,
    Secret, WebSocketHandshake, WebSocketRequest, async_trait,
};

use super::{
    Credentials, Digest, Note,
    answer::{Question, answer},
    offer::{Offer, Protection, Qop},
    spaces::Refused,
};
use crate::{challenge::Params, password};

const AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("authentication-info");

impl Digest {
    async fn sign(&self, request: &mut RestRequest, is_handshake: bool) -> Result<(), AuthError> {
        let Some(origin) = request.origin().cloned() else {
            let relative = "the URL has no origin yet, and a challenge belongs to one";
            return Err(AuthError::new(AuthErrorKind::Request, relative));
        };
        let cnonce = self.0.settings.entropy.cnonce()?;
        let is_again = request.extensions().get::<Recovery>().is_some();
        let (learnt, turn) = {
            let mut spaces = self.spaces();
            (spaces.learnt(), spaces.next(&origin, request.path(), is_again, cnonce))
        };
        let Some(turn) = turn else {
            request.extensions_mut().insert(Note { learnt, answered: None });
            return Ok(());
        };
        let qop = self.qop(&turn.offer, request)?;
        let (user, password) = self.user_and_password().await?;
        request.seal_target();
        let uri = request.target();
        let body = match qop {
            // A handshake has none, whatever request it was made of.
            Some(Qop::AuthInt) if !is_handshake => {
                request.seal_body()?;
                request.body_bytes()?
            }
            _ => Default::default(),
        };
        let method = if is_handshake { "GET" } else { request.method().as_str() };
        let question =
            Question { user: &user, password: &password, method, uri: &uri, body: &body, qop };
        let (header, answered) = answer(&question, &turn);
        request.insert_sensitive_header("authorization", header.expose_bytes())?;
        request.extensions_mut().insert(Note { learnt, answered: Some(Arc::new(answered)) });
        Ok(())
    }

    fn qop(&self, offer: &Offer, request: &RestRequest) -> Result<Option<Qop>, AuthError> {
        let offers = |qop| offer.qops.contains(&qop);
        let is_streamed = request.streamed_body().is_some();
        let settings = &self.0.settings;
        let must_have_integrity =
            settings.demands.protection == Protection::Integrity || !offers(Qop::Auth);
        let wants_integrity = settings.prefers_integrity || must_have_integrity;
        if offers(Qop::AuthInt) && wants_integrity && !is_streamed {
            return Ok(Some(Qop::AuthInt));
        }
        if !must_have_integrity {
            return Ok(Some(Qop::Auth));
        }
        if offers(Qop::AuthInt) {
            let streamed = "the body has to be signed (qop auth-int), and a streamed one cannot be: give its bytes with \
                            `body`";
            return Err(AuthError::new(AuthErrorKind::Request, streamed));
        }
        Ok(None)
    }

    async fn user_and_password(&self) -> Result<(Cow<'_, str>, Cow<'_, Secret>), AuthError> {
        match &self.0.settings.credentials {
            Credentials::Fixed(user, password) => {
                Ok((Cow::Borrowed(user), Cow::Borrowed(password)))
            }
            Credentials::Provided(provider) => {
                let (user, password) = provider.user_and_password().await?;
                password::text_of(&user, &password)?;
                Ok((Cow::Owned(user), Cow::Owned(password)))
            }
        }
    }

    /// The challenge of a refusal that is about the answer, or about there being none.
    fn challenge_of(&self, response: &RestResponse) -> Result<Option<Offer>, AuthError> {
        match response.status() {
            StatusCode::UNAUTHORIZED => Offer::best(response.headers(), self.0.settings.demands),
            _ => Ok(None),
        }
    }
}

#[async_trait]
impl Auth for Digest {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        self.sign(&mut request, false).await?;
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported(
            "a server's challenge is answered in a handshake and not in messages: ask for authentication of the \
             handshake instead, with `WebSocketHandshake::auth_required`",
        ))
    }

    async fn ws_handshake(
        &self,
        mut handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        self.sign(handshake.request_mut(), true).await?;
        Ok(handshake)
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        let Some(note) = signed.extensions().get::<Note>() else { return Ok(()) };
        if response.status() == StatusCode::UNAUTHORIZED {
            return self.challenge_of(response).map(drop);
        }
        let (Some(answered), Some(origin)) = (&note.answered, signed.origin()) else {
            return Ok(());
        };
        let info = Params::all(response.headers(), AUTHENTICATION_INFO);
        let is_checked = !self.0.settings.ignores_rspauth;
        if is_checked && answered.is_proven(&info, response.bytes()) == Some(false) {
            return Err(AuthError::new(
                AuthErrorKind::Verification,
                "the server's proof that it knows the password (`rspauth`) is wrong: another server may have answered, or \
                 something on the way has changed the request or the response",
            ));
        }
        if let Some(next) = info.get("nextnonce") {
            self.spaces().next_nonce(origin, &answered.realm, &answered.nonce, next);
        }
        Ok(())
    }

    fn explain(&self, _: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let note = signed.extensions().get::<Note>()?;
        note.answered.as_ref().map(|answered| answered.explain())
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let signed = rejection.signed;
        let note = signed.extensions().get::<Note>();
        let (Some(note), Some(origin)) = (note, signed.origin()) else {
            return Ok(Recovery::GiveUp);
        };
        let Some(offer) = self.challenge_of(rejection.response)? else {
            return Ok(Recovery::GiveUp);
        };
        let answered = note.answered.as_deref();
        let refused = Refused {
            origin,
            path: signed.path(),
            learnt: note.learnt,
            answered: answered.map(|answered| answered.realm.as_slice()),
            is_first_use: answered.is_some_and(|answered| answered.is_first_use()),
            cause: signed.extensions().get().copied(),
        };
        Ok(self.spaces().challenged(offer, &refused))
    }
}
