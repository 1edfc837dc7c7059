use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};

use crate::{RestRequest, Ticker, Ticks};

/// The name of a limit, such as `"orders"`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitId(Arc<str>);

impl LimitId {
    /// The limit named `id`.
    pub fn new(id: impl Into<LimitId>) -> Self {
        id.into()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LimitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LimitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl From<&str> for LimitId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for LimitId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<&LimitId> for LimitId {
    fn from(id: &LimitId) -> Self {
        id.clone()
    }
}

impl std::borrow::Borrow<str> for LimitId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What one attempt asks of a [`Throttle`].
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Charge<'a> {
    /// The limit to charge, together with those linked to it. `None` asks for nothing: the caller said `unlimited`.
    pub limit: Option<&'a LimitId>,
    /// How much this attempt weighs, where it differs from the limit's own weight.
    pub weight: Option<u32>,
    /// The unsigned request, for throttles whose weights depend on its parameters.
    pub request: Option<&'a RestRequest>,
}

impl<'a> Charge<'a> {
    /// A charge on `limit` with that limit's own weight.
    pub fn new(limit: &'a LimitId) -> Self {
        Self { limit: Some(limit), weight: None, request: None }
    }

    /// A charge on nothing.
    pub fn unlimited() -> Self {
        Self { limit: None, weight: None, request: None }
    }

    /// The same with `weight` in place of the limit's own.
    #[must_use]
    pub fn with_weight(mut self, weight: Option<u32>) -> Self {
        self.weight = weight;
        self
    }

    /// The same, telling which request it is for.
    #[must_use]
    pub fn with_request(mut self, request: &'a RestRequest) -> Self {
        self.request = Some(request);
        self
    }
}

impl fmt::Debug for Charge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Charge")
            .field("limit", &self.limit)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// The part of a response that a throttle may learn from.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status, such as 429.
    pub status: StatusCode,
    /// All headers, usage counters and `Retry-After` among them.
    pub headers: &'a HeaderMap,
}

impl<'a> ResponseHead<'a> {
    /// The head made of `status` and `headers`.
    pub fn new(status: StatusCode, headers: &'a HeaderMap) -> Self {
        Self { status, headers }
    }
}

impl fmt::Debug for ResponseHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("headers", &crate::show::HeaderNames(self.headers))
            .finish()
    }
}

/// Decides when a request may go out.
///
/// Managers call [`acquire`](Throttle::acquire) before they sign each attempt, so that a timestamp is fresh when the
/// request leaves, and hold the [`Permit`] until the answer.
#[async_trait]
pub trait Throttle: Send + Sync {
    /// Waits until `charge` fits, in order of arrival.
    ///
    /// With a `deadline`, a wait that cannot end by then fails at once with
    /// [`ThrottleError::DeadlineExceeded`]. Dropping the future leaves no trace.
    ///
    /// # Errors
    /// When the limit is unknown, can never hold the weight, or too many callers wait already.
    async fn acquire(
        &self,
        charge: &Charge<'_>,
        deadline: Option<Ticks>,
    ) -> Result<Permit, ThrottleError>;

    /// Takes `charge` now or not at all.
    ///
    /// # Errors
    /// As [`acquire`](Throttle::acquire), and [`ThrottleError::NotYet`] when it does not fit now.
    fn try_acquire(&self, charge: &Charge<'_>) -> Result<Permit, ThrottleError>;

    /// Learns from a response that arrived `at`. Ignores it unless implemented.
    fn observe(&self, limit: Option<&LimitId>, response: ResponseHead<'_>, at: Ticks) {
        let _ = (limit, response, at);
    }

    /// The ticker that the instants of deadlines, permits and responses are read on. A manager with this throttle
    /// measures with it too. `None` for a throttle to which instants mean nothing.
    fn ticker(&self) -> Option<Arc<dyn Ticker>> {
        None
    }

    /// Whether a request has to name a limit. `false` for a throttle that has none, which lets everything pass.
    fn is_limiting(&self) -> bool {
        true
    }
}

/// What a [`Throttle`] does with a permit that it gave. Implementors refund what was not started when dropped.
pub trait PermitHandle: Send {
    /// The first byte is about to be written: the weight stays charged from here on.
    ///
    /// # Errors
    /// When nothing may be sent any more, because the server has asked for that since the permit was given. Then the
    /// permit has not started, and the request must not be sent.
    fn started(&mut self) -> Result<(), ThrottleError>;

    /// The answer arrived `at`.
    fn answered(&mut self, at: Ticks) {
        let _ = at;
    }

    /// Nothing was sent after all: the weight is given back, also after [`started`](PermitHandle::started).
    fn refund(&mut self);

    /// It cost `weight` more than was charged.
    fn top_up(&mut self, weight: u32) {
        let _ = weight;
    }
}

/// The right to send one request.
///
/// Dropped before [`started`](Permit::started), it gives its weight back; after that, the weight stays charged.
#[must_use = "a permit that was not started is given back when it is dropped"]
pub struct Permit(Option<Box<dyn PermitHandle>>);

impl Permit {
    /// A permit that reports to `handle`.
    pub fn new(handle: impl PermitHandle + 'static) -> Self {
        Self(Some(Box::new(handle)))
    }

