//! What servers of others make of it: npm's oidc-provider gives out tokens, Apache's mod_oauth2 takes them.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process,
    sync::Arc,
};

use networkpype::{
    Caller, RestConnection, RestManager, RestRequest, TlsOptions,
    schemes::oauth2::{
        Assertion, AuthorizationServer, Client, Discovery, Grant, JwtAlgorithm, JwtSigner,
        KeyEncoding, OAuth2, OAuth2Builder, SignatureAlgorithm, SigningKey, TokenTypeHint,
        token::{FileTokenStore, TokenErrorKind},
    },
};
use networkpype_test::{
    TestCa,
    peers::{Kind, Peer, approve, decline},
};

use crate::issuer::Time;

fn caller() -> Arc<dyn Caller> {
    Arc::new(RestManager::builder().build().expect("a manager"))
}

fn scheme(oidc: &Peer, client: Client, grant: Grant) -> OAuth2Builder {
    OAuth2::builder()
        .caller(caller())
        .discover(Discovery::openid(oidc.get("issuer")))
        .client(client)
        .grant(grant)
}

fn pkjwt(oidc: &Peer) -> Client {
    let pem = std::fs::read_to_string(oidc.get("pkjwt_key")).expect("a key");
    let key = SigningKey::new(SignatureAlgorithm::EcdsaP256Sha256, &pem.into(), KeyEncoding::Pem);
    let signer = JwtSigner::with_key(JwtAlgorithm::Es256, key.expect("a key")).expect("a signer");
    Client::with_assertion("pkjwt", Assertion::new(signer).key_id(oidc.get("pkjwt_kid")))
}

