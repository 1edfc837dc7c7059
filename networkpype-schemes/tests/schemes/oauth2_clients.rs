//! How the client proves who it is.

use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use networkpype_schemes::oauth2::{
    Assertion, AuthorizationServer, Client, Discovery, Grant, JwtAlgorithm, JwtSigner, KeyEncoding,
    Login, OAuth2, SignatureAlgorithm, SigningKey, TokenTypeHint,
};
use serde_json::Value;

use crate::{
    oauth2_issuer::{
        Answer, ISSUER, Issuer, TOKEN_URL, Wall, authorization, says, scheme, server, token,
    },
    wire::header,
};

/// What `client` sends: the decoded `Authorization` header and the form.
async fn asked_by(client: Client) -> (Option<String>, String) {
    let issuer = Issuer::answers([token("t")]);
    let auth = scheme(&issuer, Grant::client_credentials()).client(client).build().expect("scheme");
    assert_eq!(authorization(&auth).await, "Bearer t");
    let request = issuer.request(0);
    let basic = request.headers().get("authorization").map(|_| {
        let value = header(&request, "authorization");
        let pair = STANDARD.decode(value.strip_prefix("Basic ").expect("Basic")).expect("base64");
        String::from_utf8(pair).expect("UTF-8")
    });
    (basic, issuer.body(0))
}

#[tokio::test(start_paused = true)]
async fn id_and_secret_are_form_encoded_before_basic_unless_told_otherwise() {
    // Where form encoding, percent encoding and none differ: a space, `~`, `*`, `!`, `+`, `:`.
    let (id, secret) = ("my id", "a b~*!+:%\u{e9}");
    let (basic, body) = asked_by(Client::with_secret(id, secret)).await;
    assert_eq!(basic.as_deref(), Some("my+id:a+b%7E*%21%2B%3A%25%C3%A9"));
    assert_eq!(body, "grant_type=client_credentials");
    let (basic, body) = asked_by(Client::with_raw_secret(id, secret)).await;
    assert_eq!(basic.as_deref(), Some("my id:a b~*!+:%\u{e9}"));
    assert_eq!(body, "grant_type=client_credentials");
    let (basic, _) = asked_by(Client::with_secret("a:b", "c")).await;
    assert_eq!(basic.as_deref(), Some("a%3Ab:c"));
}

