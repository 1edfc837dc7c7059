//! How is an exchange set up?

use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::ca::TestCa;
use crate::clock::ServerClock;
use crate::connection;
use crate::digest::DigestRealm;
use crate::exchange::Exchange;
use crate::host::Host;
use crate::issuer::TokenIssuer;
use crate::jws::PublicKey;
use crate::limiter::Limiter;
use crate::path::SlowPath;
use crate::record::Recorded;
use crate::state::{Config, State};
use crate::wire::Reply;

/// Settings of an [`Exchange`]; every one has a default.
#[must_use]
pub struct ExchangeBuilder {
    config: Config,
    skew_ms: i64,
    frozen_ms: Option<i64>,
    limiter: Option<(Option<usize>, Duration)>,
    path: Option<SlowPath>,
    tls: Option<Arc<ServerConfig>>,
    ca_pem: Option<String>,
}

impl Default for ExchangeBuilder {
    fn default() -> Self {
        Self {
            config: Config {
                api_key: "test-key".to_owned(),
                api_secret: "test-secret".to_owned(),
                receive_window: Duration::from_secs(5),
                replays_allowed: false,
                ticks: u64::MAX,
                tick_interval: Duration::from_millis(10),
                digest: None,
                basic: None,
                jwt_key: None,
                issuer: None,
                is_tls: false,
                handlers: Vec::new(),
            },
            skew_ms: 0,
            frozen_ms: None,
            limiter: None,
            path: None,
            tls: None,
            ca_pem: None,
        }
    }
}

impl ExchangeBuilder {
    /// How far ahead (or, negative, behind) the exchange's whole notion of now is. Default 0.
    pub fn clock_skew_ms(mut self, skew_ms: i64) -> Self {
        self.skew_ms = skew_ms;
        self
    }

    /// Stops the wall clock at this instant, for clients with a fixed clock. A skew still adds to it.
    pub fn frozen_at_ms(mut self, ms: i64) -> Self {
        self.frozen_ms = Some(ms);
        self
    }

    /// The one accepted key. Default `test-key`.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.config.api_key = key.into();
        self
    }

    /// The secret that belongs to the key. Default `test-secret`.
    pub fn api_secret(mut self, secret: impl Into<String>) -> Self {
        self.config.api_secret = secret.into();
        self
    }

    /// How old a timestamp may be. Default 5 s; one second ahead is always allowed.
    pub fn receive_window(mut self, window: Duration) -> Self {
        self.config.receive_window = window;
        self
    }

    /// Accepts a signature more than once. Two equal requests of one millisecond have the same
    /// signature, so a client that sends many needs this, or a nonce. Default: refused.
    pub fn allow_replays(mut self) -> Self {
        self.config.replays_allowed = true;
        self
    }

    /// At most so many requests under `/api/` in any window, counted as they arrive; more are
    /// answered with 429. Default: no limit.
    pub fn rate_limit(mut self, requests: usize, window: Duration) -> Self {
        self.limiter = Some((Some(requests), window));
        self
    }

    /// Counts requests in windows of this length, for [`Exchange::max_in_window`], and refuses none.
    pub fn observe_rate(mut self, window: Duration) -> Self {
        self.limiter = Some((None, window));
        self
    }

    /// Every request under `/api/` is counted only after a random time of at most `most`, and its answer leaves only
    /// after another: as if the path to the exchange were that uneven. Default: none.
    pub fn slow_path(mut self, seed: u64, most: Duration) -> Self {
        self.path = Some(SlowPath::new(seed, most));
        self
    }

    /// How many messages a WebSocket subscription gets. Default: no end.
    pub fn ticks(mut self, messages: u64) -> Self {
        self.config.ticks = messages;
        self
    }

    /// The time between two messages of a WebSocket subscription. Default 10 ms.
    pub fn tick_interval(mut self, interval: Duration) -> Self {
        self.config.tick_interval = interval;
        self
    }

    /// Who may enter `/api/digest/` and `/ws/digest`. Default: nobody.
    pub fn digest(mut self, realm: &DigestRealm) -> Self {
        self.config.digest = Some(realm.clone());
        self
    }

    /// Who may enter `/api/basic/`. Default: nobody.
    pub fn basic(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.config.basic = Some((user.into(), password.into()));
        self
    }

    /// Who may enter `/api/jwt/`: whoever signs a token for each request with ES256. Its `kid` and `iss` are this name, its
    /// `uri` the method, a space, host and path, and it lives for five minutes at most. Default: nobody.
    ///
    /// # Panics
    ///
    /// If the text is no JSON Web Key for P-256, or holds the private half too.
    pub fn jwt_key(mut self, name: impl Into<String>, public_jwk: &str) -> Self {
        let jwk = serde_json::from_str(public_jwk).expect("a JSON Web Key is JSON");
        let key = PublicKey::from_jwk(&jwk).expect("a public key for P-256");
        self.config.jwt_key = Some((name.into(), key));
        self
    }

    /// Gives tokens out at `/oauth2/token`, and takes them at `/api/token/`. Default: nobody gets or has one.
    pub fn issuer(mut self, issuer: &TokenIssuer) -> Self {
        self.config.issuer = Some(issuer.clone());
        self
    }

    /// Answers requests whose path starts with `prefix`, before any built-in endpoint; the first
    /// handler that matches wins. Under `/api/` the limiter still comes first.
    pub fn handler(
        mut self,
        prefix: impl Into<String>,
        handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let handler = (prefix.into(), Arc::new(handler) as _);
        self.config.handlers.push(handler);
        self
    }

    /// Serves https and wss with a certificate for `localhost` and `127.0.0.1` from a new test CA.
    pub fn tls(self) -> Self {
        self.tls_from(&TestCa::new())
    }

    /// The same from this CA, so that several exchanges may share one.
    pub fn tls_from(mut self, ca: &TestCa) -> Self {
        self.tls = Some(ca.server_config(&["localhost", "127.0.0.1"]));
        self.ca_pem = Some(ca.pem().to_owned());
        self
    }

    /// Serves https and wss with any configuration: an expired certificate, client certificates.
    pub fn tls_config(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Binds a free port of 127.0.0.1 and starts to serve.
    pub fn start(mut self) -> Exchange {
        self.config.is_tls = self.tls.is_some();
        let clock = ServerClock::new(self.skew_ms, self.frozen_ms);
        let limiter = self.limiter.map(|(limit, window)| Limiter::new(limit, window));
        let state = Arc::new(State::new(self.config, clock, limiter, self.path));
        let acceptor = self.tls.map(TlsAcceptor::from);
        let tls = acceptor.is_some();
        let serving = Arc::clone(&state);
        let host = Host::start("exchange", move |stream, peer| {
            connection::serve(Arc::clone(&serving), acceptor.clone(), stream, peer)
        });
        Exchange::new(host, state, self.ca_pem, tls)
    }
}
