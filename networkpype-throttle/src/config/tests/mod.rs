use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::*;
use crate::{HeaderRule, ResetAs, Scope, WeightRule};

mod faults;
mod round_trip;

const PRETTY: &str = r#"
share = 0.5
safety-margin = 0.02
max-waiters = 100

[limits.weight]
limit = 1200
interval = "1m"

[limits.orders]
limit = 10
interval = "1s"
accounting = "until-answered"
linger = 2.5
precision = "bounded"
linked = { weight = 1, raw = 2 }

[limits.depth]
limit = 1200
interval = 60
weight = 50
weights = [
    { param = "limit", at-most = 100, weight = 5 },
    { param = "limit", is = "500", weight = 25 },
    { param = "all", present = true, weight = 30 },
    { param = "limit", absent = true, weight = 6 },
]

[limits.raw]
kind = "fixed-window"
limit = 6100
interval = "5m"
offset = "1s"

[limits.daily]
kind = "fixed-window"
limit = 100
interval = "1d"
tolerance = "3s"

[limits.private]
kind = "token-bucket"
limit = 15
refill = 1
interval = "3s"

[feedback]
pause-on = [429, 503]
pause-scope = "all"
ban-on = [418, 403]
ban-scope = ["weight", "orders"]
default-ban = "5m"

[[feedback.headers]]
used = "X-MBX-USED-WEIGHT-1M"
limit = "weight"

[[feedback.headers]]
remaining = "X-RateLimit-Remaining"
quota = "X-RateLimit-Limit"
reset = "X-RateLimit-Reset"
reset-as = "epoch-millis"

[[feedback.headers]]
ietf = true
policies = { burst = "orders" }
limit = "weight"
"#;

fn pretty() -> ThrottlerConfig {
    let secs = Duration::from_secs;
    let mut daily = RateLimit::fixed_window("daily", 100, secs(86_400));
    daily.kind = crate::LimitKind::FixedWindow { offset: secs(0), tolerance: secs(3) };
    let mut raw = RateLimit::fixed_window("raw", 6_100, secs(300));
    let quarter = Duration::from_millis(250);
    raw.kind = crate::LimitKind::FixedWindow { offset: secs(1), tolerance: quarter };
    let depth = RateLimit::new("depth", 1_200, secs(60))
        .weight(50)
        .weight_rule(WeightRule::at_most("limit", 100, 5))
        .weight_rule(WeightRule::is("limit", "500", 25))
        .weight_rule(WeightRule::present("all", 30))
        .weight_rule(WeightRule::absent("limit", 6));
    let linger = Some(Duration::from_millis(2_500));
    let orders = RateLimit::new("orders", 10, secs(1))
        .accounting(crate::Accounting::UntilAnswered { linger })
        .bounded()
        .linked("raw", 2)
        .linked("weight", 1);
    let feedback = Feedback::new()
        .pause_on([429, 503])
        .pauses(Scope::All)
        .ban_on([418, 403])
        .bans(Scope::Limits(vec!["weight".into(), "orders".into()]))
        .default_ban(secs(300))
        .used("X-MBX-USED-WEIGHT-1M", "weight")
        .rule(HeaderRule::x_rate_limit(ResetAs::EpochMillis))
        .rule(HeaderRule::ietf_policies([("burst", "orders")]).of("weight"));
    ThrottlerConfig {
        limits: vec![
            daily,
            depth,
            orders,
            RateLimit::token_bucket("private", 15, 1, secs(3)),
            raw,
            RateLimit::new("weight", 1_200, secs(60)),
        ],
        feedback,
        share: Some(0.5),
        safety_margin: Some(0.02),
        max_waiters: Some(100),
    }
}

#[test]
fn a_document_says_all_that_can_be_said_in_code() {
    assert_eq!(ThrottlerConfig::from_toml(PRETTY).expect("reads"), pretty());
    assert_eq!(ThrottlerConfig::from_toml("").expect("reads"), ThrottlerConfig::default());
    assert_eq!(ThrottlerConfig::from_json("{}").expect("reads"), ThrottlerConfig::default());
    assert_eq!(ThrottlerConfig::default().to_toml().expect("writes"), "");
}

#[test]
fn it_stands_in_a_larger_document() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Preset {
        name: String,
        throttle: ThrottlerConfig,
    }

    let preset = Preset { name: "exchange".to_owned(), throttle: pretty() };
    let text = toml::to_string(&preset).expect("writes");
    assert_eq!(toml::from_str::<Preset>(&text).expect("reads"), preset);

    let broken = text.replace("interval = \"3s\"", "interval = \"3 parsecs\"");
    let error = toml::from_str::<Preset>(&broken).expect_err("no unit").to_string();
    assert!(error.contains("limit \"private\": `interval`: invalid value"), "{error}");
    assert!(!error.contains("in `"), "the place is told once: {error}");
    let unknown = text.replace("refill", "refil");
    let error = toml::from_str::<Preset>(&unknown).expect_err("unknown field").to_string();
    assert!(error.contains("limit \"private\": `refil`: unknown field"), "{error}");
    let json = serde_json::to_string(&preset).expect("writes").replace("\"3s\"", "0");
    let error = serde_json::from_str::<Preset>(&json).expect_err("zero").to_string();
    assert!(error.contains("limit \"private\": `interval`: it must not be zero"), "{error}");
}

