//! Replays test vectors through the public API: `cargo run --release --example conformance -- FILE...`
//!
//! The format of a file is told by its content, and the preset or the scheme by the case; no file, case or exchange is
//! special here. Prints a line per file, `NAME: P passed, F failed, S skipped`, with `, R refused` behind it where some
//! were, and with each failure the first field that differs. Exits with 1 when something failed, or a file has no case of
//! the tiers asked for, and with 2 when the options are wrong.
//!
//! - `--recipe FILE.toml` uses this recipe for every case.
//! - `--recipes DIR` looks for `DIR/EXCHANGE.toml` before it asks the presets.
//! - `--tier NAME` leaves out cases of other tiers; may be said more than once. Default: all but `artifact`.
//! - `--help` prints the usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]
#![cfg_attr(
    test,
    allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a test's answer")
)]

mod basic;
mod ccxt;
#[cfg(test)]
mod committed;
mod compare;
mod digest;
mod dpop;
mod jose;
#[cfg(test)]
mod mistakes;
mod oauth1;
mod options;
mod pkce;
mod published;
mod reason;
mod refusal;
mod report;
mod rest;
mod said;
#[cfg(test)]
mod socket;
mod token;
mod websocket;

use std::{fs, io::Write as _, path::Path, process::ExitCode};

use options::{Options, USAGE};
use report::{Outcome, Report};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    if options.help {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let mut all_passed = true;
    for file in &options.files {
        match replay(Path::new(file), &options).await {
            Ok(report) => {
                // Whoever reads the output may have seen enough.
                if write!(std::io::stdout(), "{report}").is_err() {
                    return ExitCode::FAILURE;
                }
                all_passed &= report.is_success();
            }
            Err(problem) => {
                println!("{file}: {problem}");
                all_passed = false;
            }
        }
    }
    if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Replays a file in whichever format it is.
async fn replay(file: &Path, options: &Options) -> Result<Report, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut report = Report::new(name.unwrap_or_default());
    if let Ok(document) = serde_json::from_str::<Value>(&text)
        && let Some(cases) = document["cases"].as_array()
    {
        for case in cases {
            report.add(text_of(&case["name"]), outcome_of(case).await);
        }
        return Ok(report);
    }
    let keys = ccxt::Keys::beside(file)?;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let case: Value =
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1))?;
        if case.get("captured").is_some() {
            let name = format!("{}/{}", text_of(&case["exchange"]), text_of(&case["case"]));
            report.add(&name, websocket::replay(&case, options, &keys).await);
        } else {
            let outcome = rest::replay(&case, line, options, &keys).await;
            report.add(text_of(&case["case_id"]), outcome);
        }
    }
    Ok(report)
}

/// Replays a case in whichever format it is.
async fn outcome_of(case: &Value) -> Outcome {
    if let Some(outcome) = basic::replay(case).await {
        return outcome;
    }
    if let Some(outcome) = digest::replay(case).await {
        return outcome;
    }
    if let Some(outcome) = oauth1::replay(case).await {
        return outcome;
    }
    let own = pkce::replay(case).or_else(|| dpop::replay(case));
    match own.or_else(|| jose::replay(case)) {
        Some(outcome) => outcome,
        None => published::replay(case).await,
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
