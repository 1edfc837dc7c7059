//! The crate `networkpype-throttle`: numbers, and names of limits.

use std::time::Duration;

use networkpype_throttle::{
    Accounting, FastTicker, Feedback, HeaderRule, LimitError, LimitKind, LinkedLimit, LinkedWeight,
    OnFailure, ParamValue, PreciseTicker, Precision, RateLimit, RedisThrottler,
    RedisThrottlerBuilder, RedisThrottlerError, ResetAs, Scope, Throttler, ThrottlerConfig,
    WeightRule,
};

use crate::{
    canary::CANARY,
    specimen::{Specimen, specimens},
};

pub(crate) fn specimens() -> Vec<Specimen> {
    let throttler = Throttler::new([limit()]).expect("limits");
    let usage = throttler.usage("orders").expect("limit");
    let config =
        ThrottlerConfig::from_toml("[limits.orders]\nlimit = 10\ninterval = 1").expect("config");
    let broken = "[limits.orders]\nlimit = 0";
    specimens! {
        debug networkpype_throttle::Accounting => [Accounting::UntilAnswered { linger: None }];
        error networkpype_throttle::ConfigError => [
            ThrottlerConfig::from_toml(broken).expect_err("zero"),
            ThrottlerConfig::from_json(broken).expect_err("no JSON"),
        ];
        debug networkpype_throttle::Feedback => [Feedback::new().used("x-used", "orders")];
        debug networkpype_throttle::HeaderRule => [HeaderRule::ietf(), HeaderRule::used("x-used")];
        error networkpype_throttle::LimitError => [
            LimitError::DuplicateLimit("orders".into()),
            LimitError::UnknownLinkedLimit { limit: "orders".into(), linked: "weight".into() },
        ];
        debug networkpype_throttle::LimitKind => [LimitKind::TokenBucket { refill: 1 }];
        debug networkpype_throttle::FastTicker => [FastTicker::new()];
        debug networkpype_throttle::PreciseTicker => [PreciseTicker::new()];
        debug networkpype_throttle::LinkedWeight => [LinkedWeight::Own];
        debug networkpype_throttle::LinkedLimit => [LinkedLimit::new("weight", 1)];
        debug networkpype_throttle::ParamValue => [ParamValue::Is("500".to_owned())];
        debug networkpype_throttle::Precision => [Precision::Bounded];
        debug networkpype_throttle::RateLimit => [limit()];
        debug networkpype_throttle::ResetAs => [ResetAs::EpochSeconds];
        debug networkpype_throttle::Scope => [Scope::Limits(vec!["orders".into()])];
        debug networkpype_throttle::StartedPermit<'_> => [throttler.try_acquire("orders").expect("room")];
        debug networkpype_throttle::OnFailure => [OnFailure::LocalShare(0.5)];
        debug networkpype_throttle::RedisThrottler => [redis().build().expect("limits")];
        debug networkpype_throttle::RedisThrottlerBuilder => [redis()];
        error networkpype_throttle::RedisThrottlerError => [
            RedisThrottlerError::Limits(LimitError::ZeroLimit("orders".into())),
            RedisThrottler::builder(format!("http://user:{CANARY}@h")).build().expect_err("url"),
            RedisThrottler::builder(CANARY).build().expect_err("url"),
            redis().prefix("{").build().expect_err("prefix"),
        ];
        debug networkpype_throttle::Throttler => [throttler];
        debug networkpype_throttle::ThrottlerConfig => [config];
        debug networkpype_throttle::ThrottlerBuilder => [Throttler::builder().limit(limit())];
        debug networkpype_throttle::Usage => [usage];
        debug networkpype_throttle::WeightRule => [WeightRule::at_most("limit", 100, 5)];
    }
}

fn redis() -> RedisThrottlerBuilder {
    RedisThrottler::builder(format!("redis://user:{CANARY}@h/0")).limit(limit())
}

fn limit() -> RateLimit {
    RateLimit::new("orders", 10, Duration::from_secs(1))
}
