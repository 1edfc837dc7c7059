use std::{collections::VecDeque, time::Duration};

use networkpype_core::Ticks;

use crate::routes::Routes;

/// The routes that were in force before, for as long as something that was charged on them may count: permits that only
/// name their route find it here.
#[derive(Debug, Default)]
pub(super) struct Former {
    /// How often limits were replaced.
    epoch: u32,
    /// The oldest first, with the epoch in which they were in force and until when they are kept.
    kept: VecDeque<(u32, Ticks, Routes)>,
}

/// Who replaces limits more often than that within their intervals cannot give back what was charged before.
const MOST: usize = 64;

impl Former {
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The routes that were in force in `epoch`.
    pub(super) fn routes(&self, epoch: u32) -> Option<&Routes> {
        self.kept.iter().find(|(kept, ..)| *kept == epoch).map(|(.., routes)| routes)
    }

    /// Forgets what nothing charged on counts any more.
    pub(super) fn forget(&mut self, now: Ticks) {
        self.kept.retain(|(_, until, _)| *until >= now);
    }

    /// `routes` are no longer in force. What counts on them may go on to for as long as `longest`, in nanoseconds, on those
    /// that are now.
    pub(super) fn keep(&mut self, routes: Routes, longest: u64, now: Ticks) {
        self.forget(now);
        if self.kept.len() == MOST {
            self.kept.pop_front();
        }
        let longest = routes.longest().max(longest);
        self.kept.push_back((self.epoch, now + Duration::from_nanos(longest), routes));
        self.epoch = self.epoch.wrapping_add(1);
    }
}
