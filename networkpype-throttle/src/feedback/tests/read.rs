use std::time::Duration;

use super::*;

#[test]
fn headers_tell_what_is_used_and_what_is_left() {
    let x = Feedback::new().rule(HeaderRule::x_rate_limit(ResetAs::Auto).of("x"));
    let used = Feedback::new().used("X-Used", "weight");
    let own = Feedback::new().rule(HeaderRule::used("X-Used"));
    let rows: [(&Feedback, Lines<'_>, &[Brief<'_>]); 12] = [
        (&used, &[("x-used", "212")], &[(Some("weight"), Some(212), None, None, None)]),
        (&used, &[("x-used", "32/40")], &[(Some("weight"), Some(32), None, Some(40), None)]),
        (&used, &[("x-used", "1.5")], &[(Some("weight"), Some(2), None, None, None)]),
        (&own, &[("x-used", "7")], &[(None, Some(7), None, None, None)]),
        (&used, &[("x-used", "-7")], &[]),
        (&used, &[], &[]),
        (
            &x,
            &[
                ("x-ratelimit-limit", "100, 100;window=60"),
                ("x-ratelimit-remaining", "12.9"),
                ("x-ratelimit-reset", "1700000030"),
            ],
            &[(Some("x"), None, Some(12), Some(100), Some(30_000))],
        ),
        (
            &x,
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "6m0s")],
            &[(Some("x"), None, Some(0), None, Some(360_000))],
        ),
        (
            &x,
            &[
                ("x-ratelimit-remaining", "5"),
                ("x-ratelimit-limit", "many"),
                ("x-ratelimit-reset", "-1"),
            ],
            &[(Some("x"), None, Some(5), None, None)],
        ),
        (&x, &[("x-ratelimit-limit", "100"), ("x-ratelimit-reset", "3")], &[]),
        (&x, &[("x-ratelimit-remaining", "-1"), ("x-ratelimit-limit", "100")], &[]),
        (&used, &[("x-used", "99999999999999999999")], &[]),
    ];
    for (feedback, lines, expected) in rows {
        assert_eq!(brief(&read(feedback, 200, lines)), expected, "{lines:?}");
    }
}

#[test]
fn a_status_decides_between_ban_pause_and_nothing() {
    let pause =
        |millis: Option<u64>| Some(Verdict::Pause { wait: millis.map(Duration::from_millis) });
    let ban = |seconds| Some(Verdict::Ban { wait: Duration::from_secs(seconds) });
    let feedback = Feedback::new().pause_on([429, 503, 403]).ban_on([418, 403]);
    let rows: [(u16, Option<&str>, Option<Verdict>); 20] = [
        (200, Some("5"), None),
        (500, Some("5"), None),
        (429, None, pause(None)),
        (429, Some("5"), pause(Some(5_000))),
        (429, Some("0"), pause(Some(0))),
        (429, Some("Tue, 14 Nov 2023 22:13:27 GMT"), pause(Some(7_000))),
        (429, Some("Tuesday, 14-Nov-23 22:13:27 GMT"), pause(Some(7_000))),
        (429, Some("Tue Nov 14 22:13:27 2023"), pause(Some(7_000))),
        (429, Some("Tue, 14 Nov 2023 22:13:00 GMT"), pause(Some(0))),
        (429, Some("99999999999999999999"), pause(Some(86_400_000))),
        (429, Some("-5"), pause(None)),
        (429, Some("soon"), pause(None)),
        (503, Some("5"), pause(Some(5_000))),
        (418, Some("5"), ban(5)),
        (418, None, ban(120)),
        (418, Some("-5"), ban(120)),
        (403, None, ban(120)),
        (418, Some("259200"), ban(259_200)),
        (418, Some("0"), ban(120)),
        (418, Some("999999999"), ban(2_592_000)),
    ];
    for (status, wait, expected) in rows {
        let lines: Vec<_> = wait.map(|wait| ("retry-after", wait)).into_iter().collect();
        assert_eq!(read(&feedback, status, &lines).verdict, expected, "{status} {wait:?}");
    }
    let unlisted = read(&Feedback::new(), 503, &[("retry-after", "5")]);
    assert_eq!(unlisted.verdict, None, "a server in trouble is no limit that was crossed");
    let own = Feedback::new().default_ban(Duration::from_secs(7));
    assert_eq!(read(&own, 418, &[]).verdict, ban(7));
}

#[test]
fn the_servers_instants_are_seen_from_its_own_date() {
    // Its clock is an hour behind ours.
    let date = ("date", "Tue, 14 Nov 2023 21:13:20 GMT");
    let feedback = Feedback::new().rule(HeaderRule::x_rate_limit(ResetAs::EpochSeconds));
    let lines = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1699996430")];
    assert_eq!(brief(&read(&feedback, 200, &lines))[0].4, Some(0));
    assert_eq!(brief(&read(&feedback, 200, &[date, lines[0], lines[1]]))[0].4, Some(30_000));

    let wait = ("retry-after", "Tue, 14 Nov 2023 21:13:25 GMT");
    let five = Some(Verdict::Pause { wait: Some(Duration::from_secs(5)) });
    assert_eq!(read(&feedback, 429, &[date, wait]).verdict, five);
    let unreadable = ("date", "yesterday");
    let none = Some(Verdict::Pause { wait: Some(Duration::ZERO) });
    assert_eq!(read(&feedback, 429, &[unreadable, wait]).verdict, none);
}
