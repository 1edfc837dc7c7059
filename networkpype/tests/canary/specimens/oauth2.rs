//! OAuth 2: what is asked with secrets, and what is answered with them. Issuers' answers hold the canary wherever they can.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use networkpype_auth::token::TokenError;
use networkpype_core::{
    AuthError, Caller, Error, RestRequest, RestResponse, Secret, Timestamp, async_trait,
};
use networkpype_schemes::oauth2::{
    Assertion, AuthorizationCode, AuthorizationRequest, AuthorizationServer, Client, CodeVerifier,
    DevicePrompt, Discovery, DpopClaims, DpopKey, Grant, JwtAlgorithm, JwtSigner, LoopbackRedirect,
    OAuth2, OAuth2Builder, TokenExchange, TokenTypeHint,
};

use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) async fn specimens() -> Vec<Specimen> {
    let introspection =
        answering(200, format!(r#"{{"active":true,"sub":"{CANARY}","scope":"{CANARY}","token_type":"{CANARY}","iss":"{CANARY}","jti":"{CANARY}","cnf":{{"jkt":"{CANARY}"}}}}"#))
            .introspect(&CANARY.into(), TokenTypeHint::Access)
            .await
            .expect("an answer");
    specimens! {
        debug networkpype_schemes::oauth2::Assertion => [assertion()];
        debug networkpype_schemes::oauth2::AuthorizationCode => [code()];
        debug networkpype_schemes::oauth2::AuthorizationRequest => [request()];
        debug networkpype_schemes::oauth2::AuthorizationServer => [server()];
        debug networkpype_schemes::oauth2::Client => clients();
        debug networkpype_schemes::oauth2::CodeVerifier => [CodeVerifier::new(CANARY.repeat(9)).expect("long enough")];
        debug networkpype_schemes::oauth2::DevicePrompt => [prompt().await];
        debug networkpype_schemes::oauth2::Discovery => [Discovery::new(url())];
        debug networkpype_schemes::oauth2::DpopClaims => [dpop_claims()];
        debug networkpype_schemes::oauth2::DpopKey => [DpopKey::generate().expect("a key")];
        debug networkpype_schemes::oauth2::Grant => grants();
        debug networkpype_schemes::oauth2::Introspection => [introspection];
        debug networkpype_schemes::oauth2::LoopbackRedirect => [LoopbackRedirect::bind().await.expect("a port")];
        debug networkpype_schemes::oauth2::OAuth2 => [answering(200, String::new())];
        debug networkpype_schemes::oauth2::OAuth2Builder => [builder(Says(200, String::new()))];
        debug networkpype_schemes::oauth2::TokenExchange => [exchange()];
        debug networkpype_schemes::oauth2::TokenTypeHint => [TokenTypeHint::Access];
    }
}

struct Says(u16, String);

#[async_trait]
impl Caller for Says {
    async fn call(&self, _: RestRequest) -> Result<RestResponse, Error> {
        let status = StatusCode::from_u16(self.0).expect("status");
        Ok(RestResponse::new(status).with_body(self.1.clone()))
    }
}

fn dpop_claims() -> DpopClaims {
    let now = Timestamp::from_secs(1_700_000_000);
    let claims = DpopClaims::new(&http::Method::GET, &url(), now).expect("claims");
    claims.jti(CANARY).access_token(&CANARY.into()).nonce(CANARY)
}

fn url() -> String {
    format!("https://auth.example.com/?key={CANARY}")
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new(url())
        .issuer(CANARY)
        .authorization_endpoint(url())
        .device_authorization_endpoint(url())
        .introspection_endpoint(url())
        .revocation_endpoint(url())
}

fn assertion() -> Assertion {
    let signer = JwtSigner::with_secret(JwtAlgorithm::Hs256, &CANARY.into()).expect("signer");
    Assertion::new(signer).key_id(CANARY).issuer(CANARY).subject(CANARY).claim(CANARY, CANARY)
}

fn exchange() -> TokenExchange {
    TokenExchange::new(Secret::from(CANARY)).actor(Secret::from(CANARY), CANARY)
}

fn clients() -> Vec<Client> {
    vec![
        Client::unnamed(),
        Client::public(CANARY),
        Client::with_secret(CANARY, CANARY),
        Client::with_raw_secret(CANARY, CANARY),
        Client::with_secret_in_body(CANARY, CANARY),
        Client::with_secret_jwt(CANARY, JwtAlgorithm::Hs256, CANARY).expect("a client"),
        Client::with_assertion(CANARY, assertion()),
        Client::with_certificate(CANARY),
    ]
}

fn grants() -> Vec<Grant> {
    vec![
        Grant::client_credentials(),
        Grant::password(CANARY, CANARY),
        Grant::refresh_token(CANARY),
        Grant::stored_login(),
        Grant::device(|_| {}),
        Grant::browser(|_| Err(std::io::Error::other("none").into())),
        Grant::jwt_bearer(assertion()),
        Grant::token_exchange(exchange()),
    ]
}

fn builder(caller: Says) -> OAuth2Builder {
    OAuth2::builder()
        .caller(caller)
        .server(server())
        .client(Client::with_secret(CANARY, CANARY))
        .grant(Grant::password(CANARY, CANARY))
        .scope(CANARY)
        .audience(CANARY)
        .resource(format!("urn:{CANARY}"))
        .param("more", CANARY)
        .account(CANARY)
}

fn answering(status: u16, body: String) -> OAuth2 {
    builder(Says(status, body)).build().expect("a scheme")
}

fn request() -> AuthorizationRequest {
    AuthorizationRequest::resume(&server(), url(), CANARY, CANARY)
}

fn code() -> AuthorizationCode {
    request().code_from(&format!("?code={CANARY}&state={CANARY}")).expect("a code")
}

async fn prompt() -> DevicePrompt {
    let shown = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&shown);
    let body = format!(
        r#"{{"device_code":"{CANARY}","user_code":"{CANARY}","verification_uri":"https://{CANARY}","interval":0.001}}"#
    );
    let auth = builder(Says(200, body))
        .grant(Grant::device(move |prompt| *seen.lock().expect("lock") = Some(prompt.clone())))
        .build()
        .expect("a scheme");
    let login = tokio::spawn(async move { auth.login().await });
    let prompt = loop {
        if let Some(prompt) = shown.lock().expect("lock").take() {
            break prompt;
        }
        tokio::task::yield_now().await;
    };
    login.abort();
    prompt
}

/// Of issuers whose answers quote what they were sent.
pub(super) async fn errors() -> Vec<TokenError> {
    let mut errors = Vec::new();
    for (status, body) in [
        (200, format!(r#"{{"access_token":["{CANARY}"]}}"#)),
        (200, format!(r#"{{"access_token":"{CANARY} "}}"#)),
        (200, format!(r#"{{"access_token":"{CANARY}","token_type":"{CANARY}"}}"#)),
        (200, format!("<html>{CANARY}")),
        (200, format!(r#"{{"error":"{CANARY}"}}"#)),
        (400, format!(r#"{{"error":"{CANARY}","error_description":"{CANARY}"}}"#)),
        (400, format!(r#"{{"error":"invalid_grant","error_description":"{CANARY}"}}"#)),
        (401, CANARY.to_owned()),
        (302, CANARY.to_owned()),
        (500, CANARY.to_owned()),
    ] {
        let auth = answering(status, body.clone());
        errors.push(auth.token().await.expect_err("no token"));
        errors.push(auth.login().await.expect_err("no token"));
        errors.extend(auth.introspect(&CANARY.into(), TokenTypeHint::Refresh).await.err());
        errors.extend(Discovery::new(url()).fetch(&Says(status, body)).await.err());
    }
    for query in [
        format!("state={CANARY}&code={CANARY}&code={CANARY}"),
        format!("code={CANARY}"),
        format!("state={CANARY}&error={CANARY}"),
        format!("state={CANARY}&iss=x{CANARY}"),
    ] {
        errors.push(request().code_from(&query).expect_err("no code"));
    }
    errors
}

/// Schemes that cannot be built.
pub(super) fn build_errors() -> Vec<AuthError> {
    let ok = || builder(Says(200, String::new()));
    [
        ok().server(AuthorizationServer::new(format!("http://{CANARY}/{CANARY}"))),
        ok().server(AuthorizationServer::new(CANARY)),
        ok().resource(CANARY),
        ok().resource(format!("urn:#{CANARY}")),
        ok().client(Client::with_raw_secret(format!("{CANARY}:"), CANARY)),
        ok().grant(Grant::jwt_bearer(assertion().claim_json("x", CANARY))),
        ok().grant(Grant::jwt_bearer(assertion().claim(CANARY, CANARY))),
    ]
    .into_iter()
    .map(|builder| builder.build().expect_err("refused"))
    .collect()
}
