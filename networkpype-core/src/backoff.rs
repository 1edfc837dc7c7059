use std::time::Duration;

/// How long to wait before the next try: doubling from `base` up to `cap`, with full jitter.
///
/// Pure: it holds no timer and draws no randomness of its own, so a schedule can be tested with numbers.
///
/// ```
/// use networkpype_core::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
/// assert_eq!(backoff.delay(0, 1.0), Duration::from_secs(1));
/// assert_eq!(backoff.delay(3, 1.0), Duration::from_secs(8));
/// assert_eq!(backoff.delay(3, 0.5), Duration::from_secs(4));
/// assert_eq!(backoff.delay(50, 1.0), Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

impl Backoff {
    /// Starts at `base`, doubles with each failure, and never exceeds `cap`.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap }
    }

    /// The wait after `failures` earlier failures (0 for the first), where `jitter` in `0.0..=1.0` picks a point
    /// between nothing and the full delay. A `jitter` outside that range, NaN included, counts as the nearest end.
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        let factor = 2_u32.checked_pow(failures.min(31)).unwrap_or(u32::MAX);
        let full = self.base.saturating_mul(factor).min(self.cap);
        let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        // The cast saturates, and the cap is far below what a float cannot count exactly enough.
        let nanos = u64::try_from(full.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos((nanos as f64 * jitter) as u64).min(full)
    }
}

impl Default for Backoff {
    /// From one second to one minute.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_input_makes_a_delay_panic_or_exceed_its_cap() {
        assert!(Backoff::new(Duration::MAX, Duration::MAX).delay(9, 1.0) > Duration::from_secs(1));
        let backoff = Backoff::new(Duration::MAX, Duration::from_secs(5));
        for jitter in [f64::NAN, f64::NEG_INFINITY, f64::INFINITY, -1.0, 2.0] {
            assert!(backoff.delay(u32::MAX, jitter) <= Duration::from_secs(5));
        }
    }
}
