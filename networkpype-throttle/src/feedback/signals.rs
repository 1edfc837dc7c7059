use std::time::Duration;

use http::{
    HeaderMap,
    header::{DATE, RETRY_AFTER},
};
use networkpype_core::{LimitId, MAX_RETRY_AFTER, ResponseHead, Timestamp, retry_after_within};

use super::{
    Feedback, HeaderRule, ResetAs,
    date::http_date,
    fields,
    number::{Number, first_number, number_after_slash},
    reset::until_reset,
};

/// What one response says about limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    pub(crate) reports: Vec<Report>,
    pub(crate) verdict: Option<Verdict>,
    /// When it was made, by the server's clock, if it says so. Servers tell whole seconds, rounded down.
    pub(crate) date: Option<Timestamp>,
}

/// How a limit stands on the server's side. One of `used` and `remaining` is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// `None`: the one that the request named.
    pub(crate) limit: Option<LimitId>,
    pub(crate) used: Option<u64>,
    pub(crate) remaining: Option<u64>,
    /// What there is in all.
    pub(crate) quota: Option<u64>,
    /// In what time it starts anew: zero where that is past, one day at most.
    pub(crate) reset: Option<Duration>,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A limit was crossed. `wait`: for how long nothing is to be sent, if the server said; one day at most.
    Pause { wait: Option<Duration> },
    /// The sender is banned for so long, thirty days at most.
    Ban { wait: Duration },
}

impl Feedback {
    /// What the response `head` says. `clock` is the throttler's idea of the server's wall time, used where the
    /// response has no `Date` of its own.
    pub(crate) fn read(&self, head: ResponseHead<'_>, clock: Timestamp) -> Signals {
        // The server's instants are compared with the server's clock, whatever ours says.
        let date = head.headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?));
        let now = date.unwrap_or(clock);
        let mut reports = Vec::new();
        for rule in &self.headers {
            match rule {
                HeaderRule::Used { header, limit } => {
                    reports.extend(used(head.headers, header, limit.as_ref()));
                }
                HeaderRule::Remaining { remaining, quota, reset, reset_as, limit } => {
                    let names =
                        Names { remaining, quota: quota.as_deref(), reset: reset.as_deref() };
                    reports.extend(left(head.headers, names, *reset_as, limit.as_ref(), now));
                }
                HeaderRule::RateLimitFields { policies, limit } => {
                    let before = reports.len();
                    reports.extend(fields::reports(head.headers, policies, limit.as_ref(), now));
                    if reports.len() == before {
                        reports.extend(left(
                            head.headers,
                            DRAFT_6,
                            ResetAs::Auto,
                            limit.as_ref(),
                            now,
                        ));
                    }
                }
            }
        }
        let exhausted = reports.iter().any(|report| report.remaining == Some(0));
        Signals { verdict: self.verdict(head, exhausted, now), reports, date }
    }

    fn verdict(
        &self,
        ResponseHead { status, headers, .. }: ResponseHead<'_>,
        exhausted: bool,
        now: Timestamp,
    ) -> Option<Verdict> {
        let listed = |statuses: &[u16]| statuses.contains(&status.as_u16());
        let ban = listed(&self.ban_statuses);
        if !ban && !listed(&self.pause_statuses) && !listed(&self.pause_if_told_statuses) {
            return None;
        }
        let longest = if ban { LONGEST_BAN } else { MAX_RETRY_AFTER };
        let wait = retry_after_within(longest, headers, now);
        if wait.is_none() && headers.contains_key(RETRY_AFTER) {
            ignored(RETRY_AFTER.as_str());
        }
        if ban {
            // One that is over already is not what the status says.
            let wait = wait.filter(|wait| !wait.is_zero()).unwrap_or(self.default_ban);
            return Some(Verdict::Ban { wait });
        }
        let told = wait.is_some() || exhausted;
        (told || listed(&self.pause_statuses)).then_some(Verdict::Pause { wait })
    }
}

/// Longer than any server is known to ban.
pub(crate) const LONGEST_BAN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The headers that a rule about what is left reads.
#[derive(Clone, Copy)]
struct Names<'a> {
    remaining: &'a str,
    quota: Option<&'a str>,
    reset: Option<&'a str>,
}

/// The fields of the IETF draft up to its version 6. The reset was in seconds from now; servers that sent the epoch
/// instead are common enough to be told apart.
const DRAFT_6: Names<'static> = Names {
    remaining: "ratelimit-remaining",
    quota: Some("ratelimit-limit"),
    reset: Some("ratelimit-reset"),
};

fn used(headers: &HeaderMap, name: &str, limit: Option<&LimitId>) -> Option<Report> {
    let (used, quota) = read(headers, name, |text| {
        Some((first_number(text)?.ceil(), number_after_slash(text).map(Number::floor)))
    })?;
    Some(Report { limit: limit.cloned(), used: Some(used), remaining: None, quota, reset: None })
}

fn left(
    headers: &HeaderMap,
    names: Names<'_>,
    reset_as: ResetAs,
    limit: Option<&LimitId>,
    now: Timestamp,
) -> Option<Report> {
    let number = |name| read(headers, name, first_number).map(Number::floor);
    Some(Report {
        limit: limit.cloned(),
        used: None,
        remaining: Some(number(names.remaining)?),
        quota: names.quota.and_then(number),
        reset: names
            .reset
            .and_then(|name| read(headers, name, |text| until_reset(text, reset_as, now))),
    })
}

/// What `understand` makes of the header `name`, where there is one.
fn read<T>(
    headers: &HeaderMap,
    name: &str,
    understand: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let value = headers.get(name)?;
    let understood = value.to_str().ok().and_then(understand);
    if understood.is_none() {
        ignored(name);
    }
    understood
}

/// Tells that a header could not be understood, and not what stood in it.
pub(super) fn ignored(header: &str) {
    tracing::warn!(header, "a header about limits was not understood and is ignored");
}
