//! Basic: a user name and a password with every request. Over `https://` alone, since whoever reads one has both.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use networkpype::{RestManager, RestRequest, schemes::Basic};
use networkpype_test::Exchange;
use serde_json::Value;

fn connect_to(exchange: &Exchange, password: &str) -> Result<RestManager, Box<dyn Error>> {
    let auth = Basic::new("Aladdin", password)?;
    Ok(RestManager::builder().base_url(exchange.url()).auth(auth).build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let exchange = Exchange::builder().basic("Aladdin", "open sesame").start();
    let account = || RestRequest::get("/api/basic/account").auth_required();

    let api = connect_to(&exchange, "open sesame")?;
    let accepted: Value = api.execute_request(account()).await?;
    println!("right password   {accepted}");

    let guesser = connect_to(&exchange, "open barley")?;
    let Err(error) = guesser.execute_request::<Value>(account()).await else {
        return Err("a wrong password was let in".into());
    };
    println!("wrong password   {error}: {}", error.body_excerpt().unwrap_or_default());
    if !error.is_auth() {
        return Err(error.into());
    }

    // What no server could read is an error before anything is sent.
    let Err(error) = Basic::new("Ali:Baba", "open sesame") else {
        return Err("a user name with a colon was taken".into());
    };
    println!("no user name     {error}");
    Ok(())
}
