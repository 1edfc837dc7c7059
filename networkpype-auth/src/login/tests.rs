use networkpype_core::{LoginStep, Recovery};

use super::*;
use crate::fields_are;

fn login() -> Login {
    Login::new(r#"{"op":"login","t":"{timestamp}","s":"{signature}"}"#)
        .sign([Part::Timestamp, Part::literal("GET/verify")])
        .accepted_when(fields_are([("event", "login")]))
        .refused_when(fields_are([("event", "error")]))
        .refusal_code("code")
}

#[test]
fn the_message_holds_the_signature_of_what_it_says() {
    let message = login().message(Values::new().timestamp("17"), |payload| {
        assert_eq!(payload, b"17GET/verify");
        Ok("5/+=".to_owned())
    });
    let bytes = message.expect("signed").bytes().expect("bytes");
    assert_eq!(bytes, r#"{"op":"login","t":"17","s":"5/+="}"#);
}

#[test]
fn answers_are_told_from_other_messages() {
    for (text, expected) in [
        (r#"{"event":"login","code":"0"}"#, "Done"),
        (r#"{"event":"error","code":"60009","msg":"x"}"#, "Refused(\"code 60009\")"),
        (r#"{"event":"error","code":60009}"#, "Refused(\"code 60009\")"),
        (r#"{"event":"error","code":"no key hunter2"}"#, "Refused(\"the server gave no code\")"),
        (r#"{"event":"error"}"#, "Refused(\"the server gave no code\")"),
        (r#"{"event":"info"}"#, "Wait"),
        ("pong", "Wait"),
        ("[]", "Wait"),
    ] {
        assert_eq!(judged(&login(), text), expected, "{text}");
    }
}

/// The step in a word, with the reason of a refusal and with what may be done about it.
fn judged(login: &Login, text: &'static str) -> String {
    let (key, passphrase) = ("Key-1".into(), "pass".into());
    let values = Values::new().key(&key).passphrase(&passphrase);
    match login.judge(&WebSocketResponse::from_text(text), &values) {
        LoginStep::Refused(refusal) if refusal.recovery() == Recovery::GiveUp => {
            format!("Refused({:?})", refusal.reason())
        }
        LoginStep::Refused(refusal) => {
            format!("Refused({:?}, {:?})", refusal.reason(), refusal.recovery())
        }
        step => format!("{step:?}"),
    }
}

#[test]
fn a_code_that_quotes_a_credential_is_not_shown() {
    for code in ["Key-1", "bad-key-1", "x.pass"] {
        let text = format!(r#"{{"event":"error","code":"{code}"}}"#);
        assert_eq!(
            judged(&login(), String::leak(text)),
            "Refused(\"the server gave no code\")",
            "{code}"
        );
    }
    let twice = r#"{"event":"error","code":"1","code":"2"}"#;
    assert_eq!(judged(&login(), twice), "Refused(\"the server gave no code\")");
    let nested = login().refusal_code("/error/code");
    assert_eq!(judged(&nested, r#"{"event":"error","error":{"code":7}}"#), "Refused(\"code 7\")");
}

#[test]
fn a_refusal_that_means_the_clock_says_so() {
    let login = login().resync_on_code("60006");
    let stale = r#"{"event":"error","code":"60006"}"#;
    assert_eq!(judged(&login, stale), "Refused(\"code 60006\", ResyncTime)");
    assert_eq!(judged(&login, r#"{"event":"error","code":"60005"}"#), "Refused(\"code 60005\")");
    assert_eq!(judged(&login, r#"{"event":"error"}"#), "Refused(\"the server gave no code\")");
    assert_eq!(judged(&login, r#"{"event":"info","code":"60006"}"#), "Wait");
    let accepted = fields_are([("event", "login")]);
    let no_refusal = Login::new("{}").accepted_when(accepted).resync_on_code("1");
    assert!(no_refusal.check().is_err(), "no message would ever be looked at for it");
}

#[test]
fn a_timestamp_outside_of_quotes_is_a_number() {
    let login = |format| {
        Login::new(r#"{"t":{timestamp},"s":"{signature}"}"#)
            .timestamp(format)
            .sign(Part::Timestamp)
            .accepted_when(fields_are([("event", "login")]))
    };
    assert!(login(TimestampFormat::Seconds).check().is_ok());
    for format in [TimestampFormat::Iso8601Millis, TimestampFormat::Iso8601Secs] {
        let error = login(format).check().expect_err("not JSON").to_string();
        assert!(error.contains("{timestamp}"), "{error}");
    }
}

#[test]
fn mistakes_are_found_before_a_connection_is() {
    let accepted = fields_are([("event", "login")]);
    assert!(login().check().is_ok());
    let filtered = Login::from_template(&Template::from([
        Part::literal(r#"{"s":""#),
        Part::piped(Part::Signature, [crate::Filter::Upper]),
        Part::literal("\"}"),
    ]));
    let filtered =
        filtered.sign(Part::literal("a")).accepted_when(fields_are([("event", "login")]));
    for (login, reason) in [
        (Login::new("{"), "not JSON"),
        (Login::new(r#"{"s":{signature}}"#), "inside quotes"),
        (Login::new("{}"), "with `accepted` in a recipe, or `accepted_when` in Rust"),
        (login().sign([Part::Timestamp, Part::Method]), "signs no request"),
        (login().sign(Part::SortedFields), "signs no request"),
        (login().sign(Vec::new()), "one of both is missing"),
        (Login::new("{}").sign(Part::Key).accepted_when(accepted), "one of both is missing"),
        (login().sign(Part::Nonce), "`{nonce}`"),
        (filtered, "write `{signature}` without filters"),
    ] {
        let error = login.check().expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn the_message_is_charged_where_the_login_says() {
    let limit = |login: Login| {
        let values = Values::new().timestamp("1");
        let message = login.message(values, |_| Ok("s".to_owned())).expect("signed");
        format!("{:?}", message.limit_choice())
    };
    assert_eq!(limit(login()), "Default");
    assert_eq!(limit(login().unlimited()), "Unlimited");
    assert!(limit(login().limit("messages")).contains("messages"));
}
