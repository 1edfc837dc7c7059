//! Does a rejection mean that the clock is off?

use std::{borrow::Cow, sync::Arc};

use networkpype_auth::is_error_code;
use networkpype_core::Rejection;

type Judge = Arc<dyn Fn(&Rejection<'_>) -> bool + Send + Sync>;

/// What was said about it; by default no rejection means that.
#[derive(Clone, Default)]
pub(super) struct Resync {
    pub(super) judges: Vec<Judge>,
    pub(super) codes: Vec<Cow<'static, str>>,
}

impl Resync {
    pub(super) fn wanted(&self, rejection: &Rejection<'_>) -> bool {
        self.codes.iter().any(|code| is_error_code(rejection.response, code))
            || self.judges.iter().any(|judge| judge(rejection))
    }
}
