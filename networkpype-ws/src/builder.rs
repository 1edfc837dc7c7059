use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue};
use networkpype_core::{
    Auth, BaseUrl, BoxError, Clock, Error, ErrorKind, LimitId, OriginPattern, OriginPolicy,
    Outcome, RestRequest, Resync, SystemClock, Throttle, Ticker, TokioTicker,
    WebSocketPostProcessor, WebSocketPreProcessor, WebSocketTransport, WireError,
};

use crate::{
    connection::WebSocketConnection, limits::Limits, liveness::LivenessTiming,
    manager::WebSocketManager,
};

const USER_AGENT: &str =
    concat!("networkpype/", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// Everything a manager was told, checked.
pub(crate) struct Options {
    pub(crate) transport: Arc<dyn WebSocketTransport>,
    pub(crate) base: Option<BaseUrl>,
    pub(crate) origins: OriginPolicy,
    pub(crate) auth: Option<Arc<dyn Auth>>,
    pub(crate) login: bool,
    pub(crate) login_timeout: Duration,
    pub(crate) resync: Option<Arc<dyn Resync>>,
    pub(crate) limits: Limits,
    pub(crate) pre_processors: Vec<Arc<dyn WebSocketPreProcessor>>,
    pub(crate) post_processors: Arc<[Arc<dyn WebSocketPostProcessor>]>,
    pub(crate) default_headers: HeaderMap,
    pub(crate) user_agent: HeaderValue,
    pub(crate) liveness: LivenessTiming,
    pub(crate) send_timeout: Duration,
    pub(crate) queue_capacity: usize,
    pub(crate) ticker: Arc<dyn Ticker>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("base", &self.base)
            .field("auth", &self.auth.is_some())
            .field("limited", &self.limits.throttle.is_some())
            .field("default_limit", &self.limits.default)
            .finish_non_exhaustive()
    }
}

