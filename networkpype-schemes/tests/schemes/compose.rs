use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Clock, Explanation, Extensions, LoginStep, ManualClock, Origin,
    Recovery, Rejection, RestRequest, RestResponse, Timestamp, WebSocketHandshake,
    WebSocketRequest, WebSocketResponse, async_trait,
};
use networkpype_schemes::compose::{AuthChain, AuthRoute, AuthRouter};

use crate::wire::{clock_at, header, text};

const URL: &str = "https://api.example.com/v1/account";

/// What the schemes of a test were asked, in its order.
type Journal = Arc<Mutex<Vec<String>>>;

/// A scheme that notes what it is asked, and leaves a note of its own in what it signs.
#[derive(Clone)]
struct Named {
    name: &'static str,
    journal: Journal,
    signs_messages: bool,
    /// How many messages a login takes.
    logins: usize,
    recovery: Recovery,
    clock: Option<Arc<ManualClock>>,
    only: Option<&'static str>,
    /// How often its login ends.
    every: Option<Duration>,
}

/// Two schemes of one kind have notes of one type.
#[derive(Clone)]
struct Note(&'static str);

/// How many messages of the login were sent.
#[derive(Clone)]
struct Sent(usize);

impl Named {
    fn new(name: &'static str, journal: &Journal) -> Self {
        Self {
            name,
            journal: Arc::clone(journal),
            signs_messages: true,
            logins: 0,
            recovery: Recovery::GiveUp,
            clock: None,
            only: None,
            every: None,
        }
    }

    fn note(&self, what: &str) {
        self.journal.lock().expect("not poisoned").push(format!("{} {what}", self.name));
    }
}

#[async_trait]
impl Auth for Named {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        let before = request.headers().get("x-signed").map(|it| it.to_str().expect("ASCII"));
        let signed =
            before.map_or(self.name.to_owned(), |before| format!("{before},{}", self.name));
        let mut request = request;
        request.insert_sensitive_header("x-signed", signed.as_bytes())?;
        request.extensions_mut().insert(Note(self.name));
        Ok(request)
    }

    async fn ws_authenticate(
        &self,
        mut message: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        if !self.signs_messages {
            return Err(AuthError::unsupported(format!("{} signs no messages", self.name)));
        }
        let bytes = message.bytes()?.to_vec();
        let text = String::from_utf8(bytes).expect("text");
        Ok(WebSocketRequest::text(format!("{text} {}", self.name)))
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        let signed = self.rest_authenticate(handshake.into_request()).await?;
        Ok(WebSocketHandshake::from_request(signed))
    }

    async fn ws_login(
        &self,
        session: &mut Extensions,
        received: Option<&WebSocketResponse>,
    ) -> Result<LoginStep, AuthError> {
        let sent = session.get::<Sent>().map_or(0, |Sent(sent)| *sent);
        let handshake = session.get::<Note>().map(|Note(name)| format!(" after {name}"));
        self.note(&format!("login {sent} {}{}", received.is_some(), handshake.unwrap_or_default()));
        assert_eq!(sent > 0, received.is_some(), "a login begins with nothing received");
        session.insert(Sent(sent + 1));
        if sent > self.logins {
            return Ok(LoginStep::Done);
        }
        Ok(match sent {
            _ if self.logins == 0 => LoginStep::NotNeeded,
            sent if sent == self.logins => LoginStep::Done,
            _ => LoginStep::Send(WebSocketRequest::text(format!("{} {sent}", self.name))),
        })
    }

    async fn ws_renewal(&self, session: &mut Extensions) -> Result<WebSocketRequest, AuthError> {
        let Some(every) = self.every else { return std::future::pending().await };
        tokio::time::sleep(every).await;
        let sent = session.get::<Sent>().map_or(0, |Sent(sent)| *sent);
        Ok(WebSocketRequest::text(format!("{} renews {sent}", self.name)))
    }

    async fn on_response(&self, signed: &RestRequest, _: &RestResponse) -> Result<(), AuthError> {
        self.note(&format!("sees {}", signed.extensions().get::<Note>().expect("a note").0));
        Ok(())
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let note = rejection.signed.extensions().get::<Note>().expect("a note").0;
        self.note(&format!("recovers {note}"));
        Ok(self.recovery)
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        let had = unsigned.headers().contains_key("x-signed");
        self.note(&format!("explains {} {had}", header(signed, "x-signed")));
        None
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        self.clock.clone().map(|clock| clock as _)
    }

    fn allows(&self, origin: &Origin) -> bool {
        self.only.is_none_or(|host| origin.host() == host)
    }
}

