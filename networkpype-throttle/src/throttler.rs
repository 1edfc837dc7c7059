use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use networkpype_core::{
    Charge, LimitId, Permit, ResponseHead, Throttle, ThrottleError, Ticker, Ticks,
};

use crate::{
    LimitError, RateLimit, Scope, ThrottlerBuilder,
    acquire::Acquire,
    capacity::Reduction,
    engine::{Engine, Wish},
    feedback::Verdict,
    permit::Granted,
    shared::{Seams, Shared},
    started_permit::StartedPermit,
    usage::Usage,
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
/// 5. Responses are [learnt](ThrottlerBuilder::feedback) from: what the server counted and this program did not is
///    charged, a 429 pauses, a ban stops, and both count also for permits that have yet to start.
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
/// let _permit = throttler.acquire("orders").await?; // waits for its turn
/// assert_eq!(throttler.usage("weight").unwrap().used, 4);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "AsyncThrottler")]
#[derive(Clone)]
pub struct Throttler {
    shared: Arc<Shared>,
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
        seams: Seams,
    ) -> Result<Self, LimitError> {
        let engine = Engine::new(limits, reduction, max_waiters)?;
        Ok(Self { shared: Shared::new(engine, seams) })
    }

    /// Waits until a request on the limit `limit_id` may go out, and charges it.
    ///
    /// The permit has started already: its weight stays charged also when it is dropped, so that
    /// `let _permit = throttler.acquire("orders").await?` before each request is all it takes. If nothing was sent after
    /// all, [`refund`](StartedPermit::refund) it. Whoever has work to do between grant and sending uses the seam,
    /// [`Throttle::acquire`]. The place in the queue is taken when the future is first polled.
    ///
    /// # Errors
    /// When there is no such limit or it is removed meanwhile, a request weighs more than the limit holds by now, the server
    /// has banned its sender, too many callers wait, or there is no running tokio runtime to wait on.
    pub async fn acquire(&self, limit_id: &str) -> Result<StartedPermit<'_>, ThrottleError> {
        if let Some(permit) = self.shared.start_at_once(limit_id) {
            return Ok(permit);
        }
        self.start(Wish::new(limit_id), None).await
    }

    /// The same, under the name that it has in Python.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn execute_task(&self, limit_id: &str) -> Result<StartedPermit<'_>, ThrottleError> {
        self.acquire(limit_id).await
    }

    /// The same for a request that weighs `weight` on the limit `limit_id`, in place of what the limit says.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), and when the limit never holds that much.
    pub async fn acquire_weight(
        &self,
        limit_id: &str,
        weight: u32,
    ) -> Result<StartedPermit<'_>, ThrottleError> {
        self.start(Wish { weight: Some(weight), ..Wish::new(limit_id) }, None).await
    }

    /// The same, if the wait ends by `deadline`, an instant of this throttler's [ticker](Self::ticker). One that cannot
    /// is refused at once; see [`Throttle::acquire`] for how well that is known.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), and [`DeadlineExceeded`](ThrottleError::DeadlineExceeded), which says when it could.
    pub async fn acquire_by(
        &self,
        limit_id: &str,
        deadline: Ticks,
    ) -> Result<StartedPermit<'_>, ThrottleError> {
        self.start(Wish::new(limit_id), Some(deadline)).await
    }

    /// Charges a request on the limit `limit_id` if it may go out now and nobody waits for any of its limits.
    ///
    /// # Errors
    /// [`NotYet`](ThrottleError::NotYet), which says when; and as [`acquire`](Self::acquire).
    #[inline]
    pub fn try_acquire(&self, limit_id: &str) -> Result<StartedPermit<'_>, ThrottleError> {
        self.shared.try_start(limit_id)
    }

    /// Waits until a request on the limit `limit_id` may go out, runs `task`, which sends it and reads the answer, and says
    /// that it was answered.
    ///
    /// ```
    /// # use networkpype_throttle::{RateLimit, Throttler};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let limit = RateLimit::new("orders", 10, Duration::from_secs(1)).until_answered();
    /// let throttler = Throttler::new([limit])?;
    /// let answer = throttler.run("orders", async { "the answer" }).await?;
    /// # assert_eq!(answer, "the answer");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire); `task` was not run then.
    pub async fn run<F: Future>(
        &self,
        limit_id: &str,
        task: F,
    ) -> Result<F::Output, ThrottleError> {
        let mut permit = self.acquire(limit_id).await?;
        let output = task.await;
        permit.answered();
        Ok(output)
    }

    /// Nothing goes out on these limits for `time`, or on none at all if none is named; then requests are spaced for a
    /// while. For APIs that say in a body, and not by a status, that a limit was crossed; a status is heard by itself. A
    /// longer pause that is in force stays.
    ///
    /// # Errors
    /// When a limit is unknown; nothing is paused then.
    pub fn pause(&self, limit_ids: &[&str], time: Duration) -> Result<(), ThrottleError> {
        self.stop(limit_ids, Verdict::Pause { wait: Some(time) })
    }

    /// Whoever asks for one of these limits within `time`, or for anything if none is named, is refused with
    /// [`Banned`](ThrottleError::Banned), and so is whoever waits or has yet to start. A longer ban that is in force stays.
    ///
    /// # Errors
    /// When a limit is unknown; nothing is banned then.
    pub fn ban(&self, limit_ids: &[&str], time: Duration) -> Result<(), ThrottleError> {
        self.stop(limit_ids, Verdict::Ban { wait: time })
    }

    fn stop(&self, limit_ids: &[&str], verdict: Verdict) -> Result<(), ThrottleError> {
        self.shared.with(|engine, now| {
            let known = |id: &&&str| engine.knows(id);
            if let Some(unknown) = limit_ids.iter().find(|id| !known(id)) {
                return Err(ThrottleError::UnknownLimit((*unknown).into()));
            }
            let scope = match limit_ids {
                [] => Scope::All,
                named => Scope::Limits(named.iter().map(|id| LimitId::from(*id)).collect()),
            };
            engine.stop(verdict, &scope, None, &[], now);
            Ok(())
        })
    }

    /// When a request on the limit `limit_id` could go out, if nobody else comes first: now, or an instant to come. Nothing
    /// is charged, and no place is taken. `weight` replaces what the limit says; see [`Throttle::acquire`] for how well
    /// the instant is known.
    ///
    /// # Errors
    /// When there is no such limit, it never holds that much, or the server has banned its sender.
    pub fn when_free(&self, limit_id: &str, weight: Option<u32>) -> Result<Ticks, ThrottleError> {
        self.shared
            .with(|engine, now| engine.when_free(Wish { weight, ..Wish::new(limit_id) }, now))
    }

    /// A permit for what nothing limits. Only a ban stops that, then and until it starts.
    fn pass(&self) -> Result<Permit, ThrottleError> {
        self.shared.with(|engine, now| engine.check_ban_of_all(now))?;
        Ok(Granted::new(&self.shared, None).into_permit())
    }

    async fn start(
        &self,
        wish: Wish<'_>,
        deadline: Option<Ticks>,
    ) -> Result<StartedPermit<'_>, ThrottleError> {
        let (grant, at) = Acquire::new(&self.shared, wish, deadline).started().await?;
        Ok(StartedPermit::new(&self.shared, grant.into(), at))
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
        self.shared.seams().feedback.check(&limits)?;
        self.shared.configure(|engine, now| engine.configure(limits, engine.reduction(), now))
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
        self.shared.configure(|engine, now| {
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
        self.shared.configure(|engine, now| {
            let reduction = Reduction::new(share, engine.reduction().safety_margin())?;
            engine.configure(engine.limits().to_vec(), reduction, now)
        })
    }

    /// The part of every limit that is never used. `None` where it was not named, and so follows from how each limit
    /// counts. See [`ThrottlerBuilder::safety_margin`].
    #[doc(alias = "safety_margin_pct")]
    pub fn safety_margin(&self) -> Option<f64> {
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

    /// How a limit stands now. `None` if there is no such limit.
    pub fn usage(&self, limit_id: &str) -> Option<Usage> {
        self.shared.with(|engine, now| Usage::of(engine, limit_id, now))
    }

    /// The clock that windows are measured with and deadlines refer to.
    pub fn ticker(&self) -> Arc<dyn Ticker> {
        Arc::clone(self.shared.ticker())
    }

    /// An independent throttler with the same configuration and ticker, on which nothing has been charged.
    ///
    /// What the server has said, pauses and bans, holds for the copy too. Each of the two admits as much as its limits say, so together they admit twice that: give them
    /// [shares](Throttler::set_share) if they talk to the same server.
    #[must_use]
    pub fn copy(&self) -> Self {
        let engine = self.shared.with(|engine, _| engine.fresh());
        Self { shared: Shared::new(engine, self.shared.seams().clone()) }
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
        match Wish::of(charge) {
            Some(wish) => {
                Ok(Granted::new(&self.shared, Acquire::new(&self.shared, wish, deadline).await?.0)
                    .into_permit())
            }
            None => self.pass(),
        }
    }

    /// Takes `charge` if it fits now and nobody waits for any of its limits.
    ///
    /// The instant in [`NotYet`](ThrottleError::NotYet) is as exact as that of
    /// [`DeadlineExceeded`](ThrottleError::DeadlineExceeded), see `acquire`.
    fn try_acquire(&self, charge: &Charge<'_>) -> Result<Permit, ThrottleError> {
        let Some(wish) = Wish::of(charge) else { return self.pass() };
        let grant = self.shared.with(|engine, now| engine.try_ask(wish, now))?;
        Ok(Granted::new(&self.shared, grant).into_permit())
    }

    /// Learns what the [feedback](ThrottlerBuilder::feedback) that it was built with finds in the response.
    fn observe(&self, limit: Option<&LimitId>, response: ResponseHead<'_>, _at: Ticks) {
        self.shared.observe(limit, response);
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
