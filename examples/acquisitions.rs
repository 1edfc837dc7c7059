//! Draws what a throttler grants against what it may: `cargo run --example acquisitions -- FILE.svg`.
//!
//! Sixty requests of uneven weight come in three waves, on a limit of 20 a second. The picture shows how much was granted
//! within the last second at each instant (it never rises above the line), when each request was granted, and how many
//! wait (while somebody does, there is no room for the next). Time is tokio's, paused: it jumps from event to event, so
//! that nothing takes long and the picture is the same every time.

#![allow(clippy::print_stdout, clippy::panic, reason = "an example shows what it does")]

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf, time::Duration};

use networkpype::{RateLimit, Throttler};

const LIMIT: u32 = 20;
const WINDOW: f64 = 1.0;

/// When a request came, when it was granted, and what it weighs. In seconds from the first one.
#[derive(Clone, Copy)]
struct Grant {
    came: f64,
    granted: f64,
    weight: u32,
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let limit = RateLimit::new("calls", LIMIT, Duration::from_secs_f64(WINDOW));
    // No margin, so that one sees that all of it is used.
    let throttler = Throttler::builder().limit(limit).safety_margin(0.0).build()?;
    let ticker = throttler.ticker();
    let start = ticker.now();
    let mut calls = Vec::new();
    for number in 0..60_u64 {
        let wave = number / 20;
        let comes = start + Duration::from_millis(wave * 1_300 + number % 20 * 17);
        let weight = [1, 1, 2, 1, 3][number as usize % 5];
        let (throttler, ticker) = (throttler.clone(), ticker.clone());
        calls.push(tokio::spawn(async move {
            ticker.sleep_until(comes).await;
            let came = ticker.now();
            let _permit = throttler.acquire_weight("calls", weight).await?;
            let since = |at: networkpype::Ticks| at.saturating_since(start).as_secs_f64();
            let (came, granted) = (since(came), since(ticker.now()));
            Ok::<_, networkpype::ThrottleError>(Grant { came, granted, weight })
        }));
    }
    let mut grants = Vec::new();
    for call in calls {
        grants.push(call.await??);
    }
    grants.sort_by(|a, b| a.granted.total_cmp(&b.granted));

    let most = grants.iter().map(|grant| used(&grants, grant.granted)).max().unwrap_or(0);
    println!("{} requests in {:.2} s", grants.len(), grants.last().map_or(0.0, |g| g.granted));
    println!("most within any second: {most} of {LIMIT}");
    assert!(most <= LIMIT, "the limit was crossed");
    // Each wait ends up to a millisecond late, which is what tokio's timer rounds up to.
    println!("somebody waited and there was room: {:.0} ms in all", idle(&grants) * 1e3);

    let file =
        env::args_os().nth(1).map_or_else(|| PathBuf::from("target/acquisitions.svg"), Into::into);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&file, draw(&grants)?)?;
    println!("drawn into {}", file.display());
    Ok(())
}

/// What was granted within the second that ends `at`.
fn used(grants: &[Grant], at: f64) -> u32 {
    let inside = grants.iter().filter(|grant| (at - WINDOW..=at).contains(&grant.granted));
    inside.map(|grant| grant.weight).sum()
}

fn waiting(grants: &[Grant], at: f64) -> usize {
    grants.iter().filter(|grant| grant.came <= at && at < grant.granted).count()
}

/// How long somebody waited for whom there was room.
fn idle(grants: &[Grant]) -> f64 {
    let mut idle = 0.0;
    for (place, next) in grants.iter().enumerate() {
        // From when it was the next in line: the instants at which the window becomes emptier, and its own.
        let first = grants[..place].last().map_or(0.0, |last| last.granted).max(next.came);
        let leaves = grants[..place].iter().map(|grant| grant.granted + WINDOW);
        let mut instants: Vec<f64> =
            leaves.filter(|at| (first..next.granted).contains(at)).collect();
        instants.extend([first, next.granted]);
        instants.sort_by(f64::total_cmp);
        for pair in instants.windows(2) {
            let before = &grants[..place];
            let inside = before.iter().filter(|g| g.granted + WINDOW > pair[0] + 1e-6);
            let room = inside.map(|grant| grant.weight).sum::<u32>() + next.weight <= LIMIT;
            idle += if room { pair[1] - pair[0] } else { 0.0 };
        }
    }
    idle
}

/// Two panels over one axis of time: what the window holds, and who waits.
fn draw(grants: &[Grant]) -> Result<String, std::fmt::Error> {
    let end = grants.last().map_or(1.0, |grant| grant.granted) + WINDOW + 0.2;
    let x = |seconds: f64| 60.0 + seconds / end * 820.0;
    let units = |units: f64| 260.0 - units * 10.0;
    let people = |people: f64| 390.0 - people * 3.0;
    let line = |y: &dyn Fn(f64) -> f64| -> String {
        // Often enough to show every step at this width.
        let steps = (0..=1_640).map(|step| f64::from(step) / 1_640.0 * end);
        steps.map(|at| format!("{:.1},{:.1} ", x(at), y(at))).collect()
    };
    let mut svg = String::new();
    writeln!(svg, "{HEAD}")?;
    for second in 0..=end as u32 {
        let at = x(f64::from(second));
        writeln!(svg, r##"<path d="M{at:.1} 50V390" stroke="#eee"/>"##)?;
        writeln!(svg, r##"<text x="{at:.1}" y="408" text-anchor="middle">{second} s</text>"##)?;
    }
    for mark in (0..=LIMIT).step_by(5) {
        let at = units(f64::from(mark));
        writeln!(svg, r##"<text x="54" y="{:.0}" text-anchor="end">{mark}</text>"##, at + 4.0)?;
    }
    let window = line(&|at| units(f64::from(used(grants, at))));
    writeln!(svg, r##"<polyline points="{window}" fill="none" stroke="#1f6feb"/>"##)?;
    let top = units(f64::from(LIMIT));
    writeln!(svg, r##"<path d="M60 {top}H880" stroke="#c00" stroke-dasharray="6 4"/>"##)?;
    for grant in grants {
        let (at, height) = (x(grant.granted), 290.0 - f64::from(grant.weight) * 6.0);
        writeln!(svg, r##"<path d="M{at:.1} 290V{height}" stroke="#1f6feb"/>"##)?;
    }
    let wait = line(&|at| people(waiting(grants, at) as f64));
    writeln!(svg, r##"<polygon points="{wait}{:.1},390 60,390" fill="#fde3c8"/>"##, x(end))?;
    writeln!(svg, "</svg>")?;
    Ok(svg)
}

const HEAD: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="920" height="430" font-family="sans-serif" font-size="12">
<rect width="920" height="430" fill="#fff"/>
<text x="60" y="20" fill="#1f6feb">weight granted within the last second, and each grant, as tall as it is heavy</text>
<text x="60" y="36" fill="#c00">the limit: below it, either nobody waits or the next request is too heavy for what is left</text>
<text x="60" y="318" fill="#c77700">requests that wait</text>"##;
