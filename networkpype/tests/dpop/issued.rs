//! npm's oidc-provider binds tokens to a key, with and without nonces, by every grant.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use networkpype::{
    Caller, Error, RestManager, RestRequest, RestResponse, async_trait,
    schemes::oauth2::{
        Assertion, Client, Discovery, DpopKey, Grant, JwtAlgorithm, JwtSigner, KeyEncoding, OAuth2,
        OAuth2Builder, SignatureAlgorithm, SigningKey,
        token::{FileTokenStore, TokenErrorKind},
    },
};
use networkpype_test::peers::{Kind, Peer, approve};

/// Counts what an authorization server is asked.
#[derive(Clone)]
pub(crate) struct Asked(RestManager, Arc<AtomicUsize>);

impl Asked {
    pub(crate) fn new() -> Self {
        Self(RestManager::builder().build().expect("a manager"), Arc::default())
    }

    pub(crate) fn for_tokens(&self) -> usize {
        self.1.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl Caller for Asked {
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        if request.path() == "/token" {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
        self.0.call(request).await
    }
}

pub(crate) fn scheme(oidc: &Peer, asked: &Asked, client: Client, grant: Grant) -> OAuth2Builder {
    OAuth2::builder()
        .caller(asked.clone())
        .discover(Discovery::openid(oidc.get("issuer")))
        .client(client)
        .grant(grant)
        .scope("openid offline_access read")
        .param("prompt", "consent")
}

/// The status that a resource server answers a signed request with.
pub(crate) async fn status(api: &Peer, path: &str, auth: &OAuth2) -> u16 {
    let manager = RestManager::builder().base_url(api.url("")).auth(auth.clone()).build();
    let call = manager.expect("a manager").call(RestRequest::get(path).auth_required()).await;
    call.expect("an answer").status().as_u16()
}

fn services(oidc: &Peer) -> [(&'static str, Client); 4] {
    let pem = std::fs::read_to_string(oidc.get("pkjwt_key")).expect("a key");
    let key = SigningKey::new(SignatureAlgorithm::EcdsaP256Sha256, &pem.into(), KeyEncoding::Pem);
    let signer = JwtSigner::with_key(JwtAlgorithm::Es256, key.expect("a key")).expect("a signer");
    let shared = "csjwt-secret-csjwt-secret-csjwt-secret";
    [
        ("basic", Client::with_secret("cc", "cc-secret-&=+ %:x")),
        ("post", Client::with_secret_in_body("ccpost", "ccpost-secret")),
        (
            "secret jwt",
            Client::with_secret_jwt("csjwt", JwtAlgorithm::Hs256, shared).expect("a client"),
        ),
        (
            "private key jwt",
            Client::with_assertion("pkjwt", Assertion::new(signer).key_id(oidc.get("pkjwt_kid"))),
        ),
    ]
}

/// A browser at which somebody approves.
fn browser() -> Grant {
    Grant::browser_at(0, "/cb", |url| {
        let url = url.to_owned();
        std::thread::spawn(move || {
            let redirect = approve(&url);
            let _ = std::net::TcpStream::connect(authority(&redirect)).and_then(|mut stream| {
                use std::io::{Read as _, Write as _};
                let target = &redirect["http://".len() + authority(&redirect).len()..];
                write!(stream, "GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", authority(&redirect))?;
                stream.read_to_end(&mut Vec::new())
            });
        });
        Ok(())
    })
}

fn authority(url: &str) -> &str {
    url["http://".len()..].split('/').next().unwrap_or_default()
}

fn device() -> Grant {
    Grant::device(|prompt| {
        let url = prompt.verification_uri_complete().expect("a URL").to_owned();
        std::thread::spawn(move || approve(&url));
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_every_grant_are_bound_and_open_what_takes_no_other_with_and_without_nonces() {
    for nonces in ["0", "1"] {
        let Some(oidc) = Peer::start(Kind::Oidc, &[("DPOP_NONCE", nonces)]) else { return };
        let keys = oidc.url("/jwks");
        let Some(apache) = Peer::start(Kind::Oauth2RsApache, &[("JWKS_URI", &keys)]) else {
            return;
        };
        let asked = Asked::new();
        let once_more = usize::from(nonces == "1");
        for (name, client) in services(&oidc) {
            let auth = scheme(&oidc, &asked, client, Grant::client_credentials());
            let key = DpopKey::generate().expect("a key");
            let auth = auth.dpop(key).build().expect("a scheme");
            assert_eq!(status(&apache, "/d/i", &auth).await, 200, "{name}");
            assert_eq!(asked.for_tokens(), 1 + once_more, "{name}: the nonce is asked for once");
            auth.login().await.expect("a token");
            assert_eq!(asked.for_tokens(), 1, "{name}: the nonce is known");
        }
        for (name, grant) in [("browser", browser()), ("device", device())] {
            let key = DpopKey::generate().expect("a key");
            let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
                .join(format!("dpop-{name}-{nonces}-{}", std::process::id()));
            let native = |grant| scheme(&oidc, &asked, Client::public("native"), grant);
            let auth = native(grant).dpop(key.clone()).store(FileTokenStore::new(&path));
            let auth = auth.build().expect("a scheme");
            auth.token().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(status(&apache, "/d/i", &auth).await, 200, "{name}");

            // The refresh token is bound to the key as well: with another it is worth nothing.
            let refresh = refresh_token(&path);
            let again = |key: &DpopKey| {
                let auth = native(Grant::refresh_token(refresh.clone())).dpop(key.clone());
                auth.build().expect("a scheme")
            };
            let other = DpopKey::generate().expect("a key");
            let error = again(&other).token().await.expect_err("another key");
            assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired, "{error:?}");
            let auth = again(&key);
            assert_eq!(status(&apache, "/d/i", &auth).await, 200, "{name}");
        }
    }
}

/// What `path` holds, and holds no more.
fn refresh_token(path: &std::path::Path) -> String {
    let file = std::fs::read(path).expect("a file");
    std::fs::remove_file(path).expect("removed");
    let stored: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let stored = stored.as_object().expect("tokens").values().next().expect("a token");
    stored["refresh_token"].as_str().expect("a refresh token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_known_gets_no_token_however_good_its_proof() {
    for nonces in ["0", "1"] {
        let Some(oidc) = Peer::start(Kind::Oidc, &[("DPOP_NONCE", nonces)]) else { return };
        let asked = Asked::new();
        let wrong = Client::with_secret_in_body("ccpost", "wrong");
        let auth = scheme(&oidc, &asked, wrong, Grant::client_credentials());
        let auth = auth.dpop(DpopKey::generate().expect("a key")).build().expect("a scheme");
        let error = auth.token().await.expect_err("nobody");
        assert_eq!(error.kind(), TokenErrorKind::Refused, "{error:?}");
        assert!(asked.for_tokens() <= 2);
    }
}
