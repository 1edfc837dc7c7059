use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{HeaderMap, header::AGE};
use networkpype_core::{
    BoxError, Caller, Clock, Error, ErrorKind, OutcomeRules, RestRequest, RestResponse,
    SystemClock, retry_after_of,
};

use crate::{
    format::TimeFormat,
    provider::{ServerTime, TimeProvider},
};

/// The [extension](RestRequest::extension) of a request that asks for the server's time.
///
/// [`TimeSynchronizerRestPreProcessor`](crate::TimeSynchronizerRestPreProcessor) lets such a request pass as it is:
/// it cannot wait for what it is sent to find out. [`RestTimeProvider`] attaches it; a provider of your own that
/// calls a manager from another task than its own must do so too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRequest;

/// Seconds, of which no more are counted.
const VERY_OLD: u64 = 1 << 31;

type Read = Box<dyn Fn(&RestResponse) -> Result<ServerTime, BoxError> + Send + Sync>;

/// Asks a REST endpoint for the server's time.
///
/// The round trip is the one that the manager measured around the attempt, so a wait for capacity does not blur it; nor
/// does what passed since the response's head arrived (its body, the post-processors, the reading), which the response
/// knows. Where a caller measured nothing, the whole time of the call counts as the round trip. A response with an [`Age`](ServerTime::with_age) came from a cache; to ask caches not to answer, give the
/// request a `Cache-Control: no-cache`. The request is charged to the limit that it names, else to the manager's
/// default one.
///
/// ```
/// # use networkpype_core::{Caller, RestRequest};
/// use networkpype_time::{RestTimeProvider, TimeFormat};
///
/// # fn example(caller: std::sync::Arc<dyn Caller>) {
/// let request = RestRequest::get("/api/v3/time").limit("weight");
/// let provider = RestTimeProvider::formatted(caller, request, TimeFormat::json_millis("serverTime"));
/// # }
/// ```
///
/// # Who keeps whom alive
///
/// The provider holds its caller. Where that is a manager that signs by the very synchronizer that holds this provider,
/// they hold each other: give the provider an anonymous caller, or
/// [remove](crate::TimeSynchronizer::remove_time_provider) it at the end.
pub struct RestTimeProvider {
    caller: Arc<dyn Caller>,
    request: RestRequest,
    read: Read,
}

impl RestTimeProvider {
    /// Sends `request` through `caller` and has `read` find the time in the response, whose status is a success.
    ///
    /// What `read` says of round trip and lag counts before what the response knows, and of two ages the greater.
    pub fn new<F, T>(caller: Arc<dyn Caller>, request: RestRequest, read: F) -> Self
    where
        F: Fn(&RestResponse) -> Result<T, BoxError> + Send + Sync + 'static,
        T: Into<ServerTime>,
    {
        Self {
            caller,
            request: request.extension(TimeRequest),
            read: Box::new(move |response| read(response).map(Into::into)),
        }
    }

    /// The same with a ready-made way to find the time.
    pub fn formatted(caller: Arc<dyn Caller>, request: RestRequest, format: TimeFormat) -> Self {
        Self::new(caller, request, move |response| format.read(response))
    }

    /// The commonest way: the body is a JSON object, and `field` the milliseconds since the Unix epoch. See
    /// [`TimeFormat`] for what a field may be, and for other units.
    pub fn json_millis(
        caller: Arc<dyn Caller>,
        request: RestRequest,
        field: impl Into<String>,
    ) -> Self {
        Self::formatted(caller, request, TimeFormat::json_millis(field))
    }
}

#[async_trait]
impl TimeProvider for RestTimeProvider {
    async fn server_time(&self) -> Result<ServerTime, BoxError> {
        let response = self.caller.call(self.request.clone()).await?;
        if !response.status().is_success() {
            return Err(refused(&response).into());
        }
        let mut answer = (self.read)(&response)?;
        answer.age = answer.age.max(age(response.headers()));
        // A caller of somebody's test may not say; then the synchronizer measures for itself. What the reader knows
        // better, from the body, say, stays.
        if let Some(timing) = response.timing() {
            answer.round_trip.get_or_insert(timing.round_trip());
            answer.lag.get_or_insert(timing.since_answered());
        }
        Ok(answer)
    }
}

fn refused(response: &RestResponse) -> Error {
    let (status, headers) = (response.status(), response.headers());
    let outcome = OutcomeRules::default().of_status(status, headers);
    // Not injected: it only matters for a date in a `Retry-After` whose response has no `Date` to compare it with, and
    // then for nothing but the pause that the error recommends.
    let retry_after = retry_after_of(headers, SystemClock.now());
    Error::new(ErrorKind::Status, outcome, "the time endpoint answered with an error status")
        .with_status(status)
        .with_retry_after(retry_after)
}

/// How old a response is that a cache gave. RFC 9111, section 5.1: of a list the first member counts, and what is no
/// number is ignored; section 1.2.2: what is too large is 2³¹.
fn age(headers: &HeaderMap) -> Duration {
    let value = headers.get(AGE).and_then(|age| age.to_str().ok()).unwrap_or_default();
    let first = value.split(',').next().unwrap_or_default().trim();
    if first.is_empty() || !first.bytes().all(|byte| byte.is_ascii_digit()) {
        return Duration::ZERO;
    }
    Duration::from_secs(first.parse().unwrap_or(VERY_OLD).min(VERY_OLD))
}

impl fmt::Debug for RestTimeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestTimeProvider").field("request", &self.request).finish_non_exhaustive()
    }
}
