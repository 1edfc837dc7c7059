//! Several schemes as one.

use std::sync::Arc;

use networkpype_core::{Clock, Timestamp};

mod chain;
mod route;
mod router;

pub use chain::AuthChain;
pub use route::AuthRoute;
pub use router::{AuthRouter, AuthRouterBuilder};

/// The clock of several schemes: theirs, where it is one.
fn clock_of(clocks: impl Iterator<Item = Arc<dyn Clock>>) -> Option<Arc<dyn Clock>> {
    let mut clocks = clocks;
    let first = clocks.next()?;
    if clocks.all(|clock| clock.identity() == first.identity()) {
        return Some(first);
    }
    Some(Arc::new(SeveralClocks { first }))
}

/// What schemes stamp with that have clocks of their own. It is none of them, so that a factory which keeps one clock
/// synchronized does not take it for that.
struct SeveralClocks {
    first: Arc<dyn Clock>,
}

impl Clock for SeveralClocks {
    fn now(&self) -> Timestamp {
        self.first.now()
    }
}
