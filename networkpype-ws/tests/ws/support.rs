//! What several tests need.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use networkpype_core::{
    Auth, AuthError, Charge, Clock, Error, Frame, LimitId, LoginStep, Origin, Permit, PermitHandle,
    ResponseHead, RestRequest, SystemClock, Throttle, ThrottleError, Ticks, WebSocketEvent,
    WebSocketHandshake, WebSocketRequest, WebSocketResponse, async_trait,
    mock::{MockPeer, MockWebSocket},
};
use networkpype_ws::{WebSocketManager, WebSocketManagerBuilder};
use serde_json::{Value, json};
use sha2::Sha256;

/// The login of the test exchange, and a signature for messages and handshakes.
pub(crate) struct HmacAuth {
    pub(crate) secret: &'static str,
    /// What `allows` compares with.
    pub(crate) only: Option<Origin>,
    pub(crate) signed: Arc<AtomicUsize>,
}

impl HmacAuth {
    pub(crate) fn new() -> Self {
        Self { secret: "test-secret", only: None, signed: Arc::default() }
    }

    fn sign(&self, parts: &[&str]) -> String {
        self.signed.fetch_add(1, Ordering::SeqCst);
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("any key will do");
        parts.iter().for_each(|part| mac.update(part.as_bytes()));
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

#[async_trait]
impl Auth for HmacAuth {
    async fn rest_authenticate(&self, _: RestRequest) -> Result<RestRequest, AuthError> {
        Err(AuthError::unsupported("not for REST"))
    }

    async fn ws_authenticate(
        &self,
        mut request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        let bytes = request.bytes()?;
        let signature = self.sign(&[&String::from_utf8_lossy(&bytes)]);
        request.append_json("sign", &signature)?;
        Ok(request)
    }

    async fn ws_handshake(
        &self,
        mut handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        self.sign(&[]);
        handshake.request_mut().insert_sensitive_header("X-API-KEY", "test-key")?;
        Ok(handshake)
    }

    async fn ws_login(
        &self,
        _: &mut networkpype_core::Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let Some(message) = received else {
            let timestamp = SystemClock.now().as_millis().to_string();
            let sign = self.sign(&[&timestamp, "GET", "/users/self/verify"]);
            return Ok(LoginStep::Send(WebSocketRequest::json_object([
                ("op", "login"),
                ("key", "test-key"),
                ("timestamp", &timestamp),
                ("sign", &sign),
            ])));
        };
        let message: Value = message.json().unwrap_or_default();
        Ok(match message["event"].as_str() {
            Some("login") => LoginStep::Done,
            Some("error") => LoginStep::Refused(message["code"].to_string().into()),
            _ => LoginStep::Wait,
        })
    }

    fn allows(&self, origin: &Origin) -> bool {
        self.only.as_ref().is_none_or(|only| only == origin)
    }
}

/// Counts what is charged and given back; its permits wait for a gate.
#[derive(Clone)]
pub(crate) struct Counting {
    pub(crate) charged: Arc<AtomicUsize>,
    pub(crate) gate: Arc<tokio::sync::Semaphore>,
    /// The statuses that were observed.
    pub(crate) observed: Arc<Mutex<Vec<u16>>>,
}

struct Count {
    charged: Arc<AtomicUsize>,
    started: bool,
}

impl PermitHandle for Count {
    fn started(&mut self) -> Result<(), ThrottleError> {
        self.started = true;
        Ok(())
    }

    fn refund(&mut self) {
        self.started = false;
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if !self.started {
            self.charged.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Throttle for Counting {
    async fn acquire(&self, _: &Charge<'_>, _: Option<Ticks>) -> Result<Permit, ThrottleError> {
        self.gate.acquire().await.map_err(|_| ThrottleError::Closed)?.forget();
        self.charged.fetch_add(1, Ordering::SeqCst);
        Ok(Permit::new(Count { charged: Arc::clone(&self.charged), started: false }))
    }

    fn try_acquire(&self, _: &Charge<'_>) -> Result<Permit, ThrottleError> {
        Err(ThrottleError::Closed)
    }

    fn observe(&self, _: Option<&LimitId>, response: ResponseHead<'_>, _: Ticks) {
        self.observed.lock().expect("lock").push(response.status.as_u16());
    }
}

/// Lets so many pass.
pub(crate) fn counting(free: usize) -> Counting {
    let gate = Arc::new(tokio::sync::Semaphore::new(free));
    Counting { charged: Arc::default(), gate, observed: Arc::default() }
}

/// A manager over an in-memory transport, connected, and the server's end of it.
pub(crate) async fn connected(
    build: impl FnOnce(WebSocketManagerBuilder) -> WebSocketManagerBuilder,
) -> (WebSocketManager, MockPeer) {
    let (manager, transport) = unconnected(build);
    let (connected, (_, peer)) =
        tokio::join!(manager.connect("wss://api.example.com/ws"), transport.accept());
    connected.expect("connected");
    (manager, peer)
}

/// The same, not connected yet.
pub(crate) fn unconnected(
    build: impl FnOnce(WebSocketManagerBuilder) -> WebSocketManagerBuilder,
) -> (WebSocketManager, MockWebSocket) {
    let transport = MockWebSocket::new();
    let builder = WebSocketManager::builder().connection(transport.clone());
    (build(builder).build().expect("manager"), transport)
}

pub(crate) fn op(op: &str, rest: Value) -> WebSocketRequest {
    let mut message = json!({ "op": op });
    message.as_object_mut().expect("object").extend(rest.as_object().cloned().unwrap_or_default());
    WebSocketRequest::json(&message)
}

pub(crate) fn text(text: &str) -> Frame {
    Frame::Text(text.to_owned().into())
}

/// The text of a frame, `None` for anything else.
pub(crate) fn text_of(frame: Option<Frame>) -> Option<String> {
    match frame {
        Some(Frame::Text(bytes)) => Some(String::from_utf8(bytes.to_vec()).expect("UTF-8")),
        _ => None,
    }
}

pub(crate) fn message_of(item: Option<Result<WebSocketEvent, Error>>) -> String {
    match item {
        Some(Ok(WebSocketEvent::Message(message))) => message.text().into_owned(),
        other => panic!("{other:?} is no message"),
    }
}

/// Everything that can be printed of an error.
pub(crate) fn shown(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |&cause| cause.source());
    causes.fold(format!("{error} {error:?}"), |text, cause| format!("{text} {cause} {cause:?}"))
}
