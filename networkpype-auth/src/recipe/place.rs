//! What goes where, and when: a value made from the request waits for everything that still changes the request.

use networkpype_core::{AuthError, Encoding, RestRequest};

use super::Recipe;
use crate::{Part, Placement, Subject, Template, Values};

/// One value and where it goes.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) at: Placement,
    pub(super) value: Template,
    /// Left out where this renders to nothing.
    pub(super) when: Option<Template>,
    pub(super) stage: Stage,
}

/// When a value goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is known from the start.
    Plain,
    /// It is made from pieces of the request that plain values change.
    Derived,
    /// It holds the signature, or the text that was signed.
    Signature,
}

impl Place {
    pub(super) fn new(at: Placement, value: Template, when: Option<Template>) -> Self {
        let of_signature = |part: &Part| matches!(part, Part::Signature | Part::Payload);
        let of_signature = |template: &Template| template.any(&of_signature);
        let stage = if of_signature(&value) || when.as_ref().is_some_and(of_signature) {
            Stage::Signature
        } else if value.any(&Part::may_change)
            || when.as_ref().is_some_and(|when| when.any(&Part::may_change))
        {
            Stage::Derived
        } else {
            Stage::Plain
        };
        Self { at, value, when, stage }
    }

    /// Whether putting this in changes what `value` is made from.
    pub(super) fn changes(&self, value: &Template) -> bool {
        value.any(&|part| self.at.changes(part))
    }

    /// The same, as far as signing `value` has frozen what this would be put in front of. What is only signed, such as
    /// parameters in an order of their own, freezes nothing.
    pub(super) fn changes_frozen(&self, value: &Template) -> bool {
        use Part::{Body, Query, QueryWithMark, Target, Url};
        let freezes = |part: &Part| matches!(part, Query | QueryWithMark | Target | Url | Body);
        value.any(&|part| freezes(part) && self.at.changes(part))
    }

    pub(super) fn put(
        &self,
        request: &mut RestRequest,
        values: &Values<'_>,
        encoding: Option<Encoding>,
    ) -> Result<(), AuthError> {
        if let Some(when) = &self.when
            && when.render(&mut Subject::Request(request), values)?.is_empty()
        {
            return Ok(());
        }
        // What a server decodes to check it has to be encoded, whatever the API says about other parameters.
        let encoding = if self.stage == Stage::Signature {
            encoding.map(|_| Encoding::Rfc3986)
        } else {
            encoding
        };
        if let Some(value) = self.value.known(values) {
            return self.at.put(request, value, encoding);
        }
        let value = self.value.render(&mut Subject::Request(request), values)?;
        self.at.put(request, value.expose_bytes(), encoding)
    }
}

impl Recipe {
    /// The values of one stage in the order in which they go in.
    pub(super) fn in_order(&self, stage: Stage) -> impl Iterator<Item = &Place> {
        let behind = self.at_stage(stage).filter(|place| !place.at.is_first());
        // From the last to the first, so that they come to stand in their order.
        behind.chain(self.at_stage(stage).filter(|place| place.at.is_first()).rev())
    }

    /// The values of one stage in the order in which they were said.
    pub(super) fn at_stage(&self, stage: Stage) -> impl DoubleEndedIterator<Item = &Place> {
        self.places.iter().filter(move |place| place.stage == stage)
    }

    /// Has values that stand before a signature which stands first go in together with it.
    pub(super) fn restage(&mut self) {
        let is_first = |place: &Place| place.at.is_first() && !place.at.is_header();
        if self.at_stage(Stage::Signature).any(is_first) {
            for place in self.places.iter_mut().filter(|place| is_first(place)) {
                place.stage = Stage::Signature;
            }
        }
    }
}
