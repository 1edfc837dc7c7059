//! What is particular to each of the other kinds of limits, on a clock moved by hand.

use std::{sync::Arc, time::Duration};

use networkpype_core::{Clock, ManualClock, Ticks, Timestamp};
use networkpype_throttle::{Accounting, LimitError, LimitKind, RateLimit, Throttler, Usage};

use crate::support::*;

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

/// The server's clock, which follows the ticker and is ahead of it.
struct Ahead(Arc<ManualTicker>, Arc<ManualClock>);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = self.1.now().as_nanos();
        let now = networkpype_core::Ticker::now(&*self.0).as_nanos();
        Timestamp::from_nanos(ahead + i64::try_from(now).unwrap())
    }
}

pub(crate) fn with_clock(
    limit: RateLimit,
    ahead: i64,
) -> (Throttler, Arc<ManualTicker>, Arc<ManualClock>) {
    let ticker = Arc::new(ManualTicker::default());
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(ahead)));
    let builder = Throttler::builder().limit(limit).safety_margin(0.0).ticker(ticker.clone());
    let throttler = builder.clock(Arc::new(Ahead(ticker.clone(), clock.clone()))).build().unwrap();
    (throttler, ticker, clock)
}

#[tokio::test]
async fn a_window_of_the_servers_clock_opens_for_those_who_wait() {
    // The server is 40 ns past a boundary when the ticker starts.
    let kind = LimitKind::fixed_window(Duration::ZERO, Duration::ZERO);
    let limit = RateLimit::new("a", 2, nanos(100)).kind(kind);
    let (throttler, ticker, _) = with_clock(limit, 1_000_000_040);
    fill(&throttler, "a", 2);
    let mut waits = Caller::new(&throttler, "a").waits();
    settle().await;
    assert_eq!(ticker.sleepers(), [Ticks::from_nanos(60)]);
    ticker.advance_to(Ticks::from_nanos(60));
    settle().await;
    waits.answer().unwrap().started().unwrap();
    assert_eq!(throttler.when_free("a", None), Ok(Ticks::from_nanos(60)));
    assert_eq!(throttler.when_free("a", Some(2)), Ok(Ticks::from_nanos(160)));
}

#[test]
fn a_step_of_the_servers_clock_neither_forgets_nor_blocks() {
    let kind = LimitKind::fixed_window(Duration::ZERO, Duration::ZERO);
    let limit = RateLimit::new("a", 2, Duration::from_micros(100)).kind(kind);
    let (throttler, ticker, clock) = with_clock(limit, 0);
    fill(&throttler, "a", 2);
    for hours in [1, -1, 1_000_000, -1_000_000] {
        clock.set(Timestamp::from_secs(hours * 3_600));
        assert!(throttler.try_acquire("a").is_err(), "after a step by {hours} hours");
    }
    ticker.advance(Duration::from_micros(100));
    throttler.try_acquire("a").unwrap();
}

#[test]
fn a_bucket_gives_its_share_of_both_numbers() {
    let limit = RateLimit::token_bucket("a", 20, 10, Duration::from_secs(1));
    let ticker = Arc::new(ManualTicker::default());
    let builder = Throttler::builder().limit(limit).share(0.5).safety_margin(0.0);
    let throttler = builder.ticker(ticker.clone()).build().unwrap();
    fill(&throttler, "a", 10);
    ticker.advance(Duration::from_millis(199));
    assert!(throttler.try_acquire("a").is_err());
    ticker.advance(Duration::from_millis(1));
    throttler.try_acquire("a").unwrap();
}

