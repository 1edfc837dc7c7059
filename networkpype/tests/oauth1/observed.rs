//! What was sent, counted on its way.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use networkpype::{
    Auth, ErrorKind, RestConnection, RestManager, RestRequest, RestResponse, RestTransport,
    TransportError, async_trait,
};
use networkpype_core::SendProgress;

/// A real connection that remembers what it sent.
#[derive(Clone)]
pub(crate) struct Observed {
    connection: Arc<RestConnection>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Observed {
    pub(crate) fn new() -> Self {
        let connection = RestConnection::new().expect("a connection");
        Self { connection: Arc::new(connection), sent: Arc::default() }
    }

    /// The nonces sent so far, one for each request.
    pub(crate) fn nonces(&self) -> Vec<String> {
        let sent = self.sent.lock().expect("no panic");
        let nonce = |text: &String| {
            let rest = text.split("oauth_nonce=").nth(1).expect("a nonce");
            let rest = rest.trim_start_matches('"');
            rest.split(['"', '&', ',']).next().unwrap_or_default().to_owned()
        };
        sent.iter().map(nonce).collect()
    }
}

#[async_trait]
impl RestTransport for Observed {
    async fn send(
        &self,
        mut request: RestRequest,
        progress: &SendProgress,
    ) -> Result<RestResponse, TransportError> {
        let header = request.headers().get("authorization");
        let header = header.map(|value| value.to_str().expect("ASCII").to_owned());
        let body = request.body_bytes().expect("no stream");
        let text = format!(
            "{}\n{}\n{}",
            header.unwrap_or_default(),
            request.target(),
            String::from_utf8_lossy(&body)
        );
        self.sent.lock().expect("no panic").push(text);
        self.connection.send(request, progress).await
    }
}

/// A manager for `url` that sends over `observed`.
pub(crate) fn manager(url: &str, auth: impl Auth + 'static, observed: &Observed) -> RestManager {
    let builder = RestManager::builder().base_url(url).connection(observed.clone());
    builder.auth(auth).build().expect("a manager")
}

/// The status that each of these calls is answered with, all of them at once and on several threads.
pub(crate) async fn statuses(manager: &RestManager, calls: &[RestRequest]) -> Vec<u16> {
    let spawned = calls.iter().cloned().map(|request| {
        let manager = manager.clone();
        tokio::spawn(async move {
            match manager.execute(request.auth_required()).await {
                Ok(response) => response.status().as_u16(),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Status, "{error:?}");
                    error.status().expect("a status").as_u16()
                }
            }
        })
    });
    let answers = join_all(spawned.collect::<Vec<_>>()).await;
    answers.into_iter().map(|answer| answer.expect("no panic")).collect()
}
