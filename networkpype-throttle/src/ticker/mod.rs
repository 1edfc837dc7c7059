//! Tickers beside the default one, for those who measure more often or wait more exactly than most.

#[cfg(feature = "fast-clock")]
mod fast;
mod precise;

#[cfg(feature = "fast-clock")]
pub use fast::FastTicker;
pub use precise::PreciseTicker;
