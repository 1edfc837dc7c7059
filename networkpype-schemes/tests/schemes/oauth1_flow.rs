//! OAuth 1.0a: the three steps to a token, over a caller that answers what it is told.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use networkpype_core::{
    Caller, Error, LimitChoice, RestRequest, RestResponse, Secret, async_trait,
};
use networkpype_schemes::oauth1::{
    AuthorizationFlow, AuthorizationFlowBuilder, ClientCredentials, OAuth1, OUT_OF_BAND,
    ParameterPlacement, TemporaryCredentials, TokenCredentials,
    token::{TokenError, TokenErrorKind},
};

use crate::wire::{body, header};

/// Answers each request with the same, and remembers them.
#[derive(Clone)]
struct Says(u16, &'static str, Arc<Mutex<Vec<RestRequest>>>);

impl Says {
    fn new(status: u16, body: &'static str) -> Self {
        Self(status, body, Arc::default())
    }

    fn last(&self) -> RestRequest {
        self.2.lock().expect("no panic").pop().expect("a request")
    }
}

#[async_trait]
impl Caller for Says {
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error> {
        self.2.lock().expect("no panic").push(request);
        let status = StatusCode::from_u16(self.0).expect("a status");
        Ok(RestResponse::new(status).with_body(self.1))
    }
}

const GIVEN: &str = "oauth_token=t%2F1&oauth_token_secret=s+1&oauth_callback_confirmed=true\n";

fn client() -> OAuth1 {
    let client = ClientCredentials::plaintext("ck", "cs");
    // A token of the client's own is not used.
    OAuth1::builder(client).token(TokenCredentials::new("old", "old")).build().expect("a scheme")
}

fn builder(client: OAuth1) -> AuthorizationFlowBuilder {
    AuthorizationFlow::builder(client)
        .temporary_credential_endpoint("https://photos.example.net/initiate?a=1")
        .authorization_endpoint("https://photos.example.net/authorize?b=2")
        .token_endpoint("https://photos.example.net/token")
}

fn flow(caller: &Says) -> AuthorizationFlow {
    builder(client()).caller(caller.clone()).limit("tokens").build().expect("a flow")
}

fn temporary() -> TemporaryCredentials {
    TemporaryCredentials::new("t/1", "s 1")
}

#[tokio::test]
async fn temporary_credentials_are_asked_for_with_the_callback_and_without_a_token() {
    let caller = Says::new(200, GIVEN);
    let flow = flow(&caller);
    let temporary = flow.temporary_credentials("http://printer/ready?x=1").await.expect("given");
    assert_eq!(temporary.token().expose_str(), Some("t/1"));
    assert_eq!(temporary.secret().expose_str(), Some("s 1"));
    let mut asked = caller.last();
    assert_eq!(asked.method(), http::Method::POST);
    assert_eq!(asked.target(), "/initiate?a=1");
    assert_eq!(asked.limit_choice(), &LimitChoice::Named("tokens".into()));
    assert!(!asked.is_auth_required(), "it is signed already, and not by the manager");
    let header = header(&asked, "authorization");
    assert!(header.contains("oauth_callback=\"http%3A%2F%2Fprinter%2Fready%3Fx%3D1\""), "{header}");
    assert!(header.contains("oauth_signature=\"cs%26\""), "{header}");
    assert!(!header.contains("oauth_token"), "{header}");
    assert_eq!(
        flow.authorization_url(&temporary),
        "https://photos.example.net/authorize?b=2&oauth_token=t%2F1"
    );
    flow.temporary_credentials(OUT_OF_BAND).await.expect("given");
}

#[tokio::test]
async fn a_callback_that_is_not_confirmed_gives_no_credentials() {
    for body in [
        "oauth_token=t&oauth_token_secret=s",
        "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=false",
        "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true&oauth_callback_confirmed=true",
    ] {
        let error = flow(&Says::new(200, body)).temporary_credentials("http://p").await;
        assert_eq!(error.expect_err(body).kind(), TokenErrorKind::Malformed);
    }
}

#[tokio::test]
async fn a_page_that_holds_no_credentials_is_called_so() {
    for body in ["<html>hunter2</html>", "", "oauth_callback_confirmed=true"] {
        let error = flow(&Says::new(200, body)).temporary_credentials("http://p").await;
        let error = error.expect_err(body);
        assert_eq!(error.kind(), TokenErrorKind::Malformed);
        assert!(error.to_string().contains("holds no token"), "{error}");
    }
    let unconfirmed = flow(&Says::new(200, "oauth_token=t&oauth_token_secret=s"));
    let error = unconfirmed.temporary_credentials("http://p").await.expect_err("unconfirmed");
    assert!(error.to_string().contains("oauth_callback_confirmed"), "{error}");
}

#[tokio::test]
async fn the_verifier_is_exchanged_with_the_temporary_credentials() {
    let caller = Says::new(200, "oauth_token=t2&oauth_token_secret=&user_id=7&screen_name=a+b");
    let token = flow(&caller).token_credentials(&temporary(), "v&1").await.expect("given");
    assert_eq!(token.token().expose_str(), Some("t2"));
    assert!(token.secret().is_empty());
    assert_eq!(token.parameter("user_id").as_deref(), Some("7"));
    assert_eq!(token.parameter("screen_name").as_deref(), Some("a b"));
    assert_eq!(token.parameter("oauth_token_secret"), None);
    let asked = caller.last();
    let header = header(&asked, "authorization");
    assert!(header.contains("oauth_token=\"t%2F1\""), "{header}");
    assert!(header.contains("oauth_verifier=\"v%261\""), "{header}");
    assert!(header.contains("oauth_signature=\"cs%26s%25201\""), "{header}");
}

#[tokio::test]
async fn tokens_are_asked_for_with_the_placement_of_the_client() {
    let caller = Says::new(200, GIVEN);
    let client = OAuth1::builder(ClientCredentials::hmac_sha1("ck", "cs"))
        .placement(ParameterPlacement::Body)
        .build()
        .expect("a scheme");
    let flow = builder(client).caller(caller.clone()).unlimited().build().expect("a flow");
    flow.token_credentials(&temporary(), "v").await.expect("given");
    let asked = caller.last();
    assert!(body(&asked).contains("&oauth_verifier=v&oauth_signature="), "{}", body(&asked));
    assert_eq!(asked.limit_choice(), &LimitChoice::Unlimited);
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_and_by_nothing_else() {
    use TokenErrorKind::{Malformed, ReauthenticationRequired, Refused, Unavailable};
    for (status, body, kind, told) in [
        (401, "oauth_problem=token_expired&hunter2", ReauthenticationRequired, "token_expired"),
        (400, "oauth_problem=signature_invalid", Refused, "signature_invalid"),
        (401, "oauth_problem=hunter2", Refused, "401"),
        (401, "hunter2", Refused, "(status 401): look at the client's key"),
        (302, GIVEN, Refused, "redirect"),
        (503, "oauth_problem=token_expired", Unavailable, "503"),
        (429, "oauth_problem=token_expired", Unavailable, "429"),
        (200, "hunter2", Malformed, "no token"),
        (200, "{\"oauth_token\":\"hunter2\"}", Malformed, "no token"),
        (200, "oauth_token=&oauth_token_secret=hunter2", Malformed, "no token"),
        (200, "oauth_token=hunter2", Malformed, "no token"),
        (200, "oauth_token=a&oauth_token=b&oauth_token_secret=c", Malformed, "twice"),
    ] {
        let asked = flow(&Says::new(status, body));
        let error = asked.token_credentials(&temporary(), "v").await.expect_err(body);
        assert_eq!(error.kind(), kind, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(told) && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_redirect_answers_the_login_that_was_begun_or_none() {
    use TokenErrorKind::{Malformed, ReauthenticationRequired, Refused};
    let verifier = |redirected: &str| temporary().verifier_from(redirected);
    for taken in [
        "http://printer/ready?x=1&oauth_token=t%2F1&oauth_verifier=v+1#top",
        "/ready?oauth_verifier=v%201&oauth_token=t/1",
        "oauth_token=t%2f1&oauth_verifier=v%201",
        // Parameters of the callback's own.
        "/ready?denied=0&oauth_token=t/1&oauth_verifier=v+1",
        "/ready?denied=0&denied=&oauth_token=t/1&oauth_verifier=v+1",
    ] {
        let verifier: Secret = verifier(taken).expect(taken);
        assert_eq!(verifier.expose_str(), Some("v 1"), "{taken}");
    }
    for (redirected, kind) in [
        ("http://printer/ready?oauth_token=other&oauth_verifier=v", Refused),
        ("http://printer/ready?oauth_verifier=v", Refused),
        ("http://printer/ready", Refused),
        ("?oauth_token=t/1", Malformed),
        ("?oauth_token=t/1&oauth_verifier=", Malformed),
        ("?oauth_token=t/1&oauth_verifier=a&oauth_verifier=b", Malformed),
        ("?oauth_token=t/1&oauth_token=t/1&oauth_verifier=a", Malformed),
        ("?denied=t/1", ReauthenticationRequired),
        ("?denied=0&denied=t%2F1", ReauthenticationRequired),
        ("?oauth_token=t/1&denied=t/1", ReauthenticationRequired),
        // Of another login, or of anybody.
        ("?denied=other", Refused),
        ("?denied=", Refused),
        ("?oauth_token=other&denied=other", Refused),
        ("?oauth_token=other&denied=t/1", Refused),
        ("?oauth_token=other&oauth_problem=permission_denied", Refused),
        ("?oauth_problem=permission_denied", ReauthenticationRequired),
        ("?oauth_token=t/1&oauth_problem=permission_denied", ReauthenticationRequired),
        ("?oauth_token=t/1&oauth_problem=user_refused", ReauthenticationRequired),
    ] {
        let error: TokenError = verifier(redirected).expect_err(redirected);
        assert_eq!(error.kind(), kind, "{redirected}");
    }
}

#[test]
fn a_flow_that_lacks_something_is_told_so() {
    let caller = || Says::new(200, GIVEN);
    let told =
        |builder: AuthorizationFlowBuilder| builder.build().expect_err("a mistake").to_string();
    let with = |name: &'static str| {
        let client = OAuth1::builder(ClientCredentials::hmac_sha1("ck", "cs"));
        client.parameter(name, "x").build().expect("a scheme")
    };
    for (mistake, why) in [
        (builder(client()), "`caller`"),
        (AuthorizationFlow::builder(client()).caller(caller()), "`authorization_endpoint`"),
        (builder(client()).caller(caller()).token_endpoint("http://example.com/"), "https://"),
        (builder(client()).caller(caller()).token_endpoint("/token"), "no URL"),
        (builder(client()).caller(caller()).token_endpoint("https://h/#a"), "no URL"),
        (
            builder(client()).caller(caller()).authorization_endpoint("https://h/?oauth_token=1"),
            "no URL",
        ),
        (builder(with("oauth_callback")).caller(caller()), "callback"),
        (builder(with("oauth_verifier")).caller(caller()), "callback"),
    ] {
        let told = told(mistake);
        assert!(told.contains(why), "{told}");
    }
}
