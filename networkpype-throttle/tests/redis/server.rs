use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use networkpype_throttle::{RedisThrottler, RedisThrottlerBuilder};

/// A server of the test's own, on a free port of the loopback, without persistence. Killed when dropped.
pub(crate) struct Server {
    child: Option<Child>,
    program: String,
    pub(crate) port: u16,
    extra: Vec<String>,
}

impl Server {
    /// `None` where there is no server to start, which is said aloud, and an error in CI.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(extra: &[&str]) -> Option<Self> {
        let program = std::env::var("NETWORKPYPE_REDIS_SERVER").unwrap_or("redis-server".into());
        let found = Command::new(&program).arg("--version").stdout(Stdio::null()).status();
        if found.is_err() {
            let what = format!(
                "SKIPPED: there is no `{program}`: install it (Debian: apt-get install redis-server), or name one \
                 in NETWORKPYPE_REDIS_SERVER"
            );
            assert!(std::env::var_os("CI").is_none(), "{what}");
            // Not by a macro, whose output is swallowed where the test passes.
            let _ = writeln!(std::io::stderr(), "{what}");
            return None;
        }
        let extra = extra.iter().map(|&arg| arg.to_owned()).collect();
        // A free port may be taken by another test before the server gets to it.
        let mut server = Self { child: None, program, port: 0, extra };
        for _ in 0..20 {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if server.launch() {
                return Some(server);
            }
        }
        panic!("no server came up")
    }

    /// Starts the process on its port, and waits until it serves.
    pub(crate) fn launch(&mut self) -> bool {
        let mut child = Command::new(&self.program)
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--dir",
                env!("CARGO_TARGET_TMPDIR"),
            ])
            .args(["--save", "", "--appendonly", "no", "--loglevel", "notice", "--logfile", ""])
            .args(&self.extra)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let up = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains("Ready to accept connections"));
        // Read on, or the server would block once the pipe is full.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        self.child = Some(child);
        up
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A throttler that does not mind how young the server is.
    pub(crate) fn throttler(&self) -> RedisThrottlerBuilder {
        RedisThrottler::builder(self.url())
            .prefix("test")
            .safety_margin(0.0)
            .hold_after_restart(false)
    }

    pub(crate) async fn connection(&self) -> redis::aio::MultiplexedConnection {
        redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    pub(crate) async fn run<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut cmd = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            cmd.arg(word);
        });
        cmd.query_async(&mut self.connection().await).await.unwrap()
    }

    /// Waits until `command` answers `expected`, which another connection is about to bring about.
    pub(crate) async fn until(&self, command: &str, expected: i64) {
        for _ in 0..2_000 {
            if self.run::<i64>(command).await == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("{command} never answered {expected}, but {}", self.run::<i64>(command).await);
    }

    /// How many wait for `limit`. Its line holds one member more, the sum.
    pub(crate) async fn until_waiting(&self, limit: &str, waiting: i64) {
        let members = if waiting == 0 { 0 } else { waiting + 1 };
        self.until(&format!("ZCARD {{test}}:line:{limit}"), members).await;
    }

    /// Waits until the store knows of a pause of `limit`.
    pub(crate) async fn until_paused(&self, limit: &str) {
        self.until(&format!("HEXISTS {{test}}:state pause:{limit}"), 1).await;
    }

    /// Waits until the store knows of a ban of everything.
    pub(crate) async fn until_banned(&self) {
        self.until("HEXISTS {test}:state ban", 1).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Numbers without order that are the same in each run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `n`.
    pub(crate) fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Counts what happens, to tell who came first.
#[derive(Default)]
pub(crate) struct Order(AtomicUsize);

impl Order {
    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}