fn journal() -> Journal {
    Journal::default()
}

fn noted(journal: &Journal) -> Vec<String> {
    std::mem::take(&mut *journal.lock().expect("not poisoned"))
}

fn unauthorized() -> RestResponse {
    RestResponse::new(StatusCode::UNAUTHORIZED)
}

async fn signed_by(auth: &impl Auth, request: RestRequest) -> String {
    let request = auth.rest_authenticate(request).await.expect("signed");
    request
        .headers()
        .get("x-signed")
        .map_or_else(String::new, |it| it.to_str().expect("ASCII").to_owned())
}

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
async fn the_schemes_of_a_chain_sign_one_after_the_other_and_keep_their_notes_apart() {
    let journal = journal();
    let second = Named { recovery: Recovery::SignAgain, ..Named::new("second", &journal) };
    let auth = AuthChain::new(Named::new("first", &journal)).then(second);
    let unsigned = RestRequest::get(URL);
    let signed = auth.rest_authenticate(unsigned.clone()).await.expect("signed");
    assert_eq!(header(&signed, "x-signed"), "first,second");
    let response = unauthorized();
    auth.on_response(&signed, &response).await.expect("seen");
    let recovery = auth.on_rejected(&Rejection::new(&signed, &response)).await.expect("told");
    assert_eq!(recovery, Recovery::SignAgain);
    assert!(auth.explain(&unsigned, &signed).is_none());
    assert_eq!(
        noted(&journal),
        [
            "first sees first",
            "second sees second",
            "first recovers first",
            "second recovers second",
            "second explains first,second true",
            "first explains first false",
        ]
    );
}

#[tokio::test]
async fn a_chain_signs_messages_with_whoever_can_and_by_nobody_fails() {
    let journal = journal();
    let named = |name, signs_messages| Named { signs_messages, ..Named::new(name, &journal) };
    let message = || WebSocketRequest::text("x");
    let auth = AuthChain::new(named("a", true)).then(named("b", false)).then(named("c", true));
    assert_eq!(text(auth.ws_authenticate(message()).await.expect("signed")), "x a c");
    let opened = auth.ws_handshake(WebSocketHandshake::new("wss://ws.example.com/")).await;
    assert_eq!(header(&opened.expect("signed").into_request(), "x-signed"), "a,b,c");
    let auth = AuthChain::new(named("a", false)).then(named("b", false));
    let error = auth.ws_authenticate(message()).await.expect_err("nobody");
    assert_eq!(error.to_string(), "a signs no messages");
}

#[tokio::test]
async fn logins_of_a_chain_follow_one_another_and_share_no_session() {
    let journal = journal();
    let named = |name, logins| Named { logins, ..Named::new(name, &journal) };
    let auth = AuthChain::new(named("none", 0)).then(named("two", 2)).then(named("one", 1));
    let mut session = Extensions::new();
    let received = WebSocketResponse::from_text("ok");
    let mut sent = Vec::new();
    let mut last = None;
    for _ in 0..4 {
        match auth.ws_login(&mut session, last).await.expect("a step") {
            LoginStep::Send(message) => sent.push(text(message)),
            LoginStep::Done => sent.push("done".to_owned()),
            step => panic!("{step:?}"),
        }
        last = Some(&received);
    }
    assert_eq!(sent, ["two 0", "two 1", "one 0", "done"]);

    let auth = AuthChain::new(named("none", 0));
    let step = auth.ws_login(&mut Extensions::new(), None).await.expect("a step");
    assert!(matches!(step, LoginStep::NotNeeded), "{step:?}");
}

