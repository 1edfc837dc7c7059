use std::sync::Arc;

use networkpype_core::{
    Auth, Charge, Error, ErrorKind, Explanation, LimitId, OriginPolicy, Outcome, Permit, Progress,
    Recovery, Redactor, Rejection, ResponseHead, RestRequest, RestResponse, SendProgress,
    ThrottleError, Ticks, Timing, retry_after_of,
};

use crate::{
    journal::{Journal, outcome_of},
    manager::Shared,
    recoveries::Recoveries,
};

/// One attempt of a call: wait, sign, send.
pub(crate) struct Attempt<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) unsigned: &'a RestRequest,
    /// The request as its caller gave it, before processors and defaults.
    pub(crate) asked: &'a RestRequest,
    pub(crate) auth: Option<Signer<'a>>,
    /// What the scheme proposed when the attempt before this was refused.
    pub(crate) cause: Option<Recovery>,
    pub(crate) limit: Option<&'a LimitId>,
    pub(crate) deadline: Option<Ticks>,
    pub(crate) journal: &'a Journal,
}

/// Who signs a call.
#[derive(Clone, Copy)]
pub(crate) enum Signer<'a> {
    /// The manager's scheme, whose credentials stay at the manager's origins.
    Own(&'a dyn Auth),
    /// The caller's, for this request, which goes where it says.
    Given(&'a dyn Auth),
}

impl<'a> Signer<'a> {
    fn auth(self) -> &'a dyn Auth {
        match self {
            Self::Own(auth) | Self::Given(auth) => auth,
        }
    }
}

/// A whole response, with what is needed to judge it.
pub(crate) struct Answer {
    pub(crate) response: RestResponse,
    pub(crate) limit: Option<LimitId>,
    asked: RestRequest,
    unsigned: RestRequest,
    signed: RestRequest,
}

impl Answer {
    /// How the request came to be signed as it was, where the answer refuses that.
    pub(crate) fn explanation(&self, auth: Option<&dyn Auth>) -> Option<Explanation> {
        let auth = auth.filter(|_| self.unsigned.is_auth_required());
        let auth = auth.filter(|_| Rejection::has_status(self.response.status()))?;
        auth.explain(&self.unsigned, &self.signed)
    }

    /// The beginning of the body, without what processors and the scheme had placed in the request.
    pub(crate) fn excerpt(&self) -> String {
        Redactor::between(&self.asked, &self.signed).excerpt(self.response.bytes())
    }
}

/// An attempt that has its capacity. However it ends, also by being dropped, the permit is let go and the throttle
/// sees the head of the response, if one has come.
struct Flight<'a> {
    attempt: &'a Attempt<'a>,
    progress: SendProgress,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.progress.finish();
        let shared = self.attempt.shared;
        if let (Some(throttle), Some((status, headers))) = (&shared.throttle, self.progress.head())
        {
            let head = ResponseHead::new(status, &headers);
            throttle.observe(self.attempt.limit, head, shared.ticker.now());
        }
    }
}

