//! The three steps to a token, with oauthlib's endpoints.

use std::sync::Arc;

use networkpype::{
    RestManager, RestRequest,
    schemes::oauth1::{
        AuthorizationFlow, ClientCredentials, KeyEncoding, OAuth1, OUT_OF_BAND, ParameterPlacement,
        TemporaryCredentials, token::TokenErrorKind,
    },
};
use networkpype_test::peers::{Kind, Peer};

use crate::observed::{Observed, manager, statuses};

const SECRET: &str = "cs&\u{e9}";

fn flow(peer: &Peer, client: OAuth1) -> AuthorizationFlow {
    let caller = RestManager::builder().anonymous().build().expect("a manager");
    AuthorizationFlow::builder(client)
        .caller(Arc::new(caller))
        .temporary_credential_endpoint(peer.url("/initiate"))
        .authorization_endpoint(peer.url("/authorize"))
        .token_endpoint(peer.url("/token"))
        .build()
        .expect("a flow")
}

/// The resource owner, who says yes: where the browser is sent then, or what is shown there.
async fn approve(url: &str) -> String {
    let browser = RestManager::builder().build().expect("a manager");
    let answer = browser.call(RestRequest::get(url)).await.expect("a page");
    match answer.headers().get("location") {
        Some(location) => location.to_str().expect("text").to_owned(),
        None => answer.text().into_owned(),
    }
}

async fn assert_opens(peer: &Peer, auth: OAuth1) {
    let manager = manager(&peer.url(""), auth, &Observed::new());
    let call = RestRequest::get("/photos?size=a+b");
    assert_eq!(statuses(&manager, &[call.clone(), call]).await, [200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_owner_gives_a_token_to_a_client_of_every_method_and_placement() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let pem = std::fs::read_to_string(peer.get("rsa_key")).expect("a key");
    for client in [
        ClientCredentials::hmac_sha1("ck", SECRET),
        ClientCredentials::hmac_sha256("ck", SECRET),
        ClientCredentials::hmac_sha512("ck", SECRET),
        ClientCredentials::plaintext("plain", "cs"),
        ClientCredentials::rsa_sha1("ck", pem.as_str(), KeyEncoding::Pem).expect("a key"),
        ClientCredentials::rsa_sha256("ck", pem.as_str(), KeyEncoding::Pem).expect("a key"),
        ClientCredentials::rsa_sha512("ck", pem.as_str(), KeyEncoding::Pem).expect("a key"),
    ] {
        for placement in
            [ParameterPlacement::Header, ParameterPlacement::Query, ParameterPlacement::Body]
        {
            let client = OAuth1::builder(client.clone()).placement(placement);
            let client = client.build().expect("a scheme");
            let flow = flow(&peer, client.clone());
            let callback = "http://127.0.0.1:9/ready?x=\u{fc}";
            let temporary = flow.temporary_credentials(callback).await.expect("given");
            let redirected = approve(&flow.authorization_url(&temporary)).await;
            assert!(redirected.starts_with("http://127.0.0.1:9/ready?"), "{redirected}");
            let verifier = temporary.verifier_from(&redirected).expect("a verifier");
            let token = flow.token_credentials(&temporary, verifier).await.expect("granted");
            // The photos themselves are asked for with the parameters where a GET has room for them.
            let client = match placement {
                ParameterPlacement::Body => continue,
                _ => client.with_token(token),
            };
            assert_opens(&peer, client).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_is_typed_in_where_nobody_can_be_sent_back() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let client = OAuth1::builder(ClientCredentials::hmac_sha1("ck", SECRET)).build();
    let client = client.expect("a scheme");
    let flow = flow(&peer, client.clone());
    let temporary = flow.temporary_credentials(OUT_OF_BAND).await.expect("given");
    let page = approve(&flow.authorization_url(&temporary)).await;
    let verifier = temporary.verifier_from(&page).expect("a verifier");
    let token = flow.token_credentials(&temporary, verifier).await.expect("granted");
    assert_opens(&peer, client.with_token(token)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_credentials_and_verifiers_give_no_token() {
    let Some(peer) = Peer::start(Kind::Oauth1Oauthlib, &[]) else { return };
    let with = |secret: &str| {
        let client = OAuth1::builder(ClientCredentials::hmac_sha256("ck", secret)).build();
        flow(&peer, client.expect("a scheme"))
    };
    let refused = with("cs").temporary_credentials(OUT_OF_BAND).await.expect_err("refused");
    assert_eq!(refused.kind(), TokenErrorKind::Refused, "{refused:?}");
    let refused = with(SECRET).temporary_credentials("https://evil.example").await;
    assert_eq!(refused.expect_err("refused").kind(), TokenErrorKind::Refused);

    let flow = with(SECRET);
    let temporary = flow.temporary_credentials(OUT_OF_BAND).await.expect("given");
    let page = approve(&flow.authorization_url(&temporary)).await;
    let verifier = temporary.verifier_from(&page).expect("a verifier");
    let token = temporary.token().expose_str().expect("text");
    let forged = TemporaryCredentials::new(token, "another secret");
    for (temporary, verifier) in
        [(&forged, verifier.clone()), (&temporary, "another verifier".into())]
    {
        let refused = flow.token_credentials(temporary, verifier).await.expect_err("refused");
        assert_eq!(refused.kind(), TokenErrorKind::Refused, "{refused:?}");
    }
    flow.token_credentials(&temporary, verifier.clone()).await.expect("granted");
    let again = flow.token_credentials(&temporary, verifier).await.expect_err("it was taken once");
    assert_eq!(again.kind(), TokenErrorKind::Refused, "{again:?}");
}
