//! Digest: the server asks, and each request proves that it knows the password without sending it.
//!
//! The first request goes out without a proof, since only the server can say what has to be proven. After that no request
//! is refused: the nonce is counted, and replaced before it is used up.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use networkpype::{
    RestManager, RestRequest,
    schemes::digest::{Digest, DigestAlgorithm},
};
use networkpype_test::{DigestRealm, Exchange};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // It offers two hashes, and takes a nonce three times.
    let realm = DigestRealm::new("Mufasa", "Circle of Life")
        .algorithms(["MD5", "SHA-256"])
        .qop("auth,auth-int")
        .uses(3)
        .hands_out_next();
    let exchange = Exchange::builder().digest(&realm).start();

    let auth = Digest::builder("Mufasa", "Circle of Life")
        .min_algorithm(DigestAlgorithm::Sha256)
        .prefer_integrity()
        .build()?;
    let api = RestManager::builder().base_url(exchange.url()).auth(auth).build()?;
    for number in 1..=7 {
        let order = RestRequest::post("/api/digest/orders").param("number", number);
        api.execute(order.json_object([("side", "buy")]).auth_required()).await?;
    }

    for request in exchange.requests() {
        let answer = request.header("authorization").unwrap_or("no answer yet");
        let shown = |part: &&str| {
            ["nonce=", "qop=", "nc=", "algorithm="].iter().any(|name| part.starts_with(name))
        };
        let parts: Vec<_> = answer.split(", ").filter(shown).collect();
        println!(
            "{} {}",
            request.target,
            if parts.is_empty() { answer.to_owned() } else { parts.join(", ") }
        );
    }
    let counts = realm.counts();
    println!(
        "asked {} time, let in {} times, stale {} times",
        counts.asked, counts.accepted, counts.stale
    );
    if (counts.asked, counts.accepted, counts.stale) != (1, 7, 0) {
        return Err("a request was refused that need not have been".into());
    }
    Ok(())
}
