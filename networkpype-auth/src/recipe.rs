use std::{borrow::Cow, time::Duration};

use networkpype_core::{AuthError, RestRequest, Timestamp, WebSocketRequest};

use crate::{Part, Placement, Subject, Template, TimestampFormat, Values};

pub(crate) mod check;
mod message;
mod place;

use place::{Place, Stage};

/// What is signed, and what goes where: everything about an API's signatures but the keys and the algorithm.
///
/// # Order
///
/// 1. Everything placed that is known from the start goes in, in the order in which it was placed.
/// 2. Parameters are sorted, if [`sort_params`](Self::sort_params) says so.
/// 3. Everything placed that is made from the request's query, body or headers goes in behind it, such as the body's
///    hash in a header: it is made from what is sent, parameters of the first step included.
/// 4. What is signed is rendered. That freezes the parts of the request it holds.
/// 5. The signature is made, and whatever holds it goes in at the end.
///
/// A value that a later step would make untrue is a mistake, which the checks report: the body's hash in a header while
/// the signature goes into the body.
///
/// ```
/// use networkpype_auth::{Part, Placement, Recipe, Values};
/// use networkpype_core::{RestRequest, Timestamp};
///
/// let recipe = Recipe::new()
///     .timestamp_in(Placement::query("timestamp"))
///     .sign([Part::Query])
///     .signature_in(Placement::query("signature"));
/// recipe.check_request()?;
///
/// let stamp = recipe.stamp(Timestamp::from_millis(1_700_000_000_000));
/// let mut request = recipe.sign_request(
///     RestRequest::get("https://api.example.com/account").param("symbol", "BTC/USDT"),
///     Values::new().timestamp(&stamp),
///     |payload| {
///         assert_eq!(payload, b"symbol=BTC%2FUSDT&timestamp=1700000000000");
///         Ok("5ig".to_owned())
///     },
/// )?;
/// assert_eq!(request.target(), "/account?symbol=BTC%2FUSDT&timestamp=1700000000000&signature=5ig");
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a recipe does nothing until something is signed with it"]
pub struct Recipe {
    payload: Template,
    places: Vec<Place>,
    sorted: bool,
    format: TimestampFormat,
    ahead: Duration,
    within: Option<Cow<'static, str>>,
}

impl Recipe {
    /// A recipe that signs nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is signed, in this order.
    pub fn sign(mut self, payload: impl Into<Template>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Where something of any parts goes, such as a header made of several.
    pub fn place(mut self, at: Placement, value: impl Into<Template>) -> Self {
        self.places.push(Place { at, value: value.into() });
        self
    }

    /// Where the API key goes.
    pub fn key_in(self, at: Placement) -> Self {
        self.place(at, Part::Key)
    }

    /// Where the timestamp goes.
    pub fn timestamp_in(self, at: Placement) -> Self {
        self.place(at, Part::Timestamp)
    }

    /// Where the nonce goes.
    pub fn nonce_in(self, at: Placement) -> Self {
        self.place(at, Part::Nonce)
    }

    /// Where the passphrase goes.
    pub fn passphrase_in(self, at: Placement) -> Self {
        self.place(at, Part::Passphrase)
    }

    /// Where the signature goes. May be said more than once.
    pub fn signature_in(self, at: Placement) -> Self {
        self.place(at, Part::Signature)
    }

    /// Where a text goes that never changes, such as a receive window.
    pub fn literal_in(self, at: Placement, text: impl Into<Cow<'static, str>>) -> Self {
        self.place(at, Part::literal(text))
    }

    /// How the timestamp is written. Default: milliseconds.
    pub fn timestamp(mut self, format: TimestampFormat) -> Self {
        self.format = format;
        self
    }

    /// Stamps with an instant that much ahead of the clock: for APIs that ask until when a request is valid.
    /// Default: now.
    pub fn expires_in(mut self, ahead: Duration) -> Self {
        self.ahead = ahead;
        self
    }

    /// Sorts the query's and the form's parameters by name before they are signed and sent, those of the recipe too, but
    /// for the signature and what is made from the request: see the order above. Default: they stay in their order.
    pub fn sort_params(mut self) -> Self {
        self.sorted = true;
        self
    }

    /// Places fields into, and signs those of, the object in this field of a WebSocket message. Default: the message's
    /// outermost object.
    pub fn within(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.within = Some(field.into());
        self
    }

    /// Whether nothing was said about what is signed or placed.
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty() && self.places.is_empty()
    }

    /// Whether `part` is signed or placed.
    pub fn uses(&self, part: &Part) -> bool {
        self.payload.uses(part) || self.places.iter().any(|place| place.value.uses(part))
    }

    /// The timestamp of something that is signed at `now`.
    pub fn stamp(&self, now: Timestamp) -> String {
        self.format.format(now.saturating_add(self.ahead))
    }

    /// Signs a REST request with `sign`, which is given the payload and returns the signature as text.
    ///
    /// # Errors
    /// When the request was built from something that cannot be sent or has no origin yet, a value is missing or does
    /// not fit where it is to go, what is to change is frozen, or `sign` fails.
    pub fn sign_request(
        &self,
        mut request: RestRequest,
        values: Values<'_>,
        sign: impl FnOnce(&[u8]) -> Result<String, AuthError>,
    ) -> Result<RestRequest, AuthError> {
        // Managers did this already; for others it reports mistakes before they are signed.
        request.resolve(None)?;
        for place in self.plain() {
            place.put(&mut request, &values)?;
        }
        if self.sorted {
            sort(&mut request)?;
        }
        for place in self.at_stage(Stage::Signature) {
            place.at.prepare(&mut request)?;
        }
        for place in self.at_stage(Stage::Derived) {
            place.put(&mut request, &values)?;
        }
        let payload = self.payload.render(&mut Subject::Request(&mut request), &values)?;
        let signature = sign(payload.expose_bytes())?;
        for place in self.at_stage(Stage::Signature) {
            place.put(&mut request, &values.signature(&signature))?;
        }
        Ok(request)
    }

    /// Signs the object of a WebSocket message with `sign`: the outermost one, or that [`within`](Self::within) a
    /// field, which is added where it is missing.
    ///
    /// # Errors
    /// When the message holds no such object, is frozen, has a field already that is placed, or `sign` fails.
    pub fn sign_message(
        &self,
        message: WebSocketRequest,
        values: Values<'_>,
        sign: impl FnOnce(&[u8]) -> Result<String, AuthError>,
    ) -> Result<WebSocketRequest, AuthError> {
        message::sign(self, message, values, sign)
    }
}

fn sort(request: &mut RestRequest) -> Result<(), AuthError> {
    if request.params().len() > 1 {
        request.params_mut()?.sort_by_name();
    }
    if request.form_params().is_some_and(|form| form.len() > 1) {
        request.form_params_mut()?.sort_by_name();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
