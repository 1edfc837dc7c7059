//! Can anything be signed with this recipe, and could a server check it?

use std::borrow::Cow;

use networkpype_core::{AuthError, AuthErrorKind, Timestamp};

use super::{Recipe, Stage};
use crate::{Keyring, Part, Placement, Subject, Template, Values};

impl Recipe {
    /// The mistake in a recipe for REST requests, if there is one.
    ///
    /// # Errors
    /// When nothing is signed, the signature goes nowhere, a placement's name cannot be used or is used twice, a placed
    /// value is made from what still changes or cannot be an integer where one belongs, something is signed that the
    /// server cannot know, or a part belongs to WebSocket messages.
    pub fn check_request(&self) -> Result<(), AuthError> {
        self.check()?;
        self.check_no_fields()
    }

    fn check_no_fields(&self) -> Result<(), AuthError> {
        if self.uses(&Part::SortedFields) || self.within.is_some() {
            return mistake("the fields of a message are for WebSocket messages, not for requests");
        }
        Ok(())
    }

    /// The mistake in a recipe for REST requests that signs nothing, but only places keys, if there is one.
    ///
    /// # Errors
    /// When something is signed or holds a signature, or a placement cannot be used.
    pub fn check_unsigned(&self) -> Result<(), AuthError> {
        if !self.payload.is_empty() {
            return mistake("there is something to sign, and no algorithm to sign it with");
        }
        if self.uses(&Part::Signature) || self.uses(&Part::Payload) {
            return mistake(
                "a signature is placed, and nothing is signed: say what with `payload` in a recipe, or `sign` in Rust",
            );
        }
        self.check_no_fields()?;
        self.check_late()?;
        self.check_places()
    }

    /// The mistake in a recipe for WebSocket handshakes, if there is one.
    ///
    /// # Errors
    /// As [`check_request`](Self::check_request), and when something would go into a body, which a handshake has not.
    pub fn check_handshake(&self) -> Result<(), AuthError> {
        self.check_request()?;
        if self.places.iter().any(|place| !place.at.fits_handshake()) {
            return mistake(
                "a handshake has no body: use headers, the query or parameters, which are `in = \"params\"` in a recipe and \
                 `Placement::params` in Rust",
            );
        }
        Ok(())
    }

    /// The mistake in a recipe for WebSocket messages, if there is one.
    ///
    /// # Errors
    /// As [`check_request`](Self::check_request), but when something is placed that is not a JSON field, or a part belongs
    /// to requests.
    pub fn check_message(&self) -> Result<(), AuthError> {
        self.check()?;
        if self.places.iter().any(|place| !place.at.fits_message()) {
            return mistake(
                "a WebSocket message has JSON fields only: use `fields` in a recipe, or `Placement::json` in Rust",
            );
        }
        let of_request = |part: &Part| part.needs_request();
        if self.templates().any(|template| template.any(&of_request)) {
            return mistake(
                "a WebSocket message has neither method, path, query, headers nor body",
            );
        }
        Ok(())
    }

    fn check(&self) -> Result<(), AuthError> {
        if self.payload.is_empty() {
            return mistake(
                "nothing is signed: say what with `payload` in a recipe, or `sign` in Rust",
            );
        }
        if self.payload.uses(&Part::Payload) {
            return mistake("what is signed cannot hold itself");
        }
        if self.payload.uses(&Part::Signature) {
            return mistake("the signature cannot sign itself");
        }
        self.check_order()?;
        self.check_places()?;
        // What was signed may be sent as it is, and then everything in it is.
        let sent = |part: &Part| {
            let placed = self.places.iter().map(|place| &place.value).chain(&self.body);
            self.holds_payload
                || placed.into_iter().any(|value| value.uses(part) || value.uses(&Part::Payload))
        };
        for (part, how) in [
            (
                Part::Timestamp,
                "the timestamp is signed and not sent: place `{timestamp}` in a recipe, or use `timestamp_in` in Rust",
            ),
            (
                Part::Nonce,
                "the nonce is signed and not sent: place `{nonce}` in a recipe, or use `nonce_in` in Rust",
            ),
            (Part::Uuid, "the UUID is signed and not sent: place it too"),
            (Part::Random, "the random bytes are signed and not sent: place them too"),
        ] {
            if self.payload.uses(&part) && !sent(&part) {
                return mistake(how);
            }
        }
        Ok(())
    }

