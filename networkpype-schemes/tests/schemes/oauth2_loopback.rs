//! A login in a browser on this machine, over real sockets. Real time: what is waited for is an event, never a length.

use std::{
    io::ErrorKind,
    sync::{Arc, Mutex},
    time::Duration,
};

use networkpype_auth::token::TokenErrorKind;
use networkpype_schemes::oauth2::{AuthorizationRequest, Client, Grant, LoopbackRedirect};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::oauth2_issuer::{Issuer, authorization, form_value, scheme, server, token_and_refresh};

fn begun(redirect: &LoopbackRedirect) -> AuthorizationRequest {
    AuthorizationRequest::resume(&server(), redirect.redirect_uri(), "st4te", "v3rifier")
}

fn address(uri: &str) -> String {
    uri.strip_prefix("http://").expect("http").split('/').next().expect("an authority").to_owned()
}

/// What a browser gets for this target.
async fn get(address: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let head = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: b\r\n\r\n");
    // In two pieces, as a network may have it.
    let (first, rest) = head.as_bytes().split_at(7);
    stream.write_all(first).await.expect("written");
    stream.flush().await.expect("flushed");
    stream.write_all(rest).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn the_redirect_is_answered_with_a_page_and_everything_else_waited_over() {
    let redirect = LoopbackRedirect::bind().await.expect("a port");
    let uri = redirect.redirect_uri().to_owned();
    assert!(uri.starts_with("http://127.0.0.1:") && uri.ends_with("/callback"), "{uri}");
    let (request, address) = (begun(&redirect), address(&uri));
    // Opened ahead and left idle, as browsers do.
    let _idle = TcpStream::connect(&address).await.expect("connected");
    let accepted = tokio::spawn(async move { redirect.accept(&request).await });
    let garbage = {
        let mut stream = TcpStream::connect(&address).await.expect("connected");
        stream
            .write_all(b"POST /callback?code=x&state=st4te HTTP/1.1\r\n\r\n")
            .await
            .expect("written");
        stream.read_to_end(&mut Vec::new()).await
    };
    assert!(garbage.is_ok_and(|length| length == 0), "a POST is no redirect");
    let icon = get(&address, "/favicon.ico").await;
    assert!(icon.starts_with("HTTP/1.1 404 "), "{icon}");
    let foreign = get(&address, "/callback?code=evil&state=other").await;
    assert!(foreign.starts_with("HTTP/1.1 400 "), "{foreign}");
    let page =
        get(&address, "/callback?code=c0de&state=st4te&iss=https%3A%2F%2Fauth.example.com").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(!page.contains("c0de") && !page.contains("st4te"), "{page}");
    let (head, body) = page.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    accepted.await.expect("no panic").expect("a code");
    let again = TcpStream::connect(&address).await.expect_err("closed");
    assert_eq!(again.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_login_that_was_declined_or_is_of_another_server_ends_the_wait() {
    for (query, kind) in [
        ("error=access_denied&state=st4te", TokenErrorKind::ReauthenticationRequired),
        ("code=c&state=st4te&iss=https%3A%2F%2Fevil.example", TokenErrorKind::Refused),
    ] {
        let redirect = LoopbackRedirect::bind().await.expect("a port");
        let (request, address) = (begun(&redirect), address(redirect.redirect_uri()));
        let accepted = tokio::spawn(async move { redirect.accept(&request).await });
        let page = get(&address, &format!("/callback?{query}")).await;
        assert!(page.starts_with("HTTP/1.1 400 "), "{page}");
        assert_eq!(accepted.await.expect("no panic").expect_err("refused").kind(), kind);
    }
}

#[tokio::test]
async fn nobody_logging_in_ends_the_wait_and_closes_the_port() {
    let redirect =
        LoopbackRedirect::bind().await.expect("a port").timeout(Duration::from_millis(20));
    let (request, address) = (begun(&redirect), address(redirect.redirect_uri()));
    let error = redirect.accept(&request).await.expect_err("nobody");
    assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
    // The task that listens is ended by the runtime, soon after.
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_cancelled_wait_closes_its_port_and_connections() {
    let redirect = LoopbackRedirect::bind().await.expect("a port");
    let (request, address) = (begun(&redirect), address(redirect.redirect_uri()));
    let accepting = tokio::spawn(async move { redirect.accept(&request).await });
    let mut idle = TcpStream::connect(&address).await.expect("connected");
    // Once this is answered, the one before it was accepted.
    get(&address, "/other").await;
    accepting.abort();
    let end = idle.read(&mut [0]).await;
    assert!(end.is_err() || end.is_ok_and(|read| read == 0));
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_browser_is_opened_when_somebody_has_to_log_in() {
    let issuer = Issuer::answers([token_and_refresh("t", "r")]);
    let opened = Arc::new(Mutex::new(Vec::new()));
    let urls = Arc::clone(&opened);
    let grant = Grant::browser(move |url| {
        urls.lock().expect("lock").push(url.to_owned());
        let query = url.split_once('?').expect("a query").1.to_owned();
        tokio::spawn(async move {
            let value = |name| form_value(&query, name).expect(name);
            let target = format!("/callback?code=c&state={}", value("state"));
            get(&address(&value("redirect_uri")), &target).await
        });
        Ok(())
    });
    let auth = scheme(&issuer, grant).client(Client::public("c")).build().expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer t");
    assert_eq!(opened.lock().expect("lock").len(), 1);
    let challenge = form_value(
        opened.lock().expect("lock")[0].split_once('?').expect("a query").1,
        "code_challenge",
    );
    assert_ne!(challenge, issuer.form(0, "code_verifier"));
    assert_eq!(issuer.form(0, "code").as_deref(), Some("c"));

    let shut = scheme(&issuer, Grant::browser(|_| Err("there is no browser".into())));
    let shut = shut.client(Client::public("other")).build().expect("a scheme");
    let error = shut.token().await.expect_err("no browser");
    assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
}
