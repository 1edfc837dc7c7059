//! Calls and streams on the local exchange, with a scheme that places the canary everywhere and declares nothing.

use networkpype::{Auth, ConnectionManagersFactory, ConnectionManagersFactoryBuilder, TlsOptions};
use networkpype_test::{Exchange, ExchangeBuilder};

use crate::{canary::shows_canary, specimen, transcript};

mod quoted;
mod rest;
mod scheme;
mod stream;

/// The exchange in plain text and over TLS, so that the libraries under both have something to trace.
fn exchanges(build: fn(ExchangeBuilder) -> ExchangeBuilder) -> [Exchange; 2] {
    [build(Exchange::builder()).start(), build(Exchange::builder()).tls().start()]
}

/// Managers for `exchange` that sign with `scheme`.
fn factory(exchange: &Exchange, scheme: impl Auth + 'static) -> ConnectionManagersFactoryBuilder {
    let mut connections = networkpype::ConnectionsFactory::builder();
    if let Some(root) = exchange.ca_pem() {
        connections = connections.tls(TlsOptions::new().root_certificate(root).only_these_roots());
    }
    ConnectionManagersFactory::builder()
        .base_url(exchange.url())
        .ws_url(exchange.ws_url(""))
        .connections(connections.build().expect("connections"))
        .auth(scheme)
}

/// What `error` and its causes print, which must not be the canary.
fn harmless(error: &networkpype::Error) -> String {
    let text = specimen::error(error);
    assert!(!shows_canary(&text), "{text}");
    text
}

/// Nothing that was traced or noted holds the canary, and `expected` was among it.
fn check_transcript(expected: &[&str]) {
    let lines = transcript::lines();
    let leaks: Vec<_> = lines.iter().filter(|line| shows_canary(line)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    for expected in expected {
        assert!(lines.iter().any(|line| line.contains(expected)), "nothing says {expected:?}");
    }
}
