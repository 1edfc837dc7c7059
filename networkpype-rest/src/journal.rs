use std::sync::{Mutex, MutexGuard, PoisonError};

use networkpype_core::{Outcome, OutcomeRules, Progress, SendProgress};

/// What is known of a call while it runs, readable after its future was dropped half way.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    /// The worst outcome of the attempts that have ended.
    worst: Option<Outcome>,
    /// The attempt that has not.
    running: Option<SendProgress>,
}

impl Journal {
    /// An attempt begins.
    pub(crate) fn begins(&self, progress: SendProgress) {
        self.lock().running = Some(progress);
    }

    /// The running attempt ended so.
    pub(crate) fn ended(&self, outcome: Outcome) {
        let mut entries = self.lock();
        entries.worst = entries.worst.max(Some(outcome));
        entries.running = None;
    }

    /// The worst outcome of the attempts that have ended.
    pub(crate) fn worst(&self) -> Outcome {
        self.lock().worst.unwrap_or(Outcome::NotSent)
    }

    /// The outcome of the call if it ends at this moment.
    pub(crate) fn if_cut_now(&self, rules: &OutcomeRules) -> Outcome {
        let entries = self.lock();
        let running = entries.running.as_ref().map(|progress| outcome_of(progress, rules));
        running.max(entries.worst).unwrap_or(Outcome::NotSent)
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a request that is cut off at this moment.
pub(crate) fn outcome_of(progress: &SendProgress, rules: &OutcomeRules) -> Outcome {
    match (progress.cut(), progress.head()) {
        (Progress::NotSent, _) => Outcome::NotSent,
        (_, Some((status, headers))) => rules.of_status(status, &headers),
        _ => Outcome::Unknown,
    }
}
