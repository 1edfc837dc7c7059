//! What a throttler learns from responses: the rules as data, and what they find in one response.

mod date;
mod fields;
#[cfg(any(test, feature = "__fuzz"))]
pub(crate) mod header_names;
mod header_rule;
mod number;
mod reset;
pub(crate) mod signals;
#[cfg(test)]
mod tests;

pub use header_rule::{HeaderRule, ResetAs};
pub(crate) use signals::{Report, Signals, Verdict};

use std::{collections::HashSet, time::Duration};

use http::HeaderName;
use networkpype_core::LimitId;

use crate::{LimitError, RateLimit};

/// What a throttler learns from the responses of one API. Plain data.
///
/// By default 429 pauses, 418 bans, and no header but `Retry-After` is read. A response whose status is listed twice
/// bans. A `503` with a `Retry-After` is a server in trouble rather than a limit that was crossed, so it pauses only
/// where it is listed.
///
/// ```
/// use networkpype_throttle::{Feedback, HeaderRule, ResetAs};
///
/// let binance = Feedback::new()
///     .used("X-MBX-USED-WEIGHT-1M", "weight")
///     .pause_on([429, 503])
///     .ban_on([418, 403]);
///
/// // The headers speak of the limit that the request named. A 403 may just as well mean that something is forbidden.
/// let github = Feedback::new()
///     .rule(HeaderRule::x_rate_limit(ResetAs::EpochSeconds))
///     .pause_if_told_on([403]);
///
/// let standard = Feedback::new().ietf();
/// # let _ = (binance, github, standard);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Feedback {
    /// Which headers tell how much of a limit is used.
    pub headers: Vec<HeaderRule>,
    /// Which statuses say that a limit was crossed. By default 429.
    pub pause_statuses: Vec<u16>,
    /// Which statuses pause only if the response says so itself: with a `Retry-After` that can be read, or with a header of
    /// a rule that says that nothing is left. For APIs that answer with one status, 403 say, to what is forbidden and to
    /// what is too much. By default none.
    pub pause_if_told_statuses: Vec<u16>,
    /// What a pause stops. By default what the request charged.
    pub pause_scope: Scope,
    /// Which statuses say that the sender was banned. By default 418.
    pub ban_statuses: Vec<u16>,
    /// What a ban stops. By default everything.
    pub ban_scope: Scope,
    /// How long a ban lasts whose response does not say. By default two minutes.
    pub default_ban: Duration,
}

/// What a pause or ban stops.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// The limit that the request named, and those linked to it.
    Request,
    /// These limits.
    Limits(Vec<LimitId>),
    /// Everything.
    All,
}

impl Default for Feedback {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            pause_statuses: vec![429],
            pause_if_told_statuses: Vec::new(),
            pause_scope: Scope::Request,
            ban_statuses: vec![418],
            ban_scope: Scope::All,
            default_ban: Duration::from_secs(120),
        }
    }
}

impl Feedback {
    /// 429 pauses, 418 bans, and no header but `Retry-After` is read.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with `header` telling how much of `limit` is used.
    #[must_use]
    pub fn used(self, header: impl Into<String>, limit: impl Into<LimitId>) -> Self {
        self.rule(HeaderRule::used(header).of(limit))
    }

    /// The same, with `header` telling how much of `limit` is left.
    #[must_use]
    pub fn remaining(self, header: impl Into<String>, limit: impl Into<LimitId>) -> Self {
        self.rule(HeaderRule::remaining(header).of(limit))
    }

    /// The same, with the fields `RateLimit` and `RateLimit-Policy` telling of the limit that the request named. See
    /// [`HeaderRule::RateLimitFields`].
    #[must_use]
    pub fn ietf(self) -> Self {
        self.rule(HeaderRule::ietf())
    }

    /// The same with one more rule for a header.
    #[must_use]
    pub fn rule(mut self, rule: HeaderRule) -> Self {
        self.headers.push(rule);
        self
    }

    /// The same with these statuses, instead of 429, saying that a limit was crossed. None at all never pauses.
    #[must_use]
    pub fn pause_on(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.pause_statuses = statuses.into_iter().collect();
        self
    }

    /// The same with these statuses pausing, too, but only where the response itself tells of limits. See
    /// [`pause_if_told_statuses`](Self::pause_if_told_statuses).
    #[must_use]
    pub fn pause_if_told_on(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.pause_if_told_statuses = statuses.into_iter().collect();
        self
    }

    /// The same with pauses that stop `scope`, instead of what the request charged.
    #[must_use]
    pub fn pauses(mut self, scope: Scope) -> Self {
        self.pause_scope = scope;
        self
    }

    /// The same with these statuses, instead of 418, saying that the sender was banned. None at all never bans.
    #[must_use]
    pub fn ban_on(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.ban_statuses = statuses.into_iter().collect();
        self
    }

    /// The same with bans that stop `scope`, instead of everything.
    #[must_use]
    pub fn bans(mut self, scope: Scope) -> Self {
        self.ban_scope = scope;
        self
    }

    /// The same with bans that last so long where the response does not say, instead of two minutes.
    #[must_use]
    pub fn default_ban(mut self, ban: Duration) -> Self {
        self.default_ban = ban;
        self
    }

    /// Whether all rules can apply to `limits`.
    pub(crate) fn check(&self, limits: &[RateLimit]) -> Result<(), LimitError> {
        let mut names = self.headers.iter().flat_map(HeaderRule::header_names);
        if let Some(name) = names.find(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
            return Err(LimitError::InvalidFeedbackHeader(name.to_owned()));
        }
        let mut statuses = self
            .pause_statuses
            .iter()
            .chain(&self.pause_if_told_statuses)
            .chain(&self.ban_statuses);
        if let Some(status) = statuses.find(|status| !(100..1_000).contains(*status)) {
            return Err(LimitError::InvalidFeedbackStatus(*status));
        }
        let known: HashSet<_> = limits.iter().map(|limit| &limit.id).collect();
        match self.limit_ids().find(|limit| !known.contains(limit)) {
            Some(limit) => Err(LimitError::UnknownFeedbackLimit(limit.clone())),
            None => Ok(()),
        }
    }

    /// The limits that the rules name, some perhaps more than once.
    fn limit_ids(&self) -> impl Iterator<Item = &LimitId> {
        let scopes =
            [&self.pause_scope, &self.ban_scope].into_iter().flat_map(|scope| match scope {
                Scope::Limits(limits) => limits.as_slice(),
                Scope::Request | Scope::All => &[],
            });
        self.headers.iter().flat_map(HeaderRule::limit_ids).chain(scopes)
    }
}
