//! Different schemes by route, and for WebSockets.

use networkpype_core::{
    Auth, AuthErrorKind, Extensions, Origin, Recovery, Rejection, RestRequest, WebSocketHandshake,
    WebSocketRequest,
};
use networkpype_schemes::compose::{AuthChain, AuthRoute, AuthRouter};

use crate::{
    compose_named::{Named, URL, journal, noted, signed_by, unauthorized},
    wire::{header, text},
};

#[tokio::test]
async fn the_first_route_that_matches_decides() {
    let journal = journal();
    let named = |name| Named::new(name, &journal);
    let auth = AuthRouter::builder()
        .anonymous(AuthRoute::path("/v1/public/**"))
        .route(AuthRoute::path("/v1/**").and_method("post"), named("posts"))
        .route(AuthRoute::host("API.example.com").and_path("/v1/*"), named("v1"))
        .route(AuthRoute::host("*.example.com"), named("others"))
        .build()
        .expect("usable");
    for (request, expected) in [
        (RestRequest::get(URL), "v1"),
        (RestRequest::post(URL), "posts"),
        (RestRequest::get("https://api.example.com/v1/a/b"), "others"),
        (RestRequest::get("https://files.example.com/v1/a"), "others"),
        (RestRequest::post("https://api.example.com/v1/public/a"), ""),
        (RestRequest::get("https://api.example.com/v1/public"), "v1"),
        (RestRequest::get("https://api.example.com/{v}/public/a").path_param("v", "v1"), ""),
    ] {
        assert_eq!(signed_by(&auth, request.clone()).await, expected, "{request:?}");
    }
}

#[tokio::test]
async fn what_no_route_is_for_is_refused_unless_a_scheme_is_for_the_rest() {
    let journal = journal();
    let named = |name| Named::new(name, &journal);
    let routed = || AuthRouter::builder().route(AuthRoute::path("/v2/**"), named("v2"));
    let strict = routed().build().expect("usable");
    let error = strict.rest_authenticate(RestRequest::get(URL)).await.expect_err("no route");
    assert_eq!(error.kind(), AuthErrorKind::Configuration);
    assert!(error.to_string().contains("GET api.example.com/v1/account"), "{error}");

    let lenient = routed().otherwise(named("rest")).build().expect("usable");
    assert_eq!(signed_by(&lenient, RestRequest::get(URL)).await, "rest");
    let error = routed().anonymous(AuthRoute::host("https://api.example.com")).build();
    assert!(error.expect_err("no host").to_string().contains("`https://api.example.com`"));
    let error = AuthRouter::builder().anonymous(AuthRoute::path("/**")).build();
    assert!(error.expect_err("no scheme").to_string().contains("signs nothing"));
}

#[tokio::test]
async fn what_comes_of_a_request_goes_to_the_scheme_that_signed_it() {
    let journal = journal();
    let named = |name| Named { recovery: Recovery::Refreshed, ..Named::new(name, &journal) };
    let inner = AuthRouter::builder()
        .route(AuthRoute::path("/v1/**"), named("inner"))
        .otherwise(named("wrong"))
        .build()
        .expect("usable");
    let auth = AuthRouter::builder()
        .route(AuthRoute::path("/v2/**"), named("wrong"))
        .route(AuthRoute::host("api.example.com"), inner)
        .anonymous(AuthRoute::host("files.example.com"))
        .build()
        .expect("usable");
    let unsigned = RestRequest::get(URL);
    let signed = auth.rest_authenticate(unsigned.clone()).await.expect("signed");
    let response = unauthorized();
    auth.on_response(&signed, &response).await.expect("seen");
    let recovery = auth.on_rejected(&Rejection::new(&signed, &response)).await.expect("told");
    assert_eq!(recovery, Recovery::Refreshed);
    assert!(auth.explain(&unsigned, &signed).is_none());
    assert_eq!(
        noted(&journal),
        ["inner sees inner", "inner recovers inner", "inner explains inner false"]
    );

    let unsigned = RestRequest::get("https://files.example.com/a");
    let signed = auth.rest_authenticate(unsigned).await.expect("as it is");
    auth.on_response(&signed, &response).await.expect("nobody");
    let recovery = auth.on_rejected(&Rejection::new(&signed, &response)).await.expect("nobody");
    assert_eq!(recovery, Recovery::GiveUp);
    assert!(noted(&journal).is_empty());
}