#[test]
fn limits_of_another_kind_keep_what_they_counted() {
    let (throttler, ticker) = manual([per_second("a", 10)]);
    fill(&throttler, "a", 8);
    let mut open = take(&throttler, "a").unwrap();
    let second = Duration::from_secs(1);
    for limit in [
        RateLimit::token_bucket("a", 10, 1, 1_000 * second),
        RateLimit::fixed_window("a", 10, second),
        RateLimit::new("a", 10, second).bounded(),
        RateLimit::new("a", 10, second).until_answered(),
    ] {
        throttler.set_limits([limit.clone()]).unwrap();
        assert_eq!(used(&throttler, "a"), 9, "{limit:?}");
    }
    // What was granted before settles as it was meant to then.
    open.started().unwrap();
    drop(open);
    ticker.advance(second + nanos(1));
    assert_eq!(used(&throttler, "a"), 0);
}

#[test]
fn usage_tells_what_is_in_flight() {
    let (throttler, ticker) = manual([per_second("a", 10).until_answered()]);
    let mut first = throttler.try_acquire("a").unwrap();
    let second = throttler.try_acquire("a").unwrap();
    let usage = || throttler.usage("a").unwrap();
    let counts = |usage: Usage| (usage.used, usage.in_flight);
    assert_eq!(counts(usage()), (2, 2));
    first.answered();
    assert_eq!(counts(usage()), (2, 1));
    drop(second);
    assert_eq!(counts(usage()), (2, 0));
    ticker.advance(Duration::from_millis(1_001));
    assert_eq!(counts(usage()), (1, 0), "the other lingers");
    ticker.advance(Duration::from_secs(1));
    assert_eq!(counts(usage()), (0, 0));
}

#[test]
fn a_limit_lingers_for_as_long_as_it_says() {
    let linger = Some(Duration::from_millis(10));
    let accounting = Accounting::UntilAnswered { linger };
    let (throttler, ticker) = manual([per_second("a", 1).accounting(accounting)]);
    drop(throttler.try_acquire("a").unwrap());
    let free = throttler.when_free("a", None).unwrap();
    ticker.advance(Duration::from_millis(1_010));
    assert!(throttler.try_acquire("a").is_err());
    ticker.advance(nanos(1));
    throttler.try_acquire("a").unwrap();
    assert!(free <= Ticks::ZERO + Duration::from_millis(1_010) + nanos(1));
}

#[test]
fn what_is_refunded_or_topped_up_in_flight_comes_out_even() {
    let (throttler, ticker) = manual([per_second("a", 10).until_answered()]);
    let mut permit = throttler.try_acquire("a").unwrap();
    permit.top_up(4);
    assert_eq!(used(&throttler, "a"), 5);
    permit.answered();
    permit.top_up(1);
    assert_eq!(used(&throttler, "a"), 6);
    permit.refund();
    assert_eq!(used(&throttler, "a"), 0);
    let mut permit = throttler.try_acquire("a").unwrap();
    permit.top_up(2);
    permit.refund();
    assert_eq!((used(&throttler, "a"), throttler.usage("a").unwrap().in_flight), (0, 0));
    ticker.advance(Duration::from_secs(5));
    assert_eq!(used(&throttler, "a"), 0);
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let second = Duration::from_secs(1);
    let error = Throttler::new([RateLimit::token_bucket("a", 10, 0, second)]).unwrap_err();
    assert_eq!(error, LimitError::ZeroRefill("a".into()));
    let many = (0..100_001).map(|number| RateLimit::new(number.to_string(), 1, second));
    let error = Throttler::new(many).unwrap_err();
    assert_eq!(error, LimitError::TooManyLimits { limits: 100_001, most: 100_000 });
}

#[test]
fn extremes_neither_panic_nor_admit_too_much() {
    for kind in [
        LimitKind::SlidingWindow,
        LimitKind::fixed_window(Duration::MAX, Duration::MAX),
        LimitKind::TokenBucket { refill: u32::MAX },
        LimitKind::TokenBucket { refill: 1 },
    ] {
        for interval in [nanos(1), Duration::MAX] {
            for limit in [1, u32::MAX] {
                let limit = RateLimit::new("a", limit, interval).kind(kind).until_answered();
                let (throttler, ticker, clock) = with_clock(limit.clone(), 0);
                let weight = limit.limit;
                let mut permit = take_weight(&throttler, "a", weight).unwrap();
                assert!(take_weight(&throttler, "a", 1).is_err(), "{limit:?}");
                permit.started().unwrap();
                permit.top_up(u32::MAX);
                permit.answered(Ticks::MAX);
                drop(permit);
                let _ = throttler.when_free("a", Some(weight));
                clock.set(Timestamp::from_nanos(i64::MIN));
                ticker.advance_to(Ticks::from_nanos(1 << 62));
                let _ = take_weight(&throttler, "a", 1);
            }
        }
    }
}

