use std::fmt;

use networkpype_core::{Permit, Ticks};

use crate::{
    engine::{Grant, Stage},
    permit::Granted,
    route::{Cost, RouteKey},
    shared::Shared,
};

/// The right to send one request, which counts from now on. From [`Throttler::acquire`](crate::Throttler::acquire) and
/// its like.
///
/// Dropped, its weight stays charged: for one interval from its start, and on limits that count
/// [until answered](crate::Accounting::UntilAnswered) as for a request that will not be answered. So keep it there until
/// the answer is there, and [say so](Self::answered).
pub struct StartedPermit<'a> {
    throttler: &'a Shared,
    charge: Charge,
    started: Ticks,
}

/// What was charged.
pub(crate) enum Charge {
    /// What a request on this route usually is: enough to find it again, and nothing that has to be counted.
    Usual(RouteKey),
    /// The same on limits that count until the answer, or what is not usual.
    Cost(Cost),
    /// Nothing limits it, or it was given back.
    Nothing,
    /// Of what counts until the answer: that has come at this instant.
    Answered(Cost, Ticks),
}

impl From<Grant> for Charge {
    fn from(grant: Grant) -> Self {
        grant.map_or(Self::Nothing, Self::Cost)
    }
}

impl<'a> StartedPermit<'a> {
    #[inline(always)]
    pub(crate) fn new(throttler: &'a Shared, charge: Charge, started: Ticks) -> Self {
        Self { throttler, charge, started }
    }

    /// The answer has arrived: on limits that count until then, the weight comes back one interval from now. Others do
    /// not care.
    #[doc(alias = "completed")]
    pub fn answered(&mut self) {
        match std::mem::replace(&mut self.charge, Charge::Nothing) {
            Charge::Cost(cost) if cost.awaits_answer() => {
                let at = self.throttler.with(|engine, now| {
                    engine.answer(&cost, now);
                    now
                });
                self.charge = Charge::Answered(cost, at);
            }
            other => self.charge = other,
        }
    }

    /// The same as a [`Permit`] that borrows nothing, to hand to another task or keep elsewhere. It has started.
    pub fn into_owned(mut self) -> Permit {
        let charge = std::mem::replace(&mut self.charge, Charge::Nothing);
        let started = self.started;
        let whole = self.throttler.with(|engine, _| charge.whole(started, |key| engine.find(key)));
        whole.map_or_else(Permit::unlimited, |(cost, stage)| Granted::at(cost, stage).into_permit())
    }

    /// Gives the weight back, because nothing was sent after all.
    pub fn refund(mut self) {
        let charge = std::mem::replace(&mut self.charge, Charge::Nothing);
        let started = self.started;
        self.throttler.with(|engine, now| {
            if let Some((cost, stage)) = charge.whole(started, |key| engine.find(key)) {
                engine.give_back(&cost, stage, now);
            }
        });
    }

    /// The request cost `weight` more, on the limit that it named, than was charged.
    pub fn top_up(&mut self, weight: u32) {
        let charge = std::mem::replace(&mut self.charge, Charge::Nothing);
        let started = self.started;
        self.charge = self.throttler.with(|engine, now| {
            let whole = charge.whole(started, |key| engine.find(key));
            let Some((mut cost, stage)) = whole else { return Charge::Nothing };
            engine.top_up(&mut cost, weight, stage, now);
            match stage {
                Stage::Answered { answered, .. } => Charge::Answered(cost, answered),
                _ => Charge::Cost(cost),
            }
        });
    }
}

impl Charge {
    /// All of it, and how far it has come. `None` if nothing of it counts any more.
    fn whole(
        self,
        started: Ticks,
        find: impl FnOnce(RouteKey) -> Option<Cost>,
    ) -> Option<(Cost, Stage)> {
        match self {
            Self::Usual(key) => find(key).map(|cost| (cost, Stage::Started(started))),
            Self::Cost(cost) => Some((cost, Stage::Started(started))),
            Self::Answered(cost, answered) => Some((cost, Stage::Answered { started, answered })),
            Self::Nothing => None,
        }
    }
}

impl StartedPermit<'_> {
    /// It was dropped before its answer came. Not where it is dropped, which most do who have nothing to wait for.
    #[inline(never)]
    fn abandon(&self, cost: &Cost) {
        if cost.awaits_answer() {
            self.throttler.with(|engine, now| engine.abandon(cost, now));
        }
    }
}

impl Drop for StartedPermit<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Charge::Cost(cost) = &self.charge {
            self.abandon(cost);
        }
    }
}

impl fmt::Debug for StartedPermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limited = !matches!(self.charge, Charge::Nothing);
        f.debug_struct("StartedPermit").field("limited", &limited).finish_non_exhaustive()
    }
}
