use std::{
    sync::Arc,
    task::{Context, Poll},
};

use networkpype_core::{Sleep, Ticker, Ticks};

/// One sleep that is set again only when it has to end earlier, so that messages which move deadlines further away
/// cost nothing.
pub(crate) struct Timer {
    ticker: Arc<dyn Ticker>,
    armed: Option<(Ticks, Sleep)>,
}

impl Timer {
    pub(crate) fn new(ticker: Arc<dyn Ticker>) -> Self {
        Self { ticker, armed: None }
    }

    /// Ready at `at` or earlier: whoever is woken looks at the time and asks again.
    pub(crate) fn poll(&mut self, at: Ticks, cx: &mut Context<'_>) -> Poll<()> {
        if at == Ticks::MAX {
            return Poll::Pending;
        }
        if self.armed.as_ref().is_none_or(|(armed, _)| *armed > at) {
            self.armed = Some((at, self.ticker.sleep_until(at)));
        }
        let Some((_, sleep)) = &mut self.armed else { return Poll::Pending };
        let ended = sleep.as_mut().poll(cx);
        if ended.is_ready() {
            self.armed = None;
        }
        ended
    }
}

/// What `work` gives, or `None` once it is `deadline`.
pub(crate) async fn until<T>(
    ticker: &Arc<dyn Ticker>,
    deadline: Ticks,
    work: impl Future<Output = T>,
) -> Option<T> {
    let work = std::pin::pin!(work);
    match futures_util::future::select(work, ticker.sleep_until(deadline)).await {
        futures_util::future::Either::Left((done, _)) => Some(done),
        futures_util::future::Either::Right(_) => None,
    }
}
