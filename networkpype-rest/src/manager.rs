use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::HeaderMap;
use networkpype_core::{
    Auth, BaseUrl, BoxError, Caller, Clock, Error, ErrorKind, LimitChoice, LimitId, OriginPolicy,
    OriginRefused, Outcome, OutcomeRules, Recovery, RestPostProcessor, RestPreProcessor,
    RestRequest, RestResponse, RestTransport, Resync, Throttle, ThrottleError, Ticker, Ticks,
    retry_after_of,
};
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::{
    RestManagerBuilder,
    attempt::{Answer, Attempt, Signer},
    decode::decode,
    gate::Gate,
    journal::Journal,
    recoveries::Recoveries,
};

/// Sends REST requests: signed, inside the limits, with timeouts that cover the whole response.
///
/// Cheap to clone; clones share everything.
///
/// # The pipeline
///
/// `request → pre-processors → wait for capacity → auth (if asked for) → connection → on_response → post-processors →
/// response`, where each attempt begins with the wait:
///
/// 1. The URL is joined to the base URL; whatever a setter could not use is reported.
/// 2. Pre-processors run once, on the unsigned request.
/// 3. The throttle is asked for capacity.
/// 4. The unsigned request is signed, so its timestamp is fresh. Credentials go to allowed origins only.
/// 5. The connection sends exactly the bytes that were signed, and reads the whole response.
/// 6. The scheme sees the response. If it was refused and the scheme can mend that, it goes on at 3: at most once per
///    cause, and three times in all.
/// 7. Post-processors run once.
///
/// Nothing else is sent twice, and no redirect is followed: a 3xx status is an error status.
#[doc(alias = "RESTManager")]
#[derive(Clone)]
pub struct RestManager {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) base: Option<BaseUrl>,
    pub(crate) origins: OriginPolicy,
    pub(crate) transport: Arc<dyn RestTransport>,
    pub(crate) throttle: Option<Arc<dyn Throttle>>,
    pub(crate) default_limit: Option<LimitId>,
    pub(crate) auth: Option<Arc<dyn Auth>>,
    pub(crate) resync: Option<Arc<dyn Resync>>,
    pub(crate) pre_processors: Vec<Arc<dyn RestPreProcessor>>,
    pub(crate) post_processors: Vec<Arc<dyn RestPostProcessor>>,
    pub(crate) headers: HeaderMap,
    pub(crate) attempt_timeout: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) outcome_rules: OutcomeRules,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ticker: Arc<dyn Ticker>,
    pub(crate) gate: Gate,
}

impl RestManager {
    /// Sets options.
    pub fn builder() -> RestManagerBuilder {
        RestManagerBuilder::new()
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// Sends `request` and decodes the JSON of its response.
    ///
    /// An empty body is `()` or `None`. Where the content does not matter, use [`execute`](Self::execute).
    ///
    /// # Errors
    /// When there is no whole response, its status is not 2xx (unless the request says
    /// [`error_status_as_data`](RestRequest::error_status_as_data)), or it does not decode. The error carries status,
    /// `Retry-After` and the beginning of the body, without what the scheme had placed in the request.
    ///
    /// # Cancellation
    /// Dropping the future while it waits for capacity sends and charges nothing. Later, the request may have been
    /// sent, and its weight stays charged.
    pub async fn execute_request<T: DeserializeOwned>(
        &self,
        request: RestRequest,
    ) -> Result<T, Error> {
        let as_data = request.takes_error_status_as_data();
        let (answer, worst) = self.run(request, None).await?;
        let response = &answer.response;
        if !response.status().is_success() && !as_data {
            return Err(self.status_error(&answer, worst));
        }
        decode(response).map_err(|error| {
            let outcome = self.outcome_of(response).max(worst);
            Error::new(ErrorKind::Decode, outcome, "the response cannot be decoded")
                .with_status(response.status())
                .with_excerpt(answer.excerpt())
                .with_source(error)
        })
    }

    /// Sends `request` and gives its response, which is not decoded, if its status is 2xx.
    ///
    /// # Errors
    /// As [`execute_request`](Self::execute_request), but for decoding.
    pub async fn execute(&self, request: RestRequest) -> Result<RestResponse, Error> {
        let as_data = request.takes_error_status_as_data();
        let (answer, worst) = self.run(request, None).await?;
        if answer.response.status().is_success() || as_data {
            Ok(answer.response)
        } else {
            Err(self.status_error(&answer, worst))
        }
    }

    /// Sends `request` and gives its response, whatever the status.
    ///
    /// # Errors
    /// When there is no whole response.
    pub async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        self.run(request, None).await.map(|(answer, _)| answer.response)
    }

