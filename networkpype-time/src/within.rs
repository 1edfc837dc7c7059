use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use networkpype_core::Ticker;

/// What `work` comes to, or `None` when that takes longer than `limit`.
pub(crate) async fn within<T>(
    ticker: &dyn Ticker,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    let mut end = ticker.sleep_until(ticker.now() + limit);
    poll_fn(|cx| {
        // In this order: an answer that is there is not thrown away.
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        end.as_mut().poll(cx).map(|()| None)
    })
    .await
}
