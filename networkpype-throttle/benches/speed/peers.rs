//! Others of the kind, each with as much capacity as ours has.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};

use crate::support::adapter::PLENTY;

pub(crate) type Governor<C = DefaultClock> =
    RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

pub(crate) fn governor() -> Governor {
    RateLimiter::direct(plenty())
}

/// Governor with the clock of the standard library.
pub(crate) fn governor_std() -> Governor<MonotonicClock> {
    RateLimiter::direct_with_clock(plenty(), MonotonicClock)
}

/// A governor that has nothing left.
pub(crate) fn governor_full() -> Governor {
    let quota = Quota::with_period(Duration::from_secs(100_000)).unwrap();
    let governor = RateLimiter::direct(quota);
    governor.check().unwrap();
    governor
}

pub(crate) fn leaky_bucket() -> leaky_bucket::RateLimiter {
    let plenty = usize::try_from(PLENTY).unwrap();
    leaky_bucket::RateLimiter::builder()
        .max(plenty)
        .initial(plenty)
        .refill(plenty)
        .interval(Duration::from_secs(1))
        .build()
}

fn plenty() -> Quota {
    Quota::per_second(NonZeroU32::new(PLENTY).unwrap())
}