impl Attempt<'_> {
    pub(crate) async fn run(&self) -> Result<Answer, Error> {
        loop {
            let (progress, result) = self.once().await?;
            match progress.refusal() {
                // The server asked for a pause after the permit was given: wait again, and sign again after that.
                Some(ThrottleError::NotYet { .. }) => tokio::task::yield_now().await,
                Some(refusal) => return Err(refusal.into()),
                None => return result,
            }
        }
    }

    /// One grant, and what became of it.
    async fn once(&self) -> Result<(SendProgress, Result<Answer, Error>), Error> {
        let permit = self.acquire().await?;
        let progress = SendProgress::new(permit, Arc::clone(&self.shared.ticker));
        let flight = Flight { attempt: self, progress: progress.clone() };
        self.journal.begins(progress.clone());
        let timeout = self.unsigned.timeouts().0.unwrap_or(self.shared.attempt_timeout);
        let ticker = &self.shared.ticker;
        let result = tokio::select! {
            biased;
            result = self.sign_and_send(&progress) => result,
            () = ticker.sleep_until(ticker.now() + timeout) => Err(self.timed_out(&progress)),
        };
        self.journal.ended(match &result {
            Ok(answer) => self.outcome_of(&answer.response),
            Err(error) => error.outcome(),
        });
        drop(flight);
        Ok((progress, result))
    }

    /// What the scheme proposes about a response that refused what it had signed.
    pub(crate) async fn recovery(&self, answer: &Answer, recoveries: &Recoveries) -> Recovery {
        let may_be_mended =
            Rejection::has_status(answer.response.status()) && !recoveries.is_over();
        let Some(signer) = self.auth.filter(|_| may_be_mended) else {
            return Recovery::GiveUp;
        };
        let rejection = Rejection::new(&answer.signed, &answer.response).after(recoveries.tried());
        match signer.auth().on_rejected(&rejection).await {
            Ok(recovery) => recovery,
            Err(error) => {
                // The server's refusal tells the caller more than the failed attempt to mend it.
                tracing::warn!(%error, "cannot recover from the rejection");
                Recovery::GiveUp
            }
        }
    }

    async fn acquire(&self) -> Result<Permit, Error> {
        let Some(throttle) = &self.shared.throttle else { return Ok(Permit::unlimited()) };
        // One without a limit is shown to the throttle too: a ban stops everything.
        let charge = self
            .limit
            .map_or_else(Charge::unlimited, Charge::new)
            .with_weight(self.unsigned.limit_weight())
            .with_request(self.unsigned);
        Ok(throttle.acquire(&charge, self.deadline).await?)
    }

    async fn sign_and_send(&self, progress: &SendProgress) -> Result<Answer, Error> {
        let mut signed = self.unsigned.clone();
        if let Some(signer) = self.auth {
            if let Some(cause) = self.cause {
                signed.extensions_mut().insert(cause);
            }
            signed = signer.auth().rest_authenticate(signed).await?;
            // A scheme may hand back another request than it was given.
            match (signer, signed.origin()) {
                (Signer::Own(auth), _) => self.shared.check_origin(&signed, auth)?,
                (Signer::Given(_), Some(origin)) => {
                    OriginPolicy::new(self.unsigned.origin().cloned()).check(origin)?;
                }
                // Refused when it is frozen.
                (Signer::Given(_), None) => {}
            }
            signed.mark_added_headers_sensitive(self.unsigned);
        }
        signed.freeze()?;
        let started = self.shared.ticker.now();
        if self.deadline.is_some_and(|deadline| started >= deadline) {
            let late = "the deadline of the call passed before anything was sent";
            return Err(Error::new(ErrorKind::Timeout, Outcome::NotSent, late));
        }
        match self.shared.transport.send(signed.clone(), progress).await {
            Ok(response) => {
                // For a transport that does not say so itself.
                progress.answered(response.status(), response.headers());
                let response = if response.timing().is_none() {
                    let ticker = Arc::clone(&self.shared.ticker);
                    let answered = ticker.now();
                    response.with_timing(Timing::new(ticker, started, answered))
                } else {
                    response
                };
                self.verify(signed, response).await
            }
            Err(error) => {
                match error.progress() {
                    Progress::NotSent => progress.was_not_sent(),
                    Progress::Answered(status) => progress.answered(status, error.headers()),
                    _ => {
                        let _ = progress.begin();
                    }
                }
                let excerpt = Redactor::between(self.asked, &signed).excerpt(error.body());
                let now = self.shared.clock.now();
                let error = Error::from_transport(error, &self.shared.outcome_rules, now)
                    .with_limit(self.limit.cloned());
                Err(if excerpt.is_empty() { error } else { error.with_excerpt(excerpt) })
            }
        }
    }

    async fn verify(&self, signed: RestRequest, response: RestResponse) -> Result<Answer, Error> {
        let answer = Answer {
            response,
            limit: self.limit.cloned(),
            asked: self.asked.clone(),
            unsigned: self.unsigned.clone(),
            signed,
        };
        if let Some(signer) = self.auth {
            signer.auth().on_response(&answer.signed, &answer.response).await.map_err(|error| {
                Error::new(
                    ErrorKind::Auth,
                    self.outcome_of(&answer.response),
                    "the scheme does not accept the response",
                )
                .with_status(answer.response.status())
                .with_excerpt(answer.excerpt())
                .with_source(error)
            })?;
        }
        Ok(answer)
    }

    fn timed_out(&self, progress: &SendProgress) -> Error {
        let outcome = outcome_of(progress, &self.shared.outcome_rules);
        let error = Error::new(ErrorKind::Timeout, outcome, "the attempt took too long")
            .with_limit(self.limit.cloned());
        match progress.head() {
            Some((status, headers)) => error
                .with_status(status)
                .with_retry_after(retry_after_of(&headers, self.shared.clock.now())),
            None => error,
        }
    }

    fn outcome_of(&self, response: &RestResponse) -> Outcome {
        self.shared.outcome_rules.of_status(response.status(), response.headers())
    }
}
