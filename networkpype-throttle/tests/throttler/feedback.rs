//! What a throttler does with what the server says, on a clock moved by hand.

use std::{sync::Arc, time::Duration};

use networkpype_core::{Charge, LimitId, Throttle, Ticks};
use networkpype_throttle::{
    Feedback, HeaderRule, LimitError, RateLimit, ResetAs, Scope, ThrottleError, Throttler,
};

use crate::support::*;

#[test]
fn h15_the_larger_of_the_two_counts_wins() {
    let feedback = Feedback::new().used("x-used", "a");
    let (throttler, ticker) = listening([per_second("a", 100)], feedback);
    fill(&throttler, "a", 10);
    for (told, used_now) in
        [("3", 10), ("10", 10), ("60", 60), ("60", 60), ("nonsense", 60), ("-5", 60)]
    {
        hear(&throttler, Some("a"), 200, &[("x-used", told)]);
        assert_eq!(used(&throttler, "a"), used_now, "told {told}");
    }
    // What is granted and not sent, the server cannot know of.
    let _reserved = take_weight(&throttler, "a", 20).unwrap();
    hear(&throttler, Some("a"), 200, &[("x-used", "70")]);
    assert_eq!(used(&throttler, "a"), 90);
    hear(&throttler, Some("a"), 200, &[("x-used", "18446744073709551615")]);
    assert!(throttler.try_acquire("a").is_err());
    assert!(used(&throttler, "a") <= 220, "no more than makes it full");
    ticker.advance(SECOND + Duration::from_nanos(1));
    assert_eq!(used(&throttler, "a"), 20);
}

#[tokio::test]
async fn h15_what_the_server_counts_delays_those_who_wait() {
    let feedback = Feedback::new().used("x-used", "a");
    let (throttler, ticker) = listening([per_second("a", 10)], feedback);
    fill(&throttler, "a", 10);
    let mut waits = Caller::weighing(&throttler, "a", 10).waits();
    ticker.advance(Duration::from_millis(500));
    settle().await;
    hear(&throttler, Some("a"), 200, &[("x-used", "15")]);
    ticker.advance_to(Ticks::ZERO + SECOND + Duration::from_nanos(1));
    settle().await;
    assert!(waits.poll().is_pending());
    ticker.advance(Duration::from_millis(500));
    settle().await;
    waits.answer().unwrap().started().unwrap();
}

#[test]
fn what_is_left_and_when_it_starts_anew_is_taken_at_its_word() {
    let rule = HeaderRule::x_rate_limit(ResetAs::SecondsFromNow);
    let (throttler, ticker) =
        listening([RateLimit::new("a", 100, 60 * SECOND)], Feedback::new().rule(rule));
    let head = |left, reset| {
        [
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-reset", reset),
        ]
    };
    fill(&throttler, "a", 10);
    hear(&throttler, Some("a"), 200, &head("30", "5"));
    assert_eq!(used(&throttler, "a"), 70);
    ticker.advance(5 * SECOND + Duration::from_nanos(1));
    assert_eq!(used(&throttler, "a"), 10, "the rest leaves when the server says");
    hear(&throttler, Some("a"), 200, &head("0", "90"));
    ticker.advance(80 * SECOND);
    assert!(throttler.try_acquire("a").is_err(), "also when that is later than a window");
    ticker.advance(11 * SECOND);
    throttler.try_acquire("a").unwrap();
}

#[tokio::test]
async fn a_smaller_limit_of_the_servers_is_believed_and_a_larger_one_is_not() {
    let rule = HeaderRule::x_rate_limit(ResetAs::SecondsFromNow);
    let (throttler, ticker) = listening([per_second("a", 100)], Feedback::new().rule(rule));
    let capacity = || throttler.usage("a").unwrap().capacity;
    let quota = |quota| [("x-ratelimit-limit", quota), ("x-ratelimit-remaining", "100")];
    hear(&throttler, Some("a"), 200, &quota("1000"));
    assert_eq!(capacity(), 100);
    fill(&throttler, "a", 100);
    let mut heavy = Caller::weighing(&throttler, "a", 60).waits();
    hear(&throttler, Some("a"), 200, &quota("50"));
    assert_eq!(capacity(), 50);
    assert!(matches!(
        heavy.answer().unwrap_err(),
        ThrottleError::WeightAboveLimit { weight: 60, capacity: 50, .. }
    ));
    hear(&throttler, Some("a"), 200, &quota("0"));
    assert_eq!(capacity(), 50, "no limit is zero");
    hear(&throttler, Some("a"), 200, &quota("100"));
    assert_eq!(capacity(), 100);
    ticker.advance(2 * SECOND);
    fill(&throttler, "a", 100);
}