#[tokio::test]
async fn credentials_of_a_route_go_only_where_its_scheme_allows() {
    let journal = journal();
    let only = Named { only: Some("api.example.com"), ..Named::new("only", &journal) };
    let auth = AuthRouter::builder()
        .route(AuthRoute::path("/v1/**"), only.clone())
        .route(AuthRoute::host("files.example.com"), Named::new("files", &journal))
        .build()
        .expect("usable");
    let origin = |url: &str| url.parse::<Origin>().expect("an origin");
    assert!(auth.allows(&origin("https://api.example.com")));
    assert!(auth.allows(&origin("https://files.example.com")));
    assert!(!auth.allows(&origin("https://elsewhere.example")));
    let elsewhere = RestRequest::get("https://files.example.com/v1/a");
    let error = auth.rest_authenticate(elsewhere).await.expect_err("not there");
    assert!(error.to_string().contains("does not allow"), "{error}");

    let chain = AuthChain::new(Named::new("any", &journal)).then(only);
    assert!(chain.allows(&origin("https://api.example.com")));
    assert!(!chain.allows(&origin("https://files.example.com")));
}

#[tokio::test]
async fn websockets_have_the_scheme_that_is_for_them() {
    let journal = journal();
    let named = |name| Named::new(name, &journal);
    let routed = || AuthRouter::builder().route(AuthRoute::path("/**"), named("rest"));
    let handshake = || WebSocketHandshake::new("wss://ws.example.com/");
    let both = routed().otherwise(named("else")).websocket(named("ws")).build().expect("usable");
    let message = both.ws_authenticate(WebSocketRequest::text("x")).await.expect("signed");
    assert_eq!(text(message), "x ws");
    let opened = both.ws_handshake(handshake()).await.expect("signed");
    assert_eq!(header(&opened.into_request(), "x-signed"), "ws");
    let fallback = routed().otherwise(named("else")).build().expect("usable");
    let message = fallback.ws_authenticate(WebSocketRequest::text("x")).await.expect("signed");
    assert_eq!(text(message), "x else");

    let none = routed().build().expect("usable");
    let message = none.ws_authenticate(WebSocketRequest::text("x")).await.map(drop);
    let opened = none.ws_handshake(handshake()).await.map(drop);
    let login = none.ws_login(&mut Extensions::new(), None).await.map(drop);
    for error in [message, opened, login] {
        assert!(error.expect_err("no scheme").to_string().contains("`websocket`"));
    }
}

#[tokio::test]
async fn a_websockets_scheme_gives_its_credentials_to_the_hosts_that_it_allows() {
    let journal = journal();
    let auth = AuthRouter::builder()
        .route(AuthRoute::host("api.example.com"), Named::new("rest", &journal))
        .websocket(Named { only: Some("ws.example.com"), logins: 1, ..Named::new("ws", &journal) })
        .build()
        .expect("usable");
    for (host, allowed) in [("ws.example.com", true), ("api.example.com", false)] {
        let url = format!("wss://{host}/stream");
        let origin: Origin = url.trim_end_matches("/stream").parse().expect("an origin");
        let signed = auth.ws_handshake(WebSocketHandshake::new(&url)).await;
        assert_eq!(signed.is_ok(), allowed, "{host}");
        let mut session = Extensions::new();
        session.insert(origin.clone());
        assert_eq!(auth.ws_login(&mut session, None).await.is_ok(), allowed, "{host}");
        let message = WebSocketRequest::text("x").extension(origin);
        assert_eq!(auth.ws_authenticate(message).await.is_ok(), allowed, "{host}");
    }
}
