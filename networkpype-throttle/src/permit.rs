use std::sync::{Arc, Weak};

use networkpype_core::{Permit, PermitHandle, ThrottleError, Ticks};

use crate::{
    engine::{Grant, Stage},
    route::Cost,
    shared::Shared,
};

/// A grant in somebody's hand. What outlives its throttler reports to nobody.
pub(crate) struct Granted {
    charge: Charged,
    stage: Stage,
}

enum Charged {
    Cost(Cost),
    /// Nothing: no limit was named, or there is none. A ban may stop it all the same.
    Nothing(Weak<Shared>),
    GivenBack,
}

impl Granted {
    #[inline]
    pub(crate) fn new(shared: &Arc<Shared>, grant: Grant) -> Self {
        let charge = match grant {
            Some(cost) => Charged::Cost(cost),
            None => Charged::Nothing(Arc::downgrade(shared)),
        };
        Self { charge, stage: Stage::Granted }
    }

    /// What was granted, and has come so far.
    pub(crate) fn at(cost: Cost, stage: Stage) -> Self {
        Self { charge: Charged::Cost(cost), stage }
    }

    /// The permit of the seam.
    pub(crate) fn into_permit(self) -> Permit {
        Permit::new(self)
    }

    /// The throttler, and what it charged.
    fn charged(&mut self) -> Option<(Arc<Shared>, &mut Cost)> {
        match &mut self.charge {
            Charged::Cost(cost) => Some((cost.route.home.upgrade()?, cost)),
            Charged::Nothing(_) | Charged::GivenBack => None,
        }
    }
}

impl PermitHandle for Granted {
    fn started(&mut self) -> Result<(), ThrottleError> {
        if self.stage != Stage::Granted {
            return Ok(());
        }
        let home = match &self.charge {
            Charged::Cost(cost) => &cost.route.home,
            Charged::Nothing(home) => home,
            Charged::GivenBack => return Ok(()),
        };
        let Some(home) = home.upgrade() else { return Ok(()) };
        let at = home.with(|engine, now| {
            match &self.charge {
                Charged::Cost(cost) => engine.start(cost, now)?,
                _ => engine.check_ban_of_all(now)?,
            }
            Ok::<_, ThrottleError>(now)
        })?;
        self.stage = Stage::Started(at);
        Ok(())
    }

    // From now on rather than from the instant given, which can only be earlier: the log stays in order.
    fn answered(&mut self, _at: Ticks) {
        let stage = self.stage;
        let Some((home, cost)) = self.charged() else { return };
        self.stage = match stage {
            // What was answered was sent, whether or not anybody said so, and nothing stops it any more.
            Stage::Granted => home.with(|engine, now| {
                engine.start_checked(cost, now);
                engine.answer(cost, now);
                Stage::Answered { started: now, answered: now }
            }),
            Stage::Started(started) if cost.awaits_answer() => home.with(|engine, now| {
                engine.answer(cost, now);
                Stage::Answered { started, answered: now }
            }),
            stage => stage,
        };
    }

    fn refund(&mut self) {
        let stage = self.stage;
        if let Some((home, cost)) = self.charged() {
            home.with(|engine, now| engine.give_back(cost, stage, now));
        }
        self.charge = Charged::GivenBack;
    }

    fn top_up(&mut self, weight: u32) {
        let stage = self.stage;
        if let Some((home, cost)) = self.charged() {
            home.with(|engine, now| engine.top_up(cost, weight, stage, now));
        }
    }
}

impl Drop for Granted {
    #[inline]
    fn drop(&mut self) {
        let Charged::Cost(cost) = &self.charge else { return };
        match self.stage {
            Stage::Granted => self.refund(),
            Stage::Started(_) if cost.awaits_answer() => abandon(cost),
            _ => {}
        }
    }
}

/// What had started will not be answered.
fn abandon(cost: &Cost) {
    if let Some(home) = cost.route.home.upgrade() {
        home.with(|engine, now| engine.abandon(cost, now));
    }
}
