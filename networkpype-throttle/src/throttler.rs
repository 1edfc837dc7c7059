use std::{fmt, sync::Arc};

use async_trait::async_trait;
use networkpype_core::{Charge, Permit, Throttle, ThrottleError, Ticker, Ticks};

use crate::{
    LimitError, RateLimit, ThrottlerBuilder, acquire::Acquire, capacity::Reduction, engine::Engine,
    permit::ThrottlePermit, shared::Shared,
};

/// Keeps requests inside rate limits: weighted, linked, over exact sliding windows, first come first served.
///
/// Clones are handles of the same throttler; [`copy`](Throttler::copy) makes an independent one.
///
/// 1. A request names a limit. It is charged there and on all linked limits at once, or on none.
/// 2. If it does not fit, or somebody older waits for one of the same limits, it waits. Requests that share no limit
///    do not wait for each other.
///    **So one that waits for an exhausted limit holds up all younger ones on every other limit that it charges**,
///    for as long as it waits: where a limit per day is linked to one per minute, give the requests of the former a
///    deadline, which makes them fail instead, or do not link them.
/// 3. At the instant at which enough weight has left the windows, those that fit now are woken, and nobody else.
/// 4. A granted permit holds its weight until it [starts](Permit::started), however long that takes; from then on
///    the weight counts for one interval. Dropped before it starts, a permit gives its weight back.
/// 5. Nothing is learnt from responses yet: [`observe`](Throttle::observe) does nothing, so that neither a 429 nor a
///    header about usage changes anything.
///
/// Needs no runtime until somebody has to wait. The first who does starts a task on its tokio runtime that minds the
/// time for all, and ends when nobody waits. When that runtime is shut down, another waiter starts another task; a
/// current-thread runtime that is kept but no longer run keeps the task from running, so where one throttler serves
/// several runtimes, keep them running or shut them down.
///
/// ```
/// use networkpype_throttle::{RateLimit, Throttler};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let throttler = Throttler::builder()
///     .limit(RateLimit::new("weight", 1_200, Duration::from_secs(60)))
///     .limit(RateLimit::new("orders", 10, Duration::from_secs(1)).linked("weight", 4))
///     .build()?;
///
/// let _permit = throttler.execute_task("orders").await?; // waits for its turn
/// assert_eq!(throttler.usage("weight").unwrap().used, 4);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "AsyncThrottler")]
#[derive(Clone)]
pub struct Throttler {
    shared: Arc<Shared>,
}

/// What counts against a limit at one instant. From [`Throttler::usage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The weight in the window, including what is granted and has not started. Above the capacity after a limit was
    /// lowered, or a request was [topped up](Permit::top_up).
    pub used: u64,
    /// What the window holds at most, after share and safety margin.
    pub capacity: u32,
}

impl Throttler {
    /// A throttler with `limits`, a safety margin of 5 % and all other defaults.
    ///
    /// # Errors
    /// As [`ThrottlerBuilder::build`].
    pub fn new(limits: impl IntoIterator<Item = RateLimit>) -> Result<Self, LimitError> {
        Self::builder().limits(limits).build()
    }

    /// A throttler to be put together.
    pub fn builder() -> ThrottlerBuilder {
        ThrottlerBuilder::new()
    }

    pub(crate) fn assemble(
        limits: Vec<RateLimit>,
        reduction: Reduction,
        max_waiters: usize,
        ticker: Arc<dyn Ticker>,
    ) -> Result<Self, LimitError> {
        let engine = Engine::new(limits, reduction, max_waiters)?;
        Ok(Self { shared: Shared::new(engine, ticker) })
    }

    /// Waits until a request on the limit `limit_id` may go out, and charges it.
    ///
    /// The permit has [started](Permit::started) already: its weight stays charged also when it is dropped, so that
    /// `let _permit = throttler.execute_task("orders").await?` before each request is all it takes. If nothing was sent after all,
    /// [`refund`](Permit::refund) it. Whoever has work to do between grant and sending, or a deadline, uses
    /// [`Throttle::acquire`]. The place in the queue is taken when the future is first polled.
    ///
    /// # Errors
    /// When there is no such limit or it is removed meanwhile, too many callers wait, or there is no running tokio
    /// runtime to wait on.
    pub async fn execute_task(&self, limit_id: &str) -> Result<Permit, ThrottleError> {
        let mut permit = Acquire::new(&self.shared, limit_id, None, None).await?;
        permit.started();
        Ok(permit)
    }

    /// The limits as they were configured, before share and safety margin.
    #[doc(alias = "rate_limits")]
    pub fn limits(&self) -> Vec<RateLimit> {
        self.shared.with(|engine, _| engine.limits().to_vec())
    }

    /// Replaces all limits.
    ///
    /// A limit whose name stays keeps what it counted so far, and so does one that was removed and comes back: what was
    /// sent and what permits hold goes on counting in the meantime, and is forgotten once it has left its window.
    ///
    /// With a longer interval, what the old one holds counts for the longer time. What had left the old one before the
    /// change cannot be known any more and is not counted, unless it was sent before the interval had been shortened
    /// from a longer one that would still hold it.
    ///
    /// Waiters keep their places; those whose limit is gone get
    /// [`UnknownLimit`](ThrottleError::UnknownLimit), those that no longer fit
    /// [`WeightAboveLimit`](ThrottleError::WeightAboveLimit). Without any limit everything passes.
    ///
    /// # Errors
    /// As [`ThrottlerBuilder::build`]; nothing changes then.
    pub fn set_limits(
        &self,
        limits: impl IntoIterator<Item = RateLimit>,
    ) -> Result<(), LimitError> {
        // Foreign code, so collected before the lock is taken.
        let limits: Vec<_> = limits.into_iter().collect();
        self.shared.with(|engine, now| engine.configure(limits, engine.reduction(), now))
    }

