//! Wall time and monotonic time, both injected.

mod clock;
mod ticker;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
#[cfg(feature = "tokio")]
pub use ticker::TokioTicker;
pub use ticker::{Sleep, Ticker, Ticks};