    /// Refuses new calls, lets those that run end for `grace`, then cancels them. Safe to call again: a second caller
    /// waits for the first. Clones are closed with it.
    pub async fn close(&self, grace: Duration) {
        self.shared.gate.close(grace, &self.shared.ticker).await;
    }

    /// The URL that relative ones are joined to.
    pub fn base_url(&self) -> Option<&BaseUrl> {
        self.shared.base.as_ref()
    }

    /// Runs the pipeline inside the gate and the deadline.
    async fn run(
        &self,
        request: RestRequest,
        signer: Option<&dyn Auth>,
    ) -> Result<(Answer, Outcome), Error> {
        let shared = &*self.shared;
        if tokio::runtime::Handle::try_current().is_err() {
            let missing = "a call needs a tokio runtime with I/O and time enabled";
            return Err(Error::new(ErrorKind::Request, Outcome::NotSent, missing));
        }
        let Some(_inside) = shared.gate.enter() else {
            return Err(Error::new(ErrorKind::Closed, Outcome::NotSent, "the manager is closed"));
        };
        let journal = Journal::default();
        let deadline =
            request.timeouts().1.or(shared.deadline).map(|wait| shared.ticker.now() + wait);
        let span = tracing::debug_span!(
            "rest_call",
            method = %request.method(),
            path = request.path(),
            auth = request.is_auth_required(),
        );
        let expired = async {
            match deadline {
                Some(deadline) => shared.ticker.sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            result = shared.pipeline(request, signer, deadline, &journal).instrument(span) => match result {
                Ok(answer) => Ok((answer, journal.worst())),
                Err(error) => {
                    let outcome = error.outcome().max(journal.worst());
                    Err(error.with_outcome(outcome))
                }
            },
            () = expired => Err(Error::new(
                ErrorKind::Timeout,
                journal.if_cut_now(&shared.outcome_rules),
                "the deadline of the call has passed",
            )),
            () = shared.gate.cancelled() => Err(Error::new(
                ErrorKind::Closed,
                journal.if_cut_now(&shared.outcome_rules),
                "the manager was closed during the call",
            )),
        }
    }

    fn outcome_of(&self, response: &RestResponse) -> Outcome {
        self.shared.outcome_rules.of_status(response.status(), response.headers())
    }

    fn status_error(&self, answer: &Answer, worst: Outcome) -> Error {
        let response = &answer.response;
        let retry_after = retry_after_of(response.headers(), self.shared.clock.now());
        Error::new(
            ErrorKind::Status,
            self.outcome_of(response).max(worst),
            "the server answered with an error",
        )
        .with_status(response.status())
        .with_excerpt(answer.excerpt())
        .with_retry_after(retry_after)
        .with_limit(answer.limit.clone())
        .with_explanation(answer.explanation(self.shared.auth.as_deref()))
    }
}

impl Shared {
    /// The list in the documentation of [`RestManager`], in its order.
    async fn pipeline(
        &self,
        mut request: RestRequest,
        signer: Option<&dyn Auth>,
        deadline: Option<Ticks>,
        journal: &Journal,
    ) -> Result<Answer, Error> {
        request.resolve(self.base.as_ref())?;
        let asked = request.clone();
        for processor in &self.pre_processors {
            request = processor.pre_process(request).await.map_err(pre_processor_failed)?;
        }
        // A processor that hands back a request of its own does not take back what the caller asked for.
        if asked.is_auth_required() {
            request = request.auth_required();
        }
        if *request.limit_choice() == LimitChoice::Default {
            request = match asked.limit_choice() {
                LimitChoice::Named(limit) => request.limit(limit),
                LimitChoice::Unlimited => request.unlimited(),
                _ => request,
            };
        }
        request.resolve(self.base.as_ref())?;
        self.add_default_headers(&mut request)?;
        let auth = match signer {
            Some(signer) => Some(Signer::Given(signer)),
            None => self.auth_for(&request)?.map(Signer::Own),
        };
        let limit = self.limit_for(&request)?;

        let mut attempt = Attempt {
            shared: self,
            unsigned: &request,
            asked: &asked,
            auth,
            cause: None,
            limit: limit.as_ref(),
            deadline,
            journal,
        };
        let mut recoveries = Recoveries::default();
        let mut number = 0_usize;
        let mut answer = loop {
            number += 1;
            let answer =
                attempt.run().instrument(tracing::debug_span!("rest_attempt", number)).await?;
            let recovery = attempt.recovery(&answer, &recoveries).await;
            if !recoveries.may(recovery) || !self.recover(recovery).await {
                break answer;
            }
            tracing::debug!(?recovery, "signing again");
            attempt.cause = Some(recovery);
        };

        for processor in &self.post_processors {
            let status = answer.response.status();
            let outcome = self.outcome_rules.of_status(status, answer.response.headers());
            let response = answer.response.clone();
            answer.response = processor.post_process(response).await.map_err(|error| {
                Error::new(ErrorKind::Processor, outcome, "a post-processor failed")
                    .with_status(status)
                    .with_excerpt(answer.excerpt())
                    .with_source(error)
            })?;
        }
        Ok(answer)
    }

