use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use networkpype_core::{Ticker, Ticks};
use tokio::{runtime::Handle, sync::Notify};

use super::{link::Link, plan::Cost, store_error::StoreError, tell::Tell};

/// Takes to the store what became of requests, without anybody having to wait for that, and keeps alive what is held.
///
/// One task on the runtime of whoever asked first. It ends when the throttler and its permits are gone and everything is
/// delivered. What comes from one permit arrives in order.
pub(crate) struct Courier {
    ticker: Arc<dyn Ticker>,
    link: Arc<Link>,
    /// Whether to reconnect even if nothing has to be delivered.
    reconnects: bool,
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Default)]
struct State {
    outbox: VecDeque<Tell>,
    held: HashMap<u64, Held, foldhash::fast::RandomState>,
    due: BTreeSet<(Ticks, u64)>,
    running: bool,
    closed: bool,
    /// When the task looks again who is held. No later than the first of them is due, and often for nobody: to wake it
    /// for each that comes and goes would cost more than all the rest.
    alarm: Option<Ticks>,
}

/// A permit that counts for as long as somebody says that it is held.
pub(crate) struct Held {
    pub(crate) cost: Cost,
    pub(crate) id: Arc<str>,
    /// It has started, and only counts on where it is to be answered.
    pub(crate) started: bool,
    /// The store was told at least once, so that it counts from another instant than it was granted for.
    kept: bool,
    due: Ticks,
    every: Duration,
}

impl Courier {
    pub(crate) fn new(ticker: Arc<dyn Ticker>, link: Arc<Link>, reconnects: bool) -> Self {
        Self { ticker, link, reconnects, state: Mutex::default(), bell: Notify::new() }
    }

    /// Starts the task, if there is none and a runtime to start it on.
    pub(crate) fn ensure(self: &Arc<Self>, clock: &Arc<dyn networkpype_core::Clock>) {
        {
            let mut state = self.lock();
            if state.running {
                return;
            }
            let Ok(runtime) = Handle::try_current() else { return };
            state.running = true;
            drop(state);
            let round = Round(Arc::clone(self));
            let clock = Arc::clone(clock);
            runtime.spawn(async move { round.run(&*clock).await });
        }
    }

    /// Delivers `tell` soon.
    pub(crate) fn tell(&self, tell: Tell) {
        let mut state = self.lock();
        if state.outbox.len() >= MAX_OUTBOX {
            drop(state);
            tracing::warn!(
                "too much to tell the shared store at once: a weight counts for longer or shorter than it should"
            );
            return;
        }
        state.outbox.push_back(tell);
        drop(state);
        self.bell.notify_one();
    }

    /// Says again and again that `cost` is held, until it is [let go](Courier::let_go).
    pub(crate) fn keep(&self, number: u64, cost: &Cost, id: &Arc<str>, since: Ticks) {
        let every = cost.keep_alive();
        let due = since + every;
        let mut state = self.lock();
        state.due.insert((due, number));
        let held = Held {
            cost: cost.clone(),
            id: Arc::clone(id),
            started: false,
            kept: false,
            due,
            every,
        };
        state.held.insert(number, held);
        let late = state.alarm.is_none_or(|alarm| due < alarm);
        if late {
            state.alarm = Some(due);
        }
        drop(state);
        if late {
            self.bell.notify_one();
        }
    }

    /// Whether the store was told meanwhile that it was held. `None` if it was not.
    pub(crate) fn let_go(&self, number: u64) -> Option<bool> {
        let mut state = self.lock();
        let held = state.held.remove(&number)?;
        state.due.remove(&(held.due, number));
        Some(held.kept)
    }

    /// From now on it is kept alive only where it counts until it is answered. Says whether it was kept already.
    pub(crate) fn started(&self, number: u64) -> bool {
        let mut state = self.lock();
        state.held.get_mut(&number).is_some_and(|held| {
            held.started = true;
            held.kept
        })
    }

    /// It weighs more than when it was granted.
    pub(crate) fn reweigh(&self, number: u64, cost: &Cost) {
        if let Some(held) = self.lock().held.get_mut(&number) {
            held.cost = cost.clone();
        }
    }

