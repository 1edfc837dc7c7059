//! What was signed, part by part.

use networkpype_core::Secret;

use crate::Template;

/// A signed text and the parts that it is made of.
#[derive(Clone, Default)]
pub(crate) struct Trace {
    pub(crate) payload: Option<Secret>,
    /// The name of each part, where it ends, and whether it is a credential or made from one.
    pub(crate) parts: Vec<(String, usize, bool)>,
}

impl Trace {
    pub(super) fn take(&mut self, template: &Template, payload: &Secret, ends: &[usize]) {
        self.payload = Some(payload.clone());
        self.parts = template
            .parts()
            .iter()
            .zip(ends)
            .map(|(part, end)| (part.label(), *end, part.is_secret()))
            .collect();
    }
}
