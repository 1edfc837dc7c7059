//! A person logs in with a browser, and the program goes on when the token has ended. Against oidc-provider and Apache's
//! mod_oauth2, which `networkpype-test/peers/setup.sh oidc` installs; without them it says so and does nothing.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    thread,
    time::Duration,
};

use networkpype::{
    RestManager, RestRequest,
    schemes::oauth2::{Client, Discovery, Grant, OAuth2},
};
use networkpype_test::peers::{Kind, Peer, approve};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Stands for the person's browser: a program would open it, with the crate `webbrowser` for instance.
fn browse(url: String) -> std::io::Result<()> {
    let redirect = approve(&url);
    let (authority, target) =
        redirect.trim_start_matches("http://").split_once('/').unwrap_or((&redirect, ""));
    let mut loopback = TcpStream::connect(authority)?;
    write!(loopback, "GET /{target} HTTP/1.1\r\nHost: {authority}\r\n\r\n")?;
    loopback.read_to_string(&mut String::new()).map(drop)
}

#[tokio::main]
async fn main() -> Result<()> {
    // Tokens live three seconds here, so that one ends while this runs.
    let Some(issuer) = Peer::start(Kind::Oidc, &[("AT_TTL", "3")]) else { return Ok(()) };
    let keys = issuer.url("/jwks");
    let Some(server) = Peer::start(Kind::Oauth2RsApache, &[("JWKS_URI", &keys)]) else {
        return Ok(());
    };

    let auth = OAuth2::builder()
        .caller(Arc::new(RestManager::builder().build()?))
        .discover(Discovery::openid(issuer.get("issuer")))
        .client(Client::public("native"))
        .grant(Grant::browser_at(0, "/cb", |url| {
            println!("opening the browser");
            let url = url.to_owned();
            thread::spawn(move || browse(url));
            Ok(())
        }))
        .scope("openid offline_access read")
        .param("prompt", "consent")
        .build()?;
    // Ahead of the first request, whose own time limit a person would exceed.
    auth.login().await?;
    let first = auth.token().await?.generation();

    let api = RestManager::builder().base_url(server.url("")).auth(auth.clone()).build()?;
    for second in 0..8 {
        let answer = api.execute(RestRequest::get("/j/i").auth_required()).await?;
        let renewed = auth.token().await?.generation() - first;
        println!("after {second} s: status {}, renewed {renewed} times", answer.status().as_u16());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let renewed = auth.token().await?.generation() - first;
    if renewed == 0 {
        return Err("the token has ended and was not renewed".into());
    }
    auth.logout().await?;
    println!("logged out");
    Ok(())
}