    /// Nobody is going to tell anything any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }

    /// Wakes the task to see whether the connection is lost.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    /// What is to be told now: first what waits, then who is held still.
    fn collect(&self) -> Vec<Tell> {
        let now = self.ticker.now();
        let mut state = self.lock();
        let mut load: Vec<Tell> = Vec::new();
        while load.len() < MAX_LOAD
            && let Some(tell) = state.outbox.pop_front()
        {
            load.push(tell);
        }
        while load.len() < MAX_LOAD
            && let Some(&(due, number)) = state.due.first()
            && due <= now
        {
            state.due.pop_first();
            let Some(held) = state.held.get_mut(&number) else { continue };
            let started = held.started;
            let tell = Tell::mark(&held.cost, &held.id, |part| {
                (!started || part.linger.is_some()).then_some(0)
            });
            load.push(Tell { passing: true, ..tell });
            held.kept = true;
            held.due = now + held.every;
            let next = (held.due, number);
            state.due.insert(next);
        }
        if state.alarm.is_some_and(|alarm| alarm <= now) {
            state.alarm = state.due.first().map(|(due, _)| *due);
        }
        load
    }

    /// Puts back what could not be delivered.
    fn put_back(&self, load: Vec<Tell>) {
        let mut state = self.lock();
        for tell in load.into_iter().rev().filter(|tell| !tell.passing) {
            state.outbox.push_front(tell);
        }
        state.outbox.truncate(MAX_OUTBOX);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task. When it is dropped, with its runtime or at its end, another one may be started.
struct Round(Arc<Courier>);

impl Round {
    async fn run(self, clock: &dyn networkpype_core::Clock) {
        let courier = &*self.0;
        loop {
            let load = courier.collect();
            if load.is_empty() {
                let reconnect = courier.link.next_try().filter(|_| courier.reconnects);
                if reconnect.is_some_and(|at| at <= courier.ticker.now()) {
                    // Whether it worked is seen in the next turn.
                    let _ = courier.link.call_all(|_| Vec::new()).await;
                    continue;
                }
                let alarm = {
                    let state = courier.lock();
                    if state.closed && state.outbox.is_empty() && state.held.is_empty() {
                        return;
                    }
                    state.alarm
                };
                self.sleep(alarm.into_iter().chain(reconnect).min()).await;
                continue;
            }
            let now = super::shared::clock_micros(clock);
            let told = courier
                .link
                .call_all(|up| load.iter().map(|tell| tell.command(up, now)).collect())
                .await;
            match told {
                Ok(answers) => {
                    for error in answers.into_iter().filter_map(Result::err) {
                        tracing::warn!(?error, "the shared store did not take a report");
                    }
                }
                Err(StoreError::Foreign(why)) => {
                    tracing::warn!(%why, "the shared store did not take any report");
                }
                Err(StoreError::Away(why) | StoreError::Lost(why)) => {
                    if courier.lock().closed {
                        tracing::warn!(%why, "the shared store is lost: last reports are not delivered");
                        return;
                    }
                    courier.put_back(load);
                    let again = courier.link.next_try().unwrap_or(Ticks::ZERO);
                    let pause = courier.ticker.now() + PAUSE;
                    courier.ticker.sleep_until(again.max(pause)).await;
                }
            }
        }
    }

    /// Until somebody rings, or then.
    async fn sleep(&self, until: Option<Ticks>) {
        let mut rung = pin!(self.0.bell.notified());
        let mut sleep = until.map(|until| self.0.ticker.sleep_until(until));
        std::future::poll_fn(|cx| {
            if rung.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            match &mut sleep {
                Some(sleep) => sleep.as_mut().poll(cx),
                None => Poll::Pending,
            }
        })
        .await;
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        self.0.lock().running = false;
    }
}

/// How much may wait to be told.
const MAX_OUTBOX: usize = 16_384;
/// How much is told in one round trip.
const MAX_LOAD: usize = 128;
/// After a loss, so that a server that refuses at once is not asked without end.
const PAUSE: Duration = Duration::from_millis(20);
