use std::{sync::Arc, time::Duration};

use networkpype_core::{Charge, LimitId, Permit, ThrottleError, Ticks};

use super::{
    permit::RedisPermit,
    plan::{Cost, micros},
    script::{Decision, Terms},
    shared::Shared,
    store_error::StoreError,
    tell::Tell,
};

/// Waits until `charge` may go out, or, on the terms `Now`, does not wait.
///
/// While the store is lost, and the throttler is built for that, this process decides alone.
pub(crate) async fn acquire(
    shared: &Arc<Shared>,
    charge: &Charge<'_>,
    deadline: Option<Ticks>,
    terms: Terms,
) -> Result<Permit, ThrottleError> {
    let Some(cost) = shared.cost(charge)? else { return shared.pass() };
    shared.courier.ensure(&shared.clock);
    loop {
        match ask(shared, &cost, deadline, terms).await {
            Ok(answer) => return answer,
            Err(StoreError::Away(_) | StoreError::Lost(_)) if shared.fallback.is_some() => {}
            Err(error) => return Err(error.into()),
        }
        let Some(fallback) = &shared.fallback else { continue };
        // To try for another connection.
        shared.courier.ring();
        let now = shared.ticker.now();
        let held_until = fallback.held_until(&cost, now);
        if held_until <= now {
            return fallback.acquire(charge, deadline, terms).await;
        }
        if terms == Terms::Now || deadline.is_some_and(|deadline| deadline < held_until) {
            let wait = held_until.saturating_since(now);
            return Err(too_late(&cost.route.limit.id, terms, held_until, wait));
        }
        // The store may be back by then.
        shared.ticker.sleep_until(held_until).await;
    }
}

/// Asks the store, which books the instant at which the request may go, once, and says how long that is. At that instant
/// the booking is claimed, since others may have turned out to weigh more, to start later or to be banned meanwhile.
async fn ask(
    shared: &Arc<Shared>,
    cost: &Cost,
    deadline: Option<Ticks>,
    first: Terms,
) -> Result<Result<Permit, ThrottleError>, StoreError> {
    let limit = &cost.route.limit.id;
    let mut terms = first;
    let (number, id) = shared.next_id();
    // Whoever gives up, while asking, while waiting or for an error, gives back what was booked in this name.
    let mut stake = Stake { shared, cost, id: &id, given_up: true };
    loop {
        let asked = shared.ticker.now();
        let patience = patience(shared, cost, deadline, terms, asked);
        let decision = match shared.ask(cost, &id, terms, patience).await {
            Ok(decision) => decision,
            Err(error) => {
                let nothing_asked = matches!(error, StoreError::Away(_)) && terms != Terms::Claim;
                stake.given_up = !nothing_asked;
                return Err(error);
            }
        };
        if let Some(fallback) = &shared.fallback {
            fallback.store_answered();
        }
        match decision {
            Decision::Granted { since } => {
                stake.given_up = false;
                let granted = asked - Duration::from_micros(since);
                let id = Arc::clone(&id);
                return Ok(Ok(RedisPermit::issue(shared, cost.clone(), id, number, granted)));
            }
            Decision::Booked { wait } => {
                let due = shared.ticker.now() + Duration::from_micros(wait);
                shared.ticker.sleep_until(due).await;
                terms = Terms::Claim;
            }
            Decision::TooLate { wait } => {
                stake.given_up = false;
                let wait = Duration::from_micros(wait);
                return Ok(Err(too_late(limit, first, shared.ticker.now() + wait, wait)));
            }
            Decision::Banned { wait } => {
                stake.given_up = false;
                return Ok(Err(banned(limit, shared.ticker.now(), Duration::from_micros(wait))));
            }
            Decision::Forgotten => terms = first,
        }
    }
}

/// How many microseconds the caller would wait from `asked` on.
fn patience(
    shared: &Shared,
    cost: &Cost,
    deadline: Option<Ticks>,
    terms: Terms,
    asked: Ticks,
) -> u64 {
    let ahead = match terms {
        // Who has a place in the line keeps it, also if it takes longer than it seemed.
        Terms::Claim => Duration::MAX,
        Terms::Wait | Terms::Now => shared.max_ahead.unwrap_or_else(|| cost.longest()),
    };
    let deadline = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_since(asked));
    micros(ahead.min(deadline))
}

fn too_late(limit: &LimitId, terms: Terms, at: Ticks, wait: Duration) -> ThrottleError {
    let limit = limit.clone();
    match terms {
        Terms::Now => ThrottleError::NotYet { limit, retry_at: at, retry_after: wait },
        Terms::Wait | Terms::Claim => ThrottleError::DeadlineExceeded { limit, ready_at: at, wait },
    }
}

fn banned(limit: &LimitId, now: Ticks, wait: Duration) -> ThrottleError {
    ThrottleError::Banned { limit: Some(limit.clone()), until: now + wait, wait }
}

/// What may be booked in somebody's name.
struct Stake<'a> {
    shared: &'a Shared,
    cost: &'a Cost,
    id: &'a str,
    given_up: bool,
}

impl Drop for Stake<'_> {
    fn drop(&mut self) {
        if self.given_up {
            self.shared.courier.tell(Tell::drop(self.cost, self.id));
        }
    }
}
