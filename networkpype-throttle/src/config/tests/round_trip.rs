use networkpype_core::LimitId;
use proptest::prelude::*;

use super::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "\\PC{0,8}", "[ -~]{0,8}"]
}

fn time(least: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![
        (least..100_000).prop_map(Duration::from_secs),
        (least..100_000).prop_map(Duration::from_millis),
        (least.., 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
    ]
}

fn kind(limit: u32, interval: Duration) -> impl Strategy<Value = crate::LimitKind> {
    use crate::LimitKind;
    prop_oneof![
        Just(LimitKind::SlidingWindow),
        Just(RateLimit::fixed_window("", limit, interval).kind),
        (time(0), time(0))
            .prop_map(|(offset, tolerance)| LimitKind::FixedWindow { offset, tolerance }),
        (1..=u32::MAX).prop_map(|refill| LimitKind::TokenBucket { refill }),
    ]
}

fn rule() -> impl Strategy<Value = WeightRule> {
    prop_oneof![
        (name(), any::<u32>()).prop_map(|(name, weight)| WeightRule::absent(name, weight)),
        (name(), any::<u32>()).prop_map(|(name, weight)| WeightRule::present(name, weight)),
        (name(), name(), any::<u32>())
            .prop_map(|(name, text, weight)| WeightRule::is(name, text, weight)),
        (name(), any::<u64>(), any::<u32>())
            .prop_map(|(name, most, weight)| WeightRule::at_most(name, most, weight)),
    ]
}

fn limit() -> impl Strategy<Value = RateLimit> {
    let rest = (
        prop::option::of(prop::option::of(time(0))),
        any::<bool>(),
        any::<u32>(),
        prop::collection::btree_map(name(), any::<u32>(), 0..4),
        prop::collection::vec(rule(), 0..4),
    );
    let base = (1..=u32::MAX, time(1))
        .prop_flat_map(|(limit, interval)| (Just(limit), Just(interval), kind(limit, interval)));
    (base, rest).prop_map(
        |((limit, interval, kind), (accounting, bounded, weight, links, rules))| {
            let mut built = RateLimit::new("", limit, interval).kind(kind).weight(weight);
            if let Some(linger) = accounting {
                built = built.accounting(crate::Accounting::UntilAnswered { linger });
            }
            if bounded {
                built = built.bounded();
            }
            built = links.into_iter().fold(built, |built, (id, weight)| built.linked(id, weight));
            rules.into_iter().fold(built, RateLimit::weight_rule)
        },
    )
}

fn scope() -> impl Strategy<Value = Scope> {
    let ids = prop::collection::vec(name().prop_map(LimitId::from), 0..3);
    prop_oneof![Just(Scope::Request), Just(Scope::All), ids.prop_map(Scope::Limits)]
}

fn header_rule() -> impl Strategy<Value = HeaderRule> {
    let header = || "[a-zA-Z0-9-]{1,10}";
    let limit = || prop::option::of(name().prop_map(LimitId::from));
    let form = prop::sample::select(vec![
        ResetAs::Auto,
        ResetAs::SecondsFromNow,
        ResetAs::MillisFromNow,
        ResetAs::EpochSeconds,
        ResetAs::EpochMillis,
    ]);
    let reset = prop::option::of((header(), form));
    prop_oneof![
        (header(), limit()).prop_map(|(header, limit)| HeaderRule::Used { header, limit }),
        (header(), prop::option::of(header()), reset, limit()).prop_map(
            |(remaining, quota, reset, limit)| {
                let (reset, reset_as) = reset.unzip();
                let reset_as = reset_as.unwrap_or_default();
                HeaderRule::Remaining { remaining, quota, reset, reset_as, limit }
            }
        ),
        (prop::collection::btree_map(name(), name(), 0..4), limit()).prop_map(
            |(policies, limit)| {
                let policies = policies.into_iter().map(|(name, id)| (name, id.into())).collect();
                HeaderRule::RateLimitFields { policies, limit }
            }
        ),
    ]
}

fn feedback() -> impl Strategy<Value = Feedback> {
    let statuses = || prop::collection::vec(100..1_000_u16, 0..4);
    let rules = prop::collection::vec(header_rule(), 0..4);
    (statuses(), scope(), statuses(), scope(), time(0), rules, any::<bool>()).prop_map(
        |(pause, pauses, ban, bans, default_ban, rules, usual)| {
            let feedback = rules.into_iter().fold(Feedback::new(), Feedback::rule);
            if usual {
                return feedback;
            }
            feedback.pause_on(pause).pauses(pauses).ban_on(ban).bans(bans).default_ban(default_ban)
        },
    )
}

/// Limits, links and policies in the order of their names. Fractions of few digits: serde_json reads those exactly.
fn config() -> impl Strategy<Value = ThrottlerConfig> {
    let limits = prop::collection::btree_map(name(), limit(), 0..5);
    let share = prop::option::of((1..=10_000_u32).prop_map(|part| f64::from(part) / 10_000.0));
    let margin = prop::option::of((0..10_000_u32).prop_map(|part| f64::from(part) / 10_000.0));
    let waiters = prop::option::of(0..=u32::MAX as usize);
    (limits, feedback(), share, margin, waiters).prop_map(
        |(limits, feedback, share, safety_margin, max_waiters)| {
            let named = |(id, limit): (String, RateLimit)| RateLimit { id: id.into(), ..limit };
            let limits = limits.into_iter().map(named).collect();
            ThrottlerConfig { limits, feedback, share, safety_margin, max_waiters }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(config in config()) {
        let toml = config.to_toml().expect("writes");
        prop_assert_eq!(&ThrottlerConfig::from_toml(&toml).expect("reads"), &config, "{}", toml);
        let json = config.to_json().expect("writes");
        prop_assert_eq!(&ThrottlerConfig::from_json(&json).expect("reads"), &config, "{}", json);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", at in any::<prop::sample::Index>(), other in any::<char>()) {
        let _ = (ThrottlerConfig::from_toml(&text), ThrottlerConfig::from_json(&text));
        let mut chars: Vec<char> = PRETTY.chars().collect();
        let at = at.index(chars.len());
        chars[at] = other;
        let changed: String = chars.into_iter().collect();
        if let Ok(config) = ThrottlerConfig::from_toml(&changed) {
            let _ = config.into_builder().build();
        }
    }
}
