use networkpype_core::Recovery;

use crate::builder::Options;

/// How often a connect may recover in all, whatever the scheme proposes.
const MOST: usize = 3;

/// Which causes a connect has recovered from already, handshakes and login together: each at most once.
#[derive(Default)]
pub(crate) struct Recoveries {
    tried: Vec<Recovery>,
}

impl Recoveries {
    /// What was tried.
    pub(crate) fn tried(&self) -> &[Recovery] {
        &self.tried
    }

    /// Does what `recovery` asks for, and says whether trying again may help.
    pub(crate) async fn attempt(&mut self, options: &Options, recovery: Recovery) -> bool {
        if recovery == Recovery::GiveUp
            || self.tried.len() >= MOST
            || self.tried.contains(&recovery)
        {
            return false;
        }
        self.tried.push(recovery);
        match (recovery, &options.resync) {
            (Recovery::SignAgain | Recovery::NewNonce | Recovery::Refreshed, _) => true,
            (Recovery::ResyncTime, Some(resync)) => resync.resync().await.is_ok(),
            _ => false,
        }
    }
}
