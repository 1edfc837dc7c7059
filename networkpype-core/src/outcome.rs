use http::{HeaderMap, StatusCode};

use crate::{Timestamp, retry_after};

/// What became of a request, from best known to worst: whether sending it again could do harm.
///
/// For a call of several attempts it is the worst of them, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It failed before its first byte was written: limits, signing, name lookup, connecting, TLS, proxy.
    NotSent,
    /// The server has read it and did not act on it.
    Refused,
    /// It may or may not have been acted on: ask the API before sending it again.
    Unknown,
    /// The server acted on it, although its answer could not be used.
    Done,
}

/// Which statuses mean what. The defaults hold for most APIs; data per API may override single statuses.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use networkpype_core::{Outcome, OutcomeRules};
///
/// let rules = OutcomeRules::default().with(StatusCode::CONFLICT, Outcome::Unknown);
/// let none = HeaderMap::new();
/// assert_eq!(rules.of_status(StatusCode::BAD_REQUEST, &none), Outcome::Refused);
/// assert_eq!(rules.of_status(StatusCode::CONFLICT, &none), Outcome::Unknown);
/// assert_eq!(rules.of_status(StatusCode::BAD_GATEWAY, &none), Outcome::Unknown);
/// ```
#[derive(Clone, Debug, Default)]
pub struct OutcomeRules {
    overrides: Vec<(StatusCode, Outcome)>,
}

impl OutcomeRules {
    /// Has `status` mean `outcome`, whatever the defaults say.
    #[must_use]
    pub fn with(mut self, status: StatusCode, outcome: Outcome) -> Self {
        self.overrides.retain(|(old, _)| *old != status);
        self.overrides.push((status, outcome));
        self
    }

    /// The outcome of a request that was answered with `status`.
    pub fn of_status(&self, status: StatusCode, headers: &HeaderMap) -> Outcome {
        if let Some((_, outcome)) = self.overrides.iter().find(|(rule, _)| *rule == status) {
            return *outcome;
        }
        match status.as_u16() {
            408 => Outcome::Unknown,
            // A server that says when to come back has not begun.
            503 if retry_after(headers, Timestamp::UNIX_EPOCH).is_some() => Outcome::Refused,
            300..=499 => Outcome::Refused,
            500..=599 => Outcome::Unknown,
            200..=299 => Outcome::Done,
            // 1xx is never final, and nothing is known of what lies above 599.
            _ => Outcome::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::RETRY_AFTER};

    use super::*;

    #[test]
    fn each_status_has_the_outcome_of_the_table() {
        let rules = OutcomeRules::default();
        let mut retry = HeaderMap::new();
        retry.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        let mut nonsense = HeaderMap::new();
        nonsense.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        for (status, headers, outcome) in [
            (200, &HeaderMap::new(), Outcome::Done),
            (204, &HeaderMap::new(), Outcome::Done),
            (302, &HeaderMap::new(), Outcome::Refused),
            (400, &HeaderMap::new(), Outcome::Refused),
            (408, &HeaderMap::new(), Outcome::Unknown),
            (418, &HeaderMap::new(), Outcome::Refused),
            (429, &HeaderMap::new(), Outcome::Refused),
            (500, &retry, Outcome::Unknown),
            (503, &retry, Outcome::Refused),
            (503, &HeaderMap::new(), Outcome::Unknown),
            (503, &nonsense, Outcome::Unknown),
            (999, &HeaderMap::new(), Outcome::Unknown),
        ] {
            let status = StatusCode::from_u16(status).expect("status");
            assert_eq!(rules.of_status(status, headers), outcome, "{status}");
        }
    }

    #[test]
    fn the_worst_outcome_is_the_greatest() {
        use Outcome::{Done, NotSent, Refused, Unknown};
        let mut order = [Refused, Done, NotSent, Unknown];
        order.sort();
        assert_eq!(order, [NotSent, Refused, Unknown, Done]);
    }
}
