//! The main job, end to end, against a local exchange whose clock is 90 seconds ahead: learn its time, sign a call that
//! it verifies, stay inside its rate limit, and receive a private stream after logging in.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, sync::Arc, time::Duration};

use futures_util::StreamExt;
use networkpype::{
    Clock, ConnectionManagersFactory, RateLimit, RestRequest, RestTimeProvider, Throttler, Ticker,
    TokioTicker, WebSocketEvent, WebSocketRequest,
    schemes::hmac::{DigestEncoding, Hmac, Login, Part, Placement, fields_are},
};
use networkpype_test::Exchange;
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What the exchange's documentation says: sign timestamp, method, path with query, and body; for the login a made-up
/// request.
fn scheme(secret: &str, clock: Arc<dyn Clock>) -> Result<Hmac> {
    let login = Login::new(
        r#"{"op":"login","key":"{key}","timestamp":"{timestamp}","sign":"{signature}"}"#,
    )
    .sign([Part::Timestamp, Part::literal("GET/users/self/verify")])
    .accepted_when(fields_are([("event", "login"), ("code", "0")]))
    .refused_when(fields_are([("event", "error")]))
    .refusal_code("code");

    let scheme = Hmac::builder("test-key", secret)
        .clock(clock)
        .key_in(Placement::header("ACCESS-KEY"))
        .timestamp_in(Placement::header("ACCESS-TIMESTAMP"))
        .sign([Part::Timestamp, Part::Method, Part::Target, Part::Body])
        .digest(DigestEncoding::Base64)
        .signature_in(Placement::header("ACCESS-SIGN"))
        .ws_login(login)
        .build()?;
    Ok(scheme)
}

/// Everything that talks to the exchange, with this secret.
fn connect_to(
    exchange: &Exchange,
    secret: &'static str,
    throttler: &Throttler,
) -> Result<ConnectionManagersFactory> {
    let factory = ConnectionManagersFactory::builder()
        .base_url(exchange.url())
        .ws_url(exchange.ws_url(""))
        .throttler(throttler.clone())
        .default_limit("calls")
        .time_provider(|api| {
            RestTimeProvider::json_millis(api, RestRequest::get("/time").unlimited(), "serverTime")
        })
        .auth_with(move |api| scheme(secret, api.clock()))
        .build()?;
    Ok(factory)
}

#[tokio::main]
async fn main() -> Result<()> {
    let exchange = Exchange::builder()
        .clock_skew_ms(90_000)
        .api_secret("test-secret")
        .rate_limit(10, Duration::from_secs(1))
        .start();
    let throttler = Throttler::new([
        RateLimit::new("calls", 10, Duration::from_secs(1)),
        RateLimit::new("messages", 100, Duration::from_secs(1)),
    ])?;
    let api = connect_to(&exchange, "test-secret", &throttler)?;
    let rest = api.rest_manager();
    let account = || RestRequest::get("/api/body/account");

    // The first signed call learns the server's time by itself.
    let accepted: Value = rest.execute_request(account().auth_required()).await?;
    let clock = api.time_synchronizer().ok_or("the factory has a time provider")?;
    let offset = clock.offset_nanos().ok_or("the time was learnt")?;
    println!("server's clock      {:+.3} s from ours", offset as f64 / 1e9);
    println!("signed              accepted: {accepted}");
    if !(89_000_000_000..=91_000_000_000).contains(&offset) {
        return Err("the server is 90 s ahead".into());
    }

    let unsigned = rest.execute_request::<Value>(account()).await;
    let error = unsigned.err().ok_or("an unsigned call must be refused")?;
    println!("unsigned            {error}: {}", error.body_excerpt().unwrap_or_default());

    let forger = connect_to(&exchange, "wrong-secret", &throttler)?;
    let forged = forger.rest_manager().execute_request::<Value>(account().auth_required()).await;
    let error = forged.err().ok_or("a wrong signature must be refused")?;
    println!("wrong secret        {error}: {}", error.body_excerpt().unwrap_or_default());

    let ticker = TokioTicker::new();
    let start = ticker.now();
    for number in 0..30 {
        rest.execute_request::<Value>(account().param("number", number).auth_required()).await?;
    }
    let took = ticker.now().saturating_since(start);
    println!(
        "30 calls            {:.1} s under 10 per second; refused by the server: {}",
        took.as_secs_f64(),
        exchange.rate_limited(),
    );
    if exchange.rate_limited() > 0 {
        return Err("the server's limit was crossed".into());
    }

    let stream = api.ws_manager();
    stream.connect("/ws").await?;
    let subscribe = WebSocketRequest::json_object([("op", "subscribe"), ("channel", "orders")]);
    stream.subscribe(subscribe.limit("messages")).await?;
    let mut messages = stream.iter_messages();
    let mut received = 0;
    while let Some(event) = messages.next().await {
        if let WebSocketEvent::Message(message) = event? {
            println!("private stream      {}", message.text());
            received += 1;
        }
        if received == 4 {
            break;
        }
    }
    if received < 4 {
        return Err("the private stream ended early".into());
    }

    forger.close().await;
    api.close().await;
    Ok(())
}
