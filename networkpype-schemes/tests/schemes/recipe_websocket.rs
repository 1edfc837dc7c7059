//! Logins, messages and handshakes of recipes.

use networkpype_core::{
    Auth, AuthErrorKind, Extensions, LoginRefusal, LoginStep, Recovery, RestRequest,
    WebSocketHandshake, WebSocketRequest, WebSocketResponse,
};
use networkpype_schemes::recipe::RecipeAuth;

use crate::{
    recipe_setup::{built, requests},
    wire::text,
};

const LOGIN: &str = r#"
    credentials = ["key", "secret"]
    [websocket.login]
    message = '{"op":"login","key":"{key}","ts":{timestamp},"sign":"{signature}"}'
    payload = "{timestamp}GET/login"
    timestamp = "s"
    expires-in = 10
    accepted = { event = "login", "/result/code" = "0" }
    refused = { event = "error" }
    refusal-code = "/result/code"
    resync-codes = ["60004"]
"#;

async fn step(auth: &RecipeAuth, received: Option<&str>) -> LoginStep {
    let received = received.map(|text| WebSocketResponse::from_text(text.to_owned()));
    auth.ws_login(&mut Extensions::new(), received.as_ref()).await.expect("judged")
}

async fn refusal(auth: &RecipeAuth, received: &str) -> LoginRefusal {
    match step(auth, Some(received)).await {
        LoginStep::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_login_is_sent_signed_and_ahead_of_the_clock() {
    let LoginStep::Send(message) = step(&built(LOGIN), None).await else { panic!("a message") };
    // The signature is openssl's.
    let expected = r#"{"op":"login","key":"the-key","ts":1700000010,"sign":"a71510158b58dc03ef9226132e8a9eacb5ab8c660e7b8793ebfe2e0a40759caa"}"#;
    assert_eq!(text(message), expected);
}

#[tokio::test]
async fn an_answer_accepts_refuses_or_is_about_something_else() {
    let auth = built(LOGIN);
    for text in
        [r#"{"event":"login","result":{"code":"0"}}"#, r#"{"event":"login","result":{"code":0}}"#]
    {
        assert!(matches!(step(&auth, Some(text)).await, LoginStep::Done), "{text}");
    }
    for text in [
        r#"{"event":"login","result":{"code":"1"}}"#,
        r#"{"event":"login"}"#,
        r#"{"event":"tick"}"#,
        "pong",
        "",
    ] {
        assert!(matches!(step(&auth, Some(text)).await, LoginStep::Wait), "{text}");
    }
    let wrong = refusal(&auth, r#"{"event":"error","result":{"code":"60009"}}"#).await;
    assert_eq!((wrong.reason(), wrong.recovery()), ("code 60009", Recovery::GiveUp));
    let late = refusal(&auth, r#"{"event":"error","result":{"code":60004}}"#).await;
    assert_eq!((late.reason(), late.recovery()), ("code 60004", Recovery::ResyncTime));
    for quoting in [
        r#"{"event":"error","result":{"code":"the-key"}}"#,
        r#"{"event":"error","result":{"code":"no such key THE-KEY here"}}"#,
    ] {
        assert_eq!(refusal(&auth, quoting).await.reason(), "the server gave no code");
    }
}

#[tokio::test]
async fn what_a_recipe_does_not_say_is_refused_and_not_passed_through() {
    let rest_only = requests("headers.K = '{key}'");
    let message = rest_only.ws_authenticate(WebSocketRequest::text("x")).await.expect_err("none");
    let handshake =
        rest_only.ws_handshake(WebSocketHandshake::new("wss://h/ws")).await.expect_err("none");
    let request =
        built(LOGIN).rest_authenticate(RestRequest::get("https://h/p")).await.expect_err("none");
    for (error, key) in [
        (message, "`websocket.message`"),
        (handshake, "`websocket.handshake`"),
        (request, "`request`"),
    ] {
        assert_eq!(error.kind(), AuthErrorKind::Unsupported);
        assert!(error.to_string().contains(key), "{error}");
    }
    assert!(matches!(step(&rest_only, None).await, LoginStep::NotNeeded));
}

#[tokio::test]
async fn the_object_of_a_message_is_signed_within_its_field() {
    let auth = built(
        r#"
        credentials = ["key", "secret"]
        constants = { window = "5000" }
        [websocket.message]
        within = "params"
        payload = "{fields}"
        digest = "base64"
        fields = [
            ["apiKey", "{key}"],
            { name = "recvWindow", json = "{window}", yields = true },
            { name = "timestamp", json = "{timestamp}" },
            { name = "tag", value = "t", when = "{member(symbol)}" },
            ["signature", "{signature}"],
        ]
        "#,
    );
    let signed = |text: &str| auth.ws_authenticate(WebSocketRequest::json_text(text.to_owned()));
    let own =
        text(signed(r#"{"id":1.0,"params":{"symbol":"X","recvWindow":7}}"#).await.expect("signed"));
    let before = r#"{"id":1.0,"params":{"symbol":"X","apiKey":"the-key","recvWindow":7,"timestamp":1700000000000,"tag":"t","signature":""#;
    assert!(own.starts_with(before), "{own}");
    let bare = text(signed(r#"{"id":1}"#).await.expect("signed"));
    let before = r#"{"id":1,"params":{"apiKey":"the-key","recvWindow":5000,"timestamp":1700000000000,"signature":""#;
    assert!(bare.starts_with(before), "a field with a condition that is empty is left out: {bare}");
    for unfit in
        [r#"{"params":[]}"#, "[]", r#"{"params":{"timestamp":1}}"#, r#"{"params":{"a":1,"a":2}}"#]
    {
        assert!(signed(unfit).await.is_err(), "{unfit}");
    }
}

#[tokio::test]
async fn a_handshake_is_signed_by_the_rule_that_matches_it() {
    let auth = built(
        "
        credentials = ['key', 'secret']
        [websocket.handshake]
        payload = '{method}{target}{timestamp}'
        headers.T = '{timestamp}'
        headers.S = '{signature}'
        [[websocket.handshake.rules]]
        match.path = '/public'
        then = { payload = '', headers = { T = '', S = '' } }
        [[websocket.handshake.rules]]
        match.host = 'query.*'
        then = { headers = { T = '', S = '' }, after = [['t', '{timestamp}'], ['s', '{signature}']] }
        ",
    );
    let signed = async |url: &str| {
        let handshake = auth.ws_handshake(WebSocketHandshake::new(url)).await.expect("signed");
        handshake.into_request()
    };
    assert!(signed("wss://h/private").await.headers().contains_key("s"));
    assert!(!signed("wss://h/public").await.headers().contains_key("s"));
    let mut query = signed("wss://query.h/private?a=1").await;
    assert!(query.target().starts_with("/private?a=1&t=1700000000000&s="), "{}", query.target());
    assert!(query.headers().is_empty());
}
