#![doc = include_str!("../README.md")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "benchmarks print, fail, and read the machine's clocks"
)]

pub mod cpu;
mod paired;
mod report;

pub use paired::{Paired, Slice, Stopwatch, compare, measure};
pub use report::{Comparison, Target, figure, figure_if, is_sound, nanos, quantile, section};
