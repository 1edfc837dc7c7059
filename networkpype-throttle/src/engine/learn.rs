use std::collections::HashMap;

use networkpype_core::{LimitId, ThrottleError, Ticks, Timestamp};

use super::{Engine, configure::measures};
use crate::{
    Feedback, Scope,
    feedback::{Report, Signals, Verdict},
    route::Cost,
    slots::{Slot, SlotKey},
};

/// What the server says about its limits.
impl Engine {
    /// Takes in what a response to a request on `limit` said. The stricter of the two counts wins.
    pub(crate) fn learn(
        &mut self,
        limit: Option<&LimitId>,
        signals: &Signals,
        feedback: &Feedback,
        now: Ticks,
    ) {
        let mut exhausted = Vec::new();
        let place =
            |engine: &Self, report: &Report| engine.place_of(report.limit.as_ref().or(limit)?);
        // Of several quotas of one limit, the smallest.
        let mut quotas = HashMap::new();
        for report in &signals.reports {
            if let (Some(place), Some(quota)) = (place(self, report), report.quota) {
                let least = quotas.entry(place).or_insert(quota);
                *least = quota.min(*least);
            }
        }
        for ((key, position), quota) in quotas {
            self.adopt_quota(key, position, quota, now);
        }
        for report in &signals.reports {
            let Some((key, position)) = place(self, report) else { continue };
            if self.adopt_usage(key, position, report, signals.date, now) {
                exhausted.push(key);
            }
        }
        match signals.verdict {
            None => {
                for scope in [&Scope::Request, &feedback.pause_scope] {
                    for key in self.slots_of(scope, limit) {
                        self.with_slot(key, |slot| slot.gate.succeed());
                    }
                }
                if !signals.reports.is_empty() {
                    // Whoever was next may have to wait longer.
                    self.advance(now);
                }
            }
            Some(verdict) => {
                let scope = match verdict {
                    Verdict::Pause { .. } => &feedback.pause_scope,
                    Verdict::Ban { .. } => &feedback.ban_scope,
                };
                self.stop(verdict, scope, limit, &exhausted, now);
            }
        }
    }

    /// Whether there is a limit of this name.
    pub(crate) fn knows(&self, limit: &str) -> bool {
        self.routes.get(limit).is_some()
    }

    /// Does what `verdict` asks for to all of `scope`, after a request on `limit`. If some of it is `exhausted`, that is
    /// the reason, and the rest need not pause.
    pub(crate) fn stop(
        &mut self,
        verdict: Verdict,
        scope: &Scope,
        limit: Option<&LimitId>,
        exhausted: &[SlotKey],
        now: Ticks,
    ) {
        let mut keys = self.slots_of(scope, limit);
        match verdict {
            Verdict::Pause { wait } => {
                if keys.iter().any(|key| exhausted.contains(key)) {
                    keys.retain(|key| exhausted.contains(key));
                }
                for key in keys {
                    self.with_slot(key, |slot| {
                        let interval = slot.measures().interval();
                        slot.gate.pause(wait, interval, now);
                    });
                }
            }
            Verdict::Ban { wait } => {
                let until = now + wait;
                if *scope == Scope::All {
                    self.banned = self.banned.max(until);
                }
                for key in keys {
                    self.with_slot(key, |slot| {
                        let interval = slot.measures().interval();
                        slot.gate.ban(until, interval);
                    });
                }
                self.refuse_banned(now);
            }
        }
        self.advance(now);
    }

    /// A ban of everything holds for limits that are new, too.
    pub(super) fn ban_new(&mut self, keys: &[SlotKey], now: Ticks) {
        let Some(until) = self.banned_until(now) else { return };
        for key in keys {
            self.with_slot(*key, |slot| slot.gate.ban(until, slot.measures().interval()));
        }
    }

    /// Whether the server has banned whoever would send this. That is also for limits of which it takes nothing.
    pub(super) fn check_ban(&self, cost: &Cost, now: Ticks) -> Result<(), ThrottleError> {
        let mut until = self.banned_until(now);
        for key in cost.route.slots() {
            let banned = self.slots.get(key).and_then(|slot| slot.gate.banned_until(now));
            until = until.max(banned);
        }
        match until {
            None => Ok(()),
            Some(until) => Err(ThrottleError::Banned {
                limit: Some(cost.route.limit.clone()),
                until,
                wait: until.saturating_since(now),
            }),
        }
    }

    /// The same for a request that nothing limits.
    pub(crate) fn check_ban_of_all(&self, now: Ticks) -> Result<(), ThrottleError> {
        self.banned_until(now).map_or(Ok(()), |until| {
            let wait = until.saturating_since(now);
            Err(ThrottleError::Banned { limit: None, until, wait })
        })
    }

