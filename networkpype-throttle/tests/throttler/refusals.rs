//! What a throttler does when the server refuses, on a clock moved by hand.

use std::{sync::Arc, time::Duration};

use networkpype_core::{Charge, LimitId, Throttle, Ticks};
use networkpype_throttle::{
    Feedback, HeaderRule, RateLimit, ResetAs, Scope, ThrottleError, Throttler,
};

use crate::support::*;

/// When those who wait are granted, in milliseconds, as the driver wakes them.
async fn granted_until(waiting: &mut Vec<Caller>, ticker: &ManualTicker, end: Ticks) -> Vec<u64> {
    let mut granted = Vec::new();
    loop {
        settle().await;
        while waiting.first().is_some_and(|caller| caller.wakes() > 0) {
            let mut permit = waiting.remove(0).answer().unwrap();
            permit.started().unwrap();
            granted.push(networkpype_core::Ticker::now(ticker).as_nanos() / 1_000_000);
            settle().await;
        }
        let Some(next) = ticker.sleepers().into_iter().min().filter(|next| *next <= end) else {
            return granted;
        };
        ticker.advance_to(next);
    }
}
#[tokio::test]
async fn h11_a_429_pauses_every_caller_and_then_drains_without_a_burst() {
    let (throttler, ticker) = listening([per_second("a", 10)], Feedback::new());
    fill(&throttler, "a", 10);
    hear(&throttler, Some("a"), 429, &[("retry-after", "2")]);
    assert!(matches!(
        throttler.try_acquire("a"),
        Err(ThrottleError::NotYet { retry_at, .. }) if retry_at == ms(2_000)
    ));
    let mut waiting: Vec<_> = (0..15).map(|_| Caller::new(&throttler, "a").waits()).collect();
    let granted = granted_until(&mut waiting, &ticker, ms(10_000)).await;
    let evenly: Vec<_> = (0..10).map(|step| 2_000 + step * 100).collect();
    assert_eq!(granted[..10], evenly, "one by one for as long as a window is");
    // From then on the windows decide: each of them leaves a second after it went.
    assert_eq!(granted[10..], [3_000, 3_100, 3_200, 3_300, 3_400]);
}

#[test]
fn h11_what_was_granted_before_a_pause_does_not_start_in_it() {
    let (throttler, ticker) = listening([per_second("a", 10)], Feedback::new());
    let mut granted = take(&throttler, "a").unwrap();
    hear(&throttler, Some("a"), 429, &[("retry-after", "2")]);
    assert!(matches!(
        granted.started(),
        Err(ThrottleError::NotYet { retry_at, .. }) if retry_at == ms(2_000)
    ));
    ticker.advance(2 * SECOND);
    granted.started().unwrap();
    assert_eq!(used(&throttler, "a"), 1);
}

#[test]
fn h11_a_pause_is_for_the_limits_that_were_charged() {
    let limits = || {
        [
            per_second("orders", 10).linked("weight", 1),
            per_second("weight", 10),
            per_second("other", 10),
        ]
    };
    let paused = |feedback: Feedback, headers: &[(&str, &str)]| {
        let (throttler, _) = listening(limits(), feedback);
        hear(&throttler, Some("orders"), 429, headers);
        ["orders", "weight", "other"]
            .map(|limit| throttler.usage(limit).unwrap().paused_until.is_some())
    };
    assert_eq!(paused(Feedback::new(), &[]), [true, true, false]);
    assert_eq!(paused(Feedback::new().pauses(Scope::All), &[]), [true, true, true]);
    let other = Scope::Limits(vec!["other".into()]);
    assert_eq!(paused(Feedback::new().pauses(other), &[]), [false, false, true]);
    // If the response says which of them has nothing left, it is that one.
    let rules = || Feedback::new().remaining("x-left", "weight");
    assert_eq!(paused(rules(), &[("x-left", "0")]), [false, true, false]);
    assert_eq!(paused(rules(), &[("x-left", "7")]), [true, true, false]);
}

