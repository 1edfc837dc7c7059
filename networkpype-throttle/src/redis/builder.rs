use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use networkpype_core::{Clock, SystemClock, Ticker, TokioTicker};
use redis::{ConnectionInfo, IntoConnectionInfo};

use super::{
    OnFailure, RedisThrottler, RedisThrottlerError, courier::Courier, fallback::Fallback,
    link::Link, plan, shared::Shared, shared::clock_micros, stops::Stops,
};
use crate::{Feedback, RateLimit, Throttler, capacity::Reduction};

/// Puts a [`RedisThrottler`] together. From [`RedisThrottler::builder`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone)]
pub struct RedisThrottlerBuilder {
    url: String,
    limits: Vec<RateLimit>,
    prefix: String,
    share: f64,
    safety_margin: Option<f64>,
    max_ahead: Option<Duration>,
    on_failure: OnFailure,
    timeout: Duration,
    hold_after_restart: bool,
    ticker: Option<Arc<dyn Ticker>>,
    clock: Option<Arc<dyn Clock>>,
    feedback: Feedback,
}

impl RedisThrottlerBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            limits: Vec::new(),
            prefix: "networkpype".to_owned(),
            share: 1.0,
            safety_margin: None,
            max_ahead: None,
            on_failure: OnFailure::Refuse,
            timeout: Duration::from_secs(2),
            hold_after_restart: true,
            ticker: None,
            clock: None,
            feedback: Feedback::default(),
        }
    }

    /// One more limit.
    ///
    /// All who share a prefix must give the same limits: each counts by what it was given itself.
    pub fn limit(mut self, limit: RateLimit) -> Self {
        self.limits.push(limit);
        self
    }

    /// More limits. A throttler without any lets everything pass.
    pub fn limits(mut self, limits: impl IntoIterator<Item = RateLimit>) -> Self {
        self.limits.extend(limits);
        self
    }

    /// What the names of all keys begin with, in braces. By default `networkpype`.
    ///
    /// Throttlers with the same prefix on the same server share their limits, so it names what the limits belong to: an
    /// API and an account or address, such as `binance:203.0.113.7`. Not empty, and without braces. In a cluster it
    /// decides which node has the keys.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The part of every limit that all who share it may use together, above 0 and at most 1. By default 1, which is all.
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// The part of every limit that is never used, at least 0 and below 1. By default 0.05, which is 5 %, and 0 for
    /// limits that count [until answered](crate::Accounting::UntilAnswered).
    pub fn safety_margin(mut self, safety_margin: f64) -> Self {
        self.safety_margin = Some(safety_margin);
        self
    }

    /// How far ahead the line may reach. By default one window: the longest of those that a request charges.
    ///
    /// Who would have to wait longer is refused at once with
    /// [`DeadlineExceeded`](networkpype_core::ThrottleError::DeadlineExceeded), which says how long. Not zero.
    pub fn max_ahead(mut self, max_ahead: Duration) -> Self {
        self.max_ahead = Some(max_ahead);
        self
    }

    /// What happens while the server cannot be used. By default requests are [refused](OnFailure::Refuse).
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// How long the server may take to accept a connection, and to answer, before it counts as lost. By default 2 s.
    /// Not zero.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether nothing is granted for one window after the server turned out to be another one than before, or to be
    /// younger than that window and to know nothing of these limits. On by default.
    ///
    /// A server that was restarted, or a replica that took over, may have forgotten what was granted last. Turn it off
    /// only where that cannot be (`appendfsync always` and no replicas), or where crossing a limit costs little.
    pub fn hold_after_restart(mut self, hold: bool) -> Self {
        self.hold_after_restart = hold;
        self
    }

    /// The clock that waits are measured with and deadlines refer to. By default a [`TokioTicker`] of its own. Windows
    /// are measured by the server.
    pub fn ticker(mut self, ticker: Arc<dyn Ticker>) -> Self {
        self.ticker = Some(ticker);
        self
    }

    /// The clock that windows are measured with where the server does not let scripts ask for the time. By default the
    /// machine's. All who share the limits must then have clocks that agree: by what they differ, windows are too short.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// What is learnt from responses. By default 429 pauses and 418 bans, for all processes; see
    /// [`ThrottlerBuilder::feedback`](crate::ThrottlerBuilder::feedback). Headers that tell how much is used are not
    /// taken in by a shared throttler.
    pub fn feedback(mut self, feedback: Feedback) -> Self {
        self.feedback = feedback;
        self
    }

    /// The throttler. It connects when it is first asked.
    ///
    /// # Errors
    /// When the limits are not consistent, one of them is of a kind that cannot be shared, or a setting is out of its
    /// range. The error names the limit or the setting.
    pub fn build(self) -> Result<RedisThrottler, RedisThrottlerError> {
        let info = connection_info(&self.url)?;
        if self.prefix.is_empty() || self.prefix.contains(['{', '}']) {
            return Err(RedisThrottlerError::InvalidPrefix(self.prefix));
        }
        for (name, setting) in [("timeout", Some(self.timeout)), ("max_ahead", self.max_ahead)] {
            if setting.is_some_and(|setting| setting.is_zero()) {
                return Err(RedisThrottlerError::ZeroDuration(name));
            }
        }
        self.feedback.check(&self.limits)?;
        let routes = plan::routes(&self.limits, &self.prefix, self.share, self.safety_margin)?;
        let ticker = self.ticker.clone().unwrap_or_else(|| Arc::new(TokioTicker::new()));
        let clock: Arc<dyn Clock> = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        let link = Arc::new(Link::new(info, self.timeout, Arc::clone(&ticker)));
        let nonce = format!("{:016x}", RandomState::new().hash_one(&self.prefix));
        let fallback = match self.on_failure {
            OnFailure::Refuse => None,
            OnFailure::LocalShare(part) => {
                let local = self.local(part, Arc::clone(&ticker))?;
                let (greeter, clock) = (local.clone(), Arc::clone(&clock));
                let (id, routes): (_, Vec<_>) =
                    (format!("{nonce}-local"), routes.values().cloned().collect());
                link.greet_with(Box::new(move |up| {
                    Fallback::greeting(&greeter, up, &routes, &id, clock_micros(&*clock))
                }));
                Some(Fallback::new(local))
            }
        };
        let courier = Courier::new(Arc::clone(&ticker), Arc::clone(&link), fallback.is_some());
        Ok(RedisThrottler::assemble(Shared {
            limits: self.limits,
            routes,
            prefix: self.prefix,
            share: self.share,
            safety_margin: self.safety_margin,
            max_ahead: self.max_ahead,
            hold_after_restart: self.hold_after_restart,
            ticker,
            clock,
            link,
            courier: Arc::new(courier),
            fallback,
            feedback: self.feedback,
            stops: Stops::default(),
            nonce,
            issued: AtomicU64::new(0),
        }))
    }

    /// A throttler for this process alone, with `part` of what all have.
    fn local(&self, part: f64, ticker: Arc<dyn Ticker>) -> Result<Throttler, RedisThrottlerError> {
        // Written so that NaN fails too.
        if !(part > 0.0 && part <= 1.0) {
            return Err(RedisThrottlerError::InvalidLocalShare(part));
        }
        // The local share of a share; checked apart, so that the error names the setting that is wrong.
        Reduction::new(self.share, self.safety_margin)?;
        let builder = Throttler::builder()
            .limits(self.limits.clone())
            .share(self.share * part)
            .feedback(self.feedback.clone());
        let builder = match self.safety_margin {
            Some(margin) => builder.safety_margin(margin),
            None => builder,
        };
        Ok(builder.ticker(ticker).build()?)
    }
}

fn connection_info(url: &str) -> Result<ConnectionInfo, RedisThrottlerError> {
    url.into_connection_info().map_err(|_| RedisThrottlerError::InvalidUrl)
}

impl fmt::Debug for RedisThrottlerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the address: it may hold a password.
        f.debug_struct("RedisThrottlerBuilder")
            .field("prefix", &self.prefix)
            .field("limits", &self.limits)
            .field("share", &self.share)
            .field("safety_margin", &self.safety_margin)
            .field("max_ahead", &self.max_ahead)
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
    }
}
