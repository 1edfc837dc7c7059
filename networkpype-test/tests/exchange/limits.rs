use std::time::Duration;

use networkpype_test::Exchange;

use crate::client::{Client, get};

const KEY: (&str, &str) = ("X-API-KEY", "test-key");

#[test]
fn over_the_limit_is_429_with_retry_after() {
    let exchange = Exchange::builder().rate_limit(3, Duration::from_secs(3600)).start();
    let mut client = Client::connect(exchange.addr());
    for used in 1..=3 {
        let response = client.call("GET", "/api/key/account", &[KEY], "");
        assert_eq!(response.status, 200);
        assert_eq!(response.header("x-ratelimit-limit"), Some("3"));
        let remaining = (3 - used).to_string();
        assert_eq!(response.header("x-ratelimit-remaining"), Some(&remaining[..]));
        let used = used.to_string();
        assert_eq!(response.header("x-mbx-used-weight"), Some(&used[..]));
    }
    for refused in 1..=2 {
        let response = client.call("GET", "/api/key/account", &[KEY], "");
        assert_eq!(response.refusal(), (429, "-1003".into()));
        let retry_after: u64 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&retry_after), "{retry_after}");
        assert_eq!(response.header("x-ratelimit-remaining"), Some("0"));
        assert_eq!(exchange.rate_limited(), refused);
    }
    assert_eq!(exchange.max_in_window(), 3);
}

#[test]
fn only_the_api_is_limited() {
    let exchange = Exchange::builder().rate_limit(1, Duration::from_secs(3600)).start();
    for _ in 0..3 {
        let response = get(&exchange, "/time");
        assert_eq!(response.status, 200);
        assert_eq!(response.header("x-ratelimit-limit"), None);
    }
    assert_eq!(exchange.max_in_window(), 0);
    // A refused key is a request all the same.
    assert_eq!(get(&exchange, "/api/key/account").status, 401);
    assert_eq!(get(&exchange, "/api/key/account").status, 429);
}

#[test]
fn requests_are_counted_without_a_limit() {
    let exchange = Exchange::builder().observe_rate(Duration::from_secs(3600)).start();
    for _ in 0..5 {
        assert_eq!(get(&exchange, "/api/key/account").status, 401);
    }
    assert_eq!((exchange.max_in_window(), exchange.rate_limited()), (5, 0));
}

#[test]
fn capacity_comes_back_when_the_window_has_passed() {
    let exchange = Exchange::builder().rate_limit(1, Duration::from_millis(1)).start();
    // Each try that is refused proves nothing; the loop ends because windows do.
    for _ in 0..2 {
        while get(&exchange, "/api/key/account").status == 429 {}
    }
    assert_eq!(exchange.max_in_window(), 1);
}
