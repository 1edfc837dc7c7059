//! The crate `networkpype-throttle`: numbers, and names of limits.

use std::time::Duration;

use networkpype_throttle::{LimitError, LinkedLimit, RateLimit, Throttler};

use crate::specimen::{Specimen, specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    let throttler = Throttler::new([limit()]).expect("limits");
    let usage = throttler.usage("orders").expect("limit");
    specimens! {
        error networkpype_throttle::LimitError => [
            LimitError::DuplicateLimit("orders".into()),
            LimitError::UnknownLinkedLimit { limit: "orders".into(), linked: "weight".into() },
        ];
        debug networkpype_throttle::LinkedLimit => [LinkedLimit::new("weight", 1)];
        debug networkpype_throttle::RateLimit => [limit()];
        debug networkpype_throttle::Throttler => [throttler];
        debug networkpype_throttle::ThrottlerBuilder => [Throttler::builder().limit(limit())];
        debug networkpype_throttle::Usage => [usage];
    }
}

fn limit() -> RateLimit {
    RateLimit::new("orders", 10, Duration::from_secs(1))
}
