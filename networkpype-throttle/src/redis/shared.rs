use std::{
    fmt::Write as _,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use networkpype_core::{Charge, Clock, Permit, ThrottleError, Ticker};

use redis::RedisWrite;

use super::{
    courier::Courier,
    fallback::Fallback,
    link::{Link, Reach, Up},
    permit::Unlimited,
    plan::{Cost, Routes, micros},
    script::{Decision, Script, Terms},
    stops::Stops,
    store_error::StoreError,
};
use crate::{Feedback, RateLimit};

/// What the handles of one shared throttler and its permits have in common.
pub(crate) struct Shared {
    pub(crate) limits: Vec<RateLimit>,
    pub(crate) routes: Routes,
    pub(crate) prefix: String,
    pub(crate) share: f64,
    pub(crate) safety_margin: Option<f64>,
    pub(crate) max_ahead: Option<Duration>,
    pub(crate) hold_after_restart: bool,
    pub(crate) ticker: Arc<dyn Ticker>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) link: Arc<Link>,
    pub(crate) courier: Arc<Courier>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) feedback: Feedback,
    pub(crate) stops: Stops,
    /// Tells this throttler's requests from those of all others.
    pub(crate) nonce: String,
    pub(crate) issued: AtomicU64,
}

impl Shared {
    /// What `charge` costs. `None` when it charges nothing.
    pub(crate) fn cost(&self, charge: &Charge<'_>) -> Result<Option<Cost>, ThrottleError> {
        match charge.limit {
            Some(limit) if !self.routes.is_empty() => match self.routes.get(limit) {
                Some(route) => route.cost(charge),
                None => Err(ThrottleError::UnknownLimit(limit.clone())),
            },
            _ => Ok(None),
        }
    }

    /// A permit for what nothing limits. Only a ban stops that, now and until it starts.
    pub(crate) fn pass(self: &Arc<Self>) -> Result<Permit, ThrottleError> {
        self.stops.check_all(self.ticker.now())?;
        Ok(Permit::new(Unlimited(Arc::clone(self))))
    }

    /// A number, and the name under which the store knows it.
    pub(crate) fn next_id(&self) -> (u64, Arc<str>) {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(self.nonce.len() + 21);
        let _ = write!(id, "{}-{number}", self.nonce);
        (number, id.into())
    }

    /// Asks the store. `patience`: how many microseconds the caller would wait.
    pub(crate) async fn ask(
        &self,
        cost: &Cost,
        id: &str,
        terms: Terms,
        patience: u64,
    ) -> Result<Decision, StoreError> {
        let reach = if self.fallback.is_some() { Reach::IfUp } else { Reach::Connect };
        let now = clock_micros(&*self.clock);
        let make = |up: &Up| {
            let mut command = up.run(Script::Ask, &cost.route.keys);
            let (identity, changed) = (&up.identity, up.changed());
            let run = if self.hold_after_restart { identity.run.as_str() } else { "" };
            let patience =
                if terms == Terms::Now { -1 } else { patience.min(FOREVER).cast_signed() };
            let parts = &cost.route.parts;
            command.arg(id);
            // One text, which the server takes apart only if it needs it: an argument of its own costs more each time.
            let (born, rest) = (identity.born, &cost.route.seldom);
            let mut seldom = String::with_capacity(rest.len() + run.len() + 64);
            // Writing to a string does not fail.
            let _ = match changed {
                true => write!(seldom, "{now} {patience} - {run} {rest}"),
                false => write!(seldom, "{now} {patience} {born} {run} {rest}"),
            };
            command.arg(seldom);
            for part in parts {
                let run = if changed { "-" } else { run };
                let pieces = ["calm:", run, ":", part.limit.as_str()];
                let mut field = command.writer_for_next_arg();
                for piece in pieces {
                    let _ = field.write_all(piece.as_bytes());
                }
            }
            for part in parts {
                command.arg(part.capacity);
            }
            for weight in cost.weights() {
                command.arg(weight);
            }
            if terms == Terms::Claim {
                for part in &cost.route.parts {
                    command.arg(micros(part.tolerance) / 2);
                }
            }
            command
        };
        let (value, up) = self.link.call(reach, make).await?;
        let decision = Decision::read(value)?;
        if up.changed() {
            up.told_of_change();
        }
        Ok(decision)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.courier.close();
    }
}

/// The clock's microseconds since the epoch, for servers whose scripts may not ask for the time.
pub(crate) fn clock_micros(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().as_nanos() / 1_000).unwrap_or(0)
}

/// More microseconds than anybody waits, and few enough for exact numbers in the script.
const FOREVER: u64 = 4_000_000_000_000_000;