    /// The scheme that signs `request`, if it asks for that and its origin may have the credentials.
    fn auth_for(&self, request: &RestRequest) -> Result<Option<&dyn Auth>, Error> {
        if !request.is_auth_required() {
            return Ok(None);
        }
        let auth = self.auth.as_deref().ok_or_else(|| {
            Error::new(
                ErrorKind::Auth,
                Outcome::NotSent,
                "the request is to be authenticated, and the manager has no `auth`",
            )
        })?;
        self.check_origin(request, auth)?;
        Ok(Some(auth))
    }

    /// Whether the credentials of `auth` may go where `request` goes.
    pub(crate) fn check_origin(&self, request: &RestRequest, auth: &dyn Auth) -> Result<(), Error> {
        // A resolved request has an origin; one without is refused when it is frozen.
        let Some(origin) = request.origin() else { return Ok(()) };
        self.origins.check(origin)?;
        if !auth.allows(origin) {
            let home = self.base.as_ref().map(|base| base.origin().clone());
            return Err(OriginRefused::by_scheme(home, origin.clone()).into());
        }
        Ok(())
    }

    /// The limit that `request` is charged to, if there are limits.
    fn limit_for(&self, request: &RestRequest) -> Result<Option<LimitId>, ThrottleError> {
        match (request.limit_choice(), &self.throttle) {
            (LimitChoice::Named(limit), _) => Ok(Some(limit.clone())),
            (LimitChoice::Default, Some(throttle)) if throttle.is_limiting() => {
                self.default_limit.clone().map(Some).ok_or(ThrottleError::NoLimitNamed)
            }
            _ => Ok(None),
        }
    }

    fn add_default_headers(&self, request: &mut RestRequest) -> Result<(), Error> {
        let origin = request.origin().cloned();
        let known = origin.as_ref().is_some_and(|origin| self.origins.knows(origin));
        for (name, value) in &self.headers {
            let public = name == http::header::USER_AGENT;
            if !(known || public) || request.headers().contains_key(name) {
                continue;
            }
            if public {
                request.insert_header(name, value)?;
            } else {
                // They often hold keys, which must not go in plain text either.
                origin.as_ref().map_or(Ok(()), |origin| self.origins.check(origin))?;
                request.insert_sensitive_header(name, value)?;
            }
        }
        Ok(())
    }

    /// Does what `recovery` asks for, and says whether signing again makes sense.
    async fn recover(&self, recovery: Recovery) -> bool {
        match (recovery, &self.resync) {
            (Recovery::SignAgain | Recovery::NewNonce | Recovery::Refreshed, _) => true,
            (Recovery::ResyncTime, Some(resync)) => match resync.resync().await {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(%error, "cannot learn the server's time");
                    false
                }
            },
            _ => false,
        }
    }
}

/// A pre-processor may have called the server itself, to ask for the time, say: what that met is what the caller's
/// own logic looks for.
fn pre_processor_failed(error: BoxError) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    let met = loop {
        match cause {
            Some(error) => match error.downcast_ref::<Error>() {
                Some(met) => break Some(met),
                None => cause = error.source(),
            },
            None => break None,
        }
    };
    let kind = met.map_or(ErrorKind::Processor, Error::kind);
    let mut failed = Error::new(kind, Outcome::NotSent, "a pre-processor failed")
        .with_retry_after(met.and_then(Error::retry_after))
        .with_limit(met.and_then(Error::limit_id).cloned());
    if let Some(status) = met.and_then(Error::status) {
        failed = failed.with_status(status);
    }
    failed.with_source(error)
}

#[async_trait]
impl Caller for RestManager {
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        Self::call(self, request).await
    }

    async fn call_signed(
        &self,
        request: RestRequest,
        signer: Arc<dyn Auth>,
    ) -> Result<RestResponse, Error> {
        self.run(request, Some(&*signer)).await.map(|(answer, _)| answer.response)
    }
}

impl fmt::Debug for RestManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestManager")
            .field("base_url", &self.shared.base)
            .field("default_limit", &self.shared.default_limit)
            .finish_non_exhaustive()
    }
}
