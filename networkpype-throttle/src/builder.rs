use std::{fmt, sync::Arc};

use networkpype_core::{Ticker, TokioTicker};

use crate::{LimitError, RateLimit, Throttler, capacity::Reduction};

/// Puts a [`Throttler`] together. From [`Throttler::builder`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone)]
pub struct ThrottlerBuilder {
    limits: Vec<RateLimit>,
    share: f64,
    safety_margin: f64,
    max_waiters: usize,
    ticker: Option<Arc<dyn Ticker>>,
}

impl ThrottlerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            limits: Vec::new(),
            share: 1.0,
            safety_margin: 0.05,
            max_waiters: 16_384,
            ticker: None,
        }
    }

    /// One more limit.
    pub fn limit(mut self, limit: RateLimit) -> Self {
        self.limits.push(limit);
        self
    }

    /// More limits. A throttler without any lets everything pass.
    #[doc(alias = "rate_limits")]
    pub fn limits(mut self, limits: impl IntoIterator<Item = RateLimit>) -> Self {
        self.limits.extend(limits);
        self
    }

    /// The part of every limit that is never used, at least 0 and below 1. By default 0.05, which is 5 %.
    ///
    /// Windows are exact where requests leave; on their way to the server they spread or bunch. The margin is for
    /// that. Use 0 only where crossing a limit now and then costs nothing.
    #[doc(alias = "safety_margin_pct")]
    pub fn safety_margin(mut self, safety_margin: f64) -> Self {
        self.safety_margin = safety_margin;
        self
    }

    /// The part of every limit that is this program's, above 0 and at most 1. By default 1, which is all.
    ///
    /// For several programs behind one account or address: two that share equally take 0.5 each. Rounded down
    /// together with the margin, once, and never below 1.
    #[doc(alias = "limits_share_percentage")]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// How many callers may wait at a time; one more gets
    /// [`QueueFull`](networkpype_core::ThrottleError::QueueFull). By default 16,384. With 0 nobody waits.
    pub fn max_waiters(mut self, max_waiters: usize) -> Self {
        self.max_waiters = max_waiters;
        self
    }

    /// The clock that windows are measured with. By default a [`TokioTicker`] of its own.
    ///
    /// Deadlines are instants of this ticker, so whoever gives them must have the same one: pass it here, or ask
    /// [`Throttler::ticker`]. The ticker must not call back into the throttler.
    pub fn ticker(mut self, ticker: Arc<dyn Ticker>) -> Self {
        self.ticker = Some(ticker);
        self
    }

    /// The throttler.
    ///
    /// # Errors
    /// When a name is given twice, a limit or interval is zero, a link leads nowhere, a request would weigh more
    /// than a limit holds, or share or margin are out of their range. The error names the limit or the setting.
    pub fn build(self) -> Result<Throttler, LimitError> {
        let reduction = Reduction::new(self.share, self.safety_margin)?;
        let ticker = self.ticker.unwrap_or_else(|| Arc::new(TokioTicker::new()));
        Throttler::assemble(self.limits, reduction, self.max_waiters, ticker)
    }
}

impl fmt::Debug for ThrottlerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottlerBuilder")
            .field("limits", &self.limits)
            .field("share", &self.share)
            .field("safety_margin", &self.safety_margin)
            .field("max_waiters", &self.max_waiters)
            .finish_non_exhaustive()
    }
}
