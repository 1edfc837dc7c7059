use std::{fmt, sync::Arc, time::Duration};

use http::header::USER_AGENT;
use networkpype_core::{
    Auth, BaseUrl, Clock, Error, ErrorKind, LimitId, OriginPattern, OriginPolicy, Outcome,
    OutcomeRules, RestPostProcessor, RestPreProcessor, RestRequest, RestTransport, Resync,
    SystemClock, Throttle, Ticker, TokioTicker, WireError,
};

use crate::{RestConnection, RestManager, gate::Gate, manager::Shared};

const OWN_NAME: &str =
    concat!("networkpype/", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// Options of a [`RestManager`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct RestManagerBuilder {
    base_url: Option<String>,
    transport: Option<Arc<dyn RestTransport>>,
    throttle: Option<Arc<dyn Throttle>>,
    default_limit: Option<LimitId>,
    auth: Option<Arc<dyn Auth>>,
    resync: Option<Arc<dyn Resync>>,
    pre_processors: Vec<Arc<dyn RestPreProcessor>>,
    post_processors: Vec<Arc<dyn RestPostProcessor>>,
    /// A request only for its headers, and the first mistake in them.
    headers: RestRequest,
    allowed: Vec<Result<OriginPattern, WireError>>,
    plaintext: bool,
    attempt_timeout: Duration,
    deadline: Option<Duration>,
    outcome_rules: OutcomeRules,
    clock: Arc<dyn Clock>,
    ticker: Option<Arc<dyn Ticker>>,
}

