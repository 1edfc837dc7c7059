//! The clocks that throttlers are measured with.

use std::sync::Arc;

use networkpype_core::{Ticker, TokioTicker};

/// The default one.
pub(crate) fn tokio() -> Arc<dyn Ticker> {
    Arc::new(TokioTicker::new())
}

/// The one that is quick to read, where there is one.
pub(crate) fn fast() -> Option<Arc<dyn Ticker>> {
    #[cfg(feature = "fast-clock")]
    return Some(Arc::new(networkpype_throttle::FastTicker::new()));
    #[cfg(not(feature = "fast-clock"))]
    return None;
}

/// Both, with what to call them.
pub(crate) fn both() -> impl Iterator<Item = (&'static str, Arc<dyn Ticker>)> {
    let fast = fast().map(|ticker| ("fast clock", ticker));
    fast.into_iter().chain([("tokio's clock", tokio())])
}
