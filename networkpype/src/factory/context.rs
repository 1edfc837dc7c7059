use std::{fmt, sync::Arc};

use networkpype_core::{Caller, Clock};

/// What a scheme needs of the factory that it is built for.
pub struct AuthContext {
    caller: Arc<dyn Caller>,
    clock: Arc<dyn Clock>,
}

impl AuthContext {
    pub(crate) fn new(caller: Arc<dyn Caller>, clock: Arc<dyn Clock>) -> Self {
        Self { caller, clock }
    }

    /// Calls the API without credentials, over the same connections and inside the same limits: for tokens and the
    /// like.
    pub fn anonymous_caller(&self) -> Arc<dyn Caller> {
        Arc::clone(&self.caller)
    }

    /// The clock that signatures are stamped with: the server's, where the factory has a time provider.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }
}

impl fmt::Debug for AuthContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthContext").finish_non_exhaustive()
    }
}
