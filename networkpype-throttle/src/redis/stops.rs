use std::{collections::HashMap, time::Duration};

use networkpype_core::{LimitId, ThrottleError, Ticks};
use parking_lot::Mutex;

use super::{
    plan::{Cost, Routes, micros, state_key},
    script::Script,
    tell::Tell,
};
use crate::{
    Feedback, Scope,
    feedback::{Signals, Verdict},
    gate::Gate,
};

/// What the API has told this process to stop: what was granted and has not started does not start then. The store tells
/// all others, and whoever asks.
#[derive(Default)]
pub(crate) struct Stops(Mutex<State>);

#[derive(Default)]
struct State {
    gates: HashMap<LimitId, Gate>,
    /// Until when everything is banned.
    banned: Ticks,
}

impl Stops {
    /// Whether what costs `cost` may start.
    pub(crate) fn check(&self, cost: &Cost, now: Ticks) -> Result<(), ThrottleError> {
        let state = self.0.lock();
        let named = &cost.route.limit.id;
        let gates = || cost.route.parts.iter().filter_map(|part| state.gates.get(&part.limit));
        let banned = gates().filter_map(|gate| gate.banned_until(now)).max();
        if let Some(until) = banned.max(Some(state.banned).filter(|until| *until > now)) {
            return Err(banned_error(Some(named.clone()), until, now));
        }
        match gates().filter_map(|gate| gate.closed_until(now)).max() {
            Some(retry_at) => Err(ThrottleError::NotYet {
                limit: named.clone(),
                retry_at,
                retry_after: retry_at.saturating_since(now),
            }),
            None => Ok(()),
        }
    }

    /// Whether what charges nothing may start.
    pub(crate) fn check_all(&self, now: Ticks) -> Result<(), ThrottleError> {
        let until = self.0.lock().banned;
        if until > now { Err(banned_error(None, until, now)) } else { Ok(()) }
    }

    /// Takes in what a response to a request on `limit` said, and gives what to tell the store.
    pub(crate) fn learn(
        &self,
        limit: Option<&LimitId>,
        signals: &Signals,
        feedback: &Feedback,
        (routes, prefix): (&Routes, &str),
        now: Ticks,
    ) -> Option<Tell> {
        let mut state = self.0.lock();
        let (what, scope) = match signals.verdict {
            Some(Verdict::Pause { .. }) => ("pause", &feedback.pause_scope),
            Some(Verdict::Ban { .. }) => ("ban", &feedback.ban_scope),
            None => {
                for (id, _) in charged(&Scope::Request, limit, routes) {
                    if let Some(gate) = state.gates.get_mut(&id) {
                        gate.succeed();
                    }
                }
                return None;
            }
        };
        let mut until = now;
        let mut fields = Vec::new();
        for (id, interval) in charged(scope, limit, routes) {
            fields.push(format!("{what}:{id}"));
            let gate = state.gates.entry(id).or_default();
            match signals.verdict {
                Some(Verdict::Ban { wait }) => gate.ban(now + wait, interval),
                Some(Verdict::Pause { wait }) => gate.pause(wait, interval, now),
                None => {}
            }
            until = until.max(gate.closed_until(now).unwrap_or(now));
        }
        if let (Some(Verdict::Ban { wait }), Scope::All) = (signals.verdict, scope) {
            state.banned = state.banned.max(now + wait);
            until = until.max(state.banned);
            fields = vec![what.to_owned()];
        }
        if fields.is_empty() || until <= now {
            return None;
        }
        let time = micros(until.saturating_since(now));
        let mut args = vec![time.to_string()];
        args.append(&mut fields);
        let keys = std::sync::Arc::from([state_key(prefix)]);
        Some(Tell { script: Script::Stop, keys, args, passing: false })
    }
}

/// The limits that `scope` covers, with their intervals.
fn charged(scope: &Scope, limit: Option<&LimitId>, routes: &Routes) -> Vec<(LimitId, Duration)> {
    let interval = |id: &LimitId| routes.get(id).map(|route| route.limit.interval);
    let with = |id: &LimitId| Some((id.clone(), interval(id)?));
    match scope {
        Scope::Request => {
            let route = limit.and_then(|limit| routes.get(limit));
            route
                .iter()
                .flat_map(|route| &route.parts)
                .filter_map(|part| with(&part.limit))
                .collect()
        }
        Scope::Limits(limits) => limits.iter().filter_map(with).collect(),
        Scope::All => routes.keys().filter_map(with).collect(),
    }
}

fn banned_error(limit: Option<LimitId>, until: Ticks, now: Ticks) -> ThrottleError {
    ThrottleError::Banned { limit, until, wait: until.saturating_since(now) }
}