#[tokio::test(start_paused = true)]
async fn raw_basic_is_that_of_the_vectors() {
    let texts = [
        include_str!("../../../vectors/basic/rfc7617.json"),
        include_str!("../../../vectors/basic/generated.json"),
    ];
    let mut checked = 0;
    for text in texts {
        let vectors: Value = serde_json::from_str(text).expect("JSON");
        for case in vectors["cases"].as_array().expect("cases") {
            let field = |name: &str| case[name].as_str().expect(name).to_owned();
            let (user, password) = (field("username"), field("password"));
            // OAuth has neither an empty id nor an empty secret.
            if user.is_empty() || password.is_empty() {
                continue;
            }
            let (basic, _) = asked_by(Client::with_raw_secret(user, password)).await;
            let expected = case["expected"]["authorization"].as_str().expect("a header");
            assert_eq!(
                basic.map(|pair| format!("Basic {}", STANDARD.encode(pair))).as_deref(),
                Some(expected)
            );
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_the_body_a_public_client_and_a_certificate_send_no_header() {
    let post = asked_by(Client::with_secret_in_body("my id", "s&cret")).await;
    assert_eq!(post.1, "grant_type=client_credentials&client_id=my+id&client_secret=s%26cret");
    let certificate = asked_by(Client::with_certificate("my id")).await;
    assert_eq!(certificate.1, "grant_type=client_credentials&client_id=my+id");
    assert_eq!((post.0, certificate.0), (None, None));

    let issuer = Issuer::answers([token("t")]);
    let public = scheme(&issuer, Grant::refresh_token("r")).client(Client::public("my id"));
    authorization(&public.build().expect("a scheme")).await;
    assert_eq!(issuer.form(0, "client_id").as_deref(), Some("my id"));
    assert_eq!(issuer.form(0, "client_secret"), None);
    assert!(!issuer.request(0).headers().contains_key("authorization"));
}

fn p256() -> SigningKey {
    // The key of RFC 7515, appendix A.3.
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    SigningKey::new(SignatureAlgorithm::EcdsaP256Sha256, &jwk.into(), KeyEncoding::Jwk)
        .expect("a key")
}

fn claims(jwt: &str) -> Value {
    let part = jwt.split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_for_the_issuer_as_one_text_and_new_in_each_request() {
    let signer = JwtSigner::with_key(JwtAlgorithm::Es256, p256()).expect("a signer");
    let client = |assertion: Assertion| Client::with_assertion("my-client", assertion.key_id("k"));
    let (basic, body) = asked_by(client(Assertion::new(signer.clone()))).await;
    assert_eq!(basic, None);
    let start = "grant_type=client_credentials&client_id=my-client&client_assertion_type=\
                 urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=";
    let jwt = body.strip_prefix(start).expect(&body);
    let head = URL_SAFE_NO_PAD.decode(jwt.split('.').next().expect("head")).expect("base64");
    assert_eq!(head, br#"{"alg":"ES256","typ":"JWT","kid":"k"}"#);
    let first = claims(jwt);
    assert_eq!(first["aud"], ISSUER);
    assert_eq!((&first["iss"], &first["sub"]), (&"my-client".into(), &"my-client".into()));
    assert_eq!(first["iat"], 1_699_999_990);
    assert_eq!(first["exp"], 1_700_000_120);
    let (_, body) = asked_by(client(Assertion::new(signer.clone()))).await;
    assert_ne!(claims(&body)["jti"], first["jti"]);
    let (_, body) = asked_by(client(Assertion::new(signer.clone()).audience_is_endpoint())).await;
    assert_eq!(claims(&body)["aud"], TOKEN_URL);
    let (_, body) = asked_by(client(Assertion::new(signer).audience("urn:a"))).await;
    assert_eq!(claims(&body)["aud"], "urn:a");
}

fn with_assertion() -> Client {
    let signer = JwtSigner::with_key(JwtAlgorithm::Es256, p256()).expect("a signer");
    Client::with_assertion("my-client", Assertion::new(signer))
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_for_the_issuer_whichever_endpoint_it_goes_to() {
    let device =
        r#"{"device_code":"d","user_code":"u","verification_uri":"https://v","expires_in":60}"#;
    let issuer = Issuer::answers([
        says(200, device),
        token("t"),
        says(200, r#"{"active":false}"#),
        says(200, ""),
    ]);
    let auth = scheme(&issuer, Grant::device(|_| {})).client(with_assertion()).build();
    let auth = auth.expect("a scheme");
    authorization(&auth).await;
    auth.introspect(&"t".into(), TokenTypeHint::Access).await.expect("an answer");
    auth.revoke(&"t".into(), TokenTypeHint::Access).await.expect("revoked");
    let paths = ["/device", "/token", "/introspect", "/revoke"];
    for (number, path) in paths.into_iter().enumerate() {
        assert_eq!(issuer.request(number).path(), path);
        let jwt = issuer.form(number, "client_assertion").expect("an assertion");
        assert_eq!(claims(&jwt)["aud"], ISSUER, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_token_that_failed_is_made_again_with_an_assertion_of_its_own() {
    let answers = [Answer::Unreachable, says(503, ""), token("t")];
    let issuer = Issuer::answers(answers);
    let auth = scheme(&issuer, Grant::client_credentials()).client(with_assertion()).build();
    let auth = auth.expect("a scheme");
    for _ in 0..2 {
        auth.token().await.expect_err("in trouble");
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    authorization(&auth).await;
    let ids = [0, 1, 2].map(|number| {
        let jwt = issuer.form(number, "client_assertion").expect("an assertion");
        claims(&jwt)["jti"].as_str().expect("an id").to_owned()
    });
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_may_sign_an_assertion_and_is_not_sent() {
    let client =
        Client::with_secret_jwt("my-client", JwtAlgorithm::Hs256, "s3cret-key").expect("client");
    let (basic, body) = asked_by(client).await;
    assert_eq!(basic, None);
    assert!(!body.contains("s3cret"), "{body}");
    let jwt = body.rsplit_once('=').expect("a value").1;
    let (input, signature) = jwt.rsplit_once('.').expect("a signature");
    let signer = JwtSigner::with_secret(JwtAlgorithm::Hs256, &"s3cret-key".into()).expect("signer");
    assert_eq!(signer.signature(input.as_bytes()).expect("signed"), signature);
    assert!(Client::with_secret_jwt("c", JwtAlgorithm::Es256, "s").is_err());
}

fn description(issuer: &str) -> String {
    format!(
        r#"{{"issuer":"{issuer}","token_endpoint":"https://auth.example.com/t","response_types_supported":["code"],
        "mtls_endpoint_aliases":{{"token_endpoint":"https://mtls.example.com/t"}}}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_discovered_server_is_asked_once_and_clients_with_certificates_elsewhere() {
    for (client, url) in [
        (Client::with_secret("c", "s"), "https://auth.example.com"),
        (Client::with_certificate("c"), "https://mtls.example.com"),
    ] {
        let issuer = Issuer::answers([says(200, &description(ISSUER)), token("one"), token("two")]);
        let auth = OAuth2::builder()
            .caller(issuer.clone())
            .discover(Discovery::new(ISSUER))
            .client(client)
            .clock(Wall::new())
            .grant(Grant::client_credentials())
            .limit("tokens")
            .build()
            .expect("a scheme");
        assert_eq!(issuer.asked(), 0);
        assert_eq!(authorization(&auth).await, "Bearer one");
        auth.login().await.expect("a token");
        assert_eq!(authorization(&auth).await, "Bearer two");
        assert_eq!(issuer.request(0).path(), "/.well-known/oauth-authorization-server");
        assert_eq!(issuer.request(0).method(), "GET");
        for number in [1, 2] {
            assert_eq!(issuer.request(number).origin().expect("a URL").to_string(), url);
        }
        let limit = format!("{:?}", issuer.request(0).limit_choice());
        assert!(limit.contains("tokens"), "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_description_of_another_issuer_or_without_tls_is_refused() {
    for (issuer, body) in [
        (ISSUER, description("https://auth.example.com/")),
        (ISSUER, description("https://evil.example.com")),
        (ISSUER, r#"{"issuer":"https://auth.example.com"}"#.to_owned()),
        (
            ISSUER,
            r#"{"issuer":"https://auth.example.com","token_endpoint":"http://auth.example.com/t"}"#
                .to_owned(),
        ),
        (ISSUER, "<html>".to_owned()),
    ] {
        let server = Issuer::answers([says(200, &body)]);
        let error = Discovery::new(issuer).fetch(&server).await.expect_err(&body);
        assert_eq!(error.kind(), networkpype_auth::token::TokenErrorKind::Malformed, "{body}");
    }
    for status in [302, 404, 500] {
        let server = Issuer::answers([says(status, &description(ISSUER))]);
        assert!(Discovery::openid(ISSUER).fetch(&server).await.is_err(), "{status}");
    }
    let server = Issuer::answers([]);
    assert!(Discovery::new("http://auth.example.com").fetch(&server).await.is_err());
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_description_names_both_issuers_or_where_it_was_looked_for() {
    let asked = |issuer: &'static str, status, body: String| async move {
        let server = Issuer::answers([says(status, &body)]);
        Discovery::new(issuer).fetch(&server).await.expect_err(issuer).to_string()
    };
    let found = description("https://me:c4nary@auth.example.com/?key=c4nary");
    let text = asked("https://you:hush@h.example/?key=hush", 200, found).await;
    // Credentials in a URL are refused before anything is asked.
    assert!(!text.contains("hush"), "{text}");
    let found = description("https://me:c4nary@auth.example.com/x?key=c4nary");
    let text = asked("https://h.example/?key=hush", 200, found).await;
    assert!(text.contains("`https://h.example/`"), "{text}");
    assert!(text.contains("`https://auth.example.com/x`"), "{text}");
    assert!(
        !text.contains("slash") && !text.contains("c4nary") && !text.contains("hush"),
        "{text}"
    );
    let text = asked(ISSUER, 200, description("https://auth.example.com/")).await;
    assert!(text.contains("slash at their end"), "{text}");
    let text = asked("https://h.example/one", 404, String::new()).await;
    let url = "`https://h.example/.well-known/oauth-authorization-server/one`";
    assert!(text.contains(url) && text.contains("404") && text.contains("openid"), "{text}");
    let text = asked(ISSUER, 403, String::new()).await;
    assert!(text.contains("its description of itself: status 403"), "{text}");
}

#[test]
fn what_cannot_work_is_an_error_of_build() {
    let issuer = Issuer::default();
    let ok = || scheme(&issuer, Grant::client_credentials());
    assert!(ok().build().is_ok());
    let signer = || JwtSigner::with_key(JwtAlgorithm::Es256, p256()).expect("a signer");
    let unknown = || ok().server(AuthorizationServer::new(TOKEN_URL));
    let assertion = |assertion| Client::with_assertion("c", assertion);
    let login = networkpype_schemes::oauth2::token_login;
    for (builder, reason) in [
        (OAuth2::builder(), "`caller`"),
        (OAuth2::builder().caller(issuer.clone()), "`server`"),
        (ok().client(Client::public("")), "id is empty"),
        (ok().client(Client::unnamed()), "no id"),
        (ok().client(Client::with_secret("c", "")), "secret is empty"),
        (ok().client(Client::with_raw_secret("a:b", "s")), "colon"),
        (
            ok().server(AuthorizationServer::new("http://auth.example.com/token")),
            "`token_endpoint`",
        ),
        (
            ok().server(server().revocation_endpoint("http://auth.example.com/r")),
            "`revocation_endpoint` of the authorization server is not `https://`",
        ),
        (
            ok().server(server().device_authorization_endpoint("/d")),
            "`device_authorization_endpoint`",
        ),
        (
            OAuth2::builder()
                .caller(issuer.clone())
                .client(Client::with_secret("c", "s"))
                .grant(Grant::client_credentials())
                .discover(Discovery::new("http://auth.example.com")),
            "issuer of the authorization server is not `https://`",
        ),
        (ok().discover(Discovery::new(ISSUER)), "`server` and `discover`"),
        (ok().client(Client::public("c")), "in place of `Client::public`"),
        (unknown().grant(Grant::device(|_| {})), "no `device_authorization_endpoint`"),
        (unknown().client(assertion(Assertion::new(signer()))), "issuer"),
        (unknown().grant(Grant::jwt_bearer(Assertion::new(signer()))), "issuer"),
        (ok().client(assertion(Assertion::new(signer()).claim("iss", "x"))), "twice"),
        (ok().client(assertion(Assertion::new(signer()).claim_json("x", "{"))), "not JSON"),
        (
            ok().client(Client::unnamed()).grant(Grant::jwt_bearer(Assertion::new(signer()))),
            "`issuer`",
        ),
        (ok().resource("https://api.example.com/#a"), "fragment"),
        (ok().resource("/orders"), "absolute"),
        (ok().param("grant_type", "x"), "`grant_type`"),
        (ok().param("client_secret", "x"), "`client_secret`"),
        (ok().param("subject_token_type", "x"), "`subject_token_type`"),
        (ok().param("actor_token_type", "x"), "`actor_token_type`"),
        (ok().param("requested_token_type", "x"), "`requested_token_type`"),
        (ok().param("resource", "x"), "`resource`"),
        (ok().param("a", "x").param("b", "x").param("a", "y"), "`a` is given twice"),
        (ok().token_type("custom").token_type("dpop"), "bound to a key"),
        (ok().grant(Grant::refresh_token("")), "empty"),
        (ok().server(AuthorizationServer::new(TOKEN_URL).names_itself_in_redirects()), "issuer"),
        (ok().ws_login(login(r#"{"a":"{token}"}"#)), "accepted"),
        (ok().ws_login(login(r#"{"a":1}"#).accepted_when(|_| true)), "`{token}`"),
        (ok().ws_login(login(r#"{"a":"{key}"}"#).accepted_when(|_| true)), "`{token}`"),
        (ok().ws_login(login(r#"{"a":{token}}"#).accepted_when(|_| true)), "`{token}` has to"),
        (
            ok().ws_login(Login::new(r#"{"a":"{key}","t":"{timestamp}"}"#).accepted_when(|_| true)),
            "`{token}`",
        ),
    ] {
        let error = builder.build().expect_err(reason).to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
}
