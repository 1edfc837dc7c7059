use networkpype_core::{ThrottleError, Ticks};

use super::Engine;
use crate::{
    meter::Meter,
    queue::{Ticket, Waiter},
    route::{Cost, Part, Settles},
};

/// How far what was granted has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Granted,
    Started(Ticks),
    Answered { started: Ticks, answered: Ticks },
}

impl Stage {
    /// When `part` of it settled, if it has.
    fn settled(self, part: Part) -> Option<Ticks> {
        match (self, part.settles) {
            (Self::Granted, _) | (Self::Started(_), Settles::AtAnswer { .. }) => None,
            (Self::Started(started) | Self::Answered { started, .. }, Settles::AtStart) => {
                Some(started)
            }
            (Self::Answered { answered, .. }, Settles::AtAnswer { .. }) => Some(answered),
        }
    }
}

/// What becomes of that which was granted.
impl Engine {
    /// A grant starts, if the server still lets it.
    pub(crate) fn start(&mut self, cost: &Cost, now: Ticks) -> Result<(), ThrottleError> {
        self.check_ban(cost, now)?;
        self.check_pause(cost, now)?;
        self.start_checked(cost, now);
        Ok(())
    }

    /// The same for what was granted a moment ago, and checked with that.
    #[inline]
    pub(crate) fn start_checked(&mut self, cost: &Cost, now: Ticks) {
        let moment = self.moment(now);
        self.each_slot(cost, |slot, part| match part.settles {
            Settles::AtStart => {
                slot.meter.expire(moment);
                slot.meter.settle(part.weight, now);
            }
            Settles::AtAnswer { .. } => slot.meter.send(part.weight),
        });
        self.advance_if_held(now);
    }

    /// What had started was answered.
    pub(crate) fn answer(&mut self, cost: &Cost, now: Ticks) {
        let moment = self.moment(now);
        self.each_slot(cost, |slot, part| {
            if let Settles::AtAnswer { .. } = part.settles {
                slot.meter.expire(moment);
                slot.meter.land(part.weight);
                slot.meter.settle(part.weight, now);
            }
        });
        self.advance_if_held(now);
    }

    /// What had started will not be answered.
    pub(crate) fn abandon(&mut self, cost: &Cost, now: Ticks) {
        self.each_slot(cost, |slot, part| {
            if let Settles::AtAnswer { linger } = part.settles {
                slot.meter.linger(part.weight, now + std::time::Duration::from_nanos(linger));
            }
        });
        self.advance_if_held(now);
    }

    /// What was granted is given back, however far it has come.
    pub(crate) fn give_back(&mut self, cost: &Cost, stage: Stage, now: Ticks) {
        self.each_slot(cost, |slot, part| give_back(&mut slot.meter, part, stage, now));
        self.advance(now);
    }

    /// What was granted goes back into the queue: into its old place, `ticket`, if it had one.
    pub(crate) fn take_back(
        &mut self,
        ticket: Option<Ticket>,
        waiter: Waiter,
        now: Ticks,
    ) -> Ticket {
        self.each_slot(&waiter.cost, |slot, part| {
            give_back(&mut slot.meter, part, Stage::Granted, now);
        });
        self.count_in(&waiter.cost);
        let ticket = match ticket {
            Some(ticket) => {
                self.queue.restore(ticket, waiter);
                ticket
            }
            None => self.queue.push(waiter),
        };
        self.advance(now);
        ticket
    }

    /// A grant weighs `weight` more on the limit that it named than was charged.
    pub(crate) fn top_up(&mut self, cost: &mut Cost, weight: u32, stage: Stage, now: Ticks) {
        if weight == 0 {
            return;
        }
        cost.raise(u64::from(weight));
        let own = cost.own();
        let moment = self.moment(now);
        let Some(slot) = self.slots.get_mut(own.slot) else { return };
        match stage.settled(own) {
            Some(at) => {
                slot.meter.expire(moment);
                slot.meter.add(weight, at, now);
            }
            None => {
                slot.meter.hold(u64::from(weight));
                if stage != Stage::Granted {
                    slot.meter.send(u64::from(weight));
                }
            }
        }
    }

    /// Somebody waits for what has settled just now, so that it is known when they can go.
    #[inline]
    fn advance_if_held(&mut self, now: Ticks) {
        if self.held {
            self.advance(now);
        }
    }
}

/// `part` of what was granted is given back.
pub(super) fn give_back(meter: &mut Meter, part: Part, stage: Stage, now: Ticks) {
    match stage.settled(part) {
        Some(at) => meter.remove(u32::try_from(part.weight).unwrap_or(u32::MAX), at, now),
        None => {
            if stage != Stage::Granted {
                meter.land(part.weight);
            }
            meter.release(part.weight);
        }
    }
}
