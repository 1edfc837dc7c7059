//! Bearer: a token that somebody gave out, and another in its place while the program runs.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use networkpype::{
    AuthError, RestManager, RestRequest, Secret, async_trait,
    schemes::bearer::{Bearer, BearerProvider},
};
use networkpype_test::{Exchange, TokenIssuer};
use serde_json::Value;

/// The token that counts at present. It might as well be read from a file, or from a vault.
#[derive(Clone)]
struct Present(Arc<Mutex<Secret>>);

impl Present {
    fn replace(&self, token: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token.into();
    }
}

#[async_trait]
impl BearerProvider for Present {
    async fn token(&self) -> Result<Secret, AuthError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = TokenIssuer::new("my-client", "my-secret");
    let exchange = Exchange::builder().issuer(&issuer).start();
    let account = || RestRequest::get("/api/token/account").auth_required();

    // One token for good.
    let auth = Bearer::new(issuer.hand_out())?;
    let api = RestManager::builder().base_url(exchange.url()).auth(auth).build()?;
    let accepted: Value = api.execute_request(account()).await?;
    println!("a good token        {accepted}");

    // One that changes.
    let present = Present(Arc::new(Mutex::new(issuer.hand_out().into())));
    let auth = Bearer::from_provider(present.clone());
    let api = RestManager::builder().base_url(exchange.url()).auth(auth).build()?;
    api.execute(account()).await?;
    issuer.revoke_all();
    let Err(error) = api.execute(account()).await else {
        return Err("a token that was revoked was let in".into());
    };
    println!("a revoked token     {error}: {}", error.body_excerpt().unwrap_or_default());
    if !error.is_auth() {
        return Err(error.into());
    }
    present.replace(issuer.hand_out());
    let accepted: Value = api.execute_request(account()).await?;
    println!("the one after it    {accepted}");
    Ok(())
}
