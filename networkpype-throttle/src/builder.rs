use std::{fmt, sync::Arc};

use networkpype_core::{Clock, SystemClock, Ticker, TokioTicker};

use crate::{Feedback, LimitError, RateLimit, Throttler, capacity::Reduction, shared::Seams};

/// Puts a [`Throttler`] together. From [`Throttler::builder`].
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone)]
pub struct ThrottlerBuilder {
    limits: Vec<RateLimit>,
    share: f64,
    safety_margin: Option<f64>,
    max_waiters: usize,
    ticker: Option<Arc<dyn Ticker>>,
    clock: Option<Arc<dyn Clock>>,
    feedback: Feedback,
    needs_limits: bool,
}

impl ThrottlerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            limits: Vec::new(),
            share: 1.0,
            safety_margin: None,
            max_waiters: 16_384,
            ticker: None,
            clock: None,
            feedback: Feedback::default(),
            needs_limits: false,
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

    /// The part of every limit that is never used, at least 0 and below 1. By default 0.05, which is 5 %, of limits that
    /// count [from the start](crate::Accounting::FromStart), and 0 of those that count
    /// [until answered](crate::Accounting::UntilAnswered).
    ///
    /// Windows are exact where requests leave; on their way to the server they spread or bunch. The margin is for
    /// that. Use 0 with the former only where crossing a limit now and then costs nothing.
    #[doc(alias = "safety_margin_pct")]
    pub fn safety_margin(mut self, safety_margin: f64) -> Self {
        self.safety_margin = Some(safety_margin);
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

    /// Has [`build`](Self::build) refuse to make a throttler without limits, which would let everything pass. For limits
    /// from a file, which may be empty by mistake.
    pub fn needs_limits(mut self) -> Self {
        self.needs_limits = true;
        self
    }

    /// The server's time, for limits of [fixed windows](crate::LimitKind::FixedWindow) and for responses that name a
    /// date and have none of their own. By default the machine's clock: give a synchronized one where windows matter.
    /// It must not call back into the throttler.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// What is learnt from responses. By default 429 pauses and 418 bans, and no header but `Retry-After` is read.
    pub fn feedback(mut self, feedback: Feedback) -> Self {
        self.feedback = feedback;
        self
    }

    /// The throttler.
    ///
    /// # Errors
    /// When a name is given twice, a limit or interval is zero, a link leads nowhere, a request would weigh more
    /// than a limit holds, the feedback names a limit that does not exist or a header that cannot, or share or margin are
    /// out of their range. The error names the limit or the setting.
    pub fn build(self) -> Result<Throttler, LimitError> {
        let reduction = Reduction::new(self.share, self.safety_margin)?;
        if self.needs_limits && self.limits.is_empty() {
            return Err(LimitError::NoLimits);
        }
        self.feedback.check(&self.limits)?;
        let seams = Seams {
            ticker: self.ticker.unwrap_or_else(|| Arc::new(TokioTicker::new())),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            feedback: Arc::new(self.feedback),
        };
        Throttler::assemble(self.limits, reduction, self.max_waiters, seams)
    }
}

impl fmt::Debug for ThrottlerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottlerBuilder")
            .field("limits", &self.limits)
            .field("share", &self.share)
            .field("safety_margin", &self.safety_margin)
            .field("max_waiters", &self.max_waiters)
            .field("feedback", &self.feedback)
            .finish_non_exhaustive()
    }
}