fn full(throttler: &Throttler) -> usize {
    std::iter::repeat_with(|| throttler.try_acquire("a").is_ok()).take_while(|went| *went).count()
}

#[test]
fn two_clocks_that_are_read_one_after_the_other_do_not_fill_the_next_window() {
    let (throttler, ticker, clock) = with_clock(RateLimit::fixed_window("a", 10, MINUTE), 0);
    ticker.advance(Duration::from_secs(1));
    assert_eq!(full(&throttler), 10);
    ticker.advance(Duration::from_millis(58_800));
    for jitter in [2_000, 0, 50_000, 0] {
        clock.set(Timestamp::from_nanos(jitter));
        assert_eq!(full(&throttler), 0);
    }
    ticker.advance_to(Ticks::ZERO + Duration::from_millis(60_260));
    assert_eq!(full(&throttler), 10);
}

#[test]
fn fixed_windows_on_real_clocks_grant_all_of_every_window() {
    // Neither clock is still, and an interrupt may come between any two readings.
    let limit = RateLimit::fixed_window("a", 50, Duration::from_millis(50));
    let throttler = Throttler::builder().limit(limit).safety_margin(0.0).build().unwrap();
    let ticker = throttler.ticker();
    let begun = ticker.now();
    let mut granted = 0;
    while ticker.now().saturating_since(begun) < Duration::from_millis(500) {
        granted += full(&throttler);
    }
    // Far more than in the first windows, however slow this machine is.
    assert!(granted > 150, "{granted} of ten windows of fifty");
}

#[test]
fn a_step_that_is_noticed_late_forgets_nothing() {
    let kind = LimitKind::fixed_window(Duration::ZERO, Duration::ZERO);
    let second = Duration::from_secs(1);
    let (throttler, ticker, clock) = with_clock(RateLimit::new("a", 5, second).kind(kind), 0);
    ticker.advance(Duration::from_millis(600));
    assert_eq!(full(&throttler), 5);
    // The server's window turns out to be from 500 to 1,500 ms.
    clock.set(Timestamp::from_millis(-500));
    ticker.advance(Duration::from_millis(600));
    assert_eq!(full(&throttler), 0);
    ticker.advance(Duration::from_millis(300));
    assert_eq!(full(&throttler), 5);
    // What was over counts again if it turns out not to be.
    clock.set(Timestamp::from_millis(-900));
    assert_eq!(full(&throttler), 0);
}

#[test]
fn a_limit_that_comes_to_count_by_the_clock_keeps_to_its_boundaries() {
    // The server is ten seconds behind: its windows are from 10 s to 70 s.
    let sliding = RateLimit::new("a", 5, MINUTE);
    let (throttler, ticker, _) = with_clock(sliding, -10_000_000_000);
    ticker.advance(Duration::from_secs(15));
    assert_eq!(full(&throttler), 5);
    throttler.set_limits([RateLimit::fixed_window("a", 5, MINUTE)]).unwrap();
    ticker.advance(Duration::from_secs(46));
    assert_eq!(full(&throttler), 0);
    ticker.advance(Duration::from_secs(10));
    assert_eq!(full(&throttler), 5);
}

