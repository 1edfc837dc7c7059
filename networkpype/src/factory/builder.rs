use std::{fmt, sync::Arc, time::Duration};

use networkpype_core::{
    Auth, BoxError, Caller, Clock, LimitId, RestPostProcessor, RestPreProcessor, SystemClock,
    Throttle,
};
use networkpype_rest::{RestManager, RestManagerBuilder};
use networkpype_time::{TimeProvider, TimeSynchronizer, TimeSynchronizerRestPreProcessor};
#[cfg(feature = "ws")]
use networkpype_ws::WebSocketManagerBuilder;

#[cfg(feature = "ws")]
use super::timely::Timely;
use super::{AuthContext, ConnectionManagersFactory, ConnectionsFactory, FactoryError};

type MakeAuth = Box<dyn FnOnce(&AuthContext) -> Result<Arc<dyn Auth>, BoxError> + Send>;
type MakeThrottle = Box<dyn FnOnce(Arc<dyn Clock>) -> Result<Arc<dyn Throttle>, BoxError> + Send>;
type SetOptions<B> = Box<dyn FnOnce(B) -> B + Send>;
type SetProvider = Box<dyn FnOnce(&TimeSynchronizer, Arc<dyn Caller>) + Send>;

/// Options of a [`ConnectionManagersFactory`]. What is not here is set on the managers' own builders, through
/// [`rest_options`](Self::rest_options) and `ws_options`.
#[must_use = "a builder does nothing until `build`"]
pub struct ConnectionManagersFactoryBuilder {
    connections: Option<ConnectionsFactory>,
    throttle: Option<MakeThrottle>,
    /// Whether the throttle counts by the factory's clock.
    throttle_by_clock: bool,
    clock: Option<Arc<dyn Clock>>,
    synchronizer: Option<TimeSynchronizer>,
    set_provider: Option<SetProvider>,
    auth: Option<MakeAuth>,
    cookies: Vec<(String, String)>,
    grace: Duration,
    rest: RestManagerBuilder,
    rest_options: Vec<SetOptions<RestManagerBuilder>>,
    /// Kept apart from the other options: the anonymous caller has none of them.
    processors: Vec<SetOptions<RestManagerBuilder>>,
    #[cfg(feature = "ws")]
    ws: WebSocketManagerBuilder,
    #[cfg(feature = "ws")]
    ws_options: Vec<SetOptions<WebSocketManagerBuilder>>,
}

impl ConnectionManagersFactoryBuilder {
    pub(super) fn new() -> Self {
        Self {
            connections: None,
            throttle: None,
            throttle_by_clock: false,
            clock: None,
            synchronizer: None,
            set_provider: None,
            auth: None,
            cookies: Vec::new(),
            grace: Duration::from_secs(5),
            rest: RestManager::builder(),
            rest_options: Vec::new(),
            processors: Vec::new(),
            #[cfg(feature = "ws")]
            ws: networkpype_ws::WebSocketManager::builder(),
            #[cfg(feature = "ws")]
            ws_options: Vec::new(),
        }
    }

