//! Tokens that the program signs itself, one for each request: the API knows the public half of the key.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use networkpype::{
    RestManager, RestRequest, Secret,
    schemes::jwt::{Jwt, JwtAlgorithm, KeyEncoding, SignatureAlgorithm, SigningKey},
};
use networkpype_test::Exchange;
use serde_json::Value;

/// What the API's documentation says: the key's name in `kid` and `iss`, and what the token is for in `uri`.
fn connect_to(exchange: &Exchange, private_key: Secret) -> Result<RestManager, Box<dyn Error>> {
    // A key that was downloaded is mostly `KeyEncoding::Pem`.
    let auth = Jwt::with_key(JwtAlgorithm::Es256, private_key, KeyEncoding::Der)?
        .header("kid", "my-key")
        .claim("iss", "my-key")
        .claim_template("uri", "{method} {host}{path}")
        .build()?;
    Ok(RestManager::builder().base_url(exchange.url()).auth(auth).build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Once: the public half is registered with the API, and the private one kept where nobody else may look.
    let key = SigningKey::generate(SignatureAlgorithm::EcdsaP256Sha256)?;
    let (public, private) = (key.public_jwk().to_string(), key.to_pkcs8()?);
    let exchange = Exchange::builder().jwt_key("my-key", &public).start();
    let account = || RestRequest::get("/api/jwt/account").param("asset", "BTC").auth_required();

    let api = connect_to(&exchange, private)?;
    let accepted: Value = api.execute_request(account()).await?;
    println!("registered key   {accepted}");

    let other = SigningKey::generate(SignatureAlgorithm::EcdsaP256Sha256)?.to_pkcs8()?;
    let forger = connect_to(&exchange, other)?;
    let Err(error) = forger.execute_request::<Value>(account()).await else {
        return Err("a token of another key was let in".into());
    };
    println!("another key      {error}: {}", error.body_excerpt().unwrap_or_default());
    if !error.is_auth() {
        return Err(error.into());
    }
    // What to look at when a server says that a signature is wrong.
    let explanation = error.explanation().ok_or("the scheme can say what it signed")?;
    print!("{explanation}");
    Ok(())
}
