//! The facade's own types.

use networkpype::{
    ConnectionManagersFactory, ConnectionManagersFactoryBuilder, ConnectionsFactory,
    ConnectionsFactoryBuilder, FactoryError,
};
use tokio::sync::mpsc;

use super::{
    core_words::{proxy, tls},
    schemes::hmac,
    transports::{unusable_tls, usable_tls},
};
use crate::{canary::CANARY, specimen, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    let mut specimens = specimens! {
        debug networkpype::ConnectionManagersFactory => [factory().build().expect("factory")];
        debug networkpype::ConnectionManagersFactoryBuilder => [factory()];
        debug networkpype::ConnectionsFactory => [connections()];
        debug networkpype::ConnectionsFactoryBuilder => [ConnectionsFactory::builder().tls(tls()).proxy(proxy())];
        error networkpype::FactoryError => factory_errors();
    };
    specimens.push(auth_context());
    specimens
}

fn connections() -> ConnectionsFactory {
    let builder: ConnectionsFactoryBuilder = ConnectionsFactory::builder();
    builder.tls(usable_tls()).proxy(proxy()).build().expect("connections")
}

fn factory() -> ConnectionManagersFactoryBuilder {
    ConnectionManagersFactory::builder()
        .base_url("https://api.example.com")
        .ws_url("wss://api.example.com")
        .connections(connections())
        .default_header("x-key", CANARY)
        .cookie("session", CANARY)
        .auth(hmac().build().expect("scheme"))
        .default_limit("orders")
}

/// A context is lent to the scheme's builder and never given away.
fn auth_context() -> Specimen {
    let (shown, mut contexts) = mpsc::unbounded_channel();
    let show = move |context: &networkpype::AuthContext| {
        shown.send(specimen::debug(context)).expect("the test waits");
        hmac().clock(context.clock()).build()
    };
    factory().auth_with(show).build().expect("factory");
    let text = contexts.try_recv().expect("the scheme was built");
    Specimen::new("networkpype::AuthContext", "debug", vec![text])
}

fn factory_errors() -> Vec<FactoryError> {
    let mut errors: Vec<FactoryError> = unusable_tls()
        .into_iter()
        .map(|bad| ConnectionsFactory::builder().tls(bad).build().expect_err("refused"))
        .collect();
    let bad_url = format!("https://user:{CANARY}@h/?key={CANARY}");
    let unusable = [
        factory().base_url(&bad_url),
        factory().ws_url(&bad_url),
        factory().default_header("x-key", format!("{CANARY}\n")),
        factory().cookie("session", format!("{CANARY}\n")),
        factory().allow_origin(&bad_url),
        factory().allow_origins_of(&bad_url),
        factory().auth_with(|_| {
            networkpype::schemes::api_key::ApiKey::header("x-key", format!("{CANARY}\n"))
        }),
    ];
    errors.extend(unusable.into_iter().map(|builder| builder.build().expect_err("refused")));
    errors
}
