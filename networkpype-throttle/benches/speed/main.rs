//! How fast a throttler is, beside others of its kind. See benches/README.md.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark prints, fails, and reads the machine's clocks"
)]

mod alone;
mod crowd;
mod flat;
mod linked;
mod order;
mod peers;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod tickers;
mod waiting;

fn main() {
    let chosen: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let sections: [(&str, fn()); 7] = [
        ("alone", alone::run),
        ("linked", linked::run),
        ("waiting", waiting::run),
        ("flat", flat::run),
        ("threads", threads::run),
        ("order", order::run),
        ("crowd", crowd::run),
    ];
    if !cfg!(feature = "fast-clock") {
        println!(
            "without the feature `fast-clock` the rows that need it are left out: add `--all-features`"
        );
    }
    for (name, run) in sections {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            run();
        }
    }
}
