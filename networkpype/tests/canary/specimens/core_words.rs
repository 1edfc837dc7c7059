//! Plain data of the core crate. Most of it can hold no text at all.

use std::sync::Arc;

use http::StatusCode;
use networkpype_core::{
    AuthErrorKind, Backoff, BaseUrl, Encoding, ErrorKind, Frame, LimitChoice, LimitId, ManualClock,
    Origin, OriginPattern, OriginPolicy, Outcome, OutcomeRules, Progress, ProxyOptions, Recovery,
    Secret, SystemClock, Ticks, Timestamp, Timing, TlsOptions, TokioTicker, TransportErrorKind,
    WireErrorKind,
};

use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

const HOME: &str = "https://api.example.com";

pub(crate) fn specimens() -> Vec<Specimen> {
    specimens! {
        debug networkpype_core::AuthErrorKind => [AuthErrorKind::Other];
        debug networkpype_core::Backoff => [Backoff::default()];
        debug networkpype_core::BaseUrl => [BaseUrl::parse("https://api.example.com/v3").expect("URL")];
        debug networkpype_core::Encoding => [Encoding::AsIs];
        debug networkpype_core::ErrorKind => [ErrorKind::Auth];
        debug networkpype_core::Frame => frames();
        debug networkpype_core::LimitChoice => [LimitChoice::Named("orders".into())];
        display networkpype_core::LimitId => [LimitId::new("orders")];
        debug networkpype_core::ManualClock => [ManualClock::new(Timestamp::from_secs(1))];
        display networkpype_core::Origin => [home()];
        debug networkpype_core::OriginPattern => [pattern()];
        debug networkpype_core::OriginPolicy => [OriginPolicy::new(Some(home())).allow(pattern())];
        debug networkpype_core::Outcome => [Outcome::Unknown];
        debug networkpype_core::OutcomeRules => [OutcomeRules::default().with(StatusCode::OK, Outcome::Done)];
        debug networkpype_core::Progress => [Progress::Answered(StatusCode::OK)];
        debug networkpype_core::ProxyOptions => [proxy()];
        debug networkpype_core::Recovery => [Recovery::SignAgain];
        debug networkpype_core::Secret => [Secret::new(CANARY), Secret::new(CANARY.as_bytes().to_vec())];
        debug networkpype_core::SystemClock => [SystemClock];
        debug networkpype_core::Ticks => [Ticks::MAX];
        display networkpype_core::Timestamp => [Timestamp::from_secs(1)];
        debug networkpype_core::Timing => [Timing::new(Arc::new(TokioTicker::new()), Ticks::ZERO, Ticks::MAX)];
        debug networkpype_core::TlsIdentity => [tls().identity.expect("identity")];
        debug networkpype_core::TlsOptions => [tls()];
        debug networkpype_core::TokioTicker => [TokioTicker::new()];
        debug networkpype_core::TransportErrorKind => [TransportErrorKind::Io];
        debug networkpype_core::WireErrorKind => [WireErrorKind::Url];
    }
}

pub(crate) fn home() -> Origin {
    HOME.parse().expect("origin")
}

/// A proxy that asks for a password.
pub(crate) fn proxy() -> ProxyOptions {
    ProxyOptions::new("http://127.0.0.1:3128").expect("proxy").basic_auth("user", CANARY)
}

/// A client's identity as many tools keep it: certificate and key in one text, handed over for both.
pub(crate) fn tls() -> TlsOptions {
    let both = format!(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"
    );
    TlsOptions::new().root_certificate(both.clone()).identity(both.clone(), both)
}

fn pattern() -> OriginPattern {
    OriginPattern::exactly(HOME).expect("pattern")
}

fn frames() -> [Frame; 5] {
    [
        Frame::Text(CANARY.into()),
        Frame::Binary(CANARY.into()),
        Frame::Ping(CANARY.into()),
        Frame::Pong(CANARY.into()),
        Frame::Close(Some(super::core_messages::close())),
    ]
}
