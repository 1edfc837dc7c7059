//! OAuth 1.0a: what is signed with secrets, and what is answered with them.

use std::sync::Arc;

use http::StatusCode;
use networkpype_auth::token::TokenError;
use networkpype_core::{AuthError, Caller, Error, RestRequest, RestResponse, async_trait};
use networkpype_schemes::oauth1::{
    AuthorizationFlow, AuthorizationFlowBuilder, ClientCredentials, KeyEncoding, OAuth1,
    OAuth1Builder, ParameterPlacement, TemporaryCredentials, TokenCredentials,
};

use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    specimens! {
        debug networkpype_schemes::oauth1::AuthorizationFlow => [flow(200, String::new())];
        debug networkpype_schemes::oauth1::AuthorizationFlowBuilder => [flow_builder()];
        debug networkpype_schemes::oauth1::ClientCredentials => clients();
        debug networkpype_schemes::oauth1::OAuth1 => clients().map(|client| {
            builder(client).build().expect("scheme")
        });
        debug networkpype_schemes::oauth1::OAuth1Builder => clients().map(builder);
        debug networkpype_schemes::oauth1::ParameterPlacement => [ParameterPlacement::Header];
        debug networkpype_schemes::oauth1::TemporaryCredentials => [temporary()];
        debug networkpype_schemes::oauth1::TokenCredentials => [TokenCredentials::new(CANARY, CANARY)];
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

fn clients() -> [ClientCredentials; 3] {
    [
        ClientCredentials::hmac_sha1(CANARY, CANARY),
        ClientCredentials::plaintext(CANARY, CANARY),
        ClientCredentials::signed_by(CANARY, CANARY, |base| Ok(base.to_vec())),
    ]
}

fn builder(client: ClientCredentials) -> OAuth1Builder {
    OAuth1::builder(client)
        .token(TokenCredentials::new(CANARY, CANARY))
        .realm(CANARY)
        .parameter("oauth_x", CANARY)
}

fn flow_builder() -> AuthorizationFlowBuilder {
    let url = format!("https://auth.example.com/?key={CANARY}");
    let [client, ..] = clients();
    AuthorizationFlow::builder(builder(client).build().expect("scheme"))
        .temporary_credential_endpoint(&url)
        .authorization_endpoint(&url)
        .token_endpoint(url)
}

fn flow(status: u16, body: String) -> AuthorizationFlow {
    flow_builder().caller(Arc::new(Says(status, body))).build().expect("flow")
}

fn temporary() -> TemporaryCredentials {
    TemporaryCredentials::new(CANARY, CANARY)
}

/// Settings that contradict each other, and keys that are none.
pub(super) fn build_errors() -> Vec<AuthError> {
    let mut errors = Vec::new();
    for encoding in [KeyEncoding::Pem, KeyEncoding::Der, KeyEncoding::Jwk] {
        errors.extend(ClientCredentials::rsa_sha1(CANARY, CANARY, encoding).err());
        errors.extend(ClientCredentials::rsa_sha256(CANARY, CANARY, encoding).err());
    }
    for client in clients() {
        errors.extend(builder(client.clone()).placement(ParameterPlacement::Query).build().err());
        errors.extend(builder(client.clone()).realm(format!("{CANARY}\n")).build().err());
        errors.extend(builder(client).parameter("oauth_nonce", CANARY).build().err());
    }
    errors.extend(flow_builder().build().err());
    errors.extend(flow_builder().token_endpoint(format!("/{CANARY}")).build().err());
    errors
}

/// Refusals, and answers that are none.
pub(super) async fn token_errors() -> Vec<TokenError> {
    let mut errors = Vec::new();
    for status in [200, 302, 400, 401, 503] {
        for body in [
            CANARY.to_owned(),
            format!("oauth_problem={CANARY}"),
            format!("oauth_problem=token_expired&oauth_problem_advice={CANARY}"),
            format!("oauth_token={CANARY}"),
            format!("oauth_token={CANARY}&oauth_token={CANARY}&oauth_token_secret={CANARY}"),
            format!("oauth_token={CANARY}&oauth_token_secret={CANARY}"),
        ] {
            let flow = flow(status, body);
            errors.extend(flow.temporary_credentials(CANARY).await.err());
            errors.extend(flow.token_credentials(&temporary(), CANARY).await.err());
        }
    }
    for redirected in ["", "?oauth_token=", "?oauth_problem=", "?denied="] {
        errors.extend(temporary().verifier_from(&format!("{redirected}{CANARY}")).err());
    }
    errors
}
