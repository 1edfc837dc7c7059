//! What the benchmarks have in common.

#![allow(dead_code, reason = "no benchmark uses all of it")]

pub(crate) mod adapter;
pub(crate) mod manual;
