//! A scheme that nobody else has: every request carries its key, a timestamp, and a checksum over method, path and body.
//!
//! A scheme takes a request by value and returns it signed. What it signs it asks the request for, and that is what is
//! sent.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, sync::Arc};

use networkpype::{
    Auth, AuthError, Clock, RestManager, RestRequest, Secret, SystemClock, WebSocketRequest,
    async_trait,
    auth::{DigestEncoding, HmacAlgorithm, HmacSigner},
};
use networkpype_test::Exchange;
use serde_json::Value;

struct Checksum {
    key: String,
    signer: HmacSigner,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Auth for Checksum {
    async fn rest_authenticate(&self, mut request: RestRequest) -> Result<RestRequest, AuthError> {
        let timestamp = self.clock.now().as_millis().to_string();
        let mut text =
            format!("{timestamp}|{}|{}|", request.method().clone(), request.target()).into_bytes();
        text.extend_from_slice(&request.body_bytes()?);
        let checksum = self.signer.sign(&text).to_text(DigestEncoding::Base64);

        request.insert_header("X-Key", &self.key)?;
        request.insert_header("X-Time", &timestamp)?;
        request.insert_sensitive_header("X-Checksum", checksum)?;
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("this API signs no WebSocket messages"))
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        Some(Arc::clone(&self.clock))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // It answers with exactly what it received.
    let exchange = Exchange::start();
    let auth = Checksum {
        key: "demo".to_owned(),
        signer: HmacSigner::new(HmacAlgorithm::Sha512, &Secret::new("s3cret")),
        clock: Arc::new(SystemClock),
    };
    let api = RestManager::builder().base_url(exchange.url()).auth(auth).build()?;

    let order =
        RestRequest::post("/echo/orders").json_object([("side", "BUY"), ("quantity", "1.50")]);
    let echo: Value = api.execute_request(order.auth_required()).await?;
    println!("{}", serde_json::to_string_pretty(&echo)?);

    let signed = exchange.requests().pop().ok_or("the exchange received nothing")?;
    if signed.header("x-checksum").is_none_or(|checksum| checksum.len() != 88) {
        return Err("the request was not signed".into());
    }
    Ok(())
}
