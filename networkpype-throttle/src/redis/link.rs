use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use networkpype_core::{Backoff, Ticker, Ticks};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, RedisError, RedisResult,
    Value, aio::MultiplexedConnection,
};

use super::{identity::Identity, script::Script, store_error::StoreError};

/// The way to the server. Connects when it is first needed, and again after a loss.
pub(crate) struct Link {
    ticker: Arc<dyn Ticker>,
    timeout: Duration,
    state: Mutex<State>,
    /// Who holds it connects; others wait for the outcome.
    connecting: tokio::sync::Mutex<()>,
    /// What a server is told first, before anybody asks it anything.
    greeting: OnceLock<Greeting>,
}

type Greeting = Box<dyn Fn(&Up) -> Vec<Cmd> + Send + Sync>;

struct State {
    info: ConnectionInfo,
    up: Option<Arc<Up>>,
    /// The server that answered last.
    last_run: Option<String>,
    failures: u32,
    last_error: String,
    next_try: Ticks,
}

/// A connection, and who is at its other end.
pub(crate) struct Up {
    connection: MultiplexedConnection,
    shas: Vec<String>,
    pub(crate) identity: Identity,
    /// Another server answered before, and this one has not heard of that.
    changed: AtomicBool,
}

/// What to do while there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Connect first.
    Connect,
    /// Fail at once if the last attempt did; somebody else tries again.
    IfUp,
}

impl Up {
    /// The command that runs `script` on `keys`; its arguments are to follow.
    pub(crate) fn run(&self, script: Script, keys: &[String]) -> Cmd {
        // Room for what is to follow as well: to grow step by step takes longer than to fill in.
        let length = keys.iter().map(String::len).sum::<usize>();
        let mut cmd = Cmd::with_capacity(8 * (keys.len() + 2), 2 * length + 256);
        cmd.arg("EVALSHA");
        // One text per script was loaded, in this order.
        cmd.arg(self.shas.get(script as usize)).arg(keys.len()).arg(keys);
        cmd
    }

    pub(crate) fn changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    pub(crate) fn told_of_change(&self) {
        self.changed.store(false, Ordering::Release);
    }
}

impl Link {
    pub(crate) fn new(info: ConnectionInfo, timeout: Duration, ticker: Arc<dyn Ticker>) -> Self {
        let state = State {
            info,
            up: None,
            last_run: None,
            failures: 0,
            last_error: String::new(),
            next_try: Ticks::ZERO,
        };
        Self {
            ticker,
            timeout,
            state: Mutex::new(state),
            connecting: tokio::sync::Mutex::new(()),
            greeting: OnceLock::new(),
        }
    }

    pub(crate) fn greet_with(&self, greeting: Greeting) {
        // Called once, by the builder.
        let _ = self.greeting.set(greeting);
    }

    pub(crate) fn is_up(&self) -> bool {
        self.lock().up.is_some()
    }

    /// When it is worth trying again. `None` while there is a connection, or was no attempt.
    pub(crate) fn next_try(&self) -> Option<Ticks> {
        let state = self.lock();
        state.is_lost().then_some(state.next_try)
    }

    /// Runs the command that `make` makes, and once more where that is the cure: after the server forgot its scripts,
    /// or said that another one has the keys.
    pub(crate) async fn call(
        &self,
        reach: Reach,
        make: impl Fn(&Up) -> Cmd + Send + Sync,
    ) -> Result<(Value, Arc<Up>), StoreError> {
        let mut up = self.up(reach).await?;
        let mut answer = make(&up).query_async(&mut up.connection.clone()).await;
        if let Err(error) = &answer
            && self.cure(&up, error).await
        {
            up = self.up(Reach::Connect).await?;
            answer = make(&up).query_async(&mut up.connection.clone()).await;
        }
        match answer {
            Ok(value) => Ok((value, up)),
            Err(error) => Err(self.judge(&up, &error)),
        }
    }

