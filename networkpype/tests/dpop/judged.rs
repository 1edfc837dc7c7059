//! Resource servers of others, npm's oauth4webapi and Apache's mod_oauth2: what they refuse, and that none of it is sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use networkpype::{
    Clock, Method, Recovery, RestManager, RestRequest, Sleep, SystemClock, Ticker, Ticks,
    Timestamp, TokioTicker,
    schemes::oauth2::{Client, DpopClaims, DpopKey, Grant, OAuth2},
};
use networkpype_test::peers::{Kind, Peer};

use crate::{
    counted::{Counted, requests, status as status_of_all},
    issued::{Asked, scheme, status},
};

/// An authorization server, and the two that take its tokens; at these paths none but bound ones.
struct Servers {
    oidc: Peer,
    apache: Peer,
    oauth4webapi: Peer,
}

impl Servers {
    fn start(nonce: &str) -> Option<Self> {
        let oidc =
            Peer::start(Kind::Oidc, &[("DPOP_NONCE", if nonce.is_empty() { "0" } else { "1" })])?;
        let keys = oidc.url("/jwks");
        let apache = Peer::start(Kind::Oauth2RsApache, &[("JWKS_URI", &keys)])?;
        let knobs = [("ISSUER", oidc.get("issuer")), ("DPOP_NONCE", nonce)];
        let oauth4webapi = Peer::start(Kind::DpopRs, &knobs)?;
        Some(Self { oidc, apache, oauth4webapi })
    }

