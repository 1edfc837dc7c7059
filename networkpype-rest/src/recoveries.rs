use networkpype_core::Recovery;

/// How often a call may recover in all.
const MOST: usize = 3;

/// Which causes a call has recovered from already: each at most once.
#[derive(Default)]
pub(crate) struct Recoveries {
    used: Vec<Recovery>,
}

impl Recoveries {
    /// What was tried.
    pub(crate) fn tried(&self) -> &[Recovery] {
        &self.used
    }

    /// Whether nothing more may be tried, whatever the scheme proposes.
    pub(crate) fn is_over(&self) -> bool {
        self.used.len() >= MOST
    }

    /// Whether `recovery` may be tried, and counts it.
    pub(crate) fn may(&mut self, recovery: Recovery) -> bool {
        if recovery == Recovery::GiveUp || self.is_over() || self.used.contains(&recovery) {
            return false;
        }
        self.used.push(recovery);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_tried_once() {
        let mut recoveries = Recoveries::default();
        assert!(!recoveries.may(Recovery::GiveUp));
        for recovery in [Recovery::SignAgain, Recovery::ResyncTime, Recovery::Refreshed] {
            assert!(recoveries.may(recovery));
            assert!(!recoveries.may(recovery));
        }
    }
}
