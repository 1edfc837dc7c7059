use networkpype_core::Ticks;

use crate::engine::Engine;

/// How a limit stands at one instant. From [`Throttler::usage`](crate::Throttler::usage).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The weight that counts, including what is granted and has not started. Above the capacity after a limit was
    /// lowered, or a request was [topped up](crate::StartedPermit::top_up).
    pub used: u64,
    /// What the limit holds at most, after share and safety margin, and after what the server has said of it.
    pub capacity: u32,
    /// The part of `used` that was sent and waits for its answer, on limits that count
    /// [until then](crate::Accounting::UntilAnswered).
    pub in_flight: u64,
    /// Until when the server has asked to wait, an instant of the throttler's ticker.
    pub paused_until: Option<Ticks>,
    /// Until when the server has banned requests on it.
    pub banned_until: Option<Ticks>,
}

impl Usage {
    #[cfg(feature = "redis")]
    pub(crate) fn new(used: u64, capacity: u32) -> Self {
        Self { used, capacity, in_flight: 0, paused_until: None, banned_until: None }
    }

    pub(crate) fn of(engine: &mut Engine, limit: &str, now: Ticks) -> Option<Self> {
        let all = engine.banned_until(now);
        let slot = engine.look(limit, now)?;
        Some(Self {
            used: slot.meter.used(),
            capacity: slot.meter.capacity(),
            in_flight: slot.meter.in_flight(),
            paused_until: slot.gate.closed_until(now),
            banned_until: slot.gate.banned_until(now).max(all),
        })
    }
}
