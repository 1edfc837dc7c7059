//! How fast signatures are made, beside what else makes them. See benches/README.md.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark prints and fails"
)]

#[cfg(all(feature = "asymmetric", feature = "hmac", feature = "recipe"))]
mod sections;
#[cfg(all(feature = "asymmetric", feature = "hmac", feature = "recipe"))]
#[path = "../support/mod.rs"]
mod support;

#[cfg(all(feature = "asymmetric", feature = "hmac", feature = "recipe"))]
fn main() {
    sections::run();
}

#[cfg(not(all(feature = "asymmetric", feature = "hmac", feature = "recipe")))]
fn main() {
    println!("there is nothing to measure without the features: add `--all-features`");
}