#[tokio::test]
async fn what_comes_of_a_handshake_goes_to_the_schemes_that_signed_it_each_with_its_own_notes() {
    let journal = journal();
    let named = |name| Named { recovery: Recovery::Refreshed, ..Named::new(name, &journal) };
    let key = ApiKeyOfRequests;
    let chain = AuthChain::new(key).then(Named::new("a", &journal)).then(named("b"));
    let auth = AuthRouter::builder().websocket(chain).build().expect("usable");
    let opened = auth.ws_handshake(WebSocketHandshake::new("wss://ws.example.com/")).await;
    let signed = opened.expect("signed").into_request();
    auth.on_response(&signed, &unauthorized()).await.expect("seen");
    let recovery = auth.on_rejected(&Rejection::new(&signed, &unauthorized())).await;
    assert_eq!(recovery.expect("told"), Recovery::Refreshed);
    assert_eq!(noted(&journal), ["a sees a", "b sees b", "a recovers a", "b recovers b"]);
    auth.ws_login(&mut signed.extensions().clone(), None).await.expect("a step");
    assert_eq!(noted(&journal), ["a login 0 false after a", "b login 0 false after b"]);
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

/// Cannot mend anything.
struct Fails;

#[async_trait]
impl Auth for Fails {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no messages"))
    }

    async fn on_response(&self, _: &RestRequest, _: &RestResponse) -> Result<(), AuthError> {
        Err(AuthError::unsupported("not mine"))
    }

    async fn on_rejected(&self, _: &Rejection<'_>) -> Result<Recovery, AuthError> {
        Err(AuthError::unsupported("out of order"))
    }
}

#[tokio::test]
async fn a_scheme_that_fails_keeps_no_other_of_its_chain_from_seeing_and_mending() {
    let journal = journal();
    for (recovery, mended) in [(Recovery::NewNonce, true), (Recovery::GiveUp, false)] {
        let named = Named { recovery, ..Named::new("a", &journal) };
        let chain = AuthChain::new(Fails).then(named);
        let signed = chain.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
        chain.on_response(&signed, &unauthorized()).await.expect_err("one does not accept it");
        let result = chain.on_rejected(&Rejection::new(&signed, &unauthorized())).await;
        assert_eq!(result.ok(), mended.then_some(recovery));
        assert_eq!(noted(&journal), ["a sees a", "a recovers a"]);
    }
}

/// Signs nothing of a WebSocket.
struct ApiKeyOfRequests;

#[async_trait]
impl Auth for ApiKeyOfRequests {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        Ok(request)
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("no messages"))
    }
}

#[tokio::test(start_paused = true)]
async fn each_scheme_of_a_chain_renews_its_own_login_when_it_is_time_and_hears_the_answer() {
    let journal = journal();
    let named = |name, every: Option<u64>| Named {
        logins: 1,
        every: every.map(Duration::from_secs),
        ..Named::new(name, &journal)
    };
    let chain = AuthChain::new(named("a", Some(70))).then(named("b", Some(30)));
    let routed = AuthRouter::builder().websocket(chain.then(named("c", None))).build();
    let auth = routed.expect("usable");
    let (mut session, received) = (Extensions::new(), WebSocketResponse::from_text("ok"));
    let mut last = None;
    while !matches!(auth.ws_login(&mut session, last).await.expect("a step"), LoginStep::Done) {
        last = Some(&received);
    }
    journal.lock().expect("not poisoned").clear();
    for renewal in ["b renews 2", "b renews 3", "b renews 4"] {
        // Giving up in between loses nothing.
        let early = Duration::from_secs(10);
        let waiting = tokio::time::timeout(early, auth.ws_renewal(&mut session)).await;
        assert!(waiting.is_err());
        let message = auth.ws_renewal(&mut session).await.expect("a message");
        assert_eq!(text(message), renewal);
        let step = auth.ws_login(&mut session, Some(&received)).await.expect("a step");
        assert!(matches!(step, LoginStep::Done), "{step:?}");
    }
    let heard = journal.lock().expect("not poisoned").clone();
    assert_eq!(heard, ["b login 2 true", "b login 3 true", "b login 4 true"]);
}

