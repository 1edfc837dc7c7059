use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use networkpype_core::{
    Charge, LimitId, Permit, ResponseHead, Throttle, ThrottleError, Ticker, Ticks,
};
use redis::FromRedisValue;

use super::{
    RedisThrottlerBuilder,
    acquire::acquire,
    link::Reach,
    plan::{micros, state_key},
    script::{Script, Terms},
    shared::{Shared, clock_micros},
    store_error::StoreError,
};
use crate::{RateLimit, Usage};

/// Keeps the requests of several processes and machines inside the same rate limits, by a Redis or Valkey server (7 or
/// later) that all of them reach.
///
/// Limits, links, weights, order and permits are those of a [`Throttler`](crate::Throttler); one script on the server
/// decides about all limits of a request at once, by the server's clock. What fits goes out after one round trip. What
/// does not is booked for the instant at which it will, in order of arrival over all processes, and claimed with a second
/// round trip then. What differs, and what happens when the server fails, is told in the guide to shared limits.
///
/// Clones are handles of the same one. It connects when it is first asked, and starts one task on the tokio runtime of
/// whoever asks, which delivers what becomes of permits: keep that runtime running, or shut it down, after which whoever
/// asks next starts another.
///
/// ```no_run
/// use networkpype_throttle::{RateLimit, RedisThrottler};
/// use std::time::Duration;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let throttler = RedisThrottler::builder("redis://127.0.0.1")
///     .prefix("some-api:account-7")
///     .limit(RateLimit::new("orders", 10, Duration::from_secs(1)))
///     .build()?;
///
/// let _permit = throttler.execute_task("orders").await?; // waits for its turn among all processes
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisThrottler {
    shared: Arc<Shared>,
}

impl RedisThrottler {
    /// A throttler to be put together, for the server at `url`: `redis://[user:password@]host[:port][/database]`.
    pub fn builder(url: impl Into<String>) -> RedisThrottlerBuilder {
        RedisThrottlerBuilder::new(url.into())
    }

