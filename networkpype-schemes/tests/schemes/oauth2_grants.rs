//! What each grant sends, byte for byte.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_core::{LimitChoice, Secret};
use networkpype_schemes::oauth2::{
    Assertion, AuthorizationRequest, Client, Grant, JwtAlgorithm, JwtSigner, TokenExchange,
    TokenTypeHint,
};
use serde_json::Value;

use crate::{
    oauth2_issuer::{
        Issuer, TOKEN_URL, authorization, form_value, says, scheme, server, token,
        token_and_refresh,
    },
    wire::header,
};

/// `my-client:s3cret`.
const BASIC: &str = "Basic bXktY2xpZW50OnMzY3JldA==";

fn check_head(issuer: &Issuer, number: usize, url: &str) {
    let request = issuer.request(number);
    let origin = request.origin().expect("a URL").to_string();
    assert_eq!(format!("{origin}{}", request.path()), url);
    assert_eq!(request.method(), "POST");
    assert_eq!(header(&request, "accept"), "application/json");
    assert_eq!(header(&request, "content-type"), "application/x-www-form-urlencoded");
    assert_eq!(header(&request, "authorization"), BASIC);
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers().len(), 3, "{:?}", request.headers().keys().collect::<Vec<_>>());
    assert_eq!(request.params().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn client_credentials_send_scope_audience_and_resources() {
    let issuer = Issuer::answers([token("t")]);
    let auth = scheme(&issuer, Grant::client_credentials())
        .scope("orders:read orders:write")
        .scope("a&b=\u{e9}")
        .audience("https://api.example.com/")
        .resource("https://one.example.com")
        .resource("urn:two")
        .param("tenant", "x y")
        .build()
        .expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer t");
    check_head(&issuer, 0, TOKEN_URL);
    assert_eq!(
        issuer.body(0),
        "grant_type=client_credentials&scope=orders%3Aread+orders%3Awrite+a%26b%3D%C3%A9\
         &audience=https%3A%2F%2Fapi.example.com%2F&resource=https%3A%2F%2Fone.example.com\
         &resource=urn%3Atwo&tenant=x+y"
    );
}

#[tokio::test(start_paused = true)]
async fn a_password_is_sent_once_and_then_the_refresh_token() {
    let answers = [
        token_and_refresh("one", "r1"),
        token_and_refresh("two", "r2"),
        says(400, r#"{"error":"invalid_grant"}"#),
        token("three"),
    ];
    let issuer = Issuer::answers(answers);
    let auth = scheme(&issuer, Grant::password("me@example.com", "p&ss")).build().expect("scheme");
    for (number, (expected, body)) in [
        ("Bearer one", "grant_type=password&username=me%40example.com&password=p%26ss"),
        ("Bearer two", "grant_type=refresh_token&refresh_token=r1"),
        ("Bearer three", "grant_type=refresh_token&refresh_token=r2"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(authorization(&auth).await, expected);
        check_head(&issuer, number, TOKEN_URL);
        assert_eq!(issuer.body(number), body);
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    // The refresh token was used up, and the password is at hand.
    assert_eq!(issuer.body(3), "grant_type=password&username=me%40example.com&password=p%26ss");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_rotated_and_kept_where_none_comes_with_the_answer() {
    let answers = [
        token_and_refresh("one", "r1"),
        token("two"),
        token_and_refresh("three", "r2"),
        token("four"),
    ];
    let issuer = Issuer::answers(answers);
    let auth = scheme(&issuer, Grant::refresh_token("r0")).scope("a").build().expect("a scheme");
    for expected in ["Bearer one", "Bearer two", "Bearer three", "Bearer four"] {
        assert_eq!(authorization(&auth).await, expected);
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    let used = [0, 1, 2, 3].map(|number| issuer.body(number));
    // No scope: the one that was granted is meant.
    assert_eq!(
        used,
        ["r0", "r1", "r1", "r2"].map(|it| format!("grant_type=refresh_token&refresh_token={it}"))
    );
    check_head(&issuer, 3, TOKEN_URL);
}

#[tokio::test(start_paused = true)]
async fn a_code_is_exchanged_with_its_verifier_and_redirect() {
    let issuer = Issuer::answers([token_and_refresh("t", "r")]);
    let auth = scheme(&issuer, Grant::stored_login())
        .client(Client::public("my-client"))
        .scope("openid profile")
        .resource("https://api.example.com")
        .build()
        .expect("a scheme");
    let request = auth.authorization_request("http://127.0.0.1:9/cb").await.expect("a request");
    let (endpoint, query) = request.url().split_once('?').expect("a query");
    assert_eq!(endpoint, "https://auth.example.com/authorize");
    let value = |name| form_value(query, name);
    let expected = [
        ("response_type", "code"),
        ("client_id", "my-client"),
        ("redirect_uri", "http://127.0.0.1:9/cb"),
        ("scope", "openid profile"),
        ("resource", "https://api.example.com"),
        ("code_challenge_method", "S256"),
        ("state", request.state().expose_str().expect("text")),
    ];
    for (name, expected) in expected {
        assert_eq!(value(name).as_deref(), Some(expected), "{name}");
    }
    assert_eq!(query.split('&').count(), 8);
    let verifier = request.verifier().expose_str().expect("text").to_owned();
    assert!(!request.url().contains(&verifier));

    let state = request.state().expose_str().expect("text");
    let back = format!(
        "http://127.0.0.1:9/cb?code=c%2Fode&state={state}&iss=https%3A%2F%2Fauth.example.com"
    );
    // As a web application does it: what was kept in a session is enough.
    let resumed =
        AuthorizationRequest::resume(&server(), "http://127.0.0.1:9/cb", state, verifier.as_str());
    auth.login_with(resumed.code_from(&back).expect("a code")).await.expect("a login");
    assert_eq!(authorization(&auth).await, "Bearer t");
    assert_eq!(issuer.asked(), 1);
    assert!(!issuer.request(0).headers().contains_key("authorization"));
    assert_eq!(
        issuer.body(0),
        format!(
            "grant_type=authorization_code&code=c%2Fode&code_verifier={verifier}&client_id=my-client\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb&resource=https%3A%2F%2Fapi.example.com"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_jwt_bearer_sends_an_assertion_of_its_own_each_time() {
    let issuer = Issuer::answers([token("one"), token("two")]);
    let signer =
        JwtSigner::with_secret(JwtAlgorithm::Hs256, &"0123456789abcdef".into()).expect("signer");
    let assertion = Assertion::new(signer)
        .key_id("k1")
        .issuer("robot")
        .subject("user")
        .claim("scope", "mail")
        .claim_json("n", "[1,2.50]");
    let auth = scheme(&issuer, Grant::jwt_bearer(assertion))
        .client(Client::unnamed())
        .build()
        .expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer one");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(authorization(&auth).await, "Bearer two");
    let mut ids = Vec::new();
    for (number, now) in [(0, 1_700_000_000), (1, 1_700_003_600)] {
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let body = issuer.body(number);
        let jwt = body.strip_prefix(grant).expect(&body).to_owned();
        let part = |at| {
            let part = jwt.split('.').nth(at).expect("a part");
            URL_SAFE_NO_PAD.decode(part).expect("base64")
        };
        let header: Value = serde_json::from_slice(&part(0)).expect("JSON");
        assert_eq!(header, serde_json::json!({"alg": "HS256", "typ": "JWT", "kid": "k1"}));
        let mut claims: Value = serde_json::from_slice(&part(1)).expect("JSON");
        ids.push(claims["jti"].take().as_str().expect("text").to_owned());
        let expected = serde_json::json!({
            "iss": "robot", "sub": "user", "aud": "https://auth.example.com", "jti": null,
            "iat": now - 10, "exp": now + 120, "scope": "mail", "n": [1, 2.5],
        });
        assert_eq!(claims, expected);
        assert!(String::from_utf8(part(1)).expect("UTF-8").contains("[1,2.50]"));
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_exchanged_for_another() {
    let issuer = Issuer::answers([token("t")]);
    let exchange = TokenExchange::new(Secret::new("subj+1"))
        .subject_type("urn:ietf:params:oauth:token-type:jwt")
        .actor(Secret::new("actor"), "urn:x")
        .requested_type("urn:y");
    let auth = scheme(&issuer, Grant::token_exchange(exchange))
        .scope("a b")
        .audience("api")
        .build()
        .expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer t");
    check_head(&issuer, 0, TOKEN_URL);
    assert_eq!(
        issuer.body(0),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=subj%2B1\
         &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&actor_token=actor\
         &actor_token_type=urn%3Ax&requested_token_type=urn%3Ay&scope=a+b&audience=api"
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_are_revoked_and_asked_about() {
    let active = r#"{"active":true,"scope":["a","b"],"client_id":"c","sub":"me","aud":"api","exp":1700000000.5,"x":1,
        "username":"Me","token_type":"DPoP","iss":"https://auth.example.com","jti":"j-1","iat":"1699990000","nbf":1699990001,
        "cnf":{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}"#;
    let answers = [
        says(200, ""),
        says(200, active),
        says(200, r#"{"active":false}"#),
        says(200, "<html>"),
        says(401, "<html>"),
    ];
    let issuer = Issuer::answers(answers);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let subject = Secret::new("t/1");
    auth.revoke(&subject, TokenTypeHint::Refresh).await.expect("revoked");
    check_head(&issuer, 0, "https://auth.example.com/revoke");
    assert_eq!(issuer.body(0), "token=t%2F1&token_type_hint=refresh_token");
    let known = auth.introspect(&subject, TokenTypeHint::Access).await.expect("an answer");
    check_head(&issuer, 1, "https://auth.example.com/introspect");
    assert_eq!(issuer.body(1), "token=t%2F1&token_type_hint=access_token");
    assert!(known.active);
    assert_eq!(known.scope.as_deref(), Some("a b"));
    assert_eq!((known.client_id.as_deref(), known.subject.as_deref()), (Some("c"), Some("me")));
    assert_eq!(known.audience, ["api"]);
    assert_eq!(known.username.as_deref(), Some("Me"));
    assert_eq!(known.token_type.as_deref(), Some("DPoP"));
    assert_eq!(known.issuer.as_deref(), Some("https://auth.example.com"));
    assert_eq!(known.token_id.as_deref(), Some("j-1"));
    assert_eq!(
        known.confirmation_thumbprint(),
        Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")
    );
    let at = [known.issued, known.not_before, known.expires].map(|at| at.map(|at| at.as_secs()));
    assert_eq!(at, [Some(1_699_990_000), Some(1_699_990_001), Some(1_700_000_000)]);
    assert!(!auth.introspect(&subject, TokenTypeHint::Access).await.expect("an answer").active);
    assert!(auth.introspect(&subject, TokenTypeHint::Access).await.is_err());
    assert!(auth.introspect(&subject, TokenTypeHint::Access).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_server_says_of_a_token_in_no_known_way_is_not_said() {
    let odd = r#"{"active":true,"scope":7,"client_id":7,"username":[],"token_type":{},"sub":7,"aud":{},"iss":null,"jti":"",
        "iat":"soon","nbf":{},"exp":null,"cnf":"x"}"#;
    let other_means = r#"{"active":true,"cnf":{"x5t#S256":"t"},"iat":1e300}"#;
    let issuer = Issuer::answers([odd, other_means].map(|body| says(200, body)));
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let known = auth.introspect(&"t".into(), TokenTypeHint::Access).await.expect("an answer");
    assert!(known.active && known.audience.is_empty());
    let texts = [known.scope, known.client_id, known.username, known.token_type, known.subject];
    assert_eq!(texts, [const { None }; 5]);
    assert_eq!((known.issuer, known.token_id), (None, None));
    assert_eq!([known.issued, known.not_before, known.expires], [None; 3]);
    let known = auth.introspect(&"t".into(), TokenTypeHint::Access).await.expect("an answer");
    assert_eq!(known.confirmation_thumbprint(), None);
    assert!(known.issued.is_some());
}

#[tokio::test(start_paused = true)]
async fn token_requests_are_charged_to_the_limit_that_is_named() {
    for (name, expected) in [("default", 0), ("named", 1), ("unlimited", 2)] {
        let issuer = Issuer::answers([token("t")]);
        let builder = scheme(&issuer, Grant::client_credentials());
        let builder = match expected {
            1 => builder.limit("tokens"),
            2 => builder.unlimited(),
            _ => builder,
        };
        authorization(&builder.build().expect("a scheme")).await;
        let found = match issuer.request(0).limit_choice() {
            LimitChoice::Named(limit) if limit.as_str() == "tokens" => 1,
            LimitChoice::Unlimited => 2,
            LimitChoice::Default => 0,
            _ => 9,
        };
        assert_eq!(found, expected, "{name}");
    }
}