    /// Adds limits to those there are.
    ///
    /// # Errors
    /// As [`ThrottlerBuilder::build`], and when a name is in use; nothing changes then.
    pub fn add_limits(
        &self,
        limits: impl IntoIterator<Item = RateLimit>,
    ) -> Result<(), LimitError> {
        let added: Vec<_> = limits.into_iter().collect();
        self.shared.with(|engine, now| {
            let mut limits = engine.limits().to_vec();
            limits.extend(added);
            engine.configure(limits, engine.reduction(), now)
        })
    }

    /// The part of every limit that is this program's. See [`ThrottlerBuilder::share`].
    #[doc(alias = "limits_share_percentage")]
    pub fn share(&self) -> f64 {
        self.shared.with(|engine, _| engine.reduction().share())
    }

    /// Takes another part of every limit, worked out from the limits as configured.
    ///
    /// # Errors
    /// When it is not above 0 and at most 1, or some request would no longer fit its limits; nothing changes then.
    pub fn set_share(&self, share: f64) -> Result<(), LimitError> {
        self.shared.with(|engine, now| {
            let reduction = Reduction::new(share, engine.reduction().safety_margin())?;
            engine.configure(engine.limits().to_vec(), reduction, now)
        })
    }

    /// The part of every limit that is never used. See [`ThrottlerBuilder::safety_margin`].
    #[doc(alias = "safety_margin_pct")]
    pub fn safety_margin(&self) -> f64 {
        self.shared.with(|engine, _| engine.reduction().safety_margin())
    }

    /// How many callers may wait. See [`ThrottlerBuilder::max_waiters`].
    pub fn max_waiters(&self) -> usize {
        self.shared.with(|engine, _| engine.max_waiters())
    }

    /// How many callers wait now.
    pub fn waiting(&self) -> usize {
        self.shared.with(|engine, _| engine.waiting())
    }

    /// How full a limit is now. `None` if there is no such limit.
    pub fn usage(&self, limit_id: &str) -> Option<Usage> {
        let (used, capacity) = self.shared.with(|engine, now| engine.usage(limit_id, now))?;
        Some(Usage { used, capacity })
    }

    /// The clock that windows are measured with and deadlines refer to.
    pub fn ticker(&self) -> Arc<dyn Ticker> {
        Arc::clone(self.shared.ticker())
    }

    /// An independent throttler with the same configuration and ticker, on which nothing has been charged.
    ///
    /// Each of the two admits as much as its limits say, so together they admit twice that: give them
    /// [shares](Throttler::set_share) if they talk to the same server.
    #[must_use]
    pub fn copy(&self) -> Self {
        let engine = self.shared.with(|engine, _| engine.fresh());
        Self { shared: Shared::new(engine, self.ticker()) }
    }
}

#[async_trait]
impl Throttle for Throttler {
    /// Waits until `charge` fits, in order of arrival. A charge that names no limit passes uncharged.
    ///
    /// [`Charge::weight`] replaces the weight of the limit that is named; linked limits are charged their own.
    ///
    /// With a `deadline`, an instant of this throttler's [ticker](Throttler::ticker), the wait fails at once if it is
    /// known that it would last longer: assuming that everybody ahead takes their turn and nobody gives weight back,
    /// and counting weights that have yet to start as if they started now. That instant is what the error names. For
    /// requests of weight 1 on one limit it is exact; with several limits or uneven weights it may be too early,
    /// never too late under the assumption, and the wait then fails when the deadline passes. A charge that fits at
    /// once is granted whatever the deadline.
    async fn acquire(
        &self,
        charge: &Charge<'_>,
        deadline: Option<Ticks>,
    ) -> Result<Permit, ThrottleError> {
        match charge.limit {
            Some(limit) => {
                Acquire::new(&self.shared, limit.as_str(), charge.weight, deadline).await
            }
            None => Ok(Permit::unlimited()),
        }
    }

    /// Takes `charge` if it fits now and nobody waits for any of its limits.
    ///
    /// The instant in [`NotYet`](ThrottleError::NotYet) is as exact as that of
    /// [`DeadlineExceeded`](ThrottleError::DeadlineExceeded), see `acquire`.
    fn try_acquire(&self, charge: &Charge<'_>) -> Result<Permit, ThrottleError> {
        let Some(limit) = charge.limit else { return Ok(Permit::unlimited()) };
        let grant =
            self.shared.with(|engine, now| engine.try_ask(limit.as_str(), charge.weight, now))?;
        Ok(ThrottlePermit::issue(&self.shared, grant))
    }

    fn ticker(&self) -> Option<Arc<dyn Ticker>> {
        Some(Self::ticker(self))
    }

    fn is_limiting(&self) -> bool {
        self.shared.with(|engine, _| !engine.limits().is_empty())
    }
}

impl fmt::Debug for Throttler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}