#[test]
fn h12_every_form_of_retry_after_pauses_and_nonsense_backs_off() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (retry_after, millis) in [
        ("2", Some(2_000)),
        ("Sun, 06 Nov 1994 08:49:40 GMT", Some(3_000)),
        ("Sunday, 06-Nov-94 08:49:40 GMT", Some(3_000)),
        ("Sun Nov  6 08:49:40 1994", Some(3_000)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", None),
        ("0", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400_000)),
        ("99999999999999999999", Some(86_400_000)),
        ("-1", Some(1_000)),
        ("soon", Some(1_000)),
        ("", Some(1_000)),
    ] {
        let (throttler, _) = listening([per_second("a", 10)], Feedback::new());
        hear(&throttler, Some("a"), 429, &[date, ("retry-after", retry_after)]);
        let paused = throttler.usage("a").unwrap().paused_until;
        assert_eq!(paused, millis.map(ms), "{retry_after:?}");
    }
}

#[test]
fn h12_refusals_without_a_wait_back_off_further_each_time() {
    let (throttler, ticker) = listening([per_second("a", 10)], Feedback::new());
    let mut waits = Vec::new();
    for _ in 0..4 {
        let now = networkpype_core::Ticker::now(&*ticker);
        for _ in 0..5 {
            hear(&throttler, Some("a"), 429, &[]);
        }
        let until = throttler.usage("a").unwrap().paused_until.unwrap();
        waits.push(until.saturating_since(now).as_secs());
        ticker.advance_to(until);
    }
    assert_eq!(waits, [1, 2, 4, 8], "and those of one salvo count once");
    hear(&throttler, Some("a"), 200, &[]);
    hear(&throttler, Some("a"), 429, &[]);
    let now = networkpype_core::Ticker::now(&*ticker);
    assert_eq!(throttler.usage("a").unwrap().paused_until, Some(now + SECOND));
}

#[tokio::test]
async fn h13_a_ban_stops_everything_until_it_expires() {
    let (throttler, ticker) = listening([per_second("a", 1), per_second("b", 10)], Feedback::new());
    let mut granted = take(&throttler, "b").unwrap();
    let mut unlimited = Throttle::try_acquire(&throttler, &Charge::unlimited()).unwrap();
    fill(&throttler, "a", 1);
    let mut waits = Caller::new(&throttler, "a").waits();
    hear(&throttler, Some("a"), 418, &[("retry-after", "30")]);
    let banned = |limit: Option<&str>| ThrottleError::Banned {
        limit: limit.map(LimitId::from),
        until: ms(30_000),
        wait: 30 * SECOND,
    };
    // Those who wait, those who come, those who were granted and those who need no limit.
    assert_eq!(waits.answer().unwrap_err(), banned(Some("a")));
    assert_eq!(throttler.try_acquire("b").unwrap_err(), banned(Some("b")));
    assert_eq!(throttler.acquire("b").await.unwrap_err(), banned(Some("b")));
    assert_eq!(throttler.when_free("b", None), Err(banned(Some("b"))));
    assert_eq!(granted.started(), Err(banned(Some("b"))));
    assert_eq!(unlimited.started(), Err(banned(None)));
    let nothing = Throttle::try_acquire(&throttler, &Charge::unlimited());
    assert_eq!(nothing.unwrap_err(), banned(None));
    // A limit that is new does not get around it.
    throttler.add_limits([per_second("c", 10)]).unwrap();
    assert_eq!(throttler.try_acquire("c").unwrap_err(), banned(Some("c")));
    assert_eq!(throttler.usage("c").unwrap().banned_until, Some(ms(30_000)));
    ticker.advance_to(ms(30_000));
    granted.started().unwrap();
    unlimited.started().unwrap();
    throttler.try_acquire("c").unwrap();
}

#[test]
fn h13_a_ban_may_be_listed_limited_and_last_as_long_as_is_said() {
    let feedback = Feedback::new().ban_on([403]).bans(Scope::Request).default_ban(5 * SECOND);
    let (throttler, _) = listening([per_second("a", 1), per_second("b", 1)], feedback);
    hear(&throttler, Some("a"), 418, &[]);
    assert_eq!(throttler.usage("a").unwrap().banned_until, None);
    hear(&throttler, Some("a"), 403, &[]);
    assert_eq!(throttler.usage("a").unwrap().banned_until, Some(ms(5_000)));
    throttler.try_acquire("b").unwrap();
    drop(Throttle::try_acquire(&throttler, &Charge::unlimited()).unwrap());
}

