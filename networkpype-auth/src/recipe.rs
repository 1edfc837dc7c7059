use std::{borrow::Cow, time::Duration};

use http::header::CONTENT_TYPE;
use networkpype_core::{AuthError, Encoding, RestRequest, Secret, Timestamp, WebSocketRequest};

use crate::{
    Keyring, ListStyle, ObjectStyle, Part, Placement, Subject, Template, TimestampFormat, Values,
};

mod carry;
pub(crate) mod check;
mod message;
mod place;
mod trace;

use carry::Arrangement;
pub use carry::{Carrier, CarryTo};
use place::{Place, Stage};
pub(crate) use trace::Trace;

/// Which parameters of a request are sorted by name before they are signed and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Sort {
    /// None: they stay in their order.
    #[default]
    None,
    /// The caller's, before the recipe places its own around them.
    Own,
    /// All of them, but for the signature and what is made from the request.
    All,
}

/// What is signed, and what goes where: everything about an API's signatures but the keys and the algorithm.
///
/// # Order
///
/// 1. The request's parameters are arranged: carried where they are to be sent, encoded, sorted.
/// 2. Everything placed that is known from the start goes in, in the order in which it was placed.
/// 3. Parameters are sorted, if [`sort_params`](Self::sort_params) says so.
/// 4. Everything placed that is made from the request's query, body or headers goes in behind it, such as the body's
///    hash in a header: it is made from what is sent, the parameters placed before included.
/// 5. What is signed is rendered. That freezes the parts of the request it holds.
/// 6. The signature is made, and whatever holds it goes in at the end.
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
    sort: Sort,
    format: TimestampFormat,
    ahead: Duration,
    within: Option<Cow<'static, str>>,
    arrangement: Arrangement,
    holds_payload: bool,
    body: Option<Template>,
    empty_body: Option<Cow<'static, str>>,
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
        self.places.push(Place::new(at, value.into(), None));
        self.restage();
        self
    }

    /// The same, but nothing is placed where `when` renders to nothing.
    pub fn place_when(
        mut self,
        at: Placement,
        value: impl Into<Template>,
        when: impl Into<Template>,
    ) -> Self {
        self.places.push(Place::new(at, value.into(), Some(when.into())));
        self.restage();
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
    pub fn sort_params(self) -> Self {
        self.sort(Sort::All)
    }

    /// Which parameters of the query and the form are sorted by name before they are signed and sent. Default: none.
    pub fn sort(mut self, sort: Sort) -> Self {
        self.sort = sort;
        self
    }

    /// Sorts the members of a JSON body by name, before the recipe places its own around them; with [`Sort::All`] those
    /// too, but for the signature and what is made from the request. Default: they stay in their order.
    pub fn sort_json(mut self) -> Self {
        self.arrangement.sort_json = true;
        self
    }

    /// Where the members of a JSON body, or the parameters of a form, are sent: in one place, in several, or with no
    /// carrier nowhere, where an API takes them from what is signed. [`CarryTo`] says it for one request. Default: where
    /// the caller put them.
    pub fn carry(mut self, carriers: impl Into<Vec<Carrier>>) -> Self {
        self.arrangement.carriers = Some(carriers.into());
        self
    }

    /// Sends the parameters that have filled the path also as parameters, before the caller's. Default: no.
    pub fn carry_path_params(mut self) -> Self {
        self.arrangement.path_params = true;
        self
    }

    /// How the parameters of the query and the form are encoded, but for those typed in the URL. A signature among them
    /// is always percent-encoded. Default: as the caller said.
    pub fn encode_params(mut self, encoding: Encoding) -> Self {
        self.arrangement.encoding = Some(encoding);
        self
    }

    /// Sends the `?` of a query also where there are no parameters. Default: no.
    pub fn keep_query_mark(mut self) -> Self {
        self.arrangement.query_mark = true;
        self
    }

    /// How lists and objects are written that are carried into the query or a form. Default: as JSON.
    pub fn write_lists(mut self, lists: ListStyle, objects: ObjectStyle) -> Self {
        self.arrangement.lists = lists;
        self.arrangement.objects = objects;
        self
    }

    /// Sends this in place of the body, such as an envelope around its JSON object, or its text in another encoding. Says
    /// nothing about the `Content-Type`. Default: the body itself.
    pub fn body(mut self, body: impl Into<Template>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends this where a request would have an empty body: one that is no form and no JSON, or a form without
    /// parameters. Default: nothing.
    pub fn empty_body(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.empty_body = Some(text.into());
        self
    }

    /// Says that the signature holds what was signed, as a token does: then a timestamp in it is sent.
    pub fn signature_holds_payload(mut self) -> Self {
        self.holds_payload = true;
        self
    }

    /// What is signed.
    pub fn payload(&self) -> &Template {
        &self.payload
    }

    /// Places fields into, and signs those of, the object in this field of a WebSocket message. Default: the message's
    /// outermost object.
    pub fn within(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.within = Some(field.into());
        self
    }

    /// Whether nothing was said about what is signed or placed.
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty() && self.places.is_empty() && self.body.is_none()
    }

    /// Whether `part` is signed or placed.
    pub fn uses(&self, part: &Part) -> bool {
        self.templates().any(|template| template.uses(part))
    }

    /// Whether `wanted` holds for a part that is signed or placed.
    pub fn any(&self, wanted: &dyn Fn(&Part) -> bool) -> bool {
        self.templates().any(|template| template.any(wanted))
    }

    /// Whether something of the request is signed, or placed with the signature.
    pub fn uses_request(&self) -> bool {
        // In a message's recipe a member is one of the message, which is not asked for here.
        self.any(&|part| part.needs_request() || matches!(part, Part::JsonMember(_)))
    }

    /// The names of the headers that something is placed in.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.places.iter().filter_map(|place| place.at.header_name())
    }

    /// Whether it says where the parameters of a body are sent.
    pub fn carries(&self) -> bool {
        self.arrangement.carriers.is_some()
    }

    /// Everything that is rendered.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let placed =
            self.places.iter().flat_map(|place| std::iter::once(&place.value).chain(&place.when));
        std::iter::once(&self.payload).chain(&self.body).chain(placed)
    }

    /// Makes ready what signing needs of `keyring`.
    ///
    /// # Errors
    /// When it lacks a credential, or one goes where it cannot: into a header with a line end in it, say.
    pub fn prepare(&self, keyring: &mut Keyring) -> Result<(), AuthError> {
        self.templates().try_for_each(|template| keyring.prepare_for(template))?;
        self.places.iter().try_for_each(|place| {
            place.value.check_credentials(keyring, &place.at.shown(), place.at.is_header())
        })
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
        request: RestRequest,
        values: Values<'_>,
        sign: impl FnOnce(&[u8]) -> Result<String, AuthError>,
    ) -> Result<RestRequest, AuthError> {
        self.sign_traced(request, values, sign, None)
    }

    pub(crate) fn sign_traced(
        &self,
        mut request: RestRequest,
        values: Values<'_>,
        sign: impl FnOnce(&[u8]) -> Result<String, AuthError>,
        trace: Option<&mut Trace>,
    ) -> Result<RestRequest, AuthError> {
        // Managers did this already; for others it reports mistakes before they are signed.
        request.resolve(None)?;
        let members = self.arrangement.apply(&mut request)?;
        let values = match &members {
            Some(members) => values.members(members),
            None => values,
        };
        let encoding = self.arrangement.encoding;
        if self.sort == Sort::Own {
            sort(&mut request)?;
        }
        for place in self.in_order(Stage::Plain) {
            place.put(&mut request, &values, encoding)?;
        }
        if self.sort == Sort::All {
            sort(&mut request)?;
            if self.arrangement.sort_json {
                sort_members(&mut request)?;
            }
        }
        self.fill_empty_body(&mut request)?;
        let late_body = self.body.as_ref().filter(|body| holds_signature(body));
        if let (Some(body), None) = (&self.body, late_body) {
            replace_body(&mut request, body, &values)?;
        }
        for place in self.at_stage(Stage::Signature) {
            place.at.prepare(&mut request)?;
        }
        for place in self.at_stage(Stage::Derived) {
            place.put(&mut request, &values, encoding)?;
        }
        let mut subject = Subject::Request(&mut request);
        let payload = render_payload(&self.payload, &mut subject, &values, trace)?;
        let signature =
            if self.payload.is_empty() { String::new() } else { sign(payload.expose_bytes())? };
        let values = values.signature(&signature).payload(&payload);
        if let Some(body) = late_body {
            replace_body(&mut request, body, &values)?;
        }
        for place in self.in_order(Stage::Signature) {
            place.put(&mut request, &values, encoding)?;
        }
        Ok(request)
    }

    fn fill_empty_body(&self, request: &mut RestRequest) -> Result<(), AuthError> {
        let Some(text) = &self.empty_body else { return Ok(()) };
        let is_empty = match request.form_params() {
            Some(form) => form.is_empty(),
            None => {
                request.json_members().is_none()
                    && request.streamed_body().is_none()
                    && request.clone().body_bytes()?.is_empty()
            }
        };
        if is_empty {
            let content_type = request.headers().get(CONTENT_TYPE).cloned();
            request.replace_body(text.clone().into_owned())?;
            if let Some(content_type) = content_type {
                request.insert_header(CONTENT_TYPE.as_str(), content_type.as_bytes())?;
            }
        }
        Ok(())
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
        message::sign(self, message, values, sign, None)
    }
}

/// What is signed, and for who wants to know its parts those.
fn render_payload(
    template: &Template,
    subject: &mut Subject<'_>,
    values: &Values<'_>,
    trace: Option<&mut Trace>,
) -> Result<Secret, AuthError> {
    let Some(trace) = trace else { return template.render(subject, values) };
    let (payload, ends) = template.render_with_ends(subject, values)?;
    trace.take(template, &payload, &ends, subject, values);
    Ok(payload)
}

fn holds_signature(template: &Template) -> bool {
    template.any(&|part| matches!(part, Part::Signature | Part::Payload))
}

fn replace_body(
    request: &mut RestRequest,
    body: &Template,
    values: &Values<'_>,
) -> Result<(), AuthError> {
    let text = body.render(&mut Subject::Request(request), values)?;
    request.replace_body(text.expose_bytes().to_vec())?;
    Ok(())
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

fn sort_members(request: &mut RestRequest) -> Result<(), AuthError> {
    if request.json_members().is_some_and(|members| members.len() > 1) {
        request.json_members_mut()?.sort_by_name();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