#[test]
fn the_readmes_document_reads() {
    let readme = include_str!("../../../README.md");
    let toml = readme.split("```toml").nth(1).and_then(|rest| rest.split("```").next());
    let config = ThrottlerConfig::from_toml(toml.expect("a document")).expect("reads");
    assert_eq!(config.limits.len(), 2);
    config.into_builder().build().expect("builds");
}

#[test]
fn times_are_read_in_every_unit() {
    for (text, nanos) in [
        ("\"250ms\"", 250_000_000),
        ("\"1s\"", 1_000_000_000),
        ("\"1m\"", 60_000_000_000),
        ("\"2 h\"", 7_200_000_000_000),
        ("\"1d\"", 86_400_000_000_000),
        ("\"5us\"", 5_000),
        ("\"7ns\"", 7),
        ("1", 1_000_000_000),
        ("0.25", 250_000_000),
        ("\"18446744073709551615s\"", 18_446_744_073_709_551_615_000_000_000),
    ] {
        let text = format!("[limits.a]\nlimit = 1\ninterval = {text}");
        let config = ThrottlerConfig::from_toml(&text).expect(&text);
        assert_eq!(config.limits[0].interval.as_nanos(), nanos, "{text}");
    }
}

#[test]
fn options_reach_the_builder() {
    let text = "share = 0.5\nsafety-margin = 0\nmax-waiters = 0\n[limits.a]\nlimit = 10\ninterval = \"1h\"";
    let config = ThrottlerConfig::from_toml(text).expect("reads");
    let throttler = config.into_builder().build().expect("builds");
    assert_eq!(throttler.usage("a").expect("limit").capacity, 5);
    let printed = format!("{:?}", ThrottlerConfig::from_toml(text).expect("reads").into_builder());
    assert!(printed.contains("max_waiters: 0"), "{printed}");
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let a = || RateLimit::new("a", 1, Duration::from_secs(1));
    let with = |limit: RateLimit| ThrottlerConfig { limits: vec![limit], ..Default::default() };
    for (config, message) in [
        (
            with(RateLimit::new("a", 0, Duration::from_secs(1))),
            "limit \"a\": `limit`: it must not be zero",
        ),
        (
            with(RateLimit::new("a", 1, Duration::ZERO)),
            "limit \"a\": `interval`: it must not be zero",
        ),
        (
            with(RateLimit::token_bucket("a", 1, 0, Duration::from_secs(1))),
            "limit \"a\": `refill`: it must not be zero",
        ),
        (
            ThrottlerConfig { limits: vec![a(), a()], ..Default::default() },
            "limit \"a\" is given twice",
        ),
        (ThrottlerConfig { share: Some(f64::NAN), ..Default::default() }, "`share`: it is NaN"),
        (
            ThrottlerConfig { safety_margin: Some(1.0), ..Default::default() },
            "`safety-margin`: it is 1",
        ),
        (
            ThrottlerConfig { feedback: Feedback::new().ban_on([7]), ..Default::default() },
            "`feedback.ban-on`: it is 7",
        ),
        (
            ThrottlerConfig { feedback: Feedback::new().used("x y", "a"), ..Default::default() },
            "`feedback.headers[0].used`: \"x y\"",
        ),
    ] {
        for written in [config.to_toml(), config.to_json()] {
            let error = written.expect_err(message).to_string();
            assert!(!error.contains('\n'), "{error}");
            assert!(error.starts_with(message), "{error}");
        }
    }
    let huge = with(a().weight_rule(WeightRule::at_most("p", u64::MAX, 1)));
    assert_eq!(ThrottlerConfig::from_toml(&huge.to_toml().expect("writes")).expect("reads"), huge);
    assert_eq!(ThrottlerConfig::from_json(&huge.to_json().expect("writes")).expect("reads"), huge);
}

#[test]
fn links_to_one_limit_are_written_as_their_sum() {
    let limit = RateLimit::new("a", 9, Duration::from_secs(1)).linked("b", 1).linked("b", 2);
    let config = ThrottlerConfig { limits: vec![limit], ..Default::default() };
    let read = ThrottlerConfig::from_toml(&config.to_toml().expect("writes")).expect("reads");
    assert_eq!(read.limits[0].linked_limits, [crate::LinkedLimit::new("b", 3)]);
}

#[test]
fn a_document_without_limits_makes_no_throttler() {
    for text in ["", "[limits]", "[feedback]\npause-on = [429]"] {
        let config = ThrottlerConfig::from_toml(text).unwrap();
        assert_eq!(config.into_builder().build().unwrap_err(), crate::LimitError::NoLimits);
    }
}

#[test]
fn a_link_by_the_requests_own_weight_is_written_as_own() {
    let text = "[limits.a]\nlimit = 9\ninterval = 1\nlinked = { b = \"own\" }\n[limits.b]\nlimit = 9\ninterval = 1";
    let config = ThrottlerConfig::from_toml(text).unwrap();
    let limit = RateLimit::new("a", 9, Duration::from_secs(1)).linked_own("b");
    assert_eq!(config.limits[0], limit);
    assert_eq!(ThrottlerConfig::from_toml(&config.to_toml().unwrap()).unwrap(), config);
    let wrong = text.replace("own", "owned");
    let error = ThrottlerConfig::from_toml(&wrong).unwrap_err().to_string();
    assert!(error.contains("limit \"a\": `linked.b`") && error.contains("\"own\""), "{error}");
}