    fn resources(&self) -> [(&Peer, &'static str); 2] {
        [(&self.apache, "/d/i"), (&self.oauth4webapi, "/d/i")]
    }

    fn auth(&self, asked: &Asked, key: &DpopKey) -> OAuth2 {
        let client = Client::with_secret_in_body("ccpost", "ccpost-secret");
        let auth = scheme(&self.oidc, asked, client, Grant::client_credentials());
        auth.dpop(key.clone()).build().expect("a scheme")
    }
}

/// What a resource server says to a request with these headers.
async fn says(api: &Peer, path: &str, authorization: &str, proof: Option<&str>) -> u16 {
    let mut request = RestRequest::get(api.url(path)).header("authorization", authorization);
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    let manager = RestManager::builder().build().expect("a manager");
    manager.call(request).await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_thief_could_send_is_refused_where_what_the_key_proves_is_taken() {
    let Some(servers) = Servers::start("") else { return };
    let key = DpopKey::generate().expect("a key");
    let auth = servers.auth(&Asked::new(), &key);
    let token = auth.token().await.expect("a token").access().clone();
    let text = token.expose_str().expect("text");
    let bound = format!("DPoP {text}");
    let mut number = 0;
    for (api, path) in servers.resources() {
        let url = api.url(path);
        let mut proof = |key: &DpopKey, method: &str, url: &str, at: Timestamp, token: &str| {
            number += 1;
            let method: Method = method.parse().expect("a method");
            let claims = DpopClaims::new(&method, url, at).expect("claims");
            let claims = claims.jti(format!("proof number {number}"));
            key.proof(&claims.access_token(&token.into())).expect("a proof")
        };
        let now = SystemClock.now();
        let good = proof(&key, "GET", &url, now, text);
        assert_eq!(says(api, path, &bound, Some(&good)).await, 200, "{url}");
        let other = DpopKey::generate().expect("a key");
        let hour = std::time::Duration::from_secs(3600);
        for (what, proof) in [
            ("the same proof again", good),
            ("another URL", proof(&key, "GET", &api.url("/d/other"), now, text)),
            ("another server", proof(&key, "GET", "https://api.example.com/d/i", now, text)),
            ("another method", proof(&key, "POST", &url, now, text)),
            ("another key", proof(&other, "GET", &url, now, text)),
            ("an hour ago", proof(&key, "GET", &url, now.saturating_sub(hour), text)),
        ] {
            assert_eq!(says(api, path, &bound, Some(&proof)).await, 401, "{url}: {what}");
        }
        // mod_oauth2 does not look at this one.
        let of_another_token = proof(&key, "GET", &url, now, "another");
        let is_judge = api.port() == servers.oauth4webapi.port();
        let expected = if is_judge { 401 } else { 200 };
        assert_eq!(says(api, path, &bound, Some(&of_another_token)).await, expected, "{url}");
        assert_eq!(says(api, path, &bound, None).await, 401, "{url}: no proof");
        let bearer = format!("Bearer {text}");
        assert_eq!(says(api, path, &bearer, None).await, 401, "{url}: as a Bearer token");
        let extra = proof(&key, "GET", &url, now, text);
        assert_eq!(says(api, path, &bearer, Some(&extra)).await, 401, "{url}: as a Bearer token");
        // And what the scheme sends is taken, each time.
        for _ in 0..3 {
            assert_eq!(status(api, path, &auth).await, 200, "{url}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_calls_at_once_share_a_token_and_its_nonces_and_none_is_sent_more_than_twice() {
    for nonce in ["", "a-nonce"] {
        let Some(servers) = Servers::start(nonce) else { return };
        for (api, path) in servers.resources() {
            let asks = !nonce.is_empty() && api.port() == servers.oauth4webapi.port();
            let asked = Asked::new();
            let key = DpopKey::generate().expect("a key");
            let auth = Counted::new(servers.auth(&asked, &key));
            let manager = RestManager::builder().base_url(api.url("")).auth(auth.clone()).build();
            let manager = manager.expect("a manager");
            for round in 0..2 {
                let calls = auth.calls(&manager, 64, &RestRequest::get(path)).await;
                assert_eq!(status_of_all(&calls), 200, "{path}");
                let sent = requests(&calls);
                // Each that went out before the first nonce came back is sent again; afterwards nobody's is.
                match (round, asks) {
                    (0, true) => assert!((65..=128).contains(&sent), "{sent}"),
                    _ => assert_eq!(sent, 64),
                }
            }
            let for_tokens = asked.for_tokens();
            assert_eq!(for_tokens, if nonce.is_empty() { 1 } else { 2 });
        }
    }
}

/// Clocks that go with the machine's, and that a test sets ahead.
#[derive(Clone, Default)]
struct Ahead {
    ticker: TokioTicker,
    secs: Arc<AtomicU64>,
}

impl Ahead {
    fn by(&self) -> Duration {
        Duration::from_secs(self.secs.load(Ordering::SeqCst))
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().saturating_add(self.by())
    }
}

impl Ticker for Ahead {
    fn now(&self) -> Ticks {
        self.ticker.now() + self.by()
    }

    fn sleep_until(&self, at: Ticks) -> Sleep {
        self.ticker.sleep_until(at - self.by())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_calls_with_a_token_of_somebody_elses_are_refused_and_renew_it_once() {
    let Some(servers) = Servers::start("a-nonce") else { return };
    // Of another authorization server, which this one's resources do not trust.
    let Some(stranger) = Peer::start(Kind::Oidc, &[]) else { return };
    let (asked, key, ahead) = (Asked::new(), DpopKey::generate().expect("a key"), Ahead::default());
    let client = Client::with_secret_in_body("ccpost", "ccpost-secret");
    let auth = scheme(&stranger, &asked, client, Grant::client_credentials()).dpop(key);
    let auth = auth.clock(ahead.clone()).ticker(ahead.clone()).build().expect("a scheme");
    auth.token().await.expect("a token");
    // Until then it may be that the token has not reached the API yet.
    ahead.secs.store(6, Ordering::SeqCst);
    assert_eq!(asked.for_tokens(), 1);
    let auth = Counted::new(auth);
    let api = &servers.oauth4webapi;
    let manager = RestManager::builder().base_url(api.url("")).auth(auth.clone()).build();
    let calls = auth.calls(&manager.expect("a manager"), 64, &RestRequest::get("/d/i")).await;
    assert_eq!(status_of_all(&calls), 401);
    // The next token is a stranger's too: each call is sent once more with that, and no oftener.
    let refreshed =
        |causes: &[Recovery]| causes.iter().filter(|cause| **cause == Recovery::Refreshed).count();
    assert!(calls.iter().all(|(_, taken)| refreshed(&taken.causes) == 1), "{calls:?}");
    assert!(requests(&calls) <= 64 * 3);
    assert_eq!(asked.for_tokens(), 1, "once for all");
}