    /// What relative URLs of REST requests are appended to, such as `https://api.example.com/v3`. Its origin is where
    /// credentials may go.
    pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
        self.rest = self.rest.base_url(url);
        self
    }

    /// What relative URLs of WebSockets are appended to, such as `wss://stream.example.com`. Its origin is where
    /// their credentials may go.
    #[cfg(feature = "ws")]
    pub fn ws_url(mut self, url: impl AsRef<str>) -> Self {
        self.ws = self.ws.base_url(url);
        self
    }

    /// Where connections come from. Default: a [`ConnectionsFactory`] of this factory's own.
    pub fn connections(mut self, connections: ConnectionsFactory) -> Self {
        self.connections = Some(connections);
        self
    }

    /// What keeps requests and messages inside the API's rate limits. With one that has limits, everything that is
    /// sent needs a limit: its own, or the default one. Default: none, and everything passes.
    pub fn throttler(self, throttle: impl Throttle + 'static) -> Self {
        let plain = self.throttler_with(|_| Ok::<_, std::convert::Infallible>(throttle));
        Self { throttle_by_clock: false, ..plain }
    }

    /// The same, built with the factory's clock: the server's, with a time provider. For limits that are counted by it,
    /// in [fixed windows](networkpype_throttle::LimitKind::FixedWindow). With a time provider, the server's time is then
    /// learnt before the first REST request of any kind, and not only before the first that is signed.
    pub fn throttler_with<T, E, F>(mut self, make: F) -> Self
    where
        T: Throttle + 'static,
        E: Into<BoxError>,
        F: FnOnce(Arc<dyn Clock>) -> Result<T, E> + Send + 'static,
    {
        self.throttle_by_clock = true;
        self.throttle = Some(Box::new(|clock| {
            let throttle = make(clock).map_err(Into::into)?;
            Ok(Arc::new(throttle) as Arc<dyn Throttle>)
        }));
        self
    }

    /// The limit of requests and messages that name none. Default: none, and they are refused.
    pub fn default_limit(mut self, limit: impl Into<LimitId>) -> Self {
        let limit = limit.into();
        self.rest = self.rest.default_limit(&limit);
        #[cfg(feature = "ws")]
        {
            self.ws = self.ws.default_limit(&limit);
        }
        self
    }

    /// How requests and messages prove who sends them. A scheme that stamps what it signs is better built in
    /// [`auth_with`](Self::auth_with), where the factory's clock is at hand.
    pub fn auth(self, auth: impl Auth + 'static) -> Self {
        self.auth_with(|_| Ok::<_, std::convert::Infallible>(auth))
    }

    /// How requests and messages prove who sends them, built with what the scheme needs of the factory: its clock, or
    /// a caller without credentials.
    pub fn auth_with<A, E, F>(mut self, make: F) -> Self
    where
        A: Auth + 'static,
        E: Into<BoxError>,
        F: FnOnce(&AuthContext) -> Result<A, E> + Send + 'static,
    {
        self.auth = Some(Box::new(|context| {
            let auth = make(context).map_err(Into::into)?;
            Ok(Arc::new(auth) as Arc<dyn Auth>)
        }));
        self
    }

    /// The clock that signatures are stamped with. Default: the server's, with a time provider, else the machine's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Who keeps the server's time, with options of its own. It is enough to name a
    /// [`time_provider`](Self::time_provider).
    pub fn time_synchronizer(mut self, synchronizer: TimeSynchronizer) -> Self {
        self.synchronizer = Some(synchronizer);
        self
    }

    /// Where the server's time comes from, made of a caller without credentials. Signatures are then stamped with the
    /// server's time: it is learnt before the first signed request, and anew when a scheme takes a rejection for a
    /// clock that is wrong.
    pub fn time_provider<P>(
        mut self,
        make: impl FnOnce(Arc<dyn Caller>) -> P + Send + 'static,
    ) -> Self
    where
        P: TimeProvider + 'static,
    {
        self.set_provider = Some(Box::new(|synchronizer, caller| {
            synchronizer.set_time_provider(make(caller));
        }));
        self
    }

    /// Changes requests before they wait and are signed; several run in the order in which they were added.
    pub fn rest_pre_processor(mut self, processor: impl RestPreProcessor + 'static) -> Self {
        self.processors.push(Box::new(|rest| rest.pre_processor(processor)));
        self
    }

    /// Changes responses before their caller sees them; several run in the order in which they were added.
    pub fn rest_post_processor(mut self, processor: impl RestPostProcessor + 'static) -> Self {
        self.processors.push(Box::new(|rest| rest.post_processor(processor)));
        self
    }

    /// Changes messages before they wait, are signed and sent; several run in the order in which they were added.
    #[cfg(feature = "ws")]
    pub fn ws_pre_processor(
        mut self,
        processor: impl networkpype_core::WebSocketPreProcessor + 'static,
    ) -> Self {
        self.ws = self.ws.pre_processor(processor);
        self
    }

    /// Changes messages that were received before their reader sees them; several run in the order in which they were
    /// added.
    #[cfg(feature = "ws")]
    pub fn ws_post_processor(
        mut self,
        processor: impl networkpype_core::WebSocketPostProcessor + 'static,
    ) -> Self {
        self.ws = self.ws.post_processor(processor);
        self
    }

    /// Sets a header on every request and handshake that does not set it itself. Such headers often hold keys, so
    /// they go only to the origins that credentials may go to.
    pub fn default_header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        self.rest = self.rest.default_header(name, value);
        #[cfg(feature = "ws")]
        {
            self.ws = self.ws.default_header(name, value);
        }
        self
    }

    /// Sends a cookie with every request and handshake that sets no `Cookie` header itself. Like default headers, it
    /// goes only where credentials may go. Cookies that a server sets are not kept.
    pub fn cookie(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.cookies.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Lets credentials go to this origin too, such as `https://fapi.example.com`.
    pub fn allow_origin(mut self, origin: impl AsRef<str>) -> Self {
        let origin = origin.as_ref();
        self.rest = self.rest.allow_origin(origin);
        #[cfg(feature = "ws")]
        {
            self.ws = self.ws.allow_origin(origin);
        }
        self
    }

    /// Lets credentials go to every host below a domain too, written `*.example.com`, over TLS on port 443.
    pub fn allow_origins_of(mut self, pattern: impl AsRef<str>) -> Self {
        let pattern = pattern.as_ref();
        self.rest = self.rest.allow_origins_of(pattern);
        #[cfg(feature = "ws")]
        {
            self.ws = self.ws.allow_origins_of(pattern);
        }
        self
    }

    /// Lets credentials go in plain text to other machines, where anyone on the way can read them.
    pub fn danger_allow_plaintext_credentials(mut self) -> Self {
        self.rest = self.rest.danger_allow_plaintext_credentials();
        #[cfg(feature = "ws")]
        {
            self.ws = self.ws.danger_allow_plaintext_credentials();
        }
        self
    }

    /// Sets options of the REST manager that are not set here, such as its timeouts.
    pub fn rest_options(
        mut self,
        set: impl FnOnce(RestManagerBuilder) -> RestManagerBuilder + Send + 'static,
    ) -> Self {
        self.rest_options.push(Box::new(set));
        self
    }

    /// Sets options of the WebSocket managers that are not set here, such as their ping interval.
    #[cfg(feature = "ws")]
    pub fn ws_options(
        mut self,
        set: impl FnOnce(WebSocketManagerBuilder) -> WebSocketManagerBuilder + Send + 'static,
    ) -> Self {
        self.ws_options.push(Box::new(set));
        self
    }

    /// How long [`close`](ConnectionManagersFactory::close) lets running calls end. Default: 5 s.
    pub fn close_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Makes the factory; nothing is connected yet.
    ///
    /// # Errors
    /// When an option cannot be used, the throttler or the scheme cannot be built, or it stamps with another clock than the one that
    /// the factory keeps synchronized.
    pub fn build(mut self) -> Result<ConnectionManagersFactory, FactoryError> {
        let connections = match self.connections.take() {
            Some(connections) => connections,
            None => ConnectionsFactory::new()?,
        };
        let mut cookies = Vec::new();
        for (name, value) in &self.cookies {
            if !is_cookie(name, value) {
                return Err(FactoryError::cookie(name));
            }
            cookies.push(format!("{name}={value}"));
        }
        if !cookies.is_empty() {
            self = self.default_header("cookie", cookies.join("; "));
        }
        let mut synchronizer = self.synchronizer;
        if self.set_provider.is_some() {
            synchronizer.get_or_insert_default();
        }
        let clock = match (self.clock, &synchronizer) {
            (Some(_), Some(_)) => return Err(FactoryError::two_clocks()),
            (Some(clock), None) => clock,
            (None, Some(synchronizer)) => synchronizer.clock(),
            (None, None) => Arc::new(SystemClock),
        };
        let throttle = self.throttle.map(|make| make(Arc::clone(&clock))).transpose();
        let throttle = throttle.map_err(FactoryError::throttler)?;
        let mut rest = self.rest.connection(connections.rest_connection());
        if let Some(throttle) = &throttle {
            rest = rest.throttler(Arc::clone(throttle));
        }
        rest = self.rest_options.into_iter().fold(rest, |rest, set| set(rest));
        let anonymous = rest.clone().anonymous().build().map_err(FactoryError::manager)?;
        let caller: Arc<dyn Caller> = Arc::new(anonymous.clone());

        if let (Some(set_provider), Some(synchronizer)) = (self.set_provider, &synchronizer) {
            set_provider(synchronizer, Arc::clone(&caller));
        }
        let context = AuthContext::new(caller, Arc::clone(&clock));
        let auth = self.auth.map(|make| make(&context)).transpose().map_err(FactoryError::auth)?;
        let stamps = auth.as_ref().and_then(|auth| auth.time_provider());
        if synchronizer.is_some()
            && stamps.is_some_and(|stamps| stamps.identity() != clock.identity())
        {
            return Err(FactoryError::other_clock());
        }

        rest =
            self.processors.into_iter().fold(rest.clock(Arc::clone(&clock)), |rest, add| add(rest));
        if let Some(auth) = &auth {
            rest = rest.auth(Arc::clone(auth));
        }
        if let Some(synchronizer) = &synchronizer {
            // The last, so that it sees whether another processor has asked for authentication.
            let mut timely = TimeSynchronizerRestPreProcessor::new(synchronizer.clone());
            if self.throttle_by_clock {
                timely = timely.every_request();
            }
            rest = rest.pre_processor(timely).resync(synchronizer.clone());
        }
        let rest = rest.build().map_err(FactoryError::manager)?;

        #[cfg(feature = "ws")]
        let ws = {
            let mut ws = self.ws.connection(connections.ws_connection()).clock(clock);
            if let Some(throttle) = throttle {
                ws = ws.throttler(throttle);
            }
            ws = self.ws_options.into_iter().fold(ws, |ws, set| set(ws));
            ws = match (auth, &synchronizer) {
                (Some(auth), Some(synchronizer)) => {
                    ws.auth(Timely::new(auth, synchronizer.clone())).resync(synchronizer.clone())
                }
                (Some(auth), None) => ws.auth(auth),
                (None, _) => ws,
            };
            ws.build().map_err(FactoryError::manager)?
        };
        Ok(ConnectionManagersFactory::new(super::managers::Parts {
            rest,
            anonymous,
            synchronizer,
            grace: self.grace,
            #[cfg(feature = "ws")]
            ws,
        }))
    }
}

/// Whether RFC 6265, section 4.1.1, allows this name and value.
fn is_cookie(name: &str, value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    !name.is_empty() && name.bytes().all(token) && value.bytes().all(octet)
}

impl fmt::Debug for ConnectionManagersFactoryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionManagersFactoryBuilder")
            .field("rest", &self.rest)
            .finish_non_exhaustive()
    }
}
