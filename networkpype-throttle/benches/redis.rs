//! What a shared limit costs, beside a PING of the same server over the same kind of connection.
//!
//! `cargo bench -p networkpype-throttle --features redis --bench redis`. Starts a `redis-server` of its own, or the one
//! that `NETWORKPYPE_REDIS_SERVER` names.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures time and prints it"
)]

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use networkpype_core::Permit;
use networkpype_throttle::{RateLimit, RedisThrottler};
use redis::aio::MultiplexedConnection;

const ROUNDS: usize = 6_000;
const MINUTE: Duration = Duration::from_secs(60);

struct Server(Child, u16);

impl Server {
    fn start() -> Option<Self> {
        let program = std::env::var("NETWORKPYPE_REDIS_SERVER").unwrap_or("redis-server".into());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--logfile", "", "--loglevel", "notice"])
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = |line: String| line.contains("Ready to accept connections");
        assert!(lines.by_ref().map_while(Result::ok).any(ready), "the server did not come up");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(Self(child, port))
    }

    fn throttler(
        &self,
        prefix: &str,
        limits: impl IntoIterator<Item = RateLimit>,
    ) -> RedisThrottler {
        RedisThrottler::builder(format!("redis://127.0.0.1:{}", self.1))
            .prefix(prefix)
            .limits(limits)
            .hold_after_restart(false)
            .max_ahead(MINUTE)
            .build()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

async fn ping(connection: &mut MultiplexedConnection) {
    redis::cmd("PING").query_async::<()>(connection).await.unwrap();
}

/// As much to send, to parse and to answer as for one limit, and a script that only asks for the time: what is left
/// to decide with.
async fn nothing(connection: &mut MultiplexedConnection, digest: &str) {
    let mut call = redis::cmd("EVALSHA");
    call.arg(digest).arg(4);
    for name in ["state", "log", "line", "dues"] {
        call.arg(format!("none:{{limits}}:{name}"));
    }
    for given in ["a", "1000000", "60000000", "120000"] {
        call.arg(given);
    }
    for given in ["1760000000000000", RUN, "1760000000000000", RUN, "60000000", "1"] {
        call.arg(given);
    }
    call.query_async::<i64>(connection).await.unwrap();
}

/// As long as what identifies a server or a caller.
const RUN: &str = "0123456789abcdef0123456789abcdef01234567";

/// Calls of scripts, and microseconds of the server's time for each.
async fn scripts(connection: &mut MultiplexedConnection) -> (f64, f64) {
    let info: String =
        redis::cmd("INFO").arg("commandstats").query_async(connection).await.unwrap();
    let line = info.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap_or("");
    let field = |name: &str| {
        let value = line.split([',', ':']).find_map(|field| field.strip_prefix(name));
        value.and_then(|value| value.parse().ok()).unwrap_or(0.0)
    };
    (field("calls="), field("usec_per_call="))
}

async fn forget(connection: &mut MultiplexedConnection) {
    redis::cmd("CONFIG").arg("RESETSTAT").query_async::<()>(connection).await.unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test --benches` passes this.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let Some(server) = Server::start() else {
        println!(
            "there is no redis-server: nothing is measured (Debian: apt-get install redis-server)"
        );
        return;
    };
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.1)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let one = server.throttler("one", [RateLimit::new("a", 1_000_000, MINUTE)]);
    let three = server.throttler(
        "three",
        [
            RateLimit::new("a", 1_000_000, MINUTE).linked("b", 1).linked("c", 1),
            RateLimit::new("b", 1_000_000, MINUTE),
            RateLimit::new("c", 1_000_000, MINUTE),
        ],
    );
    let take =
        async |throttler: &RedisThrottler| -> Permit { throttler.execute_task("a").await.unwrap() };

    let digest: String = redis::cmd("SCRIPT")
        .arg("LOAD")
        .arg("local time = redis.pcall('TIME') return time[1] * 1000000 + time[2]")
        .query_async(&mut connection)
        .await
        .unwrap();

    let mut times = [const { Vec::new() }; 4];
    for round in 0..ROUNDS + 500 {
        let begun = Instant::now();
        ping(&mut connection).await;
        let pinged = Instant::now();
        drop(take(&one).await);
        let took_one = Instant::now();
        drop(take(&three).await);
        let took_three = Instant::now();
        nothing(&mut connection, &digest).await;
        let took_nothing = Instant::now();
        if round >= 500 {
            times[0].push(pinged - begun);
            times[1].push(took_one - pinged);
            times[2].push(took_three - took_one);
            times[3].push(took_nothing - took_three);
        }
    }
    let [floor, single, triple, script] = times.map(|mut times| median(&mut times));
    println!("one at a time, medians of {ROUNDS} rounds");
    println!("  PING             {floor:7.1} us");
    println!("  acquire, 1 limit {single:7.1} us  {:.2} x", single / floor);
    println!("  acquire, 3       {triple:7.1} us  {:.2} x", triple / floor);
    println!("  an empty script  {script:7.1} us  {:.2} x", script / floor);

    println!("64 at a time");
    for (name, throttler) in [("1 limit ", &one), ("3 limits", &three)] {
        forget(&mut connection).await;
        let begun = Instant::now();
        let each = 20_000 / 64;
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let throttler = throttler.clone();
                tokio::spawn(async move {
                    for _ in 0..each {
                        drop(throttler.execute_task("a").await.unwrap());
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let rate = f64::from(each * 64) / begun.elapsed().as_secs_f64();
        let (_, cost) = scripts(&mut connection).await;
        println!("  acquire, {name} {rate:7.0} /s  {cost:.1} us of the server each");
    }

    println!("500 who wait for 100 a 300 ms, in two processes");
    let limit = RateLimit::new("a", 105, Duration::from_millis(300));
    let processes = [server.throttler("wait", [limit.clone()]), server.throttler("wait", [limit])];
    forget(&mut connection).await;
    let begun = Instant::now();
    let tasks: Vec<_> = (0..500)
        .map(|n| {
            let throttler = processes[n % 2].clone();
            tokio::spawn(async move { drop(throttler.execute_task("a").await.unwrap()) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (calls, cost) = scripts(&mut connection).await;
    println!(
        "  {:.2} scripts each of {cost:.1} us, all in {:.0} ms",
        calls / 500.0,
        begun.elapsed().as_secs_f64() * 1e3
    );
}
