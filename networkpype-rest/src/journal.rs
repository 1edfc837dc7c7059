use std::sync::atomic::{AtomicU8, Ordering};

use networkpype_core::Outcome;

/// What is known of a call while it runs, readable after its future was dropped half way.
#[derive(Default)]
pub(crate) struct Journal {
    /// The worst outcome of the attempts that have ended.
    ended: AtomicU8,
    /// The outcome of the running attempt if it were cut off now.
    running: AtomicU8,
}

impl Journal {
    /// An attempt is about to write its first byte.
    pub(crate) fn writing(&self) {
        self.running.store(rank(Outcome::Unknown), Ordering::Relaxed);
    }

    /// The running attempt ended so.
    pub(crate) fn ended(&self, outcome: Outcome) {
        self.ended.fetch_max(rank(outcome), Ordering::Relaxed);
        self.running.store(rank(Outcome::NotSent), Ordering::Relaxed);
    }

    /// The worst outcome of the attempts that have ended.
    pub(crate) fn worst(&self) -> Outcome {
        outcome(self.ended.load(Ordering::Relaxed))
    }

    /// The outcome of the call if it ends at this moment.
    pub(crate) fn if_cut_now(&self) -> Outcome {
        self.worst().max(outcome(self.running.load(Ordering::Relaxed)))
    }
}

const ORDER: [Outcome; 4] = [Outcome::NotSent, Outcome::Refused, Outcome::Unknown, Outcome::Done];

fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::NotSent => 0,
        Outcome::Refused => 1,
        Outcome::Done => 3,
        // An outcome that this crate does not know is one of which nothing is known.
        _ => 2,
    }
}

fn outcome(rank: u8) -> Outcome {
    ORDER.get(usize::from(rank)).copied().unwrap_or(Outcome::Unknown)
}
