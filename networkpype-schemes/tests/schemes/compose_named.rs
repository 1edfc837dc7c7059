//! A scheme that says what it is asked, for tests of several schemes as one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use networkpype_core::{
    Auth, AuthError, Clock, Explanation, Extensions, LoginStep, ManualClock, Origin, Recovery,
    Rejection, RestRequest, RestResponse, WebSocketHandshake, WebSocketRequest, WebSocketResponse,
    async_trait,
};

use crate::wire::header;

pub(crate) const URL: &str = "https://api.example.com/v1/account";

/// What the schemes of a test were asked, in its order.
pub(crate) type Journal = Arc<Mutex<Vec<String>>>;

/// A scheme that notes what it is asked, and leaves a note of its own in what it signs.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) journal: Journal,
    pub(crate) signs_messages: bool,
    /// How many messages a login takes.
    pub(crate) logins: usize,
    pub(crate) recovery: Recovery,
    pub(crate) clock: Option<Arc<ManualClock>>,
    pub(crate) only: Option<&'static str>,
    /// How often its login ends.
    pub(crate) every: Option<Duration>,
}

/// Two schemes of one kind have notes of one type.
#[derive(Clone)]
pub(crate) struct Note(pub(crate) &'static str);

/// How many messages of the login were sent.
#[derive(Clone)]
struct Sent(usize);

impl Named {
    pub(crate) fn new(name: &'static str, journal: &Journal) -> Self {
        Self {
            name,
            journal: Arc::clone(journal),
            signs_messages: true,
            logins: 0,
            recovery: Recovery::GiveUp,
            clock: None,
            only: None,
            every: None,
        }
    }

    pub(crate) fn note(&self, what: &str) {
        self.journal.lock().expect("not poisoned").push(format!("{} {what}", self.name));
    }
}

#[async_trait]
impl Auth for Named {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        let before = request.headers().get("x-signed").map(|it| it.to_str().expect("ASCII"));
        let signed =
            before.map_or(self.name.to_owned(), |before| format!("{before},{}", self.name));
        let mut request = request;
        request.insert_sensitive_header("x-signed", signed.as_bytes())?;
        request.extensions_mut().insert(Note(self.name));
        Ok(request)
    }

    async fn ws_authenticate(
        &self,
        mut message: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        if !self.signs_messages {
            return Err(AuthError::unsupported(format!("{} signs no messages", self.name)));
        }
        let bytes = message.bytes()?.to_vec();
        let text = String::from_utf8(bytes).expect("text");
        Ok(WebSocketRequest::text(format!("{text} {}", self.name)))
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        let signed = self.rest_authenticate(handshake.into_request()).await?;
        Ok(WebSocketHandshake::from_request(signed))
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let sent = session.get::<Sent>().map_or(0, |Sent(sent)| *sent);
        let handshake = session.get::<Note>().map(|Note(name)| format!(" after {name}"));
        self.note(&format!("login {sent} {}{}", received.is_some(), handshake.unwrap_or_default()));
        assert_eq!(sent > 0, received.is_some(), "a login begins with nothing received");
        session.insert(Sent(sent + 1));
        if sent > self.logins {
            return Ok(LoginStep::Done);
        }
        Ok(match sent {
            _ if self.logins == 0 => LoginStep::NotNeeded,
            sent if sent == self.logins => LoginStep::Done,
            _ => LoginStep::Send(WebSocketRequest::text(format!("{} {sent}", self.name))),
        })
    }

    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        let Some(every) = self.every else { return std::future::pending().await };
        tokio::time::sleep(every).await;
        let sent = session.get::<Sent>().map_or(0, |Sent(sent)| *sent);
        Ok(WebSocketRequest::text(format!("{} renews {sent}", self.name)))
    }

    async fn on_response(&self, signed: &RestRequest, _: &RestResponse) -> Result<(), AuthError> {
        self.note(&format!("sees {}", signed.extensions().get::<Note>().expect("a note").0));
        Ok(())
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let note = rejection.signed.extensions().get::<Note>().expect("a note").0;
        self.note(&format!("recovers {note}"));
        Ok(self.recovery)
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let had = unsigned.headers().contains_key("x-signed");
        self.note(&format!("explains {} {had}", header(signed, "x-signed")));
        None
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        self.clock.clone().map(|clock| clock as _)
    }

    fn allows(&self, origin: &Origin) -> bool {
        self.only.is_none_or(|host| origin.host() == host)
    }
}

pub(crate) fn journal() -> Journal {
    Journal::default()
}

pub(crate) fn noted(journal: &Journal) -> Vec<String> {
    std::mem::take(&mut *journal.lock().expect("not poisoned"))
}

pub(crate) fn unauthorized() -> RestResponse {
    RestResponse::new(StatusCode::UNAUTHORIZED)
}

pub(crate) async fn signed_by(auth: &impl Auth, request: RestRequest) -> String {
    let request = auth.rest_authenticate(request).await.expect("signed");
    request
        .headers()
        .get("x-signed")
        .map_or_else(String::new, |it| it.to_str().expect("ASCII").to_owned())
}
