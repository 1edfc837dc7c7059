use std::time::Duration;

use networkpype_throttle::{LimitError, LimitId, RateLimit, ThrottleError, Throttler};

use crate::support::*;

#[tokio::test]
async fn an_unknown_limit_is_named() {
    let (throttler, _) = manual([per_second("orders", 1)]);
    let unknown = |error| error == ThrottleError::UnknownLimit("odrers".into());
    assert!(unknown(take(&throttler, "odrers").unwrap_err()));
    assert!(unknown(throttler.execute_task("odrers").await.unwrap_err()));
    assert!(throttler.usage("odrers").is_none());
}

#[tokio::test]
async fn a_weight_above_the_limit_is_an_error_at_the_call() {
    let throttler = Throttler::new([per_second("orders", 100).linked("orders", 5)]).unwrap();
    let error = take_weight(&throttler, "orders", 91).unwrap_err();
    let limit = "orders".into();
    assert_eq!(error, ThrottleError::WeightAboveLimit { limit, weight: 96, capacity: 95 });
    take_weight(&throttler, "orders", 90).unwrap().started().unwrap();
    let error = take_weight(&throttler, "orders", u32::MAX).unwrap_err();
    assert!(matches!(error, ThrottleError::WeightAboveLimit { weight: u32::MAX, .. }));
}

#[test]
fn what_cannot_be_built_is_named() {
    let orders = || per_second("orders", 10);
    for (limits, expected) in [
        (vec![orders().linked("raw", 1)], "raw"),
        (vec![orders(), orders()], "orders"),
        (vec![orders(), per_second("empty", 0)], "empty"),
        (vec![RateLimit::new("short", 1, Duration::ZERO)], "short"),
        (vec![orders().weight(10)], "orders"),
    ] {
        let error = Throttler::new(limits).unwrap_err();
        assert!(error.to_string().contains(&format!("{expected:?}")), "{error}");
    }
    let error = Throttler::new([orders().weight(10)]).unwrap_err();
    assert_eq!(error.limit_id().map(LimitId::as_str), Some("orders"));
    assert!(error.to_string().ends_with("after share and safety margin (9)"), "{error}");
    // Nine are left of ten after the margin.
    Throttler::new([orders().weight(9)]).unwrap();
}

#[test]
fn settings_out_of_range_are_named() {
    for share in [f64::NAN, 0.0, -1.0, 1.01] {
        let error = Throttler::builder().share(share).build().unwrap_err();
        assert!(matches!(error, LimitError::InvalidShare(_)));
        assert!(error.to_string().starts_with("the share is"), "{error}");
    }
    for margin in [f64::NAN, -0.01, 1.0, 5.0] {
        let error = Throttler::builder().safety_margin(margin).build().unwrap_err();
        assert!(matches!(error, LimitError::InvalidSafetyMargin(_)));
        assert!(error.to_string().starts_with("the safety margin is"), "{error}");
    }
}
