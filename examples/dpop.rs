//! OAuth 2.0 with DPoP: tokens that are bound to a key, so that one that is stolen opens nothing.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, sync::Arc};

use networkpype::{
    RestManager, RestRequest,
    schemes::{
        Bearer,
        oauth2::{AuthorizationServer, Client, DpopKey, Grant, OAuth2},
    },
};
use networkpype_test::{Exchange, TokenIssuer};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Both servers want their own nonce in each proof, and another one after two requests.
    let issuer = TokenIssuer::new("my-client", "my-secret").nonce_uses(2);
    let exchange = Exchange::builder().issuer(&issuer).start();
    let account = || RestRequest::get("/api/token/account").auth_required();

    // A program that keeps its login keeps its key as well: see `DpopKey::new`.
    let key = DpopKey::generate()?;
    println!("key             {}", key.thumbprint());
    let auth = OAuth2::builder()
        .caller(Arc::new(RestManager::builder().build()?))
        .server(AuthorizationServer::new(format!("{}/oauth2/token", exchange.url())))
        .client(Client::with_secret("my-client", "my-secret"))
        .grant(Grant::client_credentials())
        .dpop(key)
        .build()?;
    let api = RestManager::builder().base_url(exchange.url()).auth(auth.clone()).build()?;
    for number in 1..=4 {
        let accepted: Value = api.execute_request(account()).await?;
        println!("call {number}          {accepted}");
    }
    // Each nonce was asked for by a refusal: one for the token, two for four calls.
    println!("requests        {} for 1 token and 4 calls", exchange.requests().len());
    if (exchange.requests().len(), issuer.issued()) != (8, 1) {
        return Err("more was asked for than nonces".into());
    }

    let stolen = auth.token().await?.access().clone();
    let thief = Bearer::new(stolen)?;
    let thief = RestManager::builder().base_url(exchange.url()).auth(thief).build()?;
    let Err(error) = thief.execute_request::<Value>(account()).await else {
        return Err("a token was let in without a proof".into());
    };
    println!("stolen token    {error}: {}", error.body_excerpt().unwrap_or_default());
    if !error.is_auth() {
        return Err(error.into());
    }
    Ok(())
}