    /// A permit that nobody counts.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Says that the first byte is about to be written.
    ///
    /// # Errors
    /// When nothing may be sent any more: the server has asked for a pause, which is
    /// [`NotYet`](ThrottleError::NotYet), or has [banned](ThrottleError::Banned) the sender since the permit was given.
    /// The request must not be sent then; dropped, the permit gives its weight back.
    pub fn started(&mut self) -> Result<(), ThrottleError> {
        self.0.as_mut().map_or(Ok(()), |handle| handle.started())
    }

    /// Says that the answer arrived `at`.
    pub fn answered(&mut self, at: Ticks) {
        if let Some(handle) = &mut self.0 {
            handle.answered(at);
        }
    }

    /// Gives the weight back because nothing was sent, even if [`started`](Permit::started) was called.
    pub fn refund(mut self) {
        if let Some(handle) = &mut self.0 {
            handle.refund();
        }
    }

    /// Says that the request cost `weight` more than was charged.
    pub fn top_up(&mut self, weight: u32) {
        if let Some(handle) = &mut self.0 {
            handle.top_up(weight);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("limited", &self.0.is_some()).finish_non_exhaustive()
    }
}

/// Why a [`Throttle`] did not give a permit. Nothing was sent and nothing is charged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThrottleError {
    /// There are limits, and the request names none. Name one, set a default limit, or say `unlimited`.
    NoLimitNamed,
    /// The throttle has no limit of this name.
    UnknownLimit(LimitId),
    /// The request weighs more than the limit ever holds.
    WeightAboveLimit {
        /// The limit that it does not fit.
        limit: LimitId,
        /// What the request weighs on it.
        weight: u32,
        /// What the limit holds at most, share and margin included.
        capacity: u32,
    },
    /// It does not fit now. From [`Throttle::try_acquire`].
    NotYet {
        /// The limit that was asked for.
        limit: LimitId,
        /// When it should fit, if nobody else comes first.
        retry_at: Ticks,
        /// The same as a wait from the moment of asking.
        retry_after: Duration,
    },
    /// The wait could not end by the deadline.
    DeadlineExceeded {
        /// The limit that was asked for.
        limit: LimitId,
        /// When it could have gone out.
        ready_at: Ticks,
        /// The same as a wait from the moment of asking.
        wait: Duration,
    },
    /// The server has banned the sender, and nothing is sent until that is over.
    Banned {
        /// The limit that was asked for, if one was named.
        limit: Option<LimitId>,
        /// When the ban is over.
        until: Ticks,
        /// The same as a wait from the moment of asking.
        wait: Duration,
    },
    /// As many callers wait as may.
    QueueFull {
        /// The limit that was asked for.
        limit: LimitId,
        /// How many callers may wait.
        max_waiters: usize,
    },
    /// The throttle was closed while the caller waited, or before it asked.
    Closed,
    /// The throttle could not decide, for a reason of its own.
    Unavailable(Cow<'static, str>),
}

impl ThrottleError {
    /// The limit at fault, where there is one.
    pub fn limit_id(&self) -> Option<&LimitId> {
        match self {
            Self::UnknownLimit(limit)
            | Self::WeightAboveLimit { limit, .. }
            | Self::NotYet { limit, .. }
            | Self::DeadlineExceeded { limit, .. }
            | Self::QueueFull { limit, .. } => Some(limit),
            Self::Banned { limit, .. } => limit.as_ref(),
            Self::NoLimitNamed | Self::Closed | Self::Unavailable(_) => None,
        }
    }

    /// How long to wait before it could succeed, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotYet { retry_after, .. } => Some(*retry_after),
            Self::DeadlineExceeded { wait, .. } | Self::Banned { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}

impl fmt::Display for ThrottleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLimitNamed => f.write_str(
                "the request names no limit: name one, set a default limit, or call `unlimited`",
            ),
            Self::UnknownLimit(limit) => write!(f, "unknown limit {limit:?}"),
            Self::WeightAboveLimit { limit, weight, capacity } => {
                write!(
                    f,
                    "weight {weight} is above what limit {limit:?} holds after share and safety margin ({capacity})"
                )
            }
            Self::NotYet { limit, retry_after, .. } => {
                write!(f, "limit {limit:?} has no room for another {retry_after:?}")
            }
            Self::DeadlineExceeded { limit, wait, .. } => {
                write!(f, "limit {limit:?} has no room before the deadline, only in {wait:?}")
            }
            Self::Banned { limit: Some(limit), wait, .. } => {
                write!(f, "the server has banned requests on limit {limit:?} for another {wait:?}")
            }
            Self::Banned { limit: None, wait, .. } => {
                write!(f, "the server has banned all requests for another {wait:?}")
            }
            Self::QueueFull { limit, max_waiters } => {
                write!(f, "{max_waiters} callers wait already, the last for limit {limit:?}")
            }
            Self::Closed => f.write_str("the throttle was closed"),
            Self::Unavailable(why) => write!(f, "the throttle is unavailable: {why}"),
        }
    }
}

impl StdError for ThrottleError {}
