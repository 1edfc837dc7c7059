#![doc = include_str!("../README.md")]

mod builder;
mod error;
mod estimate;
mod format;
mod pre_processor;
mod provider;
mod question;
mod refresh;
mod rest_provider;
mod rfc3339;
mod sample;
mod state;
mod step;
mod synchronizer;
mod task;
mod window;
mod within;

pub use builder::TimeSynchronizerBuilder;
pub use error::TimeError;
pub use format::TimeFormat;
pub use pre_processor::TimeSynchronizerRestPreProcessor;
pub use provider::{FromFn, ServerTime, TimeProvider, from_fn};
pub use refresh::RefreshTask;
pub use rest_provider::{RestTimeProvider, TimeRequest};
pub use synchronizer::TimeSynchronizer;
pub use window::Verdict;

#[doc(no_inline)]
pub use networkpype_core::{Clock, ManualClock, Resync, SystemClock, Timestamp, TokioTicker};

#[cfg(doctest)]
#[doc = include_str!("../../docs/time.md")]
struct TimeGuide;
