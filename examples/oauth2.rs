//! OAuth 2.0, where the program itself is the client: tokens are had, renewed before they end, and had anew when the API
//! refuses one.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, time::Duration};

use networkpype::{
    ConnectionManagersFactory, RestRequest,
    schemes::oauth2::{AuthorizationServer, Client, Grant, OAuth2},
};
use networkpype_test::{Exchange, TokenIssuer};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn connect_to(exchange: &Exchange, secret: &'static str) -> Result<ConnectionManagersFactory> {
    let token_url = format!("{}/oauth2/token", exchange.url());
    let factory = ConnectionManagersFactory::builder()
        .base_url(exchange.url())
        .auth_with(move |api| {
            OAuth2::builder()
                .caller(api.anonymous_caller())
                .clock(api.clock())
                .server(AuthorizationServer::new(token_url))
                .client(Client::with_secret("my-client", secret))
                .grant(Grant::client_credentials())
                .scope("account:read")
                .build()
        })
        .build()?;
    Ok(factory)
}

#[tokio::main]
async fn main() -> Result<()> {
    // Tokens live two seconds here, so that some end while this runs.
    let issuer = TokenIssuer::new("my-client", "my-secret").life(Duration::from_secs(2));
    let exchange = Exchange::builder().issuer(&issuer).start();
    let account = || RestRequest::get("/api/token/account").auth_required();

    let api = connect_to(&exchange, "my-secret")?;
    let rest = api.rest_manager();
    for number in 0..8 {
        if number == 1 {
            // The server forgets its tokens. The next call is refused, and sent once more with another.
            issuer.revoke_all();
        }
        let answer = rest.execute(account()).await?;
        let (status, tokens) = (answer.status().as_u16(), issuer.issued());
        println!("call {number}         status {status}, with token {tokens}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    if issuer.issued() < 3 {
        return Err("a token was revoked and another has ended, and not both were replaced".into());
    }

    let stranger = connect_to(&exchange, "wrong-secret")?;
    let Err(error) = stranger.rest_manager().execute(account()).await else {
        return Err("a token was given out for a wrong secret".into());
    };
    print!("wrong secret   {error}");
    let mut cause = error.source();
    while let Some(next) = cause {
        print!(": {next}");
        cause = next.source();
    }
    println!();
    if !error.is_auth() {
        return Err(error.into());
    }
    stranger.close().await;
    api.close().await;
    Ok(())
}
