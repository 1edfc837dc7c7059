use std::{fmt, sync::Arc};

use networkpype_auth::{
    Login, Part,
    token::{MemoryTokenStore, TokenCache, TokenKey, TokenStore},
};
use networkpype_core::{
    AuthError, Caller, Clock, LimitChoice, LimitId, SystemClock, Ticker, TokioTicker,
};
use tokio::sync::OnceCell;

use super::{
    AuthorizationServer, Client, Discovery, Entropy, Grant, OAuth2, Shared,
    error::unusable,
    grant::GrantSource,
    issuer::{Issuer, Whereabouts},
    params::more,
    presentation::Presentation,
    websocket::{CarriedIn, OnWebSocket},
};
use crate::entropy::SystemEntropy;

/// Says what to ask for tokens, whom, and by what right. Made by [`OAuth2::builder`].
///
/// A caller, a server or its discovery, a client and a grant are needed.
#[must_use = "a builder does nothing until `build` is called"]
pub struct OAuth2Builder {
    caller: Option<Arc<dyn Caller>>,
    server: Option<AuthorizationServer>,
    discovery: Option<Discovery>,
    client: Option<Client>,
    grant: Option<Grant>,
    clock: Arc<dyn Clock>,
    ticker: Arc<dyn Ticker>,
    entropy: Arc<dyn Entropy>,
    store: Arc<dyn TokenStore>,
    limit: LimitChoice,
    account: String,
    scopes: Vec<String>,
    audience: Option<String>,
    resources: Vec<String>,
    params: Vec<(String, String)>,
    kinds: Vec<String>,
    #[cfg(feature = "dpop")]
    dpop: Option<super::DpopKey>,
    handshake: CarriedIn,
    login: Option<Login>,
    renewal: Option<Login>,
}

impl OAuth2Builder {
    pub(super) fn new() -> Self {
        Self {
            caller: None,
            server: None,
            discovery: None,
            client: None,
            grant: None,
            clock: Arc::new(SystemClock),
            ticker: Arc::new(TokioTicker::new()),
            entropy: Arc::new(SystemEntropy),
            store: Arc::new(MemoryTokenStore::new()),
            limit: LimitChoice::Default,
            account: String::new(),
            scopes: Vec::new(),
            audience: None,
            resources: Vec::new(),
            params: Vec::new(),
            kinds: Vec::new(),
            #[cfg(feature = "dpop")]
            dpop: None,
            handshake: CarriedIn::Header,
            login: None,
            renewal: None,
        }
    }

    /// What requests for tokens go through. It must not authenticate them by this scheme, nor follow redirects: take
    /// `ctx.anonymous_caller()` in the factory's `auth_with`.
    pub fn caller(mut self, caller: impl Caller + 'static) -> Self {
        self.caller = Some(Arc::new(caller));
        self
    }

    /// The authorization server.
    pub fn server(mut self, server: AuthorizationServer) -> Self {
        self.server = Some(server);
        self
    }

    /// The authorization server, which is asked for its endpoints when the first token is needed.
    pub fn discover(mut self, discovery: Discovery) -> Self {
        self.discovery = Some(discovery);
        self
    }

    /// Who asks.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// By what right.
    pub fn grant(mut self, grant: Grant) -> Self {
        self.grant = Some(grant);
        self
    }

    /// What the token is to permit: words with spaces between them (RFC 6749, section 3.3). Default: what the server
    /// decides.
    pub fn scope(mut self, scope: impl AsRef<str>) -> Self {
        self.scopes.extend(scope.as_ref().split_ascii_whitespace().map(str::to_owned));
        self
    }

    /// Sends `audience`, which some servers ask for (and RFC 8693, section 2.1 for token exchange).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Names an API that the token is for (RFC 8707), by its absolute URI. May be said more than once.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// A further parameter of logins and of requests for tokens: one that the scheme does not set itself, and once for each
    /// name (RFC 6749, sections 3.1 and 3.2). What may be repeated is [`resource`](Self::resource).
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Takes tokens of this `token_type` for Bearer tokens too, from servers that have a name of their own for them. Not
    /// `DPoP`, which [`build`](Self::build) refuses: such a token is worth nothing without the proofs of its key. Default:
    /// Bearer alone, in any case, and tokens whose type is not said.
    pub fn token_type(mut self, name: impl Into<String>) -> Self {
        self.kinds.push(name.into());
        self
    }