#[test]
fn a_status_with_two_meanings_pauses_only_where_the_response_says_so() {
    let feedback = Feedback::new().remaining("x-left", "a").pause_if_told_on([403]);
    for (headers, paused) in [
        (vec![], false),
        (vec![("x-left", "4990")], false),
        (vec![("x-left", "0")], true),
        (vec![("retry-after", "7")], true),
        (vec![("retry-after", "soon")], false),
    ] {
        let (throttler, _) = listening([per_second("a", 10)], feedback.clone());
        hear(&throttler, Some("a"), 403, &headers);
        assert_eq!(throttler.usage("a").unwrap().paused_until.is_some(), paused, "{headers:?}");
    }
}

#[test]
fn h13_a_ban_of_days_is_not_cut_short_and_one_that_is_over_is_not_believed() {
    for (retry_after, secs) in [("259200", 259_200), ("0", 120), ("soon", 120)] {
        let (throttler, _) = listening([per_second("a", 10)], Feedback::new());
        hear(&throttler, None, 418, &[("retry-after", retry_after)]);
        let banned = throttler.usage("a").unwrap().banned_until;
        assert_eq!(banned, Some(Ticks::ZERO + SECOND * secs), "{retry_after}");
    }
}

#[test]
fn h12_a_wait_of_nothing_is_believed_once() {
    let (throttler, _) = listening([per_second("a", 10)], Feedback::new());
    let paused = || {
        hear(&throttler, Some("a"), 429, &[("retry-after", "0")]);
        throttler.usage("a").unwrap().paused_until
    };
    assert_eq!([paused(), paused()], [None, Some(Ticks::ZERO + 2 * SECOND)]);
}

#[tokio::test]
async fn who_reads_a_refusal_in_a_body_can_pause_and_ban() {
    let (throttler, ticker) = listening([per_second("a", 1), per_second("b", 1)], Feedback::new());
    throttler.pause(&["a"], 2 * SECOND).unwrap();
    assert!(throttler.try_acquire("a").is_err());
    throttler.try_acquire("b").unwrap();
    let mut waits = Caller::new(&throttler, "a").waits();
    throttler.ban(&["a"], 5 * SECOND).unwrap();
    assert!(matches!(waits.answer(), Err(ThrottleError::Banned { .. })));
    ticker.advance(5 * SECOND);
    throttler.try_acquire("a").unwrap();
    throttler.ban(&[], SECOND).unwrap();
    assert!(matches!(throttler.try_acquire("b"), Err(ThrottleError::Banned { .. })));
    let unknown = Err(ThrottleError::UnknownLimit("c".into()));
    assert_eq!(throttler.pause(&["b", "c"], SECOND), unknown);
    assert_eq!(throttler.ban(&["c"], SECOND), unknown);
}

/// How many go at this instant.
fn count(throttler: &Throttler, limit: &str) -> usize {
    std::iter::repeat_with(|| throttler.try_acquire(limit).is_ok()).take_while(|went| *went).count()
}

#[test]
fn h11_the_usual_headers_of_a_429_do_not_make_it_end_in_a_burst() {
    let rule = || HeaderRule::x_rate_limit(ResetAs::SecondsFromNow).of("a");
    let left = ("x-ratelimit-remaining", "0");
    let reset = ("x-ratelimit-reset", "2");
    for headers in [vec![left, reset, ("retry-after", "2")], vec![left, reset]] {
        let (throttler, ticker) = listening([per_second("a", 10)], Feedback::new().rule(rule()));
        hear(&throttler, Some("a"), 429, &headers);
        ticker.advance_to(ms(2_000));
        assert_eq!(count(&throttler, "a"), 1, "{headers:?}");
    }
    // Nor where the limit's interval is longer than the pause.
    let minute = RateLimit::new("a", 60, 60 * SECOND);
    let (throttler, ticker) = listening([minute], Feedback::new());
    hear(&throttler, Some("a"), 429, &[("retry-after", "2")]);
    ticker.advance_to(ms(2_000));
    assert_eq!(count(&throttler, "a"), 1);
    ticker.advance_to(ms(3_000));
    assert_eq!(count(&throttler, "a"), 1);
}

