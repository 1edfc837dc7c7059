//! How often a signature asks for memory. See benches/README.md.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark prints and fails"
)]

use networkpype_bench::{Target, figure, section};
use networkpype_core::{Auth, RestRequest};

use crate::support::{
    BINANCE, OKX, SECRET, authenticate, binance_hmac, binance_order, okx_hmac, okx_order, preset,
};

#[path = "../support/mod.rs"]
mod support;

fn main() {
    section("allocations: a clone of an order signed");
    let (binance, okx) = (preset(BINANCE, SECRET, None), preset(OKX, SECRET, None));
    let (binance_hmac, okx_hmac) = (binance_hmac(), okx_hmac());
    let cases: [(&str, &dyn Auth, RestRequest); 4] = [
        ("Binance, recipe", &binance, binance_order()),
        ("Binance, Hmac", &binance_hmac, binance_order()),
        ("OKX, recipe", &okx, okx_order()),
        ("OKX, Hmac", &okx_hmac, okx_order()),
    ];
    for (case, auth, order) in cases {
        let count = allocation_counter::measure(|| drop(authenticate(auth, &order))).count_total;
        figure(case, count as f64, "", Target::None);
    }
}
