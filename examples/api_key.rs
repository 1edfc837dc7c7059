//! A static key, in the place where the API wants it.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use networkpype::{RestManager, RestRequest, schemes::ApiKey};
use networkpype_test::Exchange;
use serde_json::Value;

/// One call that needs the key.
async fn account(exchange: &Exchange, auth: ApiKey, path: &str) -> Result<Value, Box<dyn Error>> {
    let api = RestManager::builder().base_url(exchange.url()).auth(auth).build()?;
    Ok(api.execute_request(RestRequest::get(path).auth_required()).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let exchange = Exchange::builder().api_key("my-key").start();
    for (place, auth, path) in [
        ("header", ApiKey::header("X-API-KEY", "my-key")?, "/api/key/account"),
        ("query", ApiKey::query("api_key", "my-key")?, "/api/key-query/account"),
        ("cookie", ApiKey::cookie("api_key", "my-key")?, "/api/key-cookie/account"),
    ] {
        let accepted = account(&exchange, auth, path).await?;
        println!("{place:<10} {accepted}");
    }

    let wrong = ApiKey::header("X-API-KEY", "your-key")?;
    let api = RestManager::builder().base_url(exchange.url()).auth(wrong).build()?;
    let refused = api.execute(RestRequest::get("/api/key/account").auth_required()).await;
    let Err(error) = refused else { return Err("a wrong key was let in".into()) };
    println!("wrong key  {error}: {}", error.body_excerpt().unwrap_or_default());
    if !error.is_auth() {
        return Err(error.into());
    }

    // A line end, as keys have it that were read from a file, is an error before anything is sent.
    let Err(error) = ApiKey::header("X-API-KEY", "my-key\n") else {
        return Err("a key that no header can carry was taken".into());
    };
    println!("no key     {error}");
    Ok(())
}