#[test]
fn h11_a_pause_or_ban_is_also_for_requests_that_weigh_nothing() {
    let orders = || per_second("orders", 10).weight(0).linked("pool", 1);
    for (status, scope) in [(429, Feedback::new()), (418, Feedback::new().bans(Scope::Request))] {
        let (throttler, ticker) = listening([orders(), per_second("pool", 100)], scope);
        let mut granted = take(&throttler, "orders").unwrap();
        hear(&throttler, Some("orders"), status, &[("retry-after", "5")]);
        assert!(throttler.try_acquire("orders").is_err(), "{status}");
        assert!(granted.started().is_err(), "{status}");
        ticker.advance(5 * SECOND);
        throttler.try_acquire("orders").unwrap();
    }
    let only = Feedback::new().pauses(Scope::Limits(vec!["orders".into()]));
    let (throttler, _) = listening([orders(), per_second("pool", 100)], only);
    hear(&throttler, Some("orders"), 429, &[("retry-after", "5")]);
    throttler.try_acquire("pool").unwrap();
    assert_eq!(throttler.when_free("orders", None), Ok(ms(5_000)));
}

#[tokio::test]
async fn h13_a_ban_outlives_the_limits_and_is_known_to_a_copy() {
    let (throttler, _) = listening([per_second("a", 100)], Feedback::new());
    hear(&throttler, Some("a"), 418, &[]);
    // A shorter one does not end it.
    hear(&throttler, Some("a"), 418, &[("retry-after", "1")]);
    let copy = throttler.copy();
    throttler.set_limits([]).unwrap();
    for throttler in [&throttler, &copy] {
        let banned =
            |error| matches!(error, ThrottleError::Banned { wait, .. } if wait > 100 * SECOND);
        assert!(banned(throttler.try_acquire("a").unwrap_err()));
        assert!(banned(throttler.when_free("a", None).unwrap_err()));
        assert!(banned(throttler.acquire("a").await.unwrap_err()));
    }
    throttler.set_limits([per_second("b", 1)]).unwrap();
    assert!(
        matches!(throttler.usage("b").unwrap().banned_until, Some(until) if until > ms(100_000))
    );
}

#[tokio::test]
async fn h13_nobody_who_was_refused_by_a_ban_is_still_counted() {
    let (throttler, ticker) = listening([per_second("a", 1)], Feedback::new());
    fill(&throttler, "a", 1);
    let mut waits: Vec<_> = (0..3).map(|_| Caller::new(&throttler, "a").waits()).collect();
    hear(&throttler, Some("a"), 418, &[("retry-after", "5")]);
    assert!(waits.iter_mut().all(|caller| caller.answer().is_err()));
    assert_eq!(throttler.waiting(), 0);
    ticker.advance(5 * SECOND);
    throttler.try_acquire("a").unwrap();
}

#[test]
fn a_success_ends_the_backoff_of_all_that_a_pause_stops() {
    let feedback = Feedback::new().pauses(Scope::All);
    let (throttler, ticker) = listening([per_second("a", 100), per_second("b", 100)], feedback);
    for _ in 0..5 {
        hear(&throttler, Some("a"), 429, &[]);
        ticker.advance(100 * SECOND);
    }
    hear(&throttler, Some("a"), 200, &[]);
    hear(&throttler, Some("a"), 429, &[]);
    for limit in ["a", "b"] {
        let paused = throttler.usage(limit).unwrap().paused_until;
        assert_eq!(paused, Some(ms(501_000)), "{limit}");
    }
}

#[tokio::test]
async fn who_is_caught_by_a_pause_after_the_grant_keeps_the_place() {
    let limits = [per_second("a", 1), per_second("b", 1)];
    let ticker = Arc::new(ManualTicker::default());
    let builder = Throttler::builder().limits(limits).safety_margin(0.0).max_waiters(2);
    let throttler = builder.ticker(ticker.clone()).build().unwrap();
    fill(&throttler, "a", 1);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut first = Box::pin(throttler.acquire("a"));
    let mut second = Box::pin(throttler.acquire("a"));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    ticker.advance(SECOND + Duration::from_nanos(1));
    settle().await;
    // The first was granted, and has not come for it. Another fills the queue.
    fill(&throttler, "b", 1);
    let mut other = Box::pin(throttler.acquire("b"));
    assert!(other.as_mut().poll(&mut context).is_pending());
    hear(&throttler, Some("a"), 429, &[("retry-after", "1")]);
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert_eq!(used(&throttler, "a"), 0, "it holds nothing meanwhile");
    ticker.advance(2 * SECOND);
    settle().await;
    assert!(second.as_mut().poll(&mut context).is_pending());
    assert!(first.as_mut().poll(&mut context).is_ready());
}
