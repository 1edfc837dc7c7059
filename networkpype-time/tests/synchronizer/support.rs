//! A machine whose clocks can be set and put to sleep, and a server with a clock of its own.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use networkpype_core::{BoxError, Ticker};
use networkpype_time::{
    Clock, ServerTime, TimeProvider, TimeSynchronizer, TimeSynchronizerBuilder, Timestamp,
    TokioTicker,
};
use tokio::time::sleep;

pub(crate) const MS: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3_600_000 * MS;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The machine and the server.
pub(crate) struct World {
    ticker: TokioTicker,
    /// Nanoseconds by which the machine's wall clock was set forward.
    wall: AtomicI64,
    /// Nanoseconds by which the server's clock is ahead of what the wall clock was in the beginning.
    server: AtomicI64,
    /// Nanoseconds for which the machine slept: its monotonic clock knows nothing of them.
    slept: AtomicI64,
    pub(crate) asked: AtomicUsize,
    /// What the next questions meet, in order; then everything is well.
    script: Mutex<Vec<Meets>>,
    trip: Mutex<(Duration, Duration)>,
    age: AtomicI64,
}

#[derive(Clone, Copy)]
pub(crate) enum Meets {
    Failure,
    /// The machine's wall clock is set forward while the server answers.
    Step(i64),
    /// No answer, ever.
    Silence,
    Panic,
}

impl World {
    /// A server that is one minute ahead, 10 ms away in each direction.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ticker: TokioTicker::new(),
            wall: AtomicI64::new(0),
            server: AtomicI64::new(60_000 * MS),
            slept: AtomicI64::new(0),
            asked: AtomicUsize::new(0),
            script: Mutex::new(Vec::new()),
            trip: Mutex::new((ms(10), ms(10))),
            age: AtomicI64::new(0),
        })
    }

    pub(crate) fn builder(self: &Arc<Self>) -> TimeSynchronizerBuilder {
        let clock = Arc::new(WallClock(self.clone()));
        TimeSynchronizer::builder().clock(clock).ticker(Arc::new(self.ticker))
    }

    pub(crate) fn synchronizer(self: &Arc<Self>) -> TimeSynchronizer {
        self.builder().build()
    }

    pub(crate) fn provider(self: &Arc<Self>) -> Server {
        Server(self.clone())
    }

    fn since_start(&self) -> i64 {
        let awake = i64::try_from(self.ticker.now().as_nanos()).unwrap();
        1_700_000_000_000 * MS + awake + self.slept.load(SeqCst)
    }

    pub(crate) fn wall_time(&self) -> Timestamp {
        Timestamp::from_nanos(self.since_start() + self.wall.load(SeqCst))
    }

    pub(crate) fn server_time(&self) -> Timestamp {
        Timestamp::from_nanos(self.since_start() + self.server.load(SeqCst))
    }

    pub(crate) fn set_wall(&self, forward: i64) {
        self.wall.fetch_add(forward, SeqCst);
    }

    pub(crate) fn set_server(&self, forward: i64) {
        self.server.fetch_add(forward, SeqCst);
    }

    pub(crate) fn sleep(&self, nanos: i64) {
        self.slept.fetch_add(nanos, SeqCst);
    }

    pub(crate) fn set_trip(&self, there: u64, back: u64) {
        *self.trip.lock().unwrap() = (ms(there), ms(back));
    }

    pub(crate) fn set_age(&self, seconds: i64) {
        self.age.store(seconds, SeqCst);
    }

    pub(crate) fn script(&self, meets: impl IntoIterator<Item = Meets>) {
        self.script.lock().unwrap().extend(meets);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    /// How far the synchronizer is off, in nanoseconds.
    pub(crate) fn error_of(&self, synchronizer: &TimeSynchronizer) -> i64 {
        synchronizer.time().signed_nanos_since(self.server_time())
    }

    /// What the next question meets.
    pub(crate) fn next(&self) -> Option<Meets> {
        self.asked.fetch_add(1, SeqCst);
        let mut script = self.script.lock().unwrap();
        (!script.is_empty()).then(|| script.remove(0))
    }

    pub(crate) async fn answer(&self) -> Result<ServerTime, BoxError> {
        let meets = self.next();
        let (there, back) = *self.trip.lock().unwrap();
        sleep(there).await;
        let age = self.age.load(SeqCst);
        let time = self.server_time().offset_by_nanos(-age * 1_000 * MS);
        match meets {
            None => {}
            Some(Meets::Failure) => return Err("the server is down".into()),
            Some(Meets::Step(forward)) => self.set_wall(forward),
            Some(Meets::Silence) => std::future::pending().await,
            Some(Meets::Panic) => panic!("a bug in the provider"),
        }
        sleep(back).await;
        Ok(ServerTime::new(time).with_age(Duration::from_secs(age.try_into().unwrap())))
    }
}

struct WallClock(Arc<World>);

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        self.0.wall_time()
    }
}

pub(crate) struct Server(Arc<World>);

#[async_trait]
impl TimeProvider for Server {
    async fn server_time(&self) -> Result<ServerTime, BoxError> {
        self.0.answer().await
    }
}

/// What the synchronizer says of its error, without the microseconds by which it grows while a test runs.
pub(crate) fn error_bound_ms(synchronizer: &TimeSynchronizer) -> Option<u128> {
    synchronizer.error_bound().map(|bound| bound.as_millis())
}

/// A synchronizer that has learnt the time once.
pub(crate) async fn synchronized(world: &Arc<World>) -> TimeSynchronizer {
    let synchronizer = world.synchronizer();
    learn(world, &synchronizer).await;
    synchronizer
}

pub(crate) async fn learn(world: &Arc<World>, synchronizer: &TimeSynchronizer) {
    let provider = world.provider();
    synchronizer.update_server_time_offset_with_time_provider(&provider).await.unwrap();
}
