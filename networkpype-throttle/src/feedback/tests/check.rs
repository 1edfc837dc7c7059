use std::time::Duration;

use super::*;
use crate::{LimitError, RateLimit};

fn check(feedback: &Feedback) -> Result<(), LimitError> {
    feedback.check(&[RateLimit::new("a", 1, Duration::from_secs(1))])
}

#[test]
fn a_name_that_no_header_can_have_is_found() {
    let good =
        Feedback::new().used("X-Used", "a").ietf().rule(HeaderRule::x_rate_limit(ResetAs::Auto));
    assert_eq!(check(&good), Ok(()));
    for name in ["", "x used", "x:used", "größe", "x\r\n"] {
        let fault = Err(LimitError::InvalidFeedbackHeader(name.to_owned()));
        assert_eq!(check(&good.clone().used(name, "a")), fault);
        assert_eq!(check(&good.clone().remaining(name, "a")), fault);
        for (quota, reset) in [(Some(name), None), (None, Some(name))] {
            let rule = HeaderRule::Remaining {
                remaining: "x".to_owned(),
                quota: quota.map(str::to_owned),
                reset: reset.map(str::to_owned),
                reset_as: ResetAs::Auto,
                limit: None,
            };
            assert_eq!(check(&good.clone().rule(rule)), fault);
        }
    }
}

#[test]
fn a_status_that_no_response_can_have_is_found() {
    for status in [0, 99, 1_000, u16::MAX] {
        let fault = Err(LimitError::InvalidFeedbackStatus(status));
        assert_eq!(check(&Feedback::new().pause_on([429, status])), fault);
        assert_eq!(check(&Feedback::new().ban_on([status])), fault);
    }
    assert_eq!(check(&Feedback::new().pause_on([100, 999]).ban_on([])), Ok(()));
}

#[test]
fn every_limit_that_a_rule_names_is_listed() {
    let feedback = Feedback::new()
        .used("x", "used")
        .remaining("x", "remaining")
        .rule(HeaderRule::used("x"))
        .rule(HeaderRule::ietf_policies([("a", "policy")]).of("others"))
        .pauses(Scope::Limits(vec!["paused".into()]))
        .bans(Scope::Limits(vec!["banned".into()]));
    let listed: Vec<_> = feedback.limit_ids().map(LimitId::as_str).collect();
    assert_eq!(listed, ["used", "remaining", "others", "policy", "paused", "banned"]);
    assert_eq!(Feedback::new().ietf().limit_ids().count(), 0);
}

#[test]
fn a_limit_that_does_not_exist_is_found() {
    for feedback in [
        Feedback::new().used("x", "b"),
        Feedback::new().pauses(Scope::Limits(vec!["a".into(), "b".into()])),
        Feedback::new().bans(Scope::Limits(vec!["b".into()])),
    ] {
        assert_eq!(check(&feedback), Err(LimitError::UnknownFeedbackLimit("b".into())));
    }
}
