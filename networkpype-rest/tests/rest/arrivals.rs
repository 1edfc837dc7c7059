//! What a server sees that counts requests as they arrive, over a path on which each takes another time.

use std::time::Duration;

use networkpype_core::RestRequest;
use networkpype_rest::RestManager;
use networkpype_test::Exchange;
use networkpype_throttle::{RateLimit, Throttler};

const LIMIT: usize = 20;
const INTERVAL: Duration = Duration::from_millis(150);
const CALLS: usize = 160;

/// Makes all calls at once through `limit`, all of which may be used, and says how many of them the server refused, and
/// how many it let through in one window at the most.
async fn run(limit: RateLimit) -> (usize, usize) {
    let exchange = Exchange::builder()
        .rate_limit(LIMIT, INTERVAL)
        .slow_path(1, INTERVAL)
        .handler("/api/free", |_| networkpype_test::Reply::json(200, &serde_json::json!({})))
        .start();
    let throttler = Throttler::builder()
        .limit(limit)
        .safety_margin(0.0)
        // What the server says is not listened to: the count alone has to do.
        .feedback(networkpype_throttle::Feedback::default().pause_on([]))
        .build()
        .expect("limits");
    let manager = RestManager::builder()
        .base_url(exchange.url())
        .throttler(throttler)
        .default_limit("api")
        .build()
        .expect("manager");
    let calls = (0..CALLS).map(|_| manager.call(RestRequest::get("/api/free")));
    for answer in futures_util::future::join_all(calls).await {
        answer.expect("an answer of any status");
    }
    (exchange.rate_limited(), exchange.max_in_window())
}

#[tokio::test]
async fn counting_until_the_answer_uses_all_of_the_limit_and_is_never_refused() {
    let limit = RateLimit::new("api", 20, INTERVAL).until_answered();
    assert_eq!(run(limit).await, (0, LIMIT));
}

#[tokio::test]
async fn counting_from_the_start_is_refused_on_such_a_path() {
    let (refused, most) = run(RateLimit::new("api", 20, INTERVAL)).await;
    assert!(refused > 0, "the path is too even to show anything");
    assert_eq!(most, LIMIT);
}