#[tokio::test]
async fn clients_are_known_in_every_way_and_wrong_ones_are_not() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let shared = "csjwt-secret-csjwt-secret-csjwt-secret";
    let csjwt = |secret: &str| {
        Client::with_secret_jwt("csjwt", JwtAlgorithm::Hs256, secret).expect("a client")
    };
    let odd = "cc-secret-&=+ %:x";
    for (name, client, known) in [
        ("basic", Client::with_secret("cc", odd), true),
        ("raw basic, which this server does not take", Client::with_raw_secret("cc", odd), false),
        ("basic, wrong", Client::with_secret("cc", "no"), false),
        ("post", Client::with_secret_in_body("ccpost", "ccpost-secret"), true),
        ("post, wrong", Client::with_secret_in_body("ccpost", "no"), false),
        ("client_secret_jwt", csjwt(shared), true),
        ("client_secret_jwt, wrong", csjwt(&"x".repeat(40)), false),
        ("private_key_jwt", pkjwt(&oidc), true),
    ] {
        let auth = scheme(&oidc, client, Grant::client_credentials()).scope("read");
        let auth = auth.build().expect("a scheme");
        // Each time by the grant: an assertion that came twice would be refused.
        for _ in 0..2 {
            match auth.login().await {
                Ok(()) => assert!(known, "{name}"),
                Err(error) => {
                    assert!(!known, "{name}: {error:?}");
                    assert_eq!(error.kind(), TokenErrorKind::Refused, "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn tokens_open_a_resource_server() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let keys = oidc.url("/jwks");
    let Some(apache) = Peer::start(Kind::Oauth2RsApache, &[("JWKS_URI", &keys)]) else { return };
    let cc = Client::with_secret("cc", "cc-secret-&=+ %:x");
    let auth =
        scheme(&oidc, cc, Grant::client_credentials()).scope("read").build().expect("scheme");
    let api =
        RestManager::builder().base_url(apache.url("")).auth(auth).build().expect("a manager");
    let request = || RestRequest::get("/j/i").auth_required();
    assert_eq!(api.call(request()).await.expect("called").status(), 200);
    let without = api.call(RestRequest::get("/j/i")).await.expect("called");
    assert_eq!(without.status(), 401);
}

#[tokio::test]
async fn a_server_describes_itself_as_rfc_8414_has_it() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let auth = OAuth2::builder()
        .caller(caller())
        .discover(Discovery::new(oidc.get("issuer")))
        .client(pkjwt(&oidc))
        .grant(Grant::client_credentials())
        .build()
        .expect("a scheme");
    auth.token().await.expect("a token");
}

/// That of RFC 7515, appendix A.3.
const OTHER_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

#[tokio::test]
async fn an_assertion_of_a_service_account_is_taken_and_a_wrong_one_is_not() {
    let Some(authlib) = Peer::start(Kind::Oauth2Authlib, &[]) else { return };
    let pem = std::fs::read_to_string(authlib.get("robot_key")).expect("a key");
    let signed_by = |text: &str, encoding| {
        let key = SigningKey::new(SignatureAlgorithm::EcdsaP256Sha256, &text.into(), encoding);
        let signer = JwtSigner::with_key(JwtAlgorithm::Es256, key.expect("a key"));
        Assertion::new(signer.expect("a signer"))
            .key_id(authlib.get("robot_kid"))
            .issuer("robot")
            .subject("user1")
    };
    let right = || signed_by(&pem, KeyEncoding::Pem);
    for (what, assertion, granted) in [
        ("as it should be", right(), true),
        ("with a claim more", right().claim("scope", "read"), true),
        ("for the endpoint", right().audience_is_endpoint(), false),
        ("for another server", right().audience("https://other.test"), false),
        ("of somebody unknown", right().issuer("nobody"), false),
        ("for somebody unknown", right().subject("user2"), false),
        ("with the id of another key", right().key_id("other"), false),
        ("by another key", signed_by(OTHER_KEY, KeyEncoding::Jwk), false),
    ] {
        let server = AuthorizationServer::new(authlib.url("/token")).issuer(authlib.get("issuer"));
        let auth = OAuth2::builder()
            .caller(caller())
            .server(server)
            .client(Client::unnamed())
            .grant(Grant::jwt_bearer(assertion))
            .scope("read")
            .build()
            .expect("a scheme");
        match auth.token().await {
            Ok(token) => assert!(granted && token.scope() == Some("read"), "{what}: {token:?}"),
            Err(error) => {
                assert!(!granted, "{what}: {error:?}");
                assert_eq!(error.kind(), TokenErrorKind::Refused, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_is_the_proof_of_a_client_at_the_endpoint_that_asks_for_one() {
    let (ca, clients) = (TestCa::new(), TestCa::new());
    let (server, known) = (ca.issue(&["127.0.0.1"]), clients.issue_client("tlsca"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mtls-{}", process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path.into_os_string().into_string().expect("text")
    };
    let knobs = [
        ("TLS_CERT", file("server.pem", &server.cert_pem)),
        ("TLS_KEY", file("server.key", &server.key_pem)),
        ("CLIENT_CA", file("clients.pem", clients.pem())),
        ("CLIENT_CERT", file("client.pem", &known.cert_pem)),
    ];
    let knobs = knobs.each_ref().map(|(name, path)| (*name, path.as_str()));
    let started = Peer::start(Kind::Oidc, &knobs);
    std::fs::remove_dir_all(&folder).expect("removed");
    let Some(oidc) = started else { return };
    let (other, foreign) = (clients.issue_client("other"), ca.issue_client("tlsca"));
    for (id, certificate, is_known) in [
        ("tlsca", Some(&known), true),
        ("tlsca", Some(&other), false),
        ("tlsca", Some(&foreign), false),
        ("tlsca", None, false),
        ("tlsself", Some(&known), true),
        ("tlsself", Some(&other), false),
        ("tlsself", None, false),
    ] {
        let mut tls = TlsOptions::new().root_certificate(ca.pem()).only_these_roots();
        if let Some(certificate) = certificate {
            tls = tls.identity(certificate.cert_pem.clone(), certificate.key_pem.clone());
        }
        let connection = RestConnection::builder().tls(tls).build().expect("a connection");
        let caller = RestManager::builder().connection(connection).build().expect("a manager");
        let auth = OAuth2::builder()
            .caller(caller)
            .discover(Discovery::openid(oidc.get("issuer")))
            .client(Client::with_certificate(id))
            .grant(Grant::client_credentials())
            .scope("read")
            .build()
            .expect("a scheme");
        match auth.token().await {
            Ok(_) => assert!(is_known, "{id} {certificate:?}"),
            Err(error) => {
                assert!(!is_known, "{id}: {error:?}");
                assert_eq!(error.kind(), TokenErrorKind::Refused, "{id}: {error:?}");
            }
        }
    }
}

/// A browser at whose keyboard a person does as `person` does.
fn browser(person: fn(&str) -> String) -> Grant {
    Grant::browser_at(0, "/cb", move |url| {
        let url = url.to_owned();
        std::thread::spawn(move || {
            let redirect = person(&url);
            let rest = redirect.strip_prefix("http://").expect("a loopback redirect");
            let (authority, target) = rest.split_once('/').expect("a path");
            let mut stream = TcpStream::connect(authority).expect("somebody listens");
            let head = format!("GET /{target} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("written");
            stream.read_to_string(&mut String::new()).expect("a page");
        });
        Ok(())
    })
}

fn native() -> Client {
    Client::public("native")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_with_a_browser_and_out() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[("AT_FORMAT", "opaque")]) else { return };
    let auth = scheme(&oidc, native(), browser(approve)).scope("openid read").build();
    let auth = auth.expect("a scheme");
    let first = auth.token().await.expect("a token");
    let known = auth.introspect(first.access(), TokenTypeHint::Access).await;
    assert!(known.expect("an answer").active);
    auth.logout().await.expect("given back");
    let known = auth.introspect(first.access(), TokenTypeHint::Access).await;
    assert!(!known.expect("an answer").active);
    let second = auth.token().await.expect("a new login");
    assert_ne!(first.access().expose_bytes(), second.access().expose_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_rotates_and_its_second_use_revokes_what_came_of_it() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("oauth2-{}", std::process::id()));
    let login = scheme(&oidc, native(), browser(approve))
        .scope("openid offline_access read")
        .param("prompt", "consent")
        .store(FileTokenStore::new(&path))
        .build()
        .expect("a scheme");
    login.token().await.expect("a token");
    let file = std::fs::read(&path).expect("a file");
    std::fs::remove_file(&path).expect("removed");
    let stored: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let stored = stored.as_object().expect("tokens").values().next().expect("a token");
    let refresh = stored["refresh_token"].as_str().expect("a refresh token");

    let time = Time::new();
    let again = || {
        let grant = Grant::refresh_token(refresh);
        let builder = scheme(&oidc, native(), grant).clock(time.clone()).ticker(time.clone());
        builder.build().expect("a scheme")
    };
    let rotating = again();
    for _ in 0..2 {
        rotating.token().await.expect("the next token");
        time.pass(60);
    }
    // The second is told so, and the first loses what it had: whose token was stolen cannot be told.
    for auth in [again(), rotating] {
        let error = auth.token().await.expect_err("it was used");
        assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_declines_gives_no_token() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let auth =
        scheme(&oidc, native(), browser(decline)).scope("openid read").build().expect("scheme");
    let error = auth.token().await.expect_err("declined");
    assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_on_another_device() {
    let Some(oidc) = Peer::start(Kind::Oidc, &[]) else { return };
    let grant = Grant::device(|prompt| {
        let url = prompt.verification_uri_complete().expect("a URL").to_owned();
        std::thread::spawn(move || approve(&url));
    });
    let auth = scheme(&oidc, native(), grant).scope("openid read").build().expect("a scheme");
    auth.token().await.expect("a token");
}
