//! HMAC: the parameters are signed with a secret that is never sent, after the manner of Binance.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use networkpype::{
    Outcome, RestManager, RestRequest,
    schemes::hmac::{Hmac, Part, Placement},
};
use networkpype_test::Exchange;
use serde_json::Value;

/// What the API's documentation says: the key in a header, a timestamp among the parameters, and behind them the signature
/// over query and body.
fn connect_to(exchange: &Exchange, secret: &str) -> Result<RestManager, Box<dyn Error>> {
    let auth = Hmac::builder("my-key", secret)
        .key_in(Placement::header("X-MBX-APIKEY"))
        .literal_in(Placement::params("recvWindow"), "5000")
        .timestamp_in(Placement::params("timestamp"))
        .sign([Part::Query, Part::Body])
        .signature_in(Placement::params("signature"))
        .build()?;
    Ok(RestManager::builder().base_url(exchange.url()).auth(auth).build()?)
}

fn order() -> RestRequest {
    RestRequest::post("/api/query/order")
        .form_param("symbol", "BTC/USDT")
        .form_param("quantity", "1.50")
        .auth_required()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let exchange = Exchange::builder().api_key("my-key").api_secret("my-secret").start();

    let api = connect_to(&exchange, "my-secret")?;
    let accepted: Value = api.execute_request(order()).await?;
    println!("right secret   order {}", accepted["orderId"]);
    if accepted["orderId"] != 1 {
        return Err("the order was not placed".into());
    }

    let forger = connect_to(&exchange, "your-secret")?;
    let Err(error) = forger.execute_request::<Value>(order()).await else {
        return Err("a signature with another secret was let in".into());
    };
    println!("wrong secret   {error}: {}", error.body_excerpt().unwrap_or_default());
    if error.outcome() != Outcome::Refused {
        return Err(error.into());
    }
    // Where it is not the secret, this shows what was signed, to be compared with the documentation.
    let explanation = error.explanation().ok_or("the scheme can say what it signed")?;
    print!("{explanation}");
    if exchange.requests().len() != 2 {
        return Err("an order was sent more than once".into());
    }
    Ok(())
}