#[test]
fn several_schemes_have_one_clock_only_where_it_is_one() {
    let journal = journal();
    let clock = clock_at(1);
    let with = |clock: Option<&Arc<ManualClock>>| Named {
        clock: clock.cloned(),
        ..Named::new("a", &journal)
    };
    let one = AuthChain::new(with(Some(&clock))).then(with(None)).then(with(Some(&clock)));
    assert_eq!(one.time_provider().expect("a clock").identity(), clock.identity());
    let other = clock_at(2);
    let two = AuthRouter::builder()
        .route(AuthRoute::path("/**"), with(Some(&clock)))
        .otherwise(with(Some(&other)))
        .build()
        .expect("usable");
    let several = two.time_provider().expect("a clock");
    assert!(![clock.identity(), other.identity()].contains(&several.identity()));
    assert_eq!(several.now(), Timestamp::from_millis(1));
    assert!(AuthChain::new(with(None)).time_provider().is_none());
}

#[cfg(all(feature = "api-key", feature = "basic", feature = "bearer"))]
#[tokio::test]
async fn what_one_scheme_of_a_chain_has_set_no_other_takes_away() {
    use networkpype_schemes::{ApiKey, Basic, Bearer};

    let bearer = || Bearer::new("t").expect("a token");
    let same = AuthChain::new(bearer()).then(bearer());
    let signed = same.rest_authenticate(RestRequest::get(URL)).await;
    assert!(signed.is_ok(), "the same takes nothing away");
    let basic = Basic::new("u", "p").expect("usable");
    let chain = AuthChain::new(bearer()).then(basic);
    let error = chain.rest_authenticate(RestRequest::get(URL)).await.expect_err("one header");
    assert!(error.to_string().contains("`authorization`"), "{error}");
    let handshake = WebSocketHandshake::new("wss://ws.example.com/");
    let error = chain.ws_handshake(handshake).await.expect_err("one header");
    assert!(error.to_string().contains("`authorization`"), "{error}");
    // The caller's own is another thing, and cookies share a header.
    let own = RestRequest::get(URL).header("authorization", "mine");
    let signed = AuthChain::new(bearer()).rest_authenticate(own).await.expect("signed");
    assert_eq!(header(&signed, "authorization"), "Bearer t");
    let cookie = |name| ApiKey::cookie(name, "k").expect("a cookie");
    let cookies = AuthChain::new(cookie("a")).then(cookie("b"));
    let signed = cookies.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    assert_eq!(header(&signed, "cookie"), "a=k; b=k");
}

#[cfg(all(feature = "api-key", feature = "oauth1"))]
#[tokio::test]
async fn what_is_added_behind_a_signature_over_everything_is_not_sent() {
    use networkpype_schemes::{
        ApiKey, OAuth1,
        oauth1::{ClientCredentials, ParameterPlacement},
    };

    let placements = [ParameterPlacement::Header, ParameterPlacement::Query];
    for placement in placements {
        let oauth = OAuth1::builder(ClientCredentials::hmac_sha256("ck", "cs"));
        let oauth = oauth.placement(placement).build().expect("a scheme");
        let key = ApiKey::query("key", "k").expect("a key");
        let before = AuthChain::new(key.clone()).then(oauth.clone());
        let mut signed = before.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
        signed.freeze().expect("the key is signed too");
        let behind = AuthChain::new(oauth).then(key);
        let mut signed = behind.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
        let error = signed.freeze().expect_err("the key is not signed");
        assert!(error.to_string().contains("behind a signature"), "{error}");
    }
}