    pub(crate) fn assemble(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// Waits until a request on the limit `limit_id` may go out, and charges it. The permit has started already, as that
    /// of [`Throttler::execute_task`](crate::Throttler::execute_task).
    ///
    /// # Errors
    /// As [`acquire`](Throttle::acquire).
    pub async fn execute_task(&self, limit_id: &str) -> Result<Permit, ThrottleError> {
        let limit = LimitId::from(limit_id);
        loop {
            let charge = Charge::new(&limit);
            let mut permit = acquire(&self.shared, &charge, None, Terms::Wait).await?;
            match permit.started() {
                Ok(()) => return Ok(permit),
                // The API asked for a pause in between, of which the store knows by now or soon.
                Err(ThrottleError::NotYet { retry_at, .. }) => {
                    drop(permit);
                    self.shared.ticker.sleep_until(retry_at).await;
                }
                Err(refused) => return Err(refused),
            }
        }
    }

    /// Takes `charge` if it fits now and nobody waits for any of its limits, after one round trip.
    ///
    /// # Errors
    /// As [`acquire`](Throttle::acquire), and [`NotYet`](ThrottleError::NotYet) when it does not fit.
    pub async fn try_acquire_now(&self, charge: &Charge<'_>) -> Result<Permit, ThrottleError> {
        acquire(&self.shared, charge, None, Terms::Now).await
    }

    /// Nothing is granted on `limits` for `time` from now on, by any process; those who wait keep their order and go
    /// later. With no `limits`, on none at all. A longer pause that is in force stays. Who would have to wait for longer than
    /// [`max_ahead`](RedisThrottlerBuilder::max_ahead) because of it is refused.
    ///
    /// # Errors
    /// When a limit is unknown, or the server cannot be used.
    pub async fn pause(&self, limits: &[LimitId], time: Duration) -> Result<(), ThrottleError> {
        self.stop("pause", limits, time).await
    }

    /// Whoever asks for one of `limits` within `time` from now on is refused, in any process, and so is whoever waits
    /// when its turn comes. With no `limits`, for all of them. A longer ban that is in force stays.
    ///
    /// # Errors
    /// When a limit is unknown, or the server cannot be used.
    pub async fn ban(&self, limits: &[LimitId], time: Duration) -> Result<(), ThrottleError> {
        self.stop("ban", limits, time).await
    }

    async fn stop(
        &self,
        what: &str,
        limits: &[LimitId],
        time: Duration,
    ) -> Result<(), ThrottleError> {
        let shared = &self.shared;
        if let Some(unknown) = limits.iter().find(|limit| !shared.routes.contains_key(*limit)) {
            return Err(ThrottleError::UnknownLimit(unknown.clone()));
        }
        let fields: Vec<String> = match limits {
            [] => vec![what.to_owned()],
            limits => limits.iter().map(|limit| format!("{what}:{limit}")).collect(),
        };
        let (now, keys) = (clock_micros(&*shared.clock), [state_key(&shared.prefix)]);
        let time = micros(time).min(MAX_STOP);
        shared
            .link
            .call(Reach::Connect, |up| {
                let mut command = up.run(Script::Stop, &keys);
                command.arg(now).arg(time).arg(&fields);
                command
            })
            .await?;
        Ok(())
    }

    /// How full a limit is now, over all processes, without those who wait. `None` if there is no such limit.
    ///
    /// # Errors
    /// When the server cannot be used.
    pub async fn usage(&self, limit_id: &str) -> Result<Option<Usage>, ThrottleError> {
        let shared = &self.shared;
        let Some(route) = shared.routes.get(limit_id) else { return Ok(None) };
        let (Some(part), Some(keys)) = (route.parts.first(), route.keys.get(1..2)) else {
            return Ok(None);
        };
        let now = clock_micros(&*shared.clock);
        let (value, _) = shared
            .link
            .call(Reach::Connect, |up| {
                let mut command = up.run(Script::Usage, keys);
                command.arg(now).arg(part.window);
                command
            })
            .await?;
        let used: u64 =
            FromRedisValue::from_redis_value(value).map_err(|_| StoreError::unintelligible())?;
        Ok(Some(Usage::new(used, part.capacity)))
    }

    /// The limits as they were configured, before share and safety margin.
    pub fn limits(&self) -> &[RateLimit] {
        &self.shared.limits
    }

    /// The clock that waits are measured with and deadlines refer to.
    pub fn ticker(&self) -> Arc<dyn Ticker> {
        Arc::clone(&self.shared.ticker)
    }

    /// Whether there is a connection to the server at this moment.
    pub fn is_connected(&self) -> bool {
        self.shared.link.is_up()
    }
}

#[async_trait]
impl Throttle for RedisThrottler {
    /// Waits until `charge` fits, in order of arrival over all processes. A charge that names no limit passes uncharged.
    ///
    /// With a `deadline`, an instant of this throttler's [ticker](RedisThrottler::ticker), who would be booked for a
    /// later instant is refused at once and told when it could go; so is who would have to wait for longer than
    /// [`max_ahead`](RedisThrottlerBuilder::max_ahead).
    ///
    /// # Errors
    /// When the limit is unknown or can never hold the weight, when the wait would be too long, when the sender is
    /// banned, and when the server cannot be used.
    async fn acquire(
        &self,
        charge: &Charge<'_>,
        deadline: Option<Ticks>,
    ) -> Result<Permit, ThrottleError> {
        acquire(&self.shared, charge, deadline, Terms::Wait).await
    }

    /// Always [`Unavailable`](ThrottleError::Unavailable) for a charge on a limit: the answer is on another machine, and
    /// this does not wait. See [`try_acquire_now`](RedisThrottler::try_acquire_now).
    fn try_acquire(&self, charge: &Charge<'_>) -> Result<Permit, ThrottleError> {
        match self.shared.cost(charge)? {
            None => self.shared.pass(),
            Some(_) => Err(ThrottleError::Unavailable(
                "a shared throttle answers asynchronously: use `try_acquire_now`".into(),
            )),
        }
    }

    /// Pauses and bans are told to the store, which stops all other processes; what was granted here and has not started
    /// is stopped at once.
    fn observe(&self, limit: Option<&LimitId>, response: ResponseHead<'_>, _at: Ticks) {
        let shared = &self.shared;
        let signals = shared.feedback.read(response, shared.clock.now());
        let place = (&shared.routes, shared.prefix.as_str());
        let now = shared.ticker.now();
        if let Some(tell) = shared.stops.learn(limit, &signals, &shared.feedback, place, now) {
            shared.courier.tell(tell);
        }
        if let Some(fallback) = &shared.fallback {
            fallback.observe(limit, response);
        }
    }

    fn ticker(&self) -> Option<Arc<dyn Ticker>> {
        Some(Self::ticker(self))
    }

    fn is_limiting(&self) -> bool {
        !self.shared.limits.is_empty()
    }
}

impl fmt::Debug for RedisThrottler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the address: it may hold a password.
        f.debug_struct("RedisThrottler")
            .field("prefix", &self.shared.prefix)
            .field("limits", &self.shared.limits)
            .field("share", &self.shared.share)
            .field("safety_margin", &self.shared.safety_margin)
            .field("max_ahead", &self.shared.max_ahead)
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

/// A hundred years in microseconds.
const MAX_STOP: u64 = 3_162_240_000_000_000;