    /// Does every value stay true until the request is sent?
    fn check_order(&self) -> Result<(), AuthError> {
        let in_body = self.body.as_ref().is_some_and(|body| body.uses(&Part::Signature));
        let mut holding = self.places.iter().filter(|place| place.value.uses(&Part::Signature));
        if !in_body && holding.next().is_none() {
            return mistake(
                "the signature goes nowhere: place `{signature}` in a recipe, or use `signature_in` in Rust",
            );
        }
        if self
            .at_stage(Stage::Signature)
            .any(|place| place.at.is_first() && place.changes_frozen(&self.payload))
        {
            return mistake(
                "the signature is made last, so it cannot be placed before what it signs",
            );
        }
        if self.body.as_ref().is_some_and(super::holds_signature) && self.payload.uses(&Part::Body)
        {
            return mistake(
                "the body holds the signature or what was signed, and cannot be signed",
            );
        }
        self.check_late()?;
        let mut signed_headers =
            self.at_stage(Stage::Signature).filter(|place| place.at.is_header());
        if signed_headers.any(|place| place.changes(&self.payload)) {
            return mistake("the header that the signature goes into is signed");
        }
        Ok(())
    }

    /// Does what is made from the request stay true while more goes into it?
    fn check_late(&self) -> Result<(), AuthError> {
        if self.body.is_some()
            && self.places.iter().any(|place| place.stage != Stage::Plain && place.at.is_in_body())
        {
            return mistake(
                "the body is made of a template, so nothing that is made later goes into it: write it there",
            );
        }
        let body_comes_last = self.body.as_ref().is_some_and(super::holds_signature);
        if body_comes_last
            && self.at_stage(Stage::Derived).any(|place| place.value.uses(&Part::Body))
        {
            return mistake(
                "a placed value is made from the body, which is made later because it holds the signature",
            );
        }
        let late: Vec<_> =
            self.at_stage(Stage::Derived).chain(self.at_stage(Stage::Signature)).collect();
        for (index, place) in late.iter().enumerate() {
            if place.stage == Stage::Derived && place.at.is_first() && !place.at.is_header() {
                return mistake(
                    "what is made from the request goes in behind the rest of it, not first",
                );
            }
            if place.stage == Stage::Derived
                && late[index + 1..].iter().any(|later| {
                    later.changes(&place.value)
                        || place.when.as_ref().is_some_and(|when| later.changes(when))
                })
            {
                return mistake(
                    "a placed value is made from a part of the request that the signature or another such value still \
                     changes: place one of them elsewhere",
                );
            }
        }
        Ok(())
    }

    /// Can each value be where it is to be, beside the others?
    fn check_places(&self) -> Result<(), AuthError> {
        for (index, place) in self.places.iter().enumerate() {
            place.at.check()?;
            if place.at.is_header() {
                place.value.check_header()?;
            } else {
                place.value.check_text()?;
            }
            if self.places[index + 1..].iter().any(|other| other.at.clashes(&place.at)) {
                return mistake(format!("two values are placed in the {}", place.at.shown()));
            }
            if place.at.is_number() && !self.is_integer(&place.value) {
                return mistake(format!(
                    "the value for the {} is not an integer",
                    place.at.shown()
                ));
            }
        }
        let has =
            |wanted: fn(&Placement) -> bool| self.places.iter().any(|place| wanted(&place.at));
        if has(Placement::makes_form) && has(Placement::makes_json) {
            return mistake(
                "a body cannot be a form and a JSON object: place everything in one of them",
            );
        }
        Ok(())
    }

    /// Whether `value` may be an integer, as far as that is known before there is a request. Keys may be numbers.
    fn is_integer(&self, value: &Template) -> bool {
        let (number, stamp) = ("1".into(), self.stamp(Timestamp::from_secs(1_700_000_000)));
        let ring = Keyring::new();
        let now = Timestamp::from_secs(1_700_000_000);
        let sample = Values::new().key(&number).passphrase(&number).nonce("1").timestamp(&stamp);
        let sample = sample.now(now).keyring(&ring);
        let rendered = value.render(&mut Subject::Nothing, &sample.signature("signature"));
        value.any(&Part::needs_request)
            || rendered
                .is_ok_and(|text| text.expose_str().is_some_and(|text| text.parse::<i64>().is_ok()))
    }
}

pub(crate) fn mistake(message: impl Into<Cow<'static, str>>) -> Result<(), AuthError> {
    Err(AuthError::new(AuthErrorKind::Configuration, message))
}

#[cfg(test)]
mod tests;
