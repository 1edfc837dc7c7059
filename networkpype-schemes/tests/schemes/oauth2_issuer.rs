//! An authorization server in memory, which answers as it is told and keeps what it is asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use networkpype_core::{
    Auth as _, Caller, Clock, Error, ErrorKind, Outcome, RestRequest, RestResponse, Ticker,
    Timestamp, TokioTicker, async_trait,
};
use networkpype_schemes::oauth2::{AuthorizationServer, Client, Grant, OAuth2, OAuth2Builder};

use crate::wire;

pub(crate) const TOKEN_URL: &str = "https://auth.example.com/token";
pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const API_URL: &str = "https://api.example.com/orders";

pub(crate) enum Answer {
    Says(u16, String),
    /// The same with a nonce for the next proof.
    WithNonce(u16, String, &'static str),
    /// The same, with this `Retry-After`.
    Busy(u16, String, &'static str),
    Unreachable,
}

impl Answer {
    pub(crate) fn and_nonce(self, nonce: &'static str) -> Self {
        match self {
            Self::Says(status, body) => Self::WithNonce(status, body, nonce),
            other => other,
        }
    }
}

/// A token of this name that lives an hour.
pub(crate) fn token(name: &str) -> Answer {
    Answer::Says(
        200,
        format!(r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":3600}}"#),
    )
}

pub(crate) fn token_and_refresh(name: &str, refresh: &str) -> Answer {
    says(
        200,
        &format!(
            r#"{{"access_token":"{name}","token_type":"bearer","expires_in":3600,"refresh_token":"{refresh}"}}"#
        ),
    )
}

pub(crate) fn says(status: u16, body: &str) -> Answer {
    Answer::Says(status, body.to_owned())
}

#[derive(Clone, Default)]
pub(crate) struct Issuer(Arc<Inner>);

#[derive(Default)]
struct Inner {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<(Duration, RestRequest)>>,
    slow: Mutex<Duration>,
    ticker: TokioTicker,
}

impl Issuer {
    pub(crate) fn answers(answers: impl IntoIterator<Item = Answer>) -> Self {
        let issuer = Self::default();
        issuer.0.answers.lock().expect("lock").extend(answers);
        issuer
    }

    pub(crate) fn slow(self, delay: Duration) -> Self {
        *self.0.slow.lock().expect("lock") = delay;
        self
    }

    pub(crate) fn asked(&self) -> usize {
        self.0.requests.lock().expect("lock").len()
    }

    /// When it was asked, in seconds.
    pub(crate) fn times(&self) -> Vec<u64> {
        self.0.requests.lock().expect("lock").iter().map(|(at, _)| at.as_secs()).collect()
    }

    pub(crate) fn request(&self, number: usize) -> RestRequest {
        self.0.requests.lock().expect("lock")[number].1.clone()
    }

    pub(crate) fn body(&self, number: usize) -> String {
        wire::body(&self.request(number))
    }

    /// The value of a parameter of a form, decoded.
    pub(crate) fn form(&self, number: usize, name: &str) -> Option<String> {
        form_value(&self.body(number), name)
    }
}

pub(crate) fn form_value(form: &str, name: &str) -> Option<String> {
    let pair = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let (mut bytes, mut rest) = (Vec::new(), pair.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex = [rest.next().expect("hex"), rest.next().expect("hex")];
                u8::from_str_radix(std::str::from_utf8(&hex).expect("hex"), 16).expect("hex")
            }
            byte => byte,
        });
    }
    Some(String::from_utf8(bytes).expect("UTF-8"))
}

#[async_trait]
impl Caller for Issuer {
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        assert!(!request.is_auth_required(), "a request for a token goes through no scheme");
        let at = Duration::from_nanos(self.0.ticker.now().as_nanos());
        self.0.requests.lock().expect("lock").push((at, request));
        let slow = *self.0.slow.lock().expect("lock");
        tokio::time::sleep(slow).await;
        let answer = self.0.answers.lock().expect("lock").pop_front();
        let says = |status, body| {
            RestResponse::new(StatusCode::from_u16(status).expect("status")).with_body(body)
        };
        match answer.expect("the issuer was asked more often than expected") {
            Answer::Says(status, body) => Ok(says(status, body)),
            Answer::WithNonce(status, body, nonce) => {
                let headers =
                    [(HeaderName::from_static("dpop-nonce"), nonce.parse().expect("ASCII"))];
                Ok(says(status, body).with_headers(HeaderMap::from_iter(headers)))
            }
            Answer::Busy(status, body, after) => {
                let headers = [(RETRY_AFTER, after.parse().expect("a header"))];
                Ok(says(status, body).with_headers(headers.into_iter().collect()))
            }
            Answer::Unreachable => {
                Err(Error::new(ErrorKind::Timeout, Outcome::Unknown, "timed out"))
            }
        }
    }
}

/// A wall clock that goes with tokio's.
#[derive(Clone)]
pub(crate) struct Wall(TokioTicker);

impl Wall {
    pub(crate) fn new() -> Self {
        Self(TokioTicker::new())
    }
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.0.now().as_nanos()).expect("not that long");
        Timestamp::from_nanos(wire::NOW_MS * 1_000_000 + elapsed)
    }
}

pub(crate) fn server() -> AuthorizationServer {
    AuthorizationServer::new(TOKEN_URL)
        .issuer(ISSUER)
        .authorization_endpoint("https://auth.example.com/authorize")
        .device_authorization_endpoint("https://auth.example.com/device")
        .revocation_endpoint("https://auth.example.com/revoke")
        .introspection_endpoint("https://auth.example.com/introspect")
}

/// A scheme with everything but a scope.
pub(crate) fn scheme(issuer: &Issuer, grant: Grant) -> OAuth2Builder {
    OAuth2::builder()
        .caller(issuer.clone())
        .server(server())
        .client(Client::with_secret("my-client", "s3cret"))
        .clock(Wall::new())
        .grant(grant)
}

/// What the API is sent.
pub(crate) async fn sent(auth: &OAuth2) -> RestRequest {
    auth.rest_authenticate(RestRequest::get(API_URL)).await.expect("signed")
}

/// The header that the API is sent.
pub(crate) async fn authorization(auth: &OAuth2) -> String {
    wire::header(&sent(auth).await, "authorization").to_owned()
}

pub(crate) fn refusal(status: u16, challenge: Option<&'static str>) -> RestResponse {
    let mut headers = HeaderMap::new();
    headers.extend(challenge.map(|it| (WWW_AUTHENTICATE, it.parse().expect("a header"))));
    RestResponse::new(StatusCode::from_u16(status).expect("status")).with_headers(headers)
}

/// Everything that an error prints, causes too.
pub(crate) fn printed(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(|error| format!("{error} {error:?} "))
        .collect()
}
