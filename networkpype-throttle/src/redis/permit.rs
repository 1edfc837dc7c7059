use std::sync::Arc;

use networkpype_core::{Permit, PermitHandle, ThrottleError, Ticks};

use super::{plan::Cost, plan::micros, shared::Shared, tell::Tell};

/// A grant in somebody's hand. It counts in the store already; what becomes of it is told there later.
pub(crate) struct RedisPermit {
    shared: Arc<Shared>,
    cost: Cost,
    id: Arc<str>,
    number: u64,
    /// The earliest instant here at which the one that it counts from may have been on the server.
    granted: Ticks,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reserved,
    /// On its way, and somewhere it counts until it is answered.
    Awaited,
    /// Nothing that happens to it matters any more, but for a refund.
    Counted,
    GivenBack,
}

impl RedisPermit {
    pub(crate) fn issue(
        shared: &Arc<Shared>,
        cost: Cost,
        id: Arc<str>,
        number: u64,
        granted: Ticks,
    ) -> Permit {
        shared.courier.keep(number, &cost, &id, granted);
        Permit::new(Self {
            shared: Arc::clone(shared),
            cost,
            id,
            number,
            granted,
            stage: Stage::Reserved,
        })
    }

    /// It goes out, whatever the server has said meanwhile.
    fn start(&mut self) {
        if self.stage != Stage::Reserved {
            return;
        }
        let courier = &self.shared.courier;
        let awaited = self.cost.counts_until_answered();
        let kept = if awaited {
            courier.started(self.number)
        } else {
            courier.let_go(self.number).unwrap_or(false)
        };
        let late = self.shared.ticker.now().saturating_since(self.granted);
        // Windows are longer by the tolerance, so that a start within it need not be told.
        if kept || late > self.cost.tolerance() {
            self.tell(Tell::mark(&self.cost, &self.id, |_| Some(0)));
        }
        self.stage = if awaited { Stage::Awaited } else { Stage::Counted };
    }

    fn tell(&self, tell: Tell) {
        self.shared.courier.tell(tell);
    }
}

impl PermitHandle for RedisPermit {
    fn started(&mut self) -> Result<(), ThrottleError> {
        if self.stage == Stage::Reserved {
            self.shared.stops.check(&self.cost, self.shared.ticker.now())?;
            self.start();
        }
        Ok(())
    }

    fn answered(&mut self, _at: Ticks) {
        // What was answered was sent, whether or not anybody said so.
        self.start();
        if self.stage == Stage::Awaited {
            self.shared.courier.let_go(self.number);
            self.tell(Tell::mark(&self.cost, &self.id, |part| part.linger.map(|_| 0)));
            self.stage = Stage::Counted;
        }
    }

    fn refund(&mut self) {
        if self.stage != Stage::GivenBack {
            self.shared.courier.let_go(self.number);
            self.tell(Tell::drop(&self.cost, &self.id));
            self.stage = Stage::GivenBack;
        }
    }

    fn top_up(&mut self, weight: u32) {
        if self.stage != Stage::GivenBack && weight > 0 {
            self.tell(Tell::top(&self.cost, &self.id, weight));
            self.cost.own = self.cost.own.saturating_add(u64::from(weight));
            self.shared.courier.reweigh(self.number, &self.cost);
        }
    }
}

impl Drop for RedisPermit {
    fn drop(&mut self) {
        match self.stage {
            Stage::Reserved => self.refund(),
            Stage::Awaited => {
                // No answer will come, but the request may still arrive.
                self.shared.courier.let_go(self.number);
                self.tell(Tell::mark(&self.cost, &self.id, |part| part.linger.map(micros)));
            }
            Stage::Counted | Stage::GivenBack => {}
        }
    }
}

/// For a request that nothing limits. A ban may stop it all the same.
pub(crate) struct Unlimited(pub(crate) Arc<Shared>);

impl PermitHandle for Unlimited {
    fn started(&mut self) -> Result<(), ThrottleError> {
        self.0.stops.check_all(self.0.ticker.now())
    }

    fn refund(&mut self) {}
}
