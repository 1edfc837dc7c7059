use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use networkpype_core::{ThrottleError, Ticker, Ticks};
use tokio::runtime::Handle;

use crate::{
    driver::Driver,
    engine::{Effects, Engine},
    queue::Ticket,
};

/// The engine with its clock and lock: what throttlers, waiters, permits and the driver have in common.
pub(crate) struct Shared {
    ticker: Arc<dyn Ticker>,
    state: Mutex<State>,
}

struct State {
    engine: Engine,
    driver: DriverState,
    /// The latest instant seen, in case a foreign ticker goes backwards.
    now: Ticks,
}

enum DriverState {
    Absent,
    /// It sleeps until `armed` (forever if `None`), or is about to look again; `waker` makes it look.
    Running {
        armed: Option<Ticks>,
        waker: Option<Waker>,
    },
}

/// What the driver is to do.
pub(crate) enum Drive {
    /// Nobody waits: end.
    End,
    /// Sleep until then, or until woken.
    Sleep(Option<Ticks>),
}

impl Shared {
    pub(crate) fn new(engine: Engine, ticker: Arc<dyn Ticker>) -> Arc<Self> {
        let state = State { engine, driver: DriverState::Absent, now: Ticks::ZERO };
        Arc::new(Self { ticker, state: Mutex::new(state) })
    }

    pub(crate) fn ticker(&self) -> &Arc<dyn Ticker> {
        &self.ticker
    }

    /// Runs `act` on the engine at the present instant, wakes whom it settled, and makes the driver look again if
    /// that changed what it has to wait for.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Engine, Ticks) -> R) -> R {
        let mut state = self.lock();
        let now = state.tick(&*self.ticker);
        let result = act(&mut state.engine, now);
        let effects = state.engine.take_effects();
        let driver = state.rearm();
        drop(state);
        finish(effects, driver);
        result
    }

    /// Makes sure that somebody minds the time for the waiter `ticket`, unless it was settled meanwhile.
    pub(crate) fn ensure_driver(self: &Arc<Self>, ticket: Ticket) -> Result<(), ThrottleError> {
        if !self.lock().needs_driver(ticket) {
            return Ok(());
        }
        let runtime = Handle::try_current().map_err(|_| {
            ThrottleError::Unavailable("waiting for capacity needs a tokio runtime".into())
        })?;
        {
            let mut state = self.lock();
            if !state.needs_driver(ticket) {
                return Ok(());
            }
            state.driver = DriverState::Running { armed: None, waker: None };
        }
        // Not under the lock: a runtime that shuts down drops the driver on the spot, which locks.
        runtime.spawn(Driver::new(self));
        // That wakes everybody, so to be told to wait would mean to be polled again at once, and again for ever.
        if self.lock().needs_driver(ticket) {
            return Err(ThrottleError::Unavailable(
                "the tokio runtime to wait on was shut down".into(),
            ));
        }
        Ok(())
    }

    /// One turn of the driver. `waker` is who to wake when it has to look again.
    pub(crate) fn drive(&self, waker: &Waker) -> Drive {
        let mut state = self.lock();
        let now = state.tick(&*self.ticker);
        state.engine.advance(now);
        let mut effects = state.engine.take_effects();
        let (drive, next) = if state.engine.waiting() == 0 {
            (Drive::End, DriverState::Absent)
        } else {
            let armed = state.engine.wake_at();
            (Drive::Sleep(armed), DriverState::Running { armed, waker: Some(waker.clone()) })
        };
        if let DriverState::Running { waker: Some(old), .. } =
            std::mem::replace(&mut state.driver, next)
        {
            effects.discard.push(old);
        }
        drop(state);
        finish(effects, None);
        drive
    }

    /// The driver was dropped before its end: with its runtime, or because it panicked.
    ///
    /// Those who wait are woken, and the first to be polled starts another. After a panic they get an error
    /// instead, since the next driver would do the same.
    pub(crate) fn driver_gone(&self, panicked: bool) {
        let mut state = self.lock();
        let old = std::mem::replace(&mut state.driver, DriverState::Absent);
        if panicked {
            state.engine.fail_all(&ThrottleError::Unavailable(
                "the timer panicked: is the time driver of the tokio runtime enabled?".into(),
            ));
        } else {
            state.engine.wake_all();
        }
        let effects = state.engine.take_effects();
        drop(state);
        finish(effects, None);
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The engine does not panic half way; a foreign ticker may, before anything has changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tick(&mut self, ticker: &dyn Ticker) -> Ticks {
        self.now = self.now.max(ticker.now());
        self.now
    }

    /// Nobody minds the time, and `ticket` waits. A driver that has done its work is gone as well, but then nobody waits.
    fn needs_driver(&self, ticket: Ticket) -> bool {
        matches!(self.driver, DriverState::Absent) && self.engine.waits(ticket)
    }

    /// The driver's waker, if it sleeps too long or has nobody left to wait for.
    fn rearm(&mut self) -> Option<Waker> {
        let DriverState::Running { armed, waker } = &mut self.driver else { return None };
        let late = match (self.engine.wake_at(), &armed) {
            (Some(due), Some(armed)) => due < *armed,
            (Some(_), None) => true,
            (None, _) => self.engine.waiting() == 0,
        };
        if late { waker.take() } else { None }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let reduction = state.engine.reduction();
        f.debug_struct("Throttler")
            .field("limits", &state.engine.limits())
            .field("share", &reduction.share())
            .field("safety_margin", &reduction.safety_margin())
            .field("max_waiters", &state.engine.max_waiters())
            .field("waiting", &state.engine.waiting())
            .finish()
    }
}

fn finish(effects: Effects, driver: Option<Waker>) {
    let Effects { wake, discard } = effects;
    wake.into_iter().chain(driver).for_each(Waker::wake);
    drop(discard);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use networkpype_core::TokioTicker;

    use super::*;
    use crate::{RateLimit, capacity::Reduction, engine::Asked};

    #[test]
    fn who_was_granted_in_the_meantime_needs_no_driver() {
        let limits = vec![RateLimit::new("a", 1, Duration::from_secs(1))];
        let engine = Engine::new(limits, Reduction::new(1.0, 0.0).unwrap(), 10).unwrap();
        let shared = Shared::new(engine, Arc::new(TokioTicker::new()));
        let held = shared.with(|engine, now| engine.try_ask("a", None, now)).unwrap().unwrap();
        let asked = shared.with(|engine, now| engine.ask("a", None, None, Waker::noop(), now));
        let Asked::Waits(ticket) = asked.unwrap() else { panic!("two of one") };
        assert!(shared.ensure_driver(ticket).is_err(), "there is no runtime");
        // As another thread may do before whoever asked gets to look for a driver.
        shared.with(|engine, now| engine.release(&held, now));
        assert_eq!(shared.ensure_driver(ticket), Ok(()));
        let answer = shared.with(|engine, now| engine.poll(ticket, Waker::noop(), now));
        assert!(matches!(answer, Some(Ok(Some(_)))));
    }
}
