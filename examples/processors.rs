//! Processors: a closure that adds to every request, one that unwraps every response, and a type that counts.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use networkpype::{
    BoxError, RestManager, RestPreProcessor, RestRequest, RestResponse, async_trait,
};
use networkpype_test::Exchange;
use serde_json::Value;

/// Numbers the requests, so that two sides can compare their logs.
#[derive(Clone, Default)]
struct Numbering(Arc<AtomicUsize>);

#[async_trait]
impl RestPreProcessor for Numbering {
    async fn pre_process(&self, request: RestRequest) -> Result<RestRequest, BoxError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(request.header("X-Request-Number", number.to_string()))
    }
}

/// The exchange wraps what it says into an envelope; callers want what is inside.
fn unwrap_envelope(response: RestResponse) -> Result<RestResponse, BoxError> {
    let envelope: Value = response.json()?;
    let inside = envelope.get("headers").ok_or("the envelope has no `headers`")?.to_string();
    Ok(response.with_body(inside))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let exchange = Exchange::start();
    let numbering = Numbering::default();
    let api = RestManager::builder()
        .base_url(exchange.url())
        .pre_processor(|request: RestRequest| Ok(request.param("locale", "en")))
        .pre_processor(numbering.clone())
        .post_processor(unwrap_envelope)
        .build()?;

    for _ in 0..3 {
        let headers: Vec<(String, String)> = api.execute_request(RestRequest::get("/echo")).await?;
        let number = headers.iter().find(|(name, _)| name == "x-request-number");
        println!(
            "{}  {number:?}",
            exchange.requests().last().ok_or("nothing was received")?.target
        );
    }
    if numbering.0.load(Ordering::Relaxed) != 3 {
        return Err("each request is numbered once".into());
    }
    Ok(())
}
