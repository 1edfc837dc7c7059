//! The same orders signed by ccxt, in a Python of its own that takes its turns in this run.

use std::{
    cell::{Cell, RefCell},
    env,
    hint::black_box,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use networkpype_bench::{Slice, Target, cpu, measure, section};
use networkpype_core::RestRequest;

use crate::support::{
    BINANCE, BINANCE_ORDER, KEY, OKX, OKX_ORDER, PASSPHRASE, SECRET, authenticate, binance_order,
    okx_order, preset,
};

pub(super) fn run() {
    section("ccxt: an order signed, beside `sign()` of ccxt in Python");
    let Some(ccxt) = Ccxt::start() else {
        println!(
            "  left out: there is no ccxt. `pip install ccxt`, and name that Python in NETWORKPYPE_PYTHON"
        );
        return;
    };
    println!("  {}", ccxt.version);
    let ccxt = RefCell::new(ccxt);
    compare(&ccxt, "binance", BINANCE, &binance_order(), &BINANCE_ORDER);
    compare(&ccxt, "okx", OKX, &okx_order(), &OKX_ORDER);
}

fn compare(
    ccxt: &RefCell<Ccxt>,
    name: &str,
    recipe: &str,
    order: &RestRequest,
    params: &[(&str, &str)],
) {
    let auth = preset(recipe, SECRET, None);
    // Of its own slices ccxt says itself how long they took.
    let told = Cell::new(None);
    let stopwatch = |slice: Slice<'_>, times| {
        let start = cpu::of_thread();
        slice(times);
        told.take().unwrap_or_else(|| cpu::of_thread().saturating_sub(start))
    };
    measure(
        &stopwatch,
        Duration::from_millis(8),
        &mut |times| {
            for _ in 0..times {
                drop(black_box(authenticate(black_box(&auth), black_box(order))));
            }
        },
        &mut |times| told.set(Some(ccxt.borrow_mut().sign(name, times, params))),
    )
    .print(&format!("{name} / ccxt"), Target::AtMost(0.05));
}

struct Ccxt {
    version: String,
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Ccxt {
    /// Starts the Python that `NETWORKPYPE_PYTHON` names; none where it has no ccxt.
    fn start() -> Option<Self> {
        let python = env::var("NETWORKPYPE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut child = Command::new(python)
            .args(["-c", include_str!("../../support/ccxt_sign.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (asked, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let mut ccxt = Self { version: String::new(), child, asked, answers };
        // Without ccxt it is gone already, and does not take them.
        writeln!(ccxt.asked, "{KEY}\n{SECRET}\n{PASSPHRASE}").ok()?;
        ccxt.version = ccxt.answer()?;
        Some(ccxt)
    }

    /// How long it takes to sign that often.
    fn sign(&mut self, name: &str, times: u32, params: &[(&str, &str)]) -> Duration {
        let params: String =
            params.iter().map(|(name, value)| format!("\t{name}\t{value}")).collect();
        writeln!(self.asked, "{name}\t{times}{params}").unwrap();
        Duration::from_nanos(self.answer().unwrap().parse().unwrap())
    }

    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).ok()?;
        Some(line.trim().to_owned()).filter(|line| !line.is_empty())
    }
}

impl Drop for Ccxt {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
