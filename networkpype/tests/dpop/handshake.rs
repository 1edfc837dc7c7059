//! The handshake of a WebSocket, at a server that wants its nonce in the proof.

use futures_util::StreamExt as _;
use networkpype::{
    ConnectionManagersFactory, RestRequest, RestResponse, WebSocketHandshake, async_trait,
    auth::{JwtAlgorithm, JwtKey, JwtVerifier},
    schemes::oauth2::{AuthorizationServer, Client, DpopKey, Grant, OAuth2},
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::handshake::server::{ErrorResponse, Request, Response},
};

/// Gives out one bound token.
struct Issuer;

#[async_trait]
impl networkpype::Caller for Issuer {
    async fn call(&self, _: RestRequest) -> Result<RestResponse, networkpype::Error> {
        let body = r#"{"access_token":"t0ken","token_type":"DPoP","expires_in":3600}"#;
        Ok(RestResponse::new(networkpype::StatusCode::OK).with_body(body))
    }
}

/// The claims of the proof in a handshake, once it has verified.
fn claims(request: &Request, key: &DpopKey) -> Value {
    let header = |name: &str| request.headers()[name].to_str().expect("ASCII");
    assert_eq!(header("authorization"), "DPoP t0ken");
    let jwk = key.public_jwk().to_string();
    let key = JwtKey::from_jwk(JwtAlgorithm::Es256, &jwk.into()).expect("a key");
    let verifier = JwtVerifier::builder().key(key).token_type("dpop+jwt").build();
    let proof = verifier.expect("a verifier").verify_signature(header("dpop")).expect("verifies");
    serde_json::from_slice(proof.payload()).expect("JSON")
}

#[tokio::test]
async fn a_handshake_that_lacks_the_servers_nonce_is_made_once_more_and_the_next_one_has_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let key = DpopKey::generate().expect("a key");
    let bound = key.clone();
    let factory = ConnectionManagersFactory::builder()
        .ws_url(format!("ws://{address}"))
        .auth_with(move |api| {
            OAuth2::builder()
                .caller(Issuer)
                .clock(api.clock())
                .server(AuthorizationServer::new("https://auth.example.com/token"))
                .client(Client::with_secret("id", "secret"))
                .grant(Grant::client_credentials())
                .dpop(bound)
                .build()
        })
        .build()
        .expect("a factory");
    let manager = factory.ws_manager();
    // What the proof holds, and the nonce that the answer gives out: with the upgrade, too.
    let serving = async {
        for (held, given) in [(None, "n1"), (Some("n1"), "n2"), (Some("n2"), "n3")] {
            let (stream, _) = listener.accept().await.expect("a connection");
            #[expect(clippy::result_large_err, reason = "the library's own signature")]
            let judge = |request: &Request,
                         mut response: Response|
             -> Result<Response, ErrorResponse> {
                let claims = claims(request, &key);
                assert_eq!(claims["htu"], format!("http://{address}/stream"));
                assert_eq!((claims["htm"].as_str(), claims["nonce"].as_str()), (Some("GET"), held));
                response.headers_mut().insert("dpop-nonce", given.parse().expect("ASCII"));
                if held.is_some() {
                    return Ok(response);
                }
                let (mut parts, ()) = response.into_parts();
                parts.status = networkpype::StatusCode::UNAUTHORIZED;
                let challenge = r#"DPoP error="use_dpop_nonce""#;
                parts.headers.insert("www-authenticate", challenge.parse().expect("ASCII"));
                Err(ErrorResponse::from_parts(parts, None))
            };
            if let Ok(mut socket) = accept_hdr_async(stream, judge).await {
                socket.close(None).await.expect("closed");
                while socket.next().await.is_some() {}
            }
        }
    };
    let using = async {
        for _ in 0..2 {
            let handshake = WebSocketHandshake::new("/stream?a=b").auth_required();
            manager.connect(handshake).await.expect("connected");
            manager.receive().await.expect_err("closed");
            manager.disconnect().await;
        }
    };
    tokio::join!(serving, using);
}