    /// Runs several commands in one round trip, and gives the answer to each.
    pub(crate) async fn call_all(
        &self,
        make: impl Fn(&Up) -> Vec<Cmd> + Send + Sync,
    ) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        let mut up = self.up(Reach::Connect).await?;
        let mut answers = send(&up, make(&up)).await.map_err(|error| self.judge(&up, &error))?;
        if let Some(Err(error)) = answers.iter().find(|answer| answer.is_err())
            && self.cure(&up, error).await
        {
            // Scripts are forgotten, and keys moved, all at once, so that as a rule none of it ran. A top-up that runs twice
            // counts too much, and all else may run twice.
            up = self.up(Reach::Connect).await?;
            answers = send(&up, make(&up)).await.map_err(|error| self.judge(&up, &error))?;
        }
        Ok(answers
            .into_iter()
            .map(|answer| answer.map_err(|error| self.judge(&up, &error)))
            .collect())
    }

    /// Whether it is worth running the command again.
    async fn cure(&self, up: &Arc<Up>, error: &RedisError) -> bool {
        match error.code() {
            Some("NOSCRIPT") => load(&mut up.connection.clone()).await.is_ok(),
            Some("MOVED") => {
                let Some(address) = error.redirect_node().and_then(|(to, _)| parse_address(to))
                else {
                    return false;
                };
                let mut state = self.lock();
                let info = &state.info;
                let host = match (address.0, info.addr()) {
                    ("", ConnectionAddr::Tcp(host, _)) => host.clone(),
                    (host, _) => host.to_owned(),
                };
                state.info = info.clone().set_addr(ConnectionAddr::Tcp(host, address.1));
                state.forget(up);
                true
            }
            _ => false,
        }
    }

    fn judge(&self, up: &Arc<Up>, error: &RedisError) -> StoreError {
        let reason = StoreError::from_redis(error);
        // A connection that timed out may answer late, and a replica was the primary once: look anew.
        if error.code().is_none() || error.code() == Some("READONLY") {
            let mut state = self.lock();
            state.forget(up);
            if let StoreError::Lost(why) = &reason {
                state.last_error.clone_from(why);
            }
        }
        reason
    }

    async fn up(&self, reach: Reach) -> Result<Arc<Up>, StoreError> {
        if let Some(up) = self.ready(reach)? {
            return Ok(up);
        }
        let _alone = self.connecting.lock().await;
        if let Some(up) = self.ready(reach)? {
            return Ok(up);
        }
        let info = self.lock().info.clone();
        let connected = self.connect(info).await;
        let mut state = self.lock();
        match connected {
            Ok(up) => {
                let up = Arc::new(up);
                state.failures = 0;
                state.last_run = Some(up.identity.run.clone());
                state.up = Some(Arc::clone(&up));
                Ok(up)
            }
            Err(error) => {
                let reason = StoreError::from_redis(&error);
                state.next_try = self.ticker.now() + RETRY.delay(state.failures, 1.0);
                state.failures = state.failures.saturating_add(1);
                let (StoreError::Away(why) | StoreError::Lost(why) | StoreError::Foreign(why)) =
                    reason;
                state.last_error.clone_from(&why);
                Err(StoreError::Away(why))
            }
        }
    }

    /// The connection, if there is one; an error if it is too early to try for one.
    fn ready(&self, reach: Reach) -> Result<Option<Arc<Up>>, StoreError> {
        let state = self.lock();
        if state.up.is_some() {
            return Ok(state.up.clone());
        }
        let wait = match reach {
            Reach::Connect => state.failures > 0 && self.ticker.now() < state.next_try,
            Reach::IfUp => state.is_lost(),
        };
        if wait { Err(StoreError::Away(state.last_error.clone())) } else { Ok(None) }
    }

    async fn connect(&self, info: ConnectionInfo) -> RedisResult<Up> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let client = Client::open(info)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let shas = load(&mut connection).await?;
        let info = redis::cmd("INFO").arg("server").query_async::<String>(&mut connection).await;
        let identity = match info {
            Ok(info) => Identity::parse(&info),
            Err(error) if error.code().is_some() => Identity::default(),
            Err(error) => return Err(error),
        };
        if identity.run.is_empty() {
            tracing::warn!(
                "the shared store does not say who it is: a restart will not be noticed"
            );
        }
        let changed = self.lock().last_run.as_ref().is_some_and(|last| *last != identity.run);
        if changed {
            tracing::warn!("another server than before answers for the shared store");
        }
        let up = Up { connection, shas, identity, changed: AtomicBool::new(changed) };
        let greeting = self.greeting.get().map_or_else(Vec::new, |greeting| greeting(&up));
        if !greeting.is_empty() {
            for answer in send(&up, greeting).await? {
                answer?;
            }
        }
        Ok(up)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// There was a connection, or an attempt at one, and there is none now.
    fn is_lost(&self) -> bool {
        self.up.is_none() && (self.failures > 0 || self.last_run.is_some())
    }

    fn forget(&mut self, up: &Arc<Up>) {
        if self.up.as_ref().is_some_and(|current| Arc::ptr_eq(current, up)) {
            self.up = None;
        }
    }
}

async fn load(connection: &mut MultiplexedConnection) -> RedisResult<Vec<String>> {
    let mut pipe = redis::pipe();
    for script in Script::ALL {
        pipe.cmd("SCRIPT").arg("LOAD").arg(script.text());
    }
    pipe.query_async(connection).await
}

async fn send(up: &Up, commands: Vec<Cmd>) -> RedisResult<Vec<RedisResult<Value>>> {
    let mut pipe = redis::pipe();
    for command in commands {
        pipe.add_command(command);
    }
    pipe.ignore_errors().query_async(&mut up.connection.clone()).await
}

fn parse_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?))
}

/// How long after a failed attempt to connect the next one is made.
const RETRY: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