#[test]
fn what_others_may_use_is_theirs_under_a_share() {
    let ticker = Arc::new(ManualTicker::default());
    let throttler = Throttler::builder()
        .limit(per_second("a", 100))
        .share(0.5)
        .safety_margin(0.0)
        .feedback(Feedback::new().used("x-used", "a"))
        .ticker(ticker)
        .build()
        .unwrap();
    fill(&throttler, "a", 10);
    hear(&throttler, Some("a"), 200, &[("x-used", "60")]);
    assert_eq!(used(&throttler, "a"), 10, "fifty are theirs");
    hear(&throttler, Some("a"), 200, &[("x-used", "75")]);
    assert_eq!(used(&throttler, "a"), 25, "they took more than that");
}

#[test]
fn what_is_said_of_no_limit_or_to_no_limits_changes_nothing() {
    let feedback = Feedback::new().rule(HeaderRule::used("x-used"));
    let (throttler, _) = listening([per_second("a", 10)], feedback.clone());
    hear(&throttler, None, 429, &[("x-used", "9"), ("retry-after", "9")]);
    hear(&throttler, Some("gone"), 429, &[("x-used", "9"), ("retry-after", "9")]);
    throttler.try_acquire("a").unwrap();
    let (empty, _) = listening([], feedback);
    hear(&empty, Some("a"), 429, &[]);
    empty.try_acquire("a").unwrap();
    hear(&empty, None, 418, &[]);
    assert!(matches!(empty.try_acquire("a"), Err(ThrottleError::Banned { .. })));
}

#[tokio::test]
async fn t2_a_step_of_the_wall_clock_changes_neither_limits_nor_pauses() {
    use networkpype_core::{ManualClock, Timestamp};
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_700_000_000)));
    let ticker = Arc::new(ManualTicker::default());
    let throttler = Throttler::builder()
        .limits([per_second("a", 2), per_second("b", 2)])
        .safety_margin(0.0)
        .ticker(ticker.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    fill(&throttler, "a", 2);
    hear(&throttler, Some("b"), 429, &[("retry-after", "1")]);
    let mut waits = Caller::new(&throttler, "a").waits();
    for hour in [1_700_003_600, 1_699_996_400, 0] {
        clock.set(Timestamp::from_secs(hour));
        settle().await;
        assert!(throttler.try_acquire("a").is_err());
        assert_eq!(throttler.usage("b").unwrap().paused_until, Some(ms(1_000)));
        assert!(waits.poll().is_pending());
    }
    ticker.advance_to(Ticks::ZERO + SECOND + Duration::from_nanos(1));
    settle().await;
    waits.answer().unwrap().started().unwrap();
    throttler.try_acquire("b").unwrap();
}

#[test]
fn a_weight_follows_from_the_request() {
    use networkpype_core::RestRequest;
    use networkpype_throttle::{ParamValue, WeightRule};
    let depth = per_second("depth", 100)
        .weight(50)
        .weight_rule(WeightRule::new("limit", ParamValue::AtMost(100), 5))
        .weight_rule(WeightRule::new("limit", ParamValue::AtMost(500), 25));
    let (throttler, _) = listening([depth], Feedback::new());
    let limit = LimitId::new("depth");
    let mut before = 0;
    for (request, own, weight) in [
        (RestRequest::get("/depth").param("limit", "100"), None, 5),
        (RestRequest::get("/depth").param("limit", "500"), None, 25),
        (RestRequest::get("/depth"), None, 50),
        (RestRequest::get("/depth").param("limit", "500"), Some(1), 1),
    ] {
        let charge = Charge::new(&limit).with_request(&request).with_weight(own);
        Throttle::try_acquire(&throttler, &charge).unwrap().started().unwrap();
        assert_eq!(used(&throttler, "depth") - before, weight);
        before += weight;
    }
}

