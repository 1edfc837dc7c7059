//! Does a rejection mean that the clock is off?

use std::{borrow::Cow, sync::Arc};

use networkpype_auth::is_error_field;
use networkpype_core::Rejection;

type Judge = Arc<dyn Fn(&Rejection<'_>) -> bool + Send + Sync>;

/// What was said about it; by default no rejection means that.
#[derive(Clone, Default)]
pub(super) struct Resync {
    pub(super) judges: Vec<Judge>,
    /// A field and the value that means it.
    pub(super) fields: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl Resync {
    pub(super) fn wanted(&self, rejection: &Rejection<'_>) -> bool {
        self.fields.iter().any(|(field, value)| is_error_field(rejection.response, field, value))
            || self.judges.iter().any(|judge| judge(rejection))
    }
}
