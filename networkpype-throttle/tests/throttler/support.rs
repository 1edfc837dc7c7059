//! A clock moved by hand, callers polled by hand, and short words for what tests do often.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use networkpype_core::{
    Charge, LimitId, Permit, ResponseHead, Sleep, Throttle, ThrottleError, Ticker, Ticks,
};
use networkpype_throttle::{Feedback, RateLimit, Throttler};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Just after a second: the first instant at which what started at 0 no longer counts.
pub(crate) const AFTER_SECOND: Duration = Duration::from_nanos(1_000_000_001);

pub(crate) fn per_second(id: &str, limit: u32) -> RateLimit {
    RateLimit::new(id, limit, SECOND)
}

/// A throttler of `limits` without margin, on tokio's clock.
pub(crate) fn throttler(limits: impl IntoIterator<Item = RateLimit>) -> Throttler {
    Throttler::builder().limits(limits).safety_margin(0.0).build().unwrap()
}

/// A throttler of `limits` without margin, on a clock moved by hand.
pub(crate) fn manual(
    limits: impl IntoIterator<Item = RateLimit>,
) -> (Throttler, Arc<ManualTicker>) {
    let ticker = Arc::new(ManualTicker::default());
    let builder = Throttler::builder().limits(limits).safety_margin(0.0);
    (builder.ticker(ticker.clone()).build().unwrap(), ticker)
}

/// A throttler of `limits` without margin that hears by `feedback`, on a clock moved by hand.
pub(crate) fn listening(
    limits: impl IntoIterator<Item = RateLimit>,
    feedback: Feedback,
) -> (Throttler, Arc<ManualTicker>) {
    let ticker = Arc::new(ManualTicker::default());
    let builder = Throttler::builder().limits(limits).safety_margin(0.0).feedback(feedback);
    (builder.ticker(ticker.clone()).build().unwrap(), ticker)
}

/// A response to a request on `limit`.
pub(crate) fn hear(
    throttler: &Throttler,
    limit: Option<&str>,
    status: u16,
    headers: &[(&str, &str)],
) {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    let limit = limit.map(LimitId::from);
    throttler.observe(limit.as_ref(), ResponseHead::new(status, &headers), Ticks::ZERO);
}

pub(crate) fn ms(millis: u64) -> Ticks {
    Ticks::ZERO + Duration::from_millis(millis)
}

pub(crate) fn take(throttler: &Throttler, limit: &str) -> Result<Permit, ThrottleError> {
    Throttle::try_acquire(throttler, &Charge::new(&LimitId::new(limit)))
}

pub(crate) fn take_weight(
    throttler: &Throttler,
    limit: &str,
    weight: u32,
) -> Result<Permit, ThrottleError> {
    Throttle::try_acquire(throttler, &Charge::new(&LimitId::new(limit)).with_weight(Some(weight)))
}

/// Takes and starts `count` requests, all of which fit.
pub(crate) fn fill(throttler: &Throttler, limit: &str, count: usize) {
    for _ in 0..count {
        take(throttler, limit).unwrap().started().unwrap();
    }
}

pub(crate) fn used(throttler: &Throttler, limit: &str) -> u64 {
    throttler.usage(limit).unwrap().used
}

/// Lets every task that can run do so.
pub(crate) async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

/// How many tasks live on this runtime, the test's own not counted.
pub(crate) fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

type Acquiring = Pin<Box<dyn Future<Output = Result<Permit, ThrottleError>> + Send>>;

/// Somebody who waits and is polled only when the test says so.
pub(crate) struct Caller {
    future: Acquiring,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes {
    count: AtomicUsize,
    note: Option<(usize, Arc<Mutex<Vec<usize>>>)>,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if let Some((id, log)) = &self.note {
            log.lock().unwrap().push(*id);
        }
    }
}

impl Caller {
    pub(crate) fn new(throttler: &Throttler, limit: &str) -> Self {
        Self::with(throttler, limit, None, None, None)
    }

    pub(crate) fn weighing(throttler: &Throttler, limit: &str, weight: u32) -> Self {
        Self::with(throttler, limit, Some(weight), None, None)
    }

    pub(crate) fn until(throttler: &Throttler, limit: &str, deadline: Ticks) -> Self {
        Self::with(throttler, limit, None, Some(deadline), None)
    }

    /// `note`: a number to add to a list whenever it is woken.
    pub(crate) fn with(
        throttler: &Throttler,
        limit: &str,
        weight: Option<u32>,
        deadline: Option<Ticks>,
        note: Option<(usize, Arc<Mutex<Vec<usize>>>)>,
    ) -> Self {
        let (throttler, limit) = (throttler.clone(), LimitId::new(limit));
        let future = Box::pin(async move {
            Throttle::acquire(&throttler, &Charge::new(&limit).with_weight(weight), deadline).await
        });
        Self { future, wakes: Arc::new(Wakes { count: AtomicUsize::new(0), note }) }
    }

    pub(crate) fn poll(&mut self) -> Poll<Result<Permit, ThrottleError>> {
        let waker = Waker::from(self.wakes.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Polls once and finds that it has to wait.
    pub(crate) fn waits(mut self) -> Self {
        assert!(self.poll().is_pending());
        self
    }

    /// Polls once and finds its answer.
    pub(crate) fn answer(&mut self) -> Result<Permit, ThrottleError> {
        match self.poll() {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it still waits"),
        }
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.count.load(Ordering::SeqCst)
    }
}

/// A clock moved by hand, exact to the nanosecond.
#[derive(Default)]
pub(crate) struct ManualTicker(Arc<Mutex<Time>>, AtomicUsize);

#[derive(Default)]
struct Time {
    now: Ticks,
    sleepers: Vec<(usize, Ticks, Waker)>,
    next: usize,
}

impl ManualTicker {
    pub(crate) fn advance_to(&self, now: Ticks) {
        let due: Vec<_> = {
            let mut time = self.0.lock().unwrap();
            assert!(now >= time.now);
            time.now = now;
            time.sleepers.iter().filter(|s| s.1 <= now).map(|s| s.2.clone()).collect()
        };
        due.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn advance(&self, by: Duration) {
        let now = self.0.lock().unwrap().now;
        self.advance_to(now + by);
    }

    pub(crate) fn set_back(&self, by: Duration) {
        let mut time = self.0.lock().unwrap();
        time.now = time.now - by;
    }

    /// How often the time was read: once by each call of a throttler, and once by each turn of its driver.
    pub(crate) fn reads(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    /// The instants that somebody sleeps until.
    pub(crate) fn sleepers(&self) -> Vec<Ticks> {
        self.0.lock().unwrap().sleepers.iter().map(|s| s.1).collect()
    }
}

impl Ticker for ManualTicker {
    fn now(&self) -> Ticks {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.lock().unwrap().now
    }

    fn sleep_until(&self, deadline: Ticks) -> Sleep {
        let mut time = self.0.lock().unwrap();
        time.next += 1;
        Box::pin(ManualSleep { time: self.0.clone(), id: time.next, deadline })
    }
}

struct ManualSleep {
    time: Arc<Mutex<Time>>,
    id: usize,
    deadline: Ticks,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut time = self.time.lock().unwrap();
        time.sleepers.retain(|s| s.0 != self.id);
        if time.now >= self.deadline {
            return Poll::Ready(());
        }
        time.sleepers.push((self.id, self.deadline, cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        self.time.lock().unwrap().sleepers.retain(|s| s.0 != self.id);
    }
}
