use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use networkpype_core::MAX_RETRY_AFTER;
use proptest::prelude::*;

use super::*;
use crate::feedback::{header_names::NAMES, signals::LONGEST_BAN};

/// Every rule there is.
fn everything() -> Feedback {
    let forms =
        [ResetAs::Auto, ResetAs::SecondsFromNow, ResetAs::MillisFromNow, ResetAs::EpochMillis];
    let feedback = Feedback::new().used("x-used", "used").ietf();
    forms.into_iter().fold(feedback, |feedback, form| feedback.rule(HeaderRule::x_rate_limit(form)))
}

#[test]
fn nonsense_in_any_header_is_ignored() {
    let long = b"9".repeat(65_536);
    let commas = b"\"a\";r=x,".repeat(8_192);
    let quotes = b"\"\\".repeat(32_768);
    for value in [
        &b""[..],
        b" ",
        b"-1",
        b"NaN",
        b"\xff\xfe",
        "５０".as_bytes(),
        b"\"",
        &long,
        &commas,
        &quotes,
    ] {
        let lines: Vec<_> = NAMES.iter().map(|name| (*name, value)).collect();
        let map = headers(&lines);
        let signals = everything().read(ResponseHead::new(StatusCode::OK, &map), NOW);
        assert_eq!(signals, Signals::default(), "{:?}", &value[..value.len().min(20)]);
    }
}

#[test]
fn a_field_of_very_many_members_is_cut() {
    let field = "\"a\";r=1,".repeat(8_000);
    assert_eq!(read(&Feedback::new().ietf(), 200, &[("ratelimit", &field)]).reports.len(), 32);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_ignored_header_is_told_once_by_its_name_alone() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        read(&Feedback::new().used("x-used", "a"), 200, &[("x-used", "hunter2")]);
        read(&Feedback::new().ietf(), 200, &[("ratelimit", "\"hunter2, \"hunter2")]);
        read(&Feedback::new(), 429, &[("retry-after", "hunter2")]);
        // What is understood, and what is not there, is no news.
        read(&everything(), 429, &[("x-used", "3"), ("retry-after", "3")]);
    });
    let log = String::from_utf8(log.0.lock().expect("unpoisoned").clone()).expect("text");
    for name in ["x-used", "ratelimit", "retry-after"] {
        assert_eq!(log.matches(&format!("\"{name}\"")).count(), 1, "{name} in {log}");
    }
    assert_eq!(log.lines().count(), 3, "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[\"a-c0-9=;:, ./\\\\rtqwu-]{0,60}".prop_map(String::into_bytes),
        "[0-9]{1,20}".prop_map(String::into_bytes),
        any::<u32>().prop_map(|at| {
            let at = std::time::UNIX_EPOCH + Duration::from_secs(at.into());
            httpdate::fmt_http_date(at).into_bytes()
        }),
    ]
}

proptest! {
    #[test]
    fn no_response_makes_it_panic_or_wait_longer_than_its_bounds(
        lines in prop::collection::vec((prop::sample::select(NAMES.to_vec()), value()), 0..12),
        status in 100..1_000_u16,
        clock in any::<i64>(),
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in &lines {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                map.append(*name, value);
            }
        }
        let status = StatusCode::from_u16(status).expect("status");
        let feedback = everything().pause_on(400..500).ban_on([418]);
        let signals = feedback.read(ResponseHead::new(status, &map), Timestamp::from_nanos(clock));
        for report in &signals.reports {
            prop_assert!(report.used.is_some() != report.remaining.is_some());
            prop_assert!(report.reset.is_none_or(|reset| reset <= MAX_RETRY_AFTER));
        }
        let banned = matches!(signals.verdict, Some(Verdict::Ban { wait }) if wait <= LONGEST_BAN);
        let paused = matches!(
            signals.verdict,
            Some(Verdict::Pause { wait }) if wait.is_none_or(|wait| wait <= MAX_RETRY_AFTER)
        );
        let status = status.as_u16();
        prop_assert_eq!(banned, status == 418);
        prop_assert_eq!(paused, (400..500).contains(&status) && status != 418);
    }
}
