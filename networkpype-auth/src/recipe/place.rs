//! What goes where, and when: a value made from the request waits for everything that still changes the request.

use networkpype_core::{AuthError, RestRequest};

use super::Recipe;
use crate::{Part, Placement, Subject, Template, Values};

/// One value and where it goes.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) at: Placement,
    pub(super) value: Template,
}

/// When a value goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is known from the start.
    Plain,
    /// It is made from pieces of the request that plain values change.
    Derived,
    /// It holds the signature.
    Signature,
}

impl Place {
    pub(super) fn stage(&self) -> Stage {
        if self.value.uses(&Part::Signature) {
            Stage::Signature
        } else if self.value.any(&Part::may_change) {
            Stage::Derived
        } else {
            Stage::Plain
        }
    }

    /// Whether putting this in changes what `value` is made from.
    pub(super) fn changes(&self, value: &Template) -> bool {
        value.any(&|part| self.at.changes(part))
    }

    pub(super) fn put(
        &self,
        request: &mut RestRequest,
        values: &Values<'_>,
    ) -> Result<(), AuthError> {
        let value = self.value.render(&mut Subject::Request(request), values)?;
        self.at.put(request, &value)
    }
}

impl Recipe {
    /// The plain values in the order in which they go in.
    pub(super) fn plain(&self) -> impl Iterator<Item = &Place> {
        let behind = self.at_stage(Stage::Plain).filter(|place| !place.at.is_first());
        // From the last to the first, so that they come to stand in their order.
        behind.chain(self.at_stage(Stage::Plain).filter(|place| place.at.is_first()).rev())
    }

    /// The values of one stage in the order in which they were said.
    pub(super) fn at_stage(&self, stage: Stage) -> impl DoubleEndedIterator<Item = &Place> {
        self.places.iter().filter(move |place| place.stage() == stage)
    }
}