#[test]
fn a_longer_fixed_window_remembers_what_the_shorter_one_held() {
    let kind = LimitKind::fixed_window(Duration::ZERO, Duration::ZERO);
    let limit = |interval| RateLimit::new("a", 5, interval).kind(kind);
    let (throttler, ticker, _) = with_clock(limit(Duration::from_secs(10)), 0);
    ticker.advance(Duration::from_secs(5));
    let early = throttler.try_acquire("a").unwrap();
    ticker.advance(Duration::from_secs(6));
    throttler.set_limits([limit(MINUTE)]).unwrap();
    assert_eq!(full(&throttler), 4);
    early.refund();
    assert_eq!(full(&throttler), 1, "and gives back what was charged, no more");
}

#[test]
fn usage_of_a_window_that_is_over_is_not_charged_to_the_next() {
    let kind = LimitKind::fixed_window(Duration::ZERO, Duration::ZERO);
    let ticker = Arc::new(ManualTicker::default());
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let throttler = Throttler::builder()
        .limit(RateLimit::new("a", 10, MINUTE).kind(kind))
        .safety_margin(0.0)
        .ticker(ticker.clone())
        .clock(Arc::new(Ahead(ticker.clone(), clock)))
        .feedback(networkpype_throttle::Feedback::new().used("x-used", "a"))
        .build()
        .unwrap();
    ticker.advance(Duration::from_millis(60_050));
    for (date, left) in
        [("Thu, 01 Jan 1970 00:00:59 GMT", 10), ("Thu, 01 Jan 1970 00:01:00 GMT", 0)]
    {
        let mut headers = http::HeaderMap::new();
        headers.insert("date", date.parse().unwrap());
        headers.insert("x-used", "10".parse().unwrap());
        let head = networkpype_core::ResponseHead::new(http::StatusCode::OK, &headers);
        networkpype_core::Throttle::observe(&throttler, None, head, Ticks::ZERO);
        assert_eq!(10 - used(&throttler, "a"), left, "{date}");
    }
}

#[test]
fn a_bucket_refills_while_limits_are_changed() {
    let (throttler, ticker) = manual([RateLimit::token_bucket("a", 15, 1, 3 * SECOND)]);
    fill(&throttler, "a", 15);
    for _ in 0..100 {
        ticker.advance(SECOND);
        throttler.set_share(1.0).unwrap();
    }
    assert_eq!(used(&throttler, "a"), 0);
}

#[test]
fn what_lingers_on_a_bucket_is_paid_from_when_it_settled() {
    let limit = RateLimit::token_bucket("a", 1, 1, SECOND).until_answered();
    let (throttler, ticker) = manual([limit]);
    drop(throttler.try_acquire("a").unwrap());
    ticker.advance(100 * SECOND);
    throttler.try_acquire("a").unwrap();
}

#[test]
fn a_top_up_finds_its_limit_however_often_limits_were_changed() {
    let (throttler, ticker) = manual([per_second("a", 10)]);
    let mut permit = throttler.try_acquire("a").unwrap();
    for change in 0..100 {
        throttler.set_share(1.0 - f64::from(change) / 1_000.0).unwrap();
    }
    permit.top_up(2);
    assert_eq!(used(&throttler, "a"), 3);
    drop(permit);
    let mut permit = throttler.try_acquire("a").unwrap();
    throttler.set_limits([RateLimit::new("a", 10, 60 * MINUTE)]).unwrap();
    ticker.advance(2 * SECOND);
    throttler.add_limits([per_second("b", 1)]).unwrap();
    permit.top_up(2);
    assert_eq!(used(&throttler, "a"), 6);
}

#[test]
fn a_bounded_limit_stays_small_whatever_lingers() {
    let limit = RateLimit::new("a", u32::MAX, SECOND).bounded().until_answered();
    let (throttler, ticker) = manual([limit]);
    for _ in 0..20_000 {
        ticker.advance(Duration::from_micros(97));
        drop(throttler.try_acquire("a").unwrap());
    }
    // Each lingers for a second and counts for one more, rounded up to a hundredth.
    let kept = used(&throttler, "a");
    assert!((20_000..=20_620).contains(&(kept + 380)), "{kept}");
    ticker.advance(Duration::from_millis(2_020));
    assert_eq!(used(&throttler, "a"), 0);
}
