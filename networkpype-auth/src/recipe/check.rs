//! Can anything be signed with this recipe, and could a server check it?

use networkpype_core::{AuthError, AuthErrorKind};

use super::Recipe;
use crate::Part;

impl Recipe {
    /// The mistake in a recipe for REST requests, if there is one.
    ///
    /// # Errors
    /// When nothing is signed, the signature goes nowhere, a placement's name cannot be used, something is signed that
    /// the server cannot know, or a part belongs to WebSocket messages.
    pub fn check_request(&self) -> Result<(), AuthError> {
        self.check()?;
        if self.uses(&Part::SortedFields) || self.within.is_some() {
            return mistake("the fields of a message are for WebSocket messages, not for requests");
        }
        Ok(())
    }

    /// The mistake in a recipe for WebSocket handshakes, if there is one.
    ///
    /// # Errors
    /// As [`check_request`](Self::check_request), and when something would go into a body, which a handshake has not.
    pub fn check_handshake(&self) -> Result<(), AuthError> {
        self.check_request()?;
        if self.places.iter().any(|place| !place.at.fits_handshake()) {
            return mistake(
                "a handshake has no body: use headers, the query or `Placement::params`",
            );
        }
        Ok(())
    }

    /// The mistake in a recipe for WebSocket messages, if there is one.
    ///
    /// # Errors
    /// When nothing is signed, the signature goes nowhere, something is placed that is not a JSON field, or a part
    /// belongs to requests.
    pub fn check_message(&self) -> Result<(), AuthError> {
        self.check()?;
        if self.places.iter().any(|place| !place.at.fits_message()) {
            return mistake("a WebSocket message has JSON fields only: use `Placement::json`");
        }
        let of_request = |part: &Part| part.needs_request();
        if self.payload.any(&of_request)
            || self.places.iter().any(|place| place.value.any(&of_request))
        {
            return mistake(
                "a WebSocket message has neither method, path, query, headers nor body",
            );
        }
        Ok(())
    }

    fn check(&self) -> Result<(), AuthError> {
        if self.payload.is_empty() {
            return mistake("nothing is signed: say what with `sign`");
        }
        if self.payload.uses(&Part::Signature) {
            return mistake("the signature cannot sign itself");
        }
        let mut holding = self.places.iter().filter(|place| place.holds_signature()).peekable();
        if holding.peek().is_none() {
            return mistake("the signature goes nowhere: say where with `signature_in`");
        }
        if holding.any(|place| place.at.is_first()) {
            return mistake("the signature is made last, so it cannot be placed first");
        }
        for place in &self.places {
            place.at.check()?;
        }
        let sent = |part: &Part| self.places.iter().any(|place| place.value.uses(part));
        for (part, how) in [
            (
                Part::Timestamp,
                "the timestamp is signed and not sent: say where with `timestamp_in`",
            ),
            (Part::Nonce, "the nonce is signed and not sent: say where with `nonce_in`"),
        ] {
            if self.payload.uses(&part) && !sent(&part) {
                return mistake(how);
            }
        }
        Ok(())
    }
}

pub(crate) fn mistake(message: &'static str) -> Result<(), AuthError> {
    Err(AuthError::new(AuthErrorKind::Configuration, message))
}