#[test]
fn a_lower_quota_of_the_servers_is_used_in_full() {
    let rule = HeaderRule::x_rate_limit(ResetAs::SecondsFromNow);
    let (throttler, ticker) = listening([per_second("a", 100)], Feedback::new().rule(rule));
    let mut sent = 0_u64;
    for second in 0..5_u64 {
        ticker.advance_to(ms(second * 1_001));
        for number in 0..50_u64 {
            throttler.try_acquire("a").unwrap();
            sent += 1;
            let left = (49 - number).to_string();
            let reset = if number % 2 == 0 { "1" } else { "nonsense" };
            let headers = [
                ("x-ratelimit-limit", "50"),
                ("x-ratelimit-remaining", &left),
                ("x-ratelimit-reset", reset),
            ];
            hear(&throttler, Some("a"), 200, &headers);
        }
        assert!(throttler.try_acquire("a").is_err());
    }
    assert_eq!(sent, 250);
}

#[test]
fn limits_that_the_feedback_names_stay_or_the_change_is_refused() {
    let feedback = Feedback::new().bans(Scope::Limits(vec!["a".into()]));
    let (throttler, _) = listening([per_second("a", 100)], feedback);
    let refused = throttler.set_limits([per_second("b", 100)]).unwrap_err();
    assert_eq!(refused, LimitError::UnknownFeedbackLimit("a".into()));
    assert_eq!(throttler.limits()[0].id.as_str(), "a");
}

#[test]
fn a_smaller_quota_is_remembered_and_leaves_room_for_what_requests_usually_weigh() {
    let rule = || Feedback::new().rule(HeaderRule::x_rate_limit(ResetAs::SecondsFromNow));
    let (throttler, ticker) = listening([per_second("a", 100).weight(5)], rule());
    let capacity = || throttler.usage("a").unwrap().capacity;
    let quota = |quota| [("x-ratelimit-limit", quota), ("x-ratelimit-remaining", "100")];
    hear(&throttler, Some("a"), 200, &quota("50"));
    throttler.add_limits([per_second("b", 1)]).unwrap();
    assert_eq!(capacity(), 50);
    hear(&throttler, Some("a"), 200, &quota("1"));
    assert_eq!(capacity(), 5);
    ticker.advance(2 * SECOND);
    throttler.try_acquire("a").unwrap();
    hear(&throttler, Some("a"), 200, &quota("200"));
    assert_eq!(capacity(), 100);
    // Of two policies in one response, the smaller.
    let (throttler, _) = listening([per_second("a", 1_000)], Feedback::new().ietf());
    for policies in [["burst\";q=100", "daily\";q=900"], ["daily\";q=900", "burst\";q=100"]] {
        let policies = policies.map(|policy| format!("\"{policy};w=1")).join(", ");
        let left = r#""burst";r=100;t=1, "daily";r=900;t=9"#;
        let headers = [("ratelimit", left), ("ratelimit-policy", &policies)];
        hear(&throttler, Some("a"), 200, &headers);
        assert_eq!(throttler.usage("a").unwrap().capacity, 100);
    }
}

#[test]
fn what_others_sent_takes_bounded_memory_however_many_responses_tell_of_it() {
    let rule = HeaderRule::x_rate_limit(ResetAs::SecondsFromNow);
    let limit = RateLimit::new("a", 1_000_000, 60 * SECOND);
    let (throttler, ticker) = listening([limit], Feedback::new().rule(rule));
    for number in 0..5_000_u64 {
        ticker.advance_to(Ticks::from_nanos(number * 1_000_003));
        let left = (999_999 - number).to_string();
        let headers = [("x-ratelimit-remaining", left.as_str()), ("x-ratelimit-reset", "60")];
        hear(&throttler, Some("a"), 200, &headers);
        assert!(used(&throttler, "a") >= number);
    }
    // None of it leaves before the server says so, and all of it does not long after.
    ticker.advance_to(ms(59_999));
    assert_eq!(used(&throttler, "a"), 5_000);
    ticker.advance_to(ms(75_000));
    assert_eq!(used(&throttler, "a"), 0);
}
