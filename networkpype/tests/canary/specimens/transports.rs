//! What connects: the crates for TLS, and the connections of those for REST and WebSocket.

use networkpype_core::{ProxyOptions, Secret, TlsOptions};
use networkpype_rest::{RestConnection, RestConnectionBuilder};
use networkpype_test::TestCa;
use networkpype_tls::{TlsError, TlsOption};
use networkpype_ws::{WebSocketConnection, WebSocketConnectionBuilder};

use super::core_words::{proxy, tls};
use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    specimens! {
        error networkpype_rest::ConnectionError => rest_errors();
        debug networkpype_rest::RestConnection => [rest(usable_tls(), proxy()).build().expect("connection")];
        debug networkpype_rest::RestConnectionBuilder => [rest(tls(), proxy())];
        error networkpype_tls::TlsError => tls_errors();
        debug networkpype_tls::TlsOption => [TlsOption::IdentityKey];
        error networkpype_ws::ConnectionError => ws_errors();
        debug networkpype_ws::WebSocketConnection => [ws(usable_tls(), proxy()).build().expect("connection")];
        debug networkpype_ws::WebSocketConnectionBuilder => [ws(tls(), proxy())];
    }
}

fn rest(tls: TlsOptions, proxy: ProxyOptions) -> RestConnectionBuilder {
    RestConnection::builder().tls(tls).proxy(proxy)
}

fn ws(tls: TlsOptions, proxy: ProxyOptions) -> WebSocketConnectionBuilder {
    WebSocketConnection::builder().tls(tls).proxy(proxy)
}

/// Certificates and a key that can be used, with the canary in the text before the key, which PEM allows.
pub(crate) fn usable_tls() -> TlsOptions {
    let ca = TestCa::new();
    let client = ca.issue_client("client");
    TlsOptions::new()
        .root_certificate(ca.pem())
        .only_these_roots()
        .identity(client.cert_pem, format!("{CANARY}\n{}", client.key_pem))
}

/// Options with a mistake in each of the texts.
pub(crate) fn unusable_tls() -> Vec<TlsOptions> {
    let usable = usable_tls();
    let identity = usable.identity.clone().expect("identity");
    let mangled = ["CERTIFICATE", "PRIVATE KEY"].map(|kind| {
        [
            CANARY.to_owned(),
            format!("-----BEGIN {kind}-----\n{CANARY}\n-----END {kind}-----\n"),
            // It decodes, to something that is no certificate and no key.
            format!("-----BEGIN {kind}-----\nYzRuYXJ5LXMzY3JldA==\n-----END {kind}-----\n"),
        ]
    });
    let [certificates, keys] = mangled;
    let mut unusable = vec![tls()];
    for text in certificates {
        unusable.push(usable.clone().root_certificate(text.clone()));
        unusable.push(usable.clone().identity(text, identity.private_key.clone()));
    }
    for text in keys {
        unusable.push(usable.clone().identity(identity.certificate_chain.clone(), text));
    }
    unusable
}

fn tls_errors() -> Vec<TlsError> {
    let refused = |options: &TlsOptions| networkpype_tls::client_config(options, &[]).err();
    unusable_tls().iter().map(|options| refused(options).expect("refused")).collect()
}

/// Proxies whose user or password cannot be sent.
fn unusable_proxies() -> [ProxyOptions; 2] {
    let proxy = || ProxyOptions::new("http://127.0.0.1:3128").expect("proxy");
    let binary = Secret::new([CANARY.as_bytes(), b"\xff"].concat());
    [proxy().basic_auth(format!("user:{CANARY}"), CANARY), proxy().basic_auth("user", binary)]
}

fn rest_errors() -> Vec<networkpype_rest::ConnectionError> {
    let bad_proxies = unusable_proxies().map(|bad| rest(usable_tls(), bad));
    let bad_tls = unusable_tls().into_iter().map(|bad| rest(bad, proxy()));
    bad_tls.chain(bad_proxies).map(|builder| builder.build().expect_err("refused")).collect()
}

fn ws_errors() -> Vec<networkpype_ws::ConnectionError> {
    // A password may be any bytes here, so only the first of the two is refused.
    let [bad_user, _] = unusable_proxies();
    let bad_tls = unusable_tls().into_iter().map(|bad| ws(bad, proxy()));
    bad_tls
        .chain([ws(usable_tls(), bad_user)])
        .map(|builder| builder.build().expect_err("refused"))
        .collect()
}
