//! How is a form sent to an authorization server, and what is taken for an answer?

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::StatusCode;
use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{
    Caller, Clock, Encoding, LimitChoice, RestRequest, RestResponse, Timestamp,
};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::Value;

use super::{
    assertion::{Assertion, Audiences},
    client::Client,
    echo::repeats,
    error::{is_known, malformed, refused},
    form::Form,
    presentation::{Presentation, Server},
};
pub(super) use crate::token_endpoint::{limited, succeeded, unreachable};
use crate::{
    entropy::Entropy,
    token_endpoint::{not_asked, with_retry_after},
};

/// The code by which a server asks for its nonce (RFC 9449, section 8).
const USE_NONCE: &str = "use_dpop_nonce";

/// One endpoint, as the client asks it.
///
/// The requests of the `oauth2` library pass through here too. Of those only the form is used: the URL is sent as it was
/// given, and the client's proof is added by [`Form`], anew for each request and after the wait for capacity.
///
/// It owns what it needs: futures that borrow it through the library's traits could not be sent to other threads.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) caller: Arc<dyn Caller>,
    pub(super) client: Client,
    pub(super) issuer: Option<String>,
    pub(super) url: String,
    /// What errors call it.
    pub(super) name: &'static str,
    pub(super) limit: LimitChoice,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// How the tokens that are asked for will be sent, where some are.
    pub(super) presentation: Option<Presentation>,
    /// What the grant consists in, where it is signed (RFC 7523, section 2.1).
    pub(super) assertion: Option<Assertion>,
}

/// What a server says, as far as it is to be read.
pub(super) enum Reply {
    Answer(RestResponse),
    /// RFC 6749, section 5.2.
    Refusal(String),
}

impl Endpoint {
    /// Whom a signed assertion may be for.
    pub(super) fn audiences(&self) -> Audiences<'_> {
        Audiences { issuer: self.issuer.as_deref(), endpoint: &self.url }
    }

    /// Sends a form of ours.
    pub(super) async fn post(&self, pairs: &[(&str, &str)]) -> Result<RestResponse, TokenError> {
        let client = [("client_id", self.client.id())];
        let named = self.client.is_named() && !self.client.is_in_header();
        let named = if named { client.as_slice() } else { &[] };
        let encode = |text| Encoding::Form.encode(text);
        let pairs: Vec<String> = pairs
            .iter()
            .chain(named)
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        match self.send(pairs.join("&").into_bytes()).await? {
            Reply::Answer(response) => Ok(response),
            Reply::Refusal(code) => Err(refused(&code)),
        }
    }

    /// Sends the text of a form; once more, with proofs of its own, where the server gives out the nonce that it asks for.
    async fn send(&self, form: Vec<u8>) -> Result<Reply, TokenError> {
        let form = Arc::new(Form::new(self.clone(), form.into()));
        let reply = self.attempt(&form).await?;
        let asks_for_nonce = matches!(&reply, Reply::Refusal(code) if code == USE_NONCE);
        let has_other = |it: &Presentation| {
            form.sent().is_some_and(|sent| it.has_other_nonce(Server::Authorization, &sent))
        };
        if asks_for_nonce && self.presentation.as_ref().is_some_and(has_other) {
            return self.attempt(&form).await;
        }
        Ok(reply)
    }

    /// What the server says to a form.
    async fn attempt(&self, form: &Arc<Form>) -> Result<Reply, TokenError> {
        let request = RestRequest::post(&self.url).header("accept", "application/json");
        let called = self.caller.call_signed(limited(request, &self.limit), form.clone());
        let response = called.await.map_err(not_asked)?;
        if let (Some(presentation), Some(sent)) = (&self.presentation, form.sent()) {
            presentation.learn(Server::Authorization, &sent, response.headers());
        }
        Ok(match reply(response, self.name, self.clock.now())? {
            Reply::Refusal(code)
                if !is_known(&code) && repeats(&code, form.sent(), self.client.secret()) =>
            {
                Reply::Refusal(String::new())
            }
            reply => reply,
        })
    }
}

fn reply(response: RestResponse, name: &str, now: Timestamp) -> Result<Reply, TokenError> {
    let status = response.status();
    let code = if status.is_success() || status.is_client_error() { code(&response) } else { None };
    match code {
        // 408 and 429 say nothing of the grant, whatever their body has.
        Some(_) if matches!(status.as_u16(), 408 | 429) => {}
        // Nor do these, which some servers say with a status of the client's faults.
        Some(code) if matches!(code.as_str(), "server_error" | "temporarily_unavailable") => {
            return Err(with_retry_after(refused(&code), &response, now));
        }
        Some(code) => return Ok(Reply::Refusal(code)),
        None => {}
    }
    succeeded(&response, name, now).map(|()| Reply::Answer(response))
}

/// The code of a refusal. Some issuers say it with the status 200, where there is no token beside it.
fn code(response: &RestResponse) -> Option<String> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(response.bytes()) else {
        return None;
    };
    if response.status().is_success() && members.contains_key("access_token") {
        return None;
    }
    match members.remove("error")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// An endpoint as the library's requests see it.
pub(super) struct Bridge {
    endpoint: Endpoint,
    /// Whether the library asks again where the issuer is in trouble: then what will not get better has to be told apart.
    polls: bool,
    final_error: Mutex<Option<TokenError>>,
    left_alone: Arc<Mutex<Duration>>,
}

impl Bridge {
    pub(super) fn once(endpoint: Endpoint) -> Self {
        Self { endpoint, polls: false, final_error: Mutex::default(), left_alone: Arc::default() }
    }

    pub(super) fn polling(endpoint: Endpoint) -> Self {
        Self { polls: true, ..Self::once(endpoint) }
    }

    /// What ended the polling although the library knows nothing of it.
    pub(super) fn take_final_error(&self) -> Option<TokenError> {
        self.final_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How long the issuer has asked to be left alone since this was taken last.
    pub(super) fn left_alone(&self) -> impl Fn() -> Duration + Send + Sync + use<> {
        let left_alone = Arc::clone(&self.left_alone);
        move || std::mem::take(&mut *left_alone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, TokenError> {
        let sent = self.endpoint.send(request.into_body()).await;
        let (status, body) = match sent {
            Ok(Reply::Answer(response)) => (StatusCode::OK, response.bytes().to_vec()),
            // Nothing of the body but its code goes further.
            Ok(Reply::Refusal(code)) => {
                (StatusCode::BAD_REQUEST, serde_json::json!({ "error": code }).to_string().into())
            }
            Err(error) if self.polls && error.kind() != TokenErrorKind::Unavailable => {
                *self.final_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                (StatusCode::BAD_REQUEST, br#"{"error":"invalid_request"}"#.to_vec())
            }
            Err(error) => {
                *self.left_alone.lock().unwrap_or_else(PoisonError::into_inner) =
                    error.retry_after().unwrap_or_default();
                return Err(error);
            }
        };
        // Without a content type: the library would refuse what other servers call JSON.
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Bridge {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.answer(request))
    }
}

/// The answer to a form of ours, as JSON of this shape.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    response: &RestResponse,
) -> Result<T, TokenError> {
    serde_json::from_slice(response.bytes())
        .map_err(|_| malformed("the issuer's answer is not what was asked for"))
}
