//! OAuth 1.0a: a resource owner gives the program a token in three steps, and requests are signed with it. When the server's
//! clock turns out to be another, it is learnt and the request sent once more.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, sync::Arc};

use networkpype::{
    ConnectionManagersFactory, RestManager, RestRequest, RestTimeProvider,
    schemes::oauth1::{AuthorizationFlow, ClientCredentials, OAuth1},
};
use networkpype_test::Exchange;
use serde_json::Value;

/// Stands for the resource owner's browser: it opens the page, says yes, and is sent to the callback.
async fn browse(url: &str) -> Result<String, Box<dyn Error>> {
    let page = RestManager::builder().build()?.call(RestRequest::get(url)).await?;
    let redirect = page.headers().get("location").ok_or("the browser is not sent back")?;
    Ok(redirect.to_str()?.to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Exchange::builder().api_key("my-consumer-key").api_secret("my-secret").start();
    let url = |path: &str| format!("{}{path}", server.url());

    let client =
        OAuth1::builder(ClientCredentials::hmac_sha256("my-consumer-key", "my-secret")).build()?;
    let flow = AuthorizationFlow::builder(client)
        .caller(Arc::new(RestManager::builder().anonymous().build()?))
        .temporary_credential_endpoint(url("/oauth1/initiate"))
        .authorization_endpoint(url("/oauth1/authorize"))
        .token_endpoint(url("/oauth1/token"))
        .build()?;
    let temporary = flow.temporary_credentials("http://printer.example.com/ready").await?;
    let redirected = browse(&flow.authorization_url(&temporary)).await?;
    let verifier = temporary.verifier_from(&redirected)?;
    let token = flow.token_credentials(&temporary, verifier).await?;
    println!("the resource owner said yes");

    // Both halves of the token are kept, and the program signs with them from then on.
    let api = ConnectionManagersFactory::builder()
        .base_url(server.url())
        .time_provider(|api| {
            RestTimeProvider::json_millis(api, RestRequest::get("/time"), "serverTime")
        })
        .auth_with(move |api| {
            OAuth1::builder(ClientCredentials::hmac_sha256("my-consumer-key", "my-secret"))
                .token(token)
                .clock(api.clock())
                .build()
        })
        .build()?;
    let photos = || RestRequest::get("/oauth1/photos").param("size", "a + b").auth_required();
    let answer: Value = api.rest_manager().execute_request(photos()).await?;
    println!("{answer}");

    server.set_clock_skew_ms(90_000);
    let before = server.requests().len();
    let answer: Value = api.rest_manager().execute_request(photos()).await?;
    // Refused with `oauth_problem=timestamp_refused`, the time, and taken.
    println!("{answer}, after {} requests", server.requests().len() - before);

    server.set_clock_skew_ms(0);
    // What users meet most: the signatures differ. The error says what was signed.
    let other =
        OAuth1::builder(ClientCredentials::hmac_sha256("my-consumer-key", "other")).build()?;
    let manager = RestManager::builder().base_url(server.url()).auth(other).build()?;
    let error = manager.execute(photos()).await.err().ok_or("another secret is as good")?;
    println!("{error}: {:?}", error.body_excerpt());
    if let Some(explanation) = error.explanation() {
        println!("{explanation}");
    }
    Ok(())
}
