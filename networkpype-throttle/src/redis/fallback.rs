use std::sync::atomic::{AtomicU64, Ordering};

use networkpype_core::{Charge, LimitId, Permit, ResponseHead, Throttle, ThrottleError, Ticks};
use redis::Cmd;

use super::{
    link::Up,
    plan::{Cost, Route},
    script::{Script, Terms},
};
use crate::Throttler;

/// What a shared throttler does while its server cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum OnFailure {
    /// Every request fails with [`Unavailable`](networkpype_core::ThrottleError::Unavailable), at once or after the
    /// timeout. The limit holds.
    #[default]
    Refuse,
    /// This process counts for itself and uses this part of every limit, above 0 and at most 1: with four processes, 0.25.
    ///
    /// It begins one window after the loss, so that what the store granted before has left it, and holds the limit if all
    /// processes lost the store. If only some did, the others still use all of it: leave room for that. What a process
    /// used on its own is charged to the store when that is back.
    LocalShare(f64),
}

/// Counts locally while the store is lost.
pub(crate) struct Fallback {
    local: Throttler,
    /// When the store was lost, plus one; 0 while it is not.
    lost_at: AtomicU64,
}

impl Fallback {
    pub(crate) fn new(local: Throttler) -> Self {
        Self { local, lost_at: AtomicU64::new(0) }
    }

    pub(crate) fn store_answered(&self) {
        if self.lost_at.load(Ordering::Relaxed) != 0 {
            tracing::info!("the shared store answers again");
            self.lost_at.store(0, Ordering::Relaxed);
        }
    }

    /// Until when nothing that costs `cost` goes out: the store, or another process by it, may have granted all of the
    /// limit a moment before it was lost.
    pub(crate) fn held_until(&self, cost: &Cost, now: Ticks) -> Ticks {
        let marked = now.as_nanos().saturating_add(1);
        let lost = self.lost_at.compare_exchange(0, marked, Ordering::Relaxed, Ordering::Relaxed);
        let lost_at = match lost {
            Ok(_) => {
                tracing::warn!("the shared store is lost: counting locally, after one window");
                now
            }
            Err(earlier) => Ticks::from_nanos(earlier.saturating_sub(1)),
        };
        lost_at + cost.longest()
    }

    pub(crate) async fn acquire(
        &self,
        charge: &Charge<'_>,
        deadline: Option<Ticks>,
        terms: Terms,
    ) -> Result<Permit, ThrottleError> {
        match terms {
            Terms::Now => Throttle::try_acquire(&self.local, charge),
            Terms::Wait | Terms::Claim => Throttle::acquire(&self.local, charge, deadline).await,
        }
    }

    /// So that it knows of pauses and bans when it takes over.
    pub(crate) fn observe(&self, limit: Option<&LimitId>, response: ResponseHead<'_>) {
        self.local.observe(limit, response, Ticks::ZERO);
    }

    /// What tells the store that is back how much was used without it.
    pub(crate) fn greeting(
        local: &Throttler,
        up: &Up,
        routes: &[std::sync::Arc<Route>],
        id: &str,
        clock: u64,
    ) -> Vec<Cmd> {
        let mut commands = Vec::new();
        for route in routes {
            let used = local.usage(route.limit.id.as_str()).map_or(0, |usage| usage.used);
            let (Some(part), Some(keys)) = (route.parts.first(), route.keys.get(..4)) else {
                continue;
            };
            if used > 0 {
                let mut command = up.run(Script::Tell, keys);
                command.arg(clock).arg(id).arg("mark").arg(part.window).arg(used).arg(0);
                commands.push(command);
            }
        }
        commands
    }
}
