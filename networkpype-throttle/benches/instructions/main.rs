//! How many instructions a call takes, which is the same on every run and every machine of a kind. See
//! benches/README.md.
//!
//! Runs itself under valgrind, twice for each case: the difference between the two is that of the calls alone.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark prints and fails"
)]

use std::{env, hint::black_box, process::Command};

use crate::cases::CASES;

mod cases;
#[path = "../support/mod.rs"]
mod support;

fn main() {
    let args: Vec<_> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [flag, case, times] = &args[..]
        && flag == CALLED_BY_ITSELF
    {
        let (_, run) = CASES.iter().find(|(name, _)| name == case).unwrap();
        run(times.parse().unwrap());
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!(
            "counting instructions needs valgrind: `apt install valgrind`, or as your system has it"
        );
        return;
    }
    println!("\ninstructions: per call, without the clock");
    for (case, _) in CASES {
        if args.is_empty() || args.iter().any(|arg| case.contains(arg.as_str())) {
            match (count(case, FEW), count(case, MANY)) {
                (Ok(few), Ok(many)) => {
                    let each = many.saturating_sub(few) as f64 / f64::from(MANY - FEW);
                    println!("  {case:<46} {each:>9.0}");
                }
                (Err(error), _) | (_, Err(error)) => println!("  {case:<46} {error}"),
            }
        }
    }
}

/// What callgrind counts in `measured` alone.
fn count(case: &str, times: u32) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=instructions::measured*")
        .arg(env::current_exe().map_err(|error| error.to_string())?)
        .args([CALLED_BY_ITSELF, case, &times.to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok())
        .ok_or_else(|| format!("valgrind counted nothing: {}", text.trim()))
}

/// What is counted. One function for all cases, so that there is a name to be found by.
#[inline(never)]
fn measured(act: &mut dyn FnMut(), times: u32) {
    for _ in 0..times {
        act();
    }
    black_box(());
}

const CALLED_BY_ITSELF: &str = "--case";

const FEW: u32 = 2_000;

const MANY: u32 = 12_000;
