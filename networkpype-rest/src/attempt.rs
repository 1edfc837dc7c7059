use std::sync::Arc;

use networkpype_core::{
    Auth, Charge, Error, ErrorKind, LimitId, Outcome, Permit, Progress, Recovery, Redactor,
    Rejection, ResponseHead, RestRequest, RestResponse, Ticks, Timing,
};

use crate::{journal::Journal, manager::Shared};

/// One attempt of a call: wait, sign, send.
pub(crate) struct Attempt<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) unsigned: &'a RestRequest,
    pub(crate) auth: Option<&'a dyn Auth>,
    pub(crate) limit: Option<&'a LimitId>,
    pub(crate) deadline: Option<Ticks>,
    pub(crate) journal: &'a Journal,
}

/// A whole response, with what is needed to judge it.
pub(crate) struct Answer {
    pub(crate) response: RestResponse,
    pub(crate) limit: Option<LimitId>,
    unsigned: RestRequest,
    signed: RestRequest,
}

impl Answer {
    /// Removes from texts what the scheme had placed in the request.
    pub(crate) fn redactor(&self) -> Redactor {
        Redactor::between(&self.unsigned, &self.signed)
    }
}

impl Attempt<'_> {
    pub(crate) async fn run(&self) -> Result<Answer, Error> {
        let permit = self.acquire().await?;
        let timeout = self.unsigned.timeouts().0.unwrap_or(self.shared.attempt_timeout);
        let ticker = &self.shared.ticker;
        let result = tokio::select! {
            biased;
            result = self.sign_and_send(permit) => result,
            () = ticker.sleep_until(ticker.now() + timeout) => Err(Error::new(
                ErrorKind::Timeout,
                self.journal.if_cut_now(),
                "the attempt took too long",
            )),
        };
        self.journal.ended(match &result {
            Ok(answer) => self.outcome_of(&answer.response),
            Err(error) => error.outcome(),
        });
        result
    }

    /// What the scheme proposes about a response that refused what it had signed.
    pub(crate) async fn recovery(&self, answer: &Answer) -> Recovery {
        let (Some(auth), status) = (self.auth, answer.response.status()) else {
            return Recovery::GiveUp;
        };
        if !status.is_client_error() || matches!(status.as_u16(), 408 | 418 | 429) {
            return Recovery::GiveUp;
        }
        match auth.on_rejected(&Rejection::new(&answer.signed, &answer.response)).await {
            Ok(recovery) => recovery,
            Err(error) => {
                // The server's refusal tells the caller more than the failed attempt to mend it.
                tracing::warn!(%error, "cannot recover from the rejection");
                Recovery::GiveUp
            }
        }
    }

    async fn acquire(&self) -> Result<Permit, Error> {
        let (Some(throttle), Some(limit)) = (&self.shared.throttle, self.limit) else {
            return Ok(Permit::unlimited());
        };
        let charge = Charge::new(limit)
            .with_weight(self.unsigned.limit_weight())
            .with_request(self.unsigned);
        Ok(throttle.acquire(&charge, self.deadline).await?)
    }

    async fn sign_and_send(&self, mut permit: Permit) -> Result<Answer, Error> {
        let mut signed = self.unsigned.clone();
        if let Some(auth) = self.auth {
            signed = auth.rest_authenticate(signed).await?;
            // A scheme may hand back another request than it was given.
            self.shared.check_origin(&signed, auth)?;
        }
        signed.freeze()?;

        permit.started();
        self.journal.writing();
        let started = self.shared.ticker.now();
        match self.shared.transport.send(signed.clone()).await {
            Ok(response) => {
                let at = self.shared.ticker.now();
                permit.answered(at);
                self.observe(ResponseHead::new(response.status(), response.headers()), at);
                let response = if response.timing().is_none() {
                    response.with_timing(Timing::new(Arc::clone(&self.shared.ticker), started, at))
                } else {
                    response
                };
                self.verify(signed, response).await
            }
            Err(error) => {
                match error.progress() {
                    Progress::NotSent => permit.refund(),
                    Progress::Answered(status) => {
                        self.observe(
                            ResponseHead::new(status, error.headers()),
                            self.shared.ticker.now(),
                        );
                    }
                    _ => {}
                }
                let excerpt = Redactor::between(self.unsigned, &signed).excerpt(error.body());
                let error = Error::from_transport(error, &self.shared.outcome_rules);
                Err(if excerpt.is_empty() { error } else { error.with_excerpt(excerpt) })
            }
        }
    }

    async fn verify(&self, signed: RestRequest, response: RestResponse) -> Result<Answer, Error> {
        if let Some(auth) = self.auth {
            auth.on_response(&signed, &response).await.map_err(|error| {
                Error::new(
                    ErrorKind::Auth,
                    self.outcome_of(&response),
                    "the response does not verify",
                )
                .with_status(response.status())
                .with_source(error)
            })?;
        }
        Ok(Answer { response, limit: self.limit.cloned(), unsigned: self.unsigned.clone(), signed })
    }

    fn observe(&self, head: ResponseHead<'_>, at: Ticks) {
        if let Some(throttle) = &self.shared.throttle {
            throttle.observe(self.limit, head, at);
        }
    }

    fn outcome_of(&self, response: &RestResponse) -> Outcome {
        self.shared.outcome_rules.of_status(response.status(), response.headers())
    }
}
