//! Several schemes as one: `AuthRouter` chooses by path, and `AuthChain` puts two on one request.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use networkpype::{
    Outcome, RestManager, RestRequest,
    schemes::{
        ApiKey, Basic,
        compose::{AuthChain, AuthRoute, AuthRouter},
        hmac::{Hmac, Part, Placement},
    },
};
use networkpype_test::Exchange;

fn connect_to(exchange: &Exchange, secret: &str) -> Result<RestManager, Box<dyn Error>> {
    // One scheme sends the key, and one signs.
    let signature = Hmac::builder("", secret)
        .timestamp_in(Placement::params("timestamp"))
        .sign([Part::Query, Part::Body])
        .signature_in(Placement::params("signature"))
        .build()?;
    let signed = AuthChain::new(ApiKey::header("X-MBX-APIKEY", "my-key")?).then(signature);
    let auth = AuthRouter::builder()
        .anonymous(AuthRoute::path("/public/**"))
        .route(AuthRoute::path("/api/basic/**"), Basic::new("Aladdin", "open sesame")?)
        .route(AuthRoute::path("/api/query/**").and_method("POST"), signed)
        .build()?;
    Ok(RestManager::builder().base_url(exchange.url()).auth(auth).build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let exchange = Exchange::builder()
        .api_key("my-key")
        .api_secret("my-secret")
        .basic("Aladdin", "open sesame")
        .start();
    let order =
        || RestRequest::post("/api/query/order").form_param("symbol", "BTCUSDT").auth_required();

    let api = connect_to(&exchange, "my-secret")?;
    for request in [
        RestRequest::get("/public/ping").auth_required(),
        RestRequest::get("/api/basic/account").auth_required(),
        order(),
    ] {
        let answer = api.execute(request).await?;
        let sent = exchange.requests().pop().ok_or("the exchange received nothing")?;
        let status = answer.status().as_u16();
        println!("{:<4} {:<20} status {status}", sent.method, sent.path());
    }

    let forger = connect_to(&exchange, "your-secret")?;
    let refused = forger.execute(order()).await;
    let error = refused.err().ok_or("a signature with another secret was let in")?;
    println!("wrong secret              {error}: {}", error.body_excerpt().unwrap_or_default());
    if error.outcome() != Outcome::Refused {
        return Err(error.into());
    }

    // No route is for it, and nothing goes out unsigned that was to be signed.
    let elsewhere = api.execute(RestRequest::get("/api/key/account").auth_required()).await;
    let error = elsewhere.err().ok_or("a request without a route was sent")?;
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    println!("without a route           {error}: {cause}");
    if (error.outcome(), exchange.requests().len()) != (Outcome::NotSent, 4) {
        return Err("a request without a route was sent".into());
    }
    Ok(())
}