/// Options of a [`WebSocketManager`].
///
/// Setters never fail: what cannot be used is remembered and reported by [`build`](Self::build).
#[must_use = "a builder does nothing until `build`"]
pub struct WebSocketManagerBuilder {
    transport: Option<Arc<dyn WebSocketTransport>>,
    base: Option<BaseUrl>,
    origins: Vec<OriginPattern>,
    plaintext: bool,
    auth: Option<Arc<dyn Auth>>,
    login: bool,
    login_timeout: Duration,
    resync: Option<Arc<dyn Resync>>,
    limits: Limits,
    pre_processors: Vec<Arc<dyn WebSocketPreProcessor>>,
    post_processors: Vec<Arc<dyn WebSocketPostProcessor>>,
    /// A request only for its headers and the first mistake in them.
    headers: RestRequest,
    ping_interval: Option<Duration>,
    pong_timeout: Duration,
    idle_timeout: Option<Option<Duration>>,
    message_timeout: Option<Duration>,
    send_timeout: Duration,
    queue_capacity: usize,
    ticker: Option<Arc<dyn Ticker>>,
    clock: Arc<dyn Clock>,
    problem: Option<(&'static str, WireError)>,
}

impl WebSocketManagerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            transport: None,
            base: None,
            origins: Vec::new(),
            plaintext: false,
            auth: None,
            login: true,
            login_timeout: Duration::from_secs(10),
            resync: None,
            limits: Limits::default(),
            pre_processors: Vec::new(),
            post_processors: Vec::new(),
            headers: RestRequest::get("/"),
            ping_interval: Some(Duration::from_secs(15)),
            pong_timeout: Duration::from_secs(10),
            idle_timeout: None,
            message_timeout: None,
            send_timeout: Duration::from_secs(10),
            queue_capacity: 1024,
            ticker: None,
            clock: Arc::new(SystemClock),
            problem: None,
        }
    }

    fn keep<T>(&mut self, option: &'static str, result: Result<T, WireError>) -> Option<T> {
        result.map_err(|error| self.problem.get_or_insert((option, error))).ok()
    }

    /// What relative URLs are joined to, by concatenation, and where credentials belong. Default: none.
    pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
        self.base = self.keep("base_url", BaseUrl::parse(url.as_ref()));
        self
    }

    /// What opens connections: a [`WebSocketConnection`] with other options, or a test's own transport. Default:
    /// [`WebSocketConnection::new`].
    pub fn connection(mut self, transport: impl WebSocketTransport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Signs handshakes and messages that ask for it, and logs in after each connect where the scheme has a login
    /// ([`without_login`](Self::without_login) says otherwise). Default: none, and what asks for it is refused.
    pub fn auth(mut self, auth: impl Auth + 'static) -> Self {
        self.auth = Some(Arc::new(auth));
        self
    }

    /// Does not log in, although the scheme could, and so renews no login either: for streams that are public.
    pub fn without_login(mut self) -> Self {
        self.login = false;
        self
    }

    /// How long the login may take, waiting for capacity included; how long the scheme may take to sign a handshake, such as
    /// to get itself a token; and how long the answer to a login's renewal. Default: 10 s.
    pub fn login_timeout(mut self, timeout: Duration) -> Self {
        self.login_timeout = timeout;
        self
    }

    /// What learns the server's time anew, when a handshake was refused for a wrong timestamp. Default: none, and
    /// such a refusal is final.
    pub fn resync(mut self, resync: impl Resync + 'static) -> Self {
        self.resync = Some(Arc::new(resync));
        self
    }

    /// Lets credentials go to this origin beside the base URL's, such as `wss://stream.example.com`.
    pub fn allow_origin(mut self, origin: impl AsRef<str>) -> Self {
        let pattern = self.keep("allow_origin", OriginPattern::exactly(origin.as_ref()));
        self.origins.extend(pattern);
        self
    }

    /// Lets credentials go to every host below a domain, written `*.example.com`, over TLS on port 443.
    pub fn allow_origins_of(mut self, pattern: impl AsRef<str>) -> Self {
        let pattern = self.keep("allow_origins_of", OriginPattern::hosts_of(pattern.as_ref()));
        self.origins.extend(pattern);
        self
    }

    /// Lets credentials go over plain `ws` to other machines, where anyone on the way can read them. Default: only
    /// to this machine itself.
    pub fn danger_allow_plaintext_credentials(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// Keeps what is sent inside these limits. Default: none, and everything passes.
    pub fn throttler(mut self, throttle: impl Throttle + 'static) -> Self {
        self.limits.throttle = Some(Arc::new(throttle));
        self
    }

    /// The limit of messages, handshakes and logins that have none of their own. Default: none, and they are refused
    /// when there are limits.
    pub fn default_limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limits.default = Some(limit.into());
        self
    }

    /// The limit of handshakes that name none. Default: [`default_limit`](Self::default_limit).
    pub fn connect_limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limits.connect = Some(limit.into());
        self
    }

    /// The limit of login messages that name none. Default: [`default_limit`](Self::default_limit).
    pub fn login_limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limits.login = Some(limit.into());
        self
    }

    /// Changes messages before they wait for capacity, are signed and sent; several run in the order in which they
    /// were added. Login messages are not among them.
    pub fn pre_processor(mut self, processor: impl WebSocketPreProcessor + 'static) -> Self {
        self.pre_processors.push(Arc::new(processor));
        self
    }

    /// Changes messages before their reader sees them; several run in the order in which they were added. Answers to
    /// the login are not among them. They run in the connection's task, one message at a time; while one is at work,
    /// pings are sent and answered, and nothing is read.
    pub fn post_processor(mut self, processor: impl WebSocketPostProcessor + 'static) -> Self {
        self.post_processors.push(Arc::new(processor));
        self
    }

    /// A header of every handshake that does not set it. Sent only to the base URL's origin and those allowed, or
    /// anywhere if there are none, since it may hold a key.
    pub fn default_header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.headers = self.headers.header(name, value);
        self
    }

    /// The `User-Agent` of every handshake that does not set it. Default: `networkpype/` and the version.
    pub fn user_agent(mut self, user_agent: impl AsRef<[u8]>) -> Self {
        self.headers = self.headers.header("user-agent", user_agent);
        self
    }

    /// The time between two pings; `None` sends none. Default: 15 s. A ping goes out also while messages arrive,
    /// since those do not show that the way to the server is open.
    pub fn ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.ping_interval = interval;
        self
    }

    /// How long a pong may take before the connection is dead. Default: 10 s.
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = timeout;
        self
    }

    /// How long nothing at all may arrive, pongs included, before the connection is dead. Default: three ping
    /// intervals, so 45 s; none without pings.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// How long no message may arrive, whatever pings and pongs do, before the connection is dead. Default: none;
    /// set it for feeds that are never quiet.
    pub fn message_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.message_timeout = timeout;
        self
    }

    /// How long the socket may refuse to take a frame before the connection is dead. Default: 10 s.
    pub fn send_timeout(mut self, timeout: Duration) -> Self {
        self.send_timeout = timeout;
        self
    }

    /// How many received messages wait for a reader before reading stops. Default: 1024; at least 1.
    pub fn queue_capacity(mut self, messages: usize) -> Self {
        self.queue_capacity = messages.max(1);
        self
    }

    /// What timeouts are measured with. Default: the throttler's ticker, else tokio's clock. With a throttler that has
    /// one, that is used in any case: deadlines mean the same instant to both.
    pub fn ticker(mut self, ticker: impl Ticker + 'static) -> Self {
        self.ticker = Some(Arc::new(ticker));
        self
    }

    /// What a `Retry-After` date is compared with, where the server says no `Date`. Default: the machine's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the options; nothing is connected yet.
    ///
    /// # Errors
    /// When an option cannot be used; the source names it.
    pub fn build(self) -> Result<WebSocketManager, Error> {
        if let Some((option, error)) = self.problem {
            return Err(unusable(option, error.into()));
        }
        if let Some(error) = self.headers.problem() {
            return Err(unusable("default_header", error.clone().into()));
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(
                WebSocketConnection::new().map_err(|error| unusable("connection", error.into()))?,
            ),
        };
        let mut origins = OriginPolicy::new(self.base.as_ref().map(|base| base.origin().clone()));
        for pattern in self.origins {
            origins = origins.allow(pattern);
        }
        if self.plaintext {
            origins = origins.danger_allow_plaintext();
        }
        let throttles = self.limits.throttle.as_ref().and_then(|throttle| throttle.ticker());
        let mut default_headers = self.headers.headers().clone();
        let user_agent = default_headers.remove(http::header::USER_AGENT);
        let idle_timeout = self
            .idle_timeout
            .unwrap_or(self.ping_interval.map(|interval| interval.saturating_mul(3)));
        Ok(WebSocketManager::new(Options {
            transport,
            base: self.base,
            origins,
            auth: self.auth,
            login: self.login,
            login_timeout: self.login_timeout,
            resync: self.resync,
            limits: self.limits,
            pre_processors: self.pre_processors,
            post_processors: self.post_processors.into(),
            default_headers,
            user_agent: user_agent.unwrap_or(HeaderValue::from_static(USER_AGENT)),
            liveness: LivenessTiming {
                ping_interval: self.ping_interval,
                pong_timeout: self.pong_timeout,
                idle_timeout,
                message_timeout: self.message_timeout,
            },
            send_timeout: self.send_timeout,
            queue_capacity: self.queue_capacity,
            ticker: throttles.or(self.ticker).unwrap_or_else(|| Arc::new(TokioTicker::new())),
            clock: self.clock,
        }))
    }
}

fn unusable(option: &'static str, error: BoxError) -> Error {
    Error::new(ErrorKind::Request, Outcome::NotSent, format!("cannot use the option {option}"))
        .with_source(error)
}

impl fmt::Debug for WebSocketManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketManagerBuilder")
            .field("base", &self.base)
            .field("auth", &self.auth.is_some())
            .finish_non_exhaustive()
    }
}
