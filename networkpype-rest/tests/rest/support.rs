use std::sync::{Arc, Mutex};

use http::StatusCode;
use networkpype_core::{
    Auth, AuthError, Pair, Recovery, Rejection, RestRequest, RestResponse, WebSocketRequest,
    async_trait, mock::MockRest,
};
use networkpype_rest::{RestManager, RestManagerBuilder};

/// A manager for `https://api.test` over `transport`.
pub(crate) fn over(transport: &MockRest) -> RestManagerBuilder {
    RestManager::builder().base_url("https://api.test/v1").connection(transport.clone())
}

pub(crate) fn answering(status: u16, body: &'static str) -> MockRest {
    MockRest::new(move |_| Ok(response(status, body)))
}

pub(crate) fn response(status: u16, body: &'static str) -> RestResponse {
    RestResponse::new(StatusCode::from_u16(status).expect("status")).with_body(body)
}

/// What [`Seal`] saw when it signed: the query, the body, and the number of the attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
    pub(crate) attempt: usize,
}

/// A scheme that freezes query and body, as any that signs them does, notes what it saw, and appends a parameter.
#[derive(Clone)]
pub(crate) struct Seal {
    pub(crate) seen: Arc<Mutex<Vec<Signed>>>,
    pub(crate) recoveries: Arc<Mutex<Vec<Recovery>>>,
    secret: String,
}

impl Seal {
    pub(crate) fn new(secret: &str) -> Self {
        Self { seen: Arc::default(), recoveries: Arc::default(), secret: secret.to_owned() }
    }

    /// Proposes these after rejections, one after the other, and then to give up.
    pub(crate) fn recovering(self, recoveries: impl IntoIterator<Item = Recovery>) -> Self {
        self.recoveries.lock().expect("lock").extend(recoveries);
        self
    }

    pub(crate) fn seen(&self) -> Vec<Signed> {
        self.seen.lock().expect("lock").clone()
    }
}

#[async_trait]
impl Auth for Seal {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        let mut seen = self.seen.lock().expect("lock");
        let attempt = seen.len() + 1;
        let body = match request.streamed_body() {
            Some(_) => Vec::new(),
            None => request.body_bytes()?.to_vec(),
        };
        seen.push(Signed { query: request.query_string().to_owned(), body, attempt });
        request.append_query(Pair::new("seal", format!("{}-{attempt}", self.secret)));
        request.insert_header("x-seal", format!("Seal key={}", self.secret))?;
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no WebSocket here"))
    }

    async fn on_rejected(&self, _: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let mut recoveries = self.recoveries.lock().expect("lock");
        Ok(if recoveries.is_empty() { Recovery::GiveUp } else { recoveries.remove(0) })
    }
}

/// Runs the test `name` alone in a process of its own, with these variables set, and says whether this is that process.
/// For what a process has once: its environment, and what `tracing` remembers of who listens.
pub(crate) fn is_alone(name: &str, variables: &[(&str, &str)]) -> bool {
    const ALONE: &str = "NETWORKPYPE_REST_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("the test's own program");
    let output = std::process::Command::new(program)
        .args(["--exact", name])
        .env(ALONE, "1")
        .envs(variables.iter().copied())
        .output()
        .expect("the program runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    false
}
