use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use networkpype_core::{BoxError, Timestamp};

/// Asks the server what time it is.
///
/// [`RestTimeProvider`](crate::RestTimeProvider) asks a time endpoint; [`from_fn`] makes a provider of an async
/// closure.
#[async_trait]
pub trait TimeProvider: Send + Sync {
    /// Asks once.
    ///
    /// # Errors
    /// When the server did not answer, or not with a time. The text must hold no secret.
    async fn server_time(&self) -> Result<ServerTime, BoxError>;
}

#[async_trait]
impl<P: TimeProvider + ?Sized> TimeProvider for Arc<P> {
    async fn server_time(&self) -> Result<ServerTime, BoxError> {
        (**self).server_time().await
    }
}

#[async_trait]
impl<P: TimeProvider + ?Sized> TimeProvider for &P {
    async fn server_time(&self) -> Result<ServerTime, BoxError> {
        (**self).server_time().await
    }
}

/// The server's answer, and what is known of its way.
///
/// Where nothing but the time is known, the synchronizer takes the whole time between its question and the answer for
/// the round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct ServerTime {
    pub(crate) time: Timestamp,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) lag: Option<Duration>,
    pub(crate) resolution: Duration,
    pub(crate) age: Duration,
}

impl ServerTime {
    /// The server says that it is `time`.
    pub const fn new(time: Timestamp) -> Self {
        Self { time, round_trip: None, lag: None, resolution: Duration::ZERO, age: Duration::ZERO }
    }

    /// Its way there and back took `round_trip`: less than the whole question where that waited for capacity first.
    pub const fn with_round_trip(mut self, round_trip: Duration) -> Self {
        self.round_trip = Some(round_trip);
        self
    }

    /// It had arrived `lag` before it was handed over. Default: zero.
    pub const fn with_lag(mut self, lag: Duration) -> Self {
        self.lag = Some(lag);
        self
    }

    /// The server counts in steps of `resolution` and rounds down: half a step is added to the time and to its error.
    /// Default: zero.
    pub const fn with_resolution(mut self, resolution: Duration) -> Self {
        self.resolution = resolution;
        self
    }

    /// A cache had kept it for `age`, which is added to the time. Such an answer counts only while there is no
    /// better. Default: zero, the server itself answered.
    pub const fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// What the server said.
    pub const fn time(&self) -> Timestamp {
        self.time
    }
}

impl From<Timestamp> for ServerTime {
    fn from(time: Timestamp) -> Self {
        Self::new(time)
    }
}

/// A provider made of an async closure that answers with a [`Timestamp`] or a [`ServerTime`].
///
/// ```
/// use networkpype_time::{TimeProvider, Timestamp, from_fn};
///
/// let provider = from_fn(|| async { Ok(Timestamp::from_millis(1_700_000_000_000)) });
/// # fn check(_: &dyn TimeProvider) {}
/// # check(&provider);
/// ```
pub fn from_fn<F, Fut, T>(ask: F) -> FromFn<F>
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, BoxError>> + Send,
    T: Into<ServerTime>,
{
    FromFn(ask)
}

/// See [`from_fn`].
#[derive(Clone, Copy)]
pub struct FromFn<F>(F);

impl<F> std::fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, Fut, T> TimeProvider for FromFn<F>
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, BoxError>> + Send,
    T: Into<ServerTime>,
{
    async fn server_time(&self) -> Result<ServerTime, BoxError> {
        self.0().await.map(Into::into)
    }
}