impl RestManagerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            base_url: None,
            transport: None,
            throttle: None,
            default_limit: None,
            auth: None,
            resync: None,
            pre_processors: Vec::new(),
            post_processors: Vec::new(),
            headers: RestRequest::get("/").header(USER_AGENT, OWN_NAME),
            allowed: Vec::new(),
            plaintext: false,
            attempt_timeout: Duration::from_secs(30),
            deadline: None,
            outcome_rules: OutcomeRules::default(),
            clock: Arc::new(SystemClock),
            ticker: None,
        }
    }

    /// What relative URLs are joined to, by concatenation, such as `https://api.example.com/v3`. Its origin is where
    /// credentials may go. Default: none, and requests name absolute URLs.
    pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
        self.base_url = Some(url.as_ref().to_owned());
        self
    }

    /// What sends the requests. Default: a [`RestConnection`] of this manager's own.
    #[doc(alias = "transport")]
    pub fn connection(mut self, transport: impl RestTransport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// What keeps the requests inside the API's rate limits. With one that has limits, every request needs a limit:
    /// its own, or the default one. Default: none, and everything passes.
    pub fn throttler(mut self, throttle: impl Throttle + 'static) -> Self {
        self.throttle = Some(Arc::new(throttle));
        self
    }

    /// The limit of requests that name none. Default: none, and such requests are refused.
    pub fn default_limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.default_limit = Some(limit.into());
        self
    }

    /// How requests prove who sends them. Default: not at all, and a request that asks for it is refused.
    pub fn auth(mut self, auth: impl Auth + 'static) -> Self {
        self.auth = Some(Arc::new(auth));
        self
    }

    /// Who learns the server's time anew when a scheme takes a rejection for a clock that is wrong. Default:
    /// nobody, and the caller gets the rejection.
    pub fn resync(mut self, resync: impl Resync + 'static) -> Self {
        self.resync = Some(Arc::new(resync));
        self
    }

    /// Changes requests before they wait and are signed; several run in the order in which they were added.
    pub fn pre_processor(mut self, processor: impl RestPreProcessor + 'static) -> Self {
        self.pre_processors.push(Arc::new(processor));
        self
    }

    /// Changes responses before their caller sees them; several run in the order in which they were added.
    pub fn post_processor(mut self, processor: impl RestPostProcessor + 'static) -> Self {
        self.post_processors.push(Arc::new(processor));
        self
    }

    /// Sets a header on every request that does not set it itself. Such headers often hold keys, so they go only where
    /// credentials may go: not to other origins, and not in plain text, which is an error.
    pub fn default_header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.headers = self.headers.header(name, value);
        self
    }

    /// The `User-Agent` of every request that does not set it itself. Default: `networkpype/` and the version.
    pub fn user_agent(self, name: impl AsRef<[u8]>) -> Self {
        self.default_header(USER_AGENT, name)
    }

    /// Lets credentials go to this origin too, such as `https://fapi.example.com`.
    pub fn allow_origin(mut self, origin: impl AsRef<str>) -> Self {
        self.allowed.push(OriginPattern::exactly(origin.as_ref()));
        self
    }

    /// Lets credentials go to every host below a domain too, written `*.example.com`, over TLS on port 443.
    pub fn allow_origins_of(mut self, pattern: impl AsRef<str>) -> Self {
        self.allowed.push(OriginPattern::hosts_of(pattern.as_ref()));
        self
    }

    /// Lets credentials go over plain `http` to other machines, where anyone on the way can read them.
    pub fn danger_allow_plaintext_credentials(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// How long one attempt may take, from capacity to the end of the body. Default: 30 s.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How long a whole call may take, waiting for capacity and every attempt included. Default: no limit.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What the API's statuses say about a request's outcome. Default: [`OutcomeRules::default`].
    pub fn outcome_rules(mut self, rules: OutcomeRules) -> Self {
        self.outcome_rules = rules;
        self
    }

    /// The clock that dates in `Retry-After` are compared to. Default: the machine's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What timeouts are measured with. Default: the throttler's ticker, else tokio's clock. With a throttler that has
    /// one, that is used in any case: deadlines mean the same instant to both.
    pub fn ticker(mut self, ticker: impl Ticker + 'static) -> Self {
        self.ticker = Some(Arc::new(ticker));
        self
    }

    /// Takes out all that identifies the caller: the scheme, default headers other than `User-Agent`, and processors,
    /// which may add such. What is built from this can never authenticate; it is for what a scheme itself must ask the
    /// server, such as tokens or its time.
    pub fn anonymous(mut self) -> Self {
        let agent = self.headers.headers().get(USER_AGENT).cloned();
        self.headers = RestRequest::get("/");
        if let Some(agent) = agent {
            self.headers = self.headers.header(USER_AGENT, agent);
        }
        self.auth = None;
        self.resync = None;
        self.pre_processors.clear();
        self.post_processors.clear();
        self
    }

    /// Makes the manager; nothing is connected yet.
    ///
    /// # Errors
    /// When the base URL, an origin or a default header cannot be used, or the connection cannot be set up.
    pub fn build(self) -> Result<RestManager, Error> {
        if let Some(problem) = self.headers.problem() {
            return Err(problem.clone().into());
        }
        let base = self.base_url.as_deref().map(BaseUrl::parse).transpose()?;
        let mut origins = OriginPolicy::new(base.as_ref().map(|base| base.origin().clone()));
        for pattern in self.allowed {
            origins = origins.allow(pattern?);
        }
        if self.plaintext {
            origins = origins.danger_allow_plaintext();
        }
        let ticker = (self.throttle.as_ref().and_then(|throttle| throttle.ticker()))
            .or(self.ticker)
            .unwrap_or_else(|| Arc::new(TokioTicker::new()));
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(
                RestConnection::builder().ticker(Arc::clone(&ticker)).build().map_err(|error| {
                    Error::new(ErrorKind::Connect, Outcome::NotSent, "cannot set up the connection")
                        .with_source(error)
                })?,
            ),
        };
        Ok(RestManager::new(Shared {
            base,
            origins,
            transport,
            throttle: self.throttle,
            default_limit: self.default_limit,
            auth: self.auth,
            resync: self.resync,
            pre_processors: self.pre_processors,
            post_processors: self.post_processors,
            headers: self.headers.headers().clone(),
            attempt_timeout: self.attempt_timeout,
            deadline: self.deadline,
            outcome_rules: self.outcome_rules,
            clock: self.clock,
            ticker,
            gate: Gate::default(),
        }))
    }
}

impl fmt::Debug for RestManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestManagerBuilder")
            .field("default_limit", &self.default_limit)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