    /// Binds tokens to this key (RFC 9449): each request for a token and each request to the API carries a proof that it is
    /// at hand. A token that the server gives out unbound is refused. Tokens in the store that are bound to another key, or to
    /// none, are not used, and stay there: a key that is made anew in each run of a program
    /// ([`DpopKey::generate`](super::DpopKey::generate)), beside a [`store`](Self::store) that outlives it, leaves an entry behind
    /// with each, whose refresh token may be good for months and is used by nobody. Keep the key as long as the store, or
    /// [`logout`](super::OAuth2::logout) before the program ends. Default: Bearer tokens, which whoever has them can use.
    #[cfg(feature = "dpop")]
    pub fn dpop(mut self, key: super::DpopKey) -> Self {
        self.dpop = Some(key);
        self
    }

    /// Charges requests for tokens to this limit, and the one for the server's description where that was told none. Default:
    /// the caller's own.
    pub fn limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limit = LimitChoice::Named(limit.into());
        self
    }

    /// Charges requests for tokens to no limit, although there are some.
    pub fn unlimited(mut self) -> Self {
        self.limit = LimitChoice::Unlimited;
        self
    }

    /// The wall clock: of signed assertions, and of tokens' ends in the store. Default: the machine's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Monotonic time, which lifetimes and intervals count on. Default: tokio's.
    pub fn ticker(mut self, ticker: impl Ticker + 'static) -> Self {
        self.ticker = Arc::new(ticker);
        self
    }

    /// Where random bytes come from. Default: the operating system.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Where tokens are kept. Default: in memory, so that a person has to log in anew in each run of the program.
    pub fn store(mut self, store: impl TokenStore + 'static) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Whose tokens these are, where one store holds those of several people for one client. Default: nobody is named.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// Sends the token in this parameter of a WebSocket's URL, for servers that take no header: those for browsers, which
    /// can set none. It shows in the logs of servers and proxies. Default: the header.
    pub fn ws_query(mut self, name: impl Into<String>) -> Self {
        self.handshake = CarriedIn::Query(name.into());
        self
    }

    /// Sends this message after each connect; see [`token_login`](super::token_login). Default: none, the token is in the
    /// handshake alone.
    pub fn ws_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Sends this message on a connection that is up, each time that the token which was shown there is about to end: for
    /// APIs that take a new one in place. It may be the same as that of the login. A connection whose renewal is refused or
    /// not answered ends, and data flows meanwhile: so let `refused_when` match what answers this message alone, and no
    /// error about something else. Default: none, and the API ends the connection when it likes.
    pub fn ws_renewal(mut self, renewal: Login) -> Self {
        self.renewal = Some(renewal);
        self
    }

    fn bearer(&self) -> Result<Presentation, AuthError> {
        if self.kinds.iter().any(|kind| kind.eq_ignore_ascii_case("dpop")) {
            return Err(unusable(
                "a token of the type DPoP is bound to a key, and no Bearer token: leave out that `token_type`, and give the \
                 scheme the key with `dpop`, of the feature `dpop`",
            ));
        }
        Ok(Presentation::Bearer(self.kinds.clone()))
    }

    #[cfg(not(feature = "dpop"))]
    fn presentation(&self) -> Result<Presentation, AuthError> {
        self.bearer()
    }

    #[cfg(feature = "dpop")]
    fn presentation(&self) -> Result<Presentation, AuthError> {
        let Some(key) = &self.dpop else { return self.bearer() };
        let refused = |message: &'static str| Err(unusable(message));
        if !self.kinds.is_empty() {
            return refused(
                "a token that is bound to a key has the type DPoP: leave out `token_type`",
            );
        }
        if matches!(self.handshake, CarriedIn::Query(_)) {
            return refused(
                "a token that is bound to a key goes into a header, beside its proof: leave out `ws_query`",
            );
        }
        if self.login.is_some() || self.renewal.is_some() {
            return refused(
                "a token that is bound to a key has no proof in a message: leave out `ws_login` and `ws_renewal`",
            );
        }
        let (clock, entropy) = (Arc::clone(&self.clock), Arc::clone(&self.entropy));
        Ok(Presentation::Dpop(Arc::new(super::dpop::Prover::new(key.clone(), clock, entropy))))
    }

    /// The scheme.
    ///
    /// # Errors
    /// When caller, server, client or grant are missing, or there are both a server and a discovery; the server is known to
    /// lack the endpoint where the grant's person logs in; a client that proves nothing has but its own grant; an endpoint is not `https://` and not on this machine; a secret is
    /// empty; an assertion names its audience by an issuer that nobody has said, or has a claim that is none; a resource is no
    /// absolute URI, or has a fragment; a parameter is one that the scheme sets itself, or is given twice; tokens of the type DPoP are to be
    /// sent as Bearer tokens; the message of a login or a renewal
    /// holds no token, or nothing tells when it is accepted; tokens are bound to a key, and are to be sent without its proof.
    pub fn build(self) -> Result<OAuth2, AuthError> {
        let presentation = self.presentation()?;
        let caller = self.caller.ok_or_else(|| {
            unusable("nothing sends the requests for tokens: give the scheme a `caller`")
        })?;
        let mut whereabouts = match (self.server, self.discovery) {
            (Some(server), None) => Whereabouts::Known(server),
            (None, Some(discovery)) => Whereabouts::Discovered(discovery, OnceCell::new()),
            (Some(_), Some(_)) => {
                return Err(unusable(
                    "`server` and `discover` both say whom to ask for tokens: say one of them",
                ));
            }
            (None, None) => {
                return Err(unusable(
                    "there is nobody to ask for tokens: give the scheme a `server`, or `discover` one",
                ));
            }
        };
        let client =
            self.client.ok_or_else(|| unusable("nobody asks: give the scheme a `client`"))?;
        let grant =
            self.grant.ok_or_else(|| unusable("by what right? Give the scheme a `grant`"))?;
        let (server, place) = match &mut whereabouts {
            Whereabouts::Known(server) => {
                server.check()?;
                (Some(&*server), server.issuer.clone().unwrap_or_else(|| server.token.clone()))
            }
            Whereabouts::Discovered(discovery, _) => {
                if matches!(discovery.limit, LimitChoice::Default) {
                    discovery.limit = self.limit.clone();
                }
                discovery.check()?;
                (None, discovery.issuer.clone())
            }
        };
        client.check(server)?;
        grant.check(&client, server)?;
        self.login.iter().chain(&self.renewal).try_for_each(check_login)?;
        let more = more(&self.audience, &self.resources, self.params)?;
        // Tokens of another client, server or person never stand for these.
        let bound = presentation.thumbprint();
        let identity: Vec<String> = [client.id(), &place, &grant.owner(), &self.account]
            .into_iter()
            .chain(bound.as_deref())
            .map(|part| part.replace('%', "%25").replace(' ', "%20"))
            .collect();
        let audience: Vec<&str> =
            self.audience.iter().chain(&self.resources).map(String::as_str).collect();
        let key = TokenKey::new(identity.join(" "))
            .scope(&self.scopes.join(" "))
            .audience(audience.join(" "));
        let source = Arc::new(GrantSource {
            issuer: Arc::new(Issuer {
                caller,
                whereabouts,
                client,
                clock: Arc::clone(&self.clock),
                ticker: Arc::clone(&self.ticker),
                entropy: self.entropy,
                limit: self.limit,
                scopes: self.scopes,
                more,
                presentation: presentation.clone(),
            }),
            grant,
        });
        let cache = TokenCache::builder(Arc::clone(&source))
            .store(self.store)
            .clock(self.clock)
            .ticker(self.ticker)
            .build();
        let websocket =
            OnWebSocket { handshake: self.handshake, login: self.login, renewal: self.renewal };
        let shared = Shared { source, cache, key, presentation, websocket };
        Ok(OAuth2 { shared: Arc::new(shared) })
    }
}

fn check_login(login: &Login) -> Result<(), AuthError> {
    login.check()?;
    let foreign = |part: &Part| {
        matches!(part, Part::Timestamp | Part::Nonce | Part::Passphrase | Part::Signature)
    };
    if !login.uses(&Part::Key) || login.any(&foreign) {
        return Err(unusable(
            "a login message holds the token, as `{token}`, and nothing else that is filled in",
        ));
    }
    Ok(())
}

impl fmt::Debug for OAuth2Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2Builder")
            .field("client", &self.client)
            .field("grant", &self.grant)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