    /// Whether the server has asked to wait since this was granted.
    pub(super) fn check_pause(&self, cost: &Cost, now: Ticks) -> Result<(), ThrottleError> {
        let closed =
            cost.parts().filter_map(|part| self.slots.get(part.slot)?.gate.closed_until(now)).max();
        match closed {
            None => Ok(()),
            Some(retry_at) => Err(ThrottleError::NotYet {
                limit: cost.route.limit.clone(),
                retry_at,
                retry_after: retry_at.saturating_since(now),
            }),
        }
    }

    /// Everybody who waits for what is banned gets an error: a ban outlasts most reasons to wait.
    fn refuse_banned(&mut self, now: Ticks) {
        for (ticket, waiter) in self.queue.drain() {
            match self.check_ban(&waiter.cost, now) {
                Ok(()) => self.queue.restore(ticket, waiter),
                Err(banned) => {
                    self.count_out(&waiter.cost);
                    self.settle(ticket, waiter, Err(banned));
                }
            }
        }
    }

    /// The server holds `quota` in all. Less than was configured is taken at its word, and more is not. Zero would be no
    /// limit at all.
    fn adopt_quota(&mut self, key: SlotKey, position: usize, quota: u64, now: Ticks) {
        let moment = self.moment(now);
        let Some(limit) = self.limits.get(position).filter(|_| quota > 0) else { return };
        let quota = u32::try_from(quota).ok().filter(|quota| *quota < limit.limit);
        let heaviest = self.heaviest.get(position).copied().unwrap_or(1);
        let measures = measures(limit, self.reduction, quota, heaviest);
        let Some(slot) = self.slots.get_mut(key) else { return };
        slot.quota = quota;
        if *slot.measures() != measures {
            slot.resize(measures, moment);
            self.restore_waiters();
        }
    }

    /// Charges what the server counted and this program did not, and says whether nothing is left there.
    fn adopt_usage(
        &mut self,
        key: SlotKey,
        position: usize,
        report: &Report,
        date: Option<Timestamp>,
        now: Ticks,
    ) -> bool {
        let moment = self.moment(now);
        let Some(limit) = self.limits.get(position) else { return false };
        // No more than is left there may be left here: of what this program may use at the most, or of what the server
        // holds where that is less.
        let all = report.quota.unwrap_or(u64::MAX).min(u64::from(limit.limit));
        let by_remaining = report.remaining.map(|left| all.saturating_sub(left));
        let Some(used) = report.used.max(by_remaining) else { return false };
        let held = u32::try_from(all).unwrap_or(u32::MAX);
        let others = u64::from(self.reduction.of_others(held, limit.accounting));
        let Some(slot) = self.slots.get_mut(key) else { return false };
        slot.meter.expire(moment);
        // A response that was long on its way may tell of a window that is over.
        let made = date.map(|date| moment.ticks_of(date));
        if made.is_some_and(|made| slot.meter.is_over(made)) {
            return false;
        }
        let unknown = used.saturating_sub(others).saturating_sub(slot.meter.sent());
        // No more than makes it full: it would only have to be counted down again.
        let unknown = u32::try_from(unknown).unwrap_or(u32::MAX).min(slot.meter.capacity());
        let exhausted = report.remaining == Some(0) || used >= all;
        match report.reset {
            Some(reset) => {
                if unknown > 0 {
                    slot.meter.adopt_for(unknown, reset, now);
                }
                if exhausted {
                    // What this program sent may count there for longer than here.
                    slot.gate.close_until(now + reset);
                }
            }
            None => slot.meter.add(unknown, now, now),
        }
        exhausted
    }

    /// The slot of `limit`, and its position among the limits.
    fn place_of(&self, limit: &LimitId) -> Option<(SlotKey, usize)> {
        let route = self.routes.get(limit.as_str())?;
        Some((route.own_slot(), usize::try_from(route.position).ok()?))
    }

    fn slots_of(&self, scope: &Scope, limit: Option<&LimitId>) -> Vec<SlotKey> {
        let route = limit.and_then(|limit| self.routes.get(limit.as_str()));
        match (scope, route) {
            (Scope::Request, Some(route)) => route.slots().collect(),
            (Scope::Request, None) => Vec::new(),
            (Scope::Limits(limits), _) => {
                limits.iter().filter_map(|limit| Some(self.place_of(limit)?.0)).collect()
            }
            (Scope::All, _) => self.slots.keys().collect(),
        }
    }

    fn with_slot(&mut self, key: SlotKey, act: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.slots.get_mut(key) {
            act(slot);
        }
    }

    /// What the limit that `key` stands for is called, as far as `cost` is concerned.
    pub(super) fn name_of(&self, key: SlotKey, cost: &Cost) -> LimitId {
        let named = self.routes.iter().find(|route| route.own_slot() == key);
        named.unwrap_or(&cost.route).limit.clone()
    }
}
