//! How many requests may come in a window? The exchange's own count, by its own clock.

use std::collections::VecDeque;
use std::time::Duration;

/// An exact sliding window: it keeps the instant of every request it let through.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// None counts without refusing.
    limit: Option<usize>,
    window: Duration,
    admitted: VecDeque<Duration>,
    most: usize,
    refused: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted { used: usize, limit: Option<usize> },
    Refused { retry_after_secs: u64, limit: usize },
}

impl Limiter {
    pub(crate) fn new(limit: Option<usize>, window: Duration) -> Self {
        Self { limit, window, admitted: VecDeque::new(), most: 0, refused: 0 }
    }

    /// `now` never goes back. The window is closed: a request exactly one window old still counts.
    pub(crate) fn admit(&mut self, now: Duration) -> Verdict {
        while let Some(oldest) = self.admitted.front() {
            if now.saturating_sub(*oldest) <= self.window {
                break;
            }
            self.admitted.pop_front();
        }
        if let Some(limit) = self.limit
            && self.admitted.len() >= limit
        {
            self.refused += 1;
            let frees_at = self.admitted.front().map_or(now, |oldest| *oldest + self.window);
            return Verdict::Refused {
                retry_after_secs: whole_seconds(frees_at.saturating_sub(now)),
                limit,
            };
        }
        self.admitted.push_back(now);
        self.most = self.most.max(self.admitted.len());
        Verdict::Admitted { used: self.admitted.len(), limit: self.limit }
    }

    /// The most requests that were ever in one window.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused
    }
}

/// Rounded up, and at least one: `Retry-After: 0` would invite the next refusal.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_window_slides_and_is_closed() {
        let mut limiter = Limiter::new(Some(2), ms(1000));
        let admitted = |used| Verdict::Admitted { used, limit: Some(2) };
        let refused = |retry_after_secs| Verdict::Refused { retry_after_secs, limit: 2 };
        assert_eq!(limiter.admit(ms(0)), admitted(1));
        assert_eq!(limiter.admit(ms(600)), admitted(2));
        assert_eq!(limiter.admit(ms(700)), refused(1));
        assert_eq!(limiter.admit(ms(1000)), refused(1));
        assert_eq!(limiter.admit(ms(1001)), admitted(2));
        assert_eq!(limiter.admit(ms(1600)), refused(1));
        assert_eq!(limiter.admit(ms(1601)), admitted(2));
        assert_eq!((limiter.most(), limiter.refused()), (2, 3));
    }

    #[test]
    fn retry_after_is_rounded_up() {
        let mut limiter = Limiter::new(Some(1), Duration::from_secs(60));
        limiter.admit(ms(0));
        for (now, secs) in [(0, 60), (1, 60), (59_000, 1), (59_999, 1)] {
            assert_eq!(
                limiter.admit(ms(now)),
                Verdict::Refused { retry_after_secs: secs, limit: 1 }
            );
        }
    }

    #[test]
    fn without_a_limit_it_only_counts() {
        let mut limiter = Limiter::new(None, ms(10));
        for now in [0, 1, 2, 11, 20] {
            assert!(matches!(limiter.admit(ms(now)), Verdict::Admitted { .. }));
        }
        assert_eq!((limiter.most(), limiter.refused()), (3, 0));
    }
}
