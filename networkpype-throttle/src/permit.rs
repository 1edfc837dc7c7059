use std::sync::Arc;

use networkpype_core::{Permit, PermitHandle, Ticks};

use crate::{engine::Grant, route::Cost, shared::Shared};

/// A grant in somebody's hand: reserved until it starts, then counted from that instant.
pub(crate) struct ThrottlePermit {
    shared: Arc<Shared>,
    cost: Cost,
    stage: Stage,
}

enum Stage {
    Reserved,
    Started(Ticks),
    GivenBack,
}

impl ThrottlePermit {
    /// The permit for what was granted.
    pub(crate) fn issue(shared: &Arc<Shared>, grant: Grant) -> Permit {
        match grant {
            Some(cost) => {
                Permit::new(Self { shared: Arc::clone(shared), cost, stage: Stage::Reserved })
            }
            None => Permit::unlimited(),
        }
    }
}

impl PermitHandle for ThrottlePermit {
    fn started(&mut self) {
        if let Stage::Reserved = self.stage {
            let cost = &self.cost;
            let at = self.shared.with(|engine, now| {
                engine.start(cost, now);
                now
            });
            self.stage = Stage::Started(at);
        }
    }

    fn answered(&mut self, _at: Ticks) {
        // What was answered was sent, whether or not anybody said so.
        self.started();
    }

    fn refund(&mut self) {
        let cost = &self.cost;
        match std::mem::replace(&mut self.stage, Stage::GivenBack) {
            Stage::Reserved => self.shared.with(|engine, now| engine.release(cost, now)),
            Stage::Started(at) => self.shared.with(|engine, now| engine.refund(cost, at, now)),
            Stage::GivenBack => {}
        }
    }

    fn top_up(&mut self, weight: u32) {
        let started = match self.stage {
            Stage::Reserved => None,
            Stage::Started(at) => Some(at),
            Stage::GivenBack => return,
        };
        let cost = &mut self.cost;
        self.shared.with(|engine, now| engine.top_up(cost, weight, started, now));
    }
}

impl Drop for ThrottlePermit {
    fn drop(&mut self) {
        if let Stage::Reserved = self.stage {
            self.refund();
        }
    }
}
