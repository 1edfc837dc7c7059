use std::{fmt, sync::Arc, task::Waker};

use networkpype_core::{Clock, LimitId, ResponseHead, ThrottleError, Ticker, Ticks};
use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;

use crate::{
    Feedback, LimitError, StartedPermit,
    driver::Driver,
    engine::{Effects, Engine, Grant, Wish},
    queue::Ticket,
};

/// The engine with its clock and lock: what throttlers, waiters, permits and the driver have in common.
pub(crate) struct Shared {
    seams: Seams,
    state: Mutex<State>,
}

/// What a throttler is given, beside its limits.
#[derive(Clone)]
pub(crate) struct Seams {
    pub(crate) ticker: Arc<dyn Ticker>,
    /// The server's time, as far as it is known.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) feedback: Arc<Feedback>,
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
    pub(crate) fn new(mut engine: Engine, seams: Seams) -> Arc<Self> {
        Arc::new_cyclic(|home| {
            engine.move_in(home);
            let state = State { engine, driver: DriverState::Absent, now: Ticks::ZERO };
            Self { seams, state: Mutex::new(state) }
        })
    }

    pub(crate) fn seams(&self) -> &Seams {
        &self.seams
    }

    pub(crate) fn ticker(&self) -> &Arc<dyn Ticker> {
        &self.seams.ticker
    }

    /// Takes in what a response to a request on `limit` says.
    pub(crate) fn observe(&self, limit: Option<&LimitId>, response: ResponseHead<'_>) {
        let feedback = &*self.seams.feedback;
        let signals = feedback.read(response, self.seams.clock.now());
        self.with(|engine, now| engine.learn(limit, &signals, feedback, now));
    }

    /// Runs `act` on the engine at the present instant, wakes whom it settled, and makes the driver look again if
    /// that changed what it has to wait for.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Engine, Ticks) -> R) -> R {
        let mut state = self.lock();
        let now = state.tick(&self.seams);
        finish_with(state, |engine| act(engine, now))
    }

    /// Grants a request on `limit` and starts it, now or not at all.
    #[inline]
    pub(crate) fn try_start(&self, limit: &str) -> Result<StartedPermit<'_>, ThrottleError> {
        let mut state = self.lock();
        let now = state.tick(&self.seams);
        match state.engine.start_at_once(limit, now) {
            // Nobody is woken by that, and a driver that is there has been told that nobody waits.
            Some(charge) => Ok(StartedPermit::new(self, charge, now)),
            None => {
                let grant = try_slowly(state, limit, now)?;
                Ok(StartedPermit::new(self, grant.into(), now))
            }
        }
    }

    /// The same, where it is as simple as can be. `None` says nothing of why not.
    #[inline]
    pub(crate) fn start_at_once(&self, limit: &str) -> Option<StartedPermit<'_>> {
        let mut state = self.lock();
        let now = state.tick(&self.seams);
        let charge = state.engine.start_at_once(limit, now)?;
        Some(StartedPermit::new(self, charge, now))
    }

    /// Changes which limits are in force.
    pub(crate) fn configure(
        &self,
        change: impl FnOnce(&mut Engine, Ticks) -> Result<(), LimitError>,
    ) -> Result<(), LimitError> {
        self.with(|engine, now| {
            // Limits that count by the clock may be new.
            self.seams.look_at_clock(engine, now);
            change(engine, now)
        })
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
        let now = state.tick(&self.seams);
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
        // It does not poison, and need not: the engine does not panic half way, and a foreign ticker may before anything
        // has changed.
        self.state.lock()
    }
}

impl Seams {
    fn look_at_clock(&self, engine: &mut Engine, now: Ticks) {
        let ticks = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        engine.set_wall(self.clock.now().as_nanos().saturating_sub(ticks));
    }
}

impl State {
    #[inline]
    fn tick(&mut self, seams: &Seams) -> Ticks {
        self.now = self.now.max(seams.ticker.now());
        if self.engine.needs_wall() {
            seams.look_at_clock(&mut self.engine, self.now);
        }
        self.now
    }

    /// Nobody is to be woken, and no driver to be told anything.
    #[inline]
    fn is_quiet(&self) -> bool {
        matches!(self.driver, DriverState::Absent) && self.engine.has_no_effects()
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

/// Grants a request on `limit` and starts it, now or not at all, with all that may belong to that.
#[cold]
fn try_slowly(
    state: MutexGuard<'_, State>,
    limit: &str,
    now: Ticks,
) -> Result<Grant, ThrottleError> {
    finish_with(state, |engine| {
        let grant = engine.try_ask(Wish::new(limit), now)?;
        match &grant {
            Some(cost) => engine.start_checked(cost, now),
            None => engine.check_ban_of_all(now)?,
        }
        Ok(grant)
    })
}

/// Runs `act`, and after that what follows from it, without the lock.
fn finish_with<R>(mut state: MutexGuard<'_, State>, act: impl FnOnce(&mut Engine) -> R) -> R {
    let result = act(&mut state.engine);
    if state.is_quiet() {
        return result;
    }
    let effects = state.engine.take_effects();
    let driver = state.rearm();
    drop(state);
    finish(effects, driver);
    result
}

fn finish(effects: Effects, driver: Option<Waker>) {
    let Effects { wake, discard } = effects;
    wake.into_iter().chain(driver).for_each(Waker::wake);
    drop(discard);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use networkpype_core::{SystemClock, TokioTicker};

    use super::*;
    use crate::{
        RateLimit,
        capacity::Reduction,
        engine::{Asked, Stage},
    };

    #[test]
    fn who_was_granted_in_the_meantime_needs_no_driver() {
        let limits = vec![RateLimit::new("a", 1, Duration::from_secs(1))];
        let engine = Engine::new(limits, Reduction::new(1.0, None).unwrap(), 10).unwrap();
        let seams = Seams {
            ticker: Arc::new(TokioTicker::new()),
            clock: Arc::new(SystemClock),
            feedback: Arc::default(),
        };
        let shared = Shared::new(engine, seams);
        let wish = Wish { limit: "a", weight: None, request: None };
        let held = shared.with(|engine, now| engine.try_ask(wish, now)).unwrap().unwrap();
        let asked = shared.with(|engine, now| engine.ask(wish, None, Waker::noop(), now));
        let Asked::Waits(ticket) = asked.unwrap() else { panic!("two of one") };
        assert!(shared.ensure_driver(ticket).is_err(), "there is no runtime");
        // As another thread may do before whoever asked gets to look for a driver.
        shared.with(|engine, now| engine.give_back(&held, Stage::Granted, now));
        assert_eq!(shared.ensure_driver(ticket), Ok(()));
        let answer = shared.with(|engine, now| engine.poll(ticket, Waker::noop(), now));
        assert!(matches!(answer, Some(Ok(Some(_)))));
    }
}
