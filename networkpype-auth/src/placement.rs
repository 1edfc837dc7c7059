use std::borrow::Cow;

use networkpype_core::{
    AuthError, AuthErrorKind, Encoding, JsonMembers, Pair, Pairs, RestRequest, Secret,
    is_connection_header,
};
use serde_json::value::RawValue;

use crate::Part;

/// Where a value goes: a key, a timestamp, a signature.
///
/// Parameters and JSON fields are added behind those of the request; see [`first`](Self::first). One that the request
/// has already is an error, not a duplicate. Headers replace, and are marked sensitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    kind: Kind,
    name: Cow<'static, str>,
    first: bool,
    yields: bool,
    encoding: Option<Encoding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Header,
    Query,
    Form,
    Params,
    Json,
    JsonNumber,
    JsonText,
    Body,
    BodyText,
}

impl Placement {
    /// A header.
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Header, name)
    }

    /// A parameter of the query, percent-encoded.
    pub fn query(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Query, name)
    }

    /// A parameter of the form body, which an empty body becomes.
    pub fn form(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Form, name)
    }

    /// A parameter where the request's own are: of the form body where it has one, of the query otherwise.
    pub fn params(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Params, name)
    }

    /// A field of a JSON object, as a string: of the body, which an empty body becomes, or of a WebSocket message.
    pub fn json(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Json, name)
    }

    /// A field of a JSON object, as an integer.
    pub fn json_number(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::JsonNumber, name)
    }

    /// A field of a JSON object whose value is JSON text: a number, a list, another object.
    pub fn json_text(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::JsonText, name)
    }

    /// A parameter of the body, whatever it is: a field of a JSON object where the request has one, of the form
    /// otherwise.
    pub fn body(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Body, name)
    }

    /// The same, and in a JSON object its value is JSON text.
    pub fn body_text(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::BodyText, name)
    }

    /// Has a parameter sent in this encoding, whatever others are. Default: as the recipe encodes parameters; a signature
    /// is percent-encoded then.
    #[must_use]
    pub fn encoded_as(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// Where the request has a parameter or field of this name already, its value is sent, in this place. Default: that
    /// is an error. Says nothing about headers.
    #[must_use]
    pub fn yielding(mut self) -> Self {
        self.yields = true;
        self
    }

    /// Before the request's own parameters or fields instead of behind them. Says nothing about headers.
    #[must_use]
    pub fn first(mut self) -> Self {
        self.first = true;
        self
    }

    fn new(kind: Kind, name: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, name: name.into(), first: false, yields: false, encoding: None }
    }

    pub(crate) fn is_first(&self) -> bool {
        self.first
    }

    /// Whether a WebSocket handshake, which has no body, can carry it.
    pub(crate) fn fits_handshake(&self) -> bool {
        matches!(self.kind, Kind::Header | Kind::Query | Kind::Params)
    }

    /// Whether a WebSocket message can carry it.
    pub(crate) fn fits_message(&self) -> bool {
        matches!(self.kind, Kind::Json | Kind::JsonNumber | Kind::JsonText)
    }

    /// Whether it is a header.
    pub(crate) fn is_header(&self) -> bool {
        self.kind == Kind::Header
    }

    /// The name of the header that it is.
    pub(crate) fn header_name(&self) -> Option<&str> {
        self.is_header().then_some(self.name.as_ref())
    }

    /// Whether it may be a parameter of a query or a form, which are encoded.
    pub fn is_pair(&self) -> bool {
        !self.is_header() && !self.makes_json()
    }

    /// What and which it is, for errors.
    pub(crate) fn shown(&self) -> String {
        format!("{} {:?}", self.what(), self.name)
    }

    /// Whether it takes integers only.
    pub(crate) fn is_number(&self) -> bool {
        self.kind == Kind::JsonNumber
    }

    /// Whether putting something here changes what `part` stands for.
    pub(crate) fn changes(&self, part: &Part) -> bool {
        match part {
            Part::Query | Part::QueryWithMark | Part::QueryIn(_) | Part::Target | Part::Url => {
                matches!(self.kind, Kind::Query | Kind::Params)
            }
            Part::Body => self.kind == Kind::Params || self.is_in_body(),
            Part::SortedFields => self.makes_json(),
            Part::Params(_) => self.kind != Kind::Header,
            Part::JsonObject | Part::JsonMembers => self.may_be_member(),
            Part::JsonMember(name) => self.may_be_member() && self.name == *name,
            Part::Header(name) => self.kind == Kind::Header && self.name.eq_ignore_ascii_case(name),
            _ => false,
        }
    }

    /// Whether a request that carries it has a form for a body.
    pub(crate) fn makes_form(&self) -> bool {
        self.kind == Kind::Form
    }

    /// Whether a request that carries it has a JSON object for a body.
    pub(crate) fn makes_json(&self) -> bool {
        matches!(self.kind, Kind::Json | Kind::JsonNumber | Kind::JsonText)
    }

    fn may_be_member(&self) -> bool {
        self.makes_json() || matches!(self.kind, Kind::Body | Kind::BodyText)
    }

    /// Whether it can be nowhere but in a body.
    pub(crate) fn is_in_body(&self) -> bool {
        self.makes_form() || self.makes_json() || matches!(self.kind, Kind::Body | Kind::BodyText)
    }

    /// Whether what goes to `other` may overwrite or repeat what goes here.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        use Kind::{Body, BodyText, Form, Header, Json, JsonNumber, JsonText, Params, Query};
        match (self.kind, other.kind) {
            (Header, Header) => self.name.eq_ignore_ascii_case(&other.name),
            (Query | Params, Query | Params)
            | (Form | Params | Body | BodyText, Form | Params | Body | BodyText)
            | (
                Json | JsonNumber | JsonText | Body | BodyText,
                Json | JsonNumber | JsonText | Body | BodyText,
            ) => self.name == other.name,
            _ => false,
        }
    }

    /// The mistake in its name, if there is one.
    ///
    /// # Errors
    /// When a header cannot have it or follows from the connection, or a parameter or field has none or one with a control
    /// character in it.
    pub fn check(&self) -> Result<(), AuthError> {
        let problem = match self.kind {
            Kind::Header => match http::HeaderName::try_from(self.name.as_ref()) {
                Ok(name) if is_connection_header(name.as_str()) => {
                    "follows from the connection or the body, and cannot be a placed header"
                }
                Ok(_) => return Ok(()),
                Err(_) => "cannot be the name of a header",
            },
            _ if self.name.is_empty() || self.name.contains(|name: char| name.is_control()) => {
                "cannot be the name of a parameter or field"
            }
            _ => return Ok(()),
        };
        Err(AuthError::new(AuthErrorKind::Configuration, format!("{:?} {problem}", self.name)))
    }

    /// Has the body be a form or an object while it is open, where the value goes there: an empty body that was
    /// signed, and so is frozen, could not become one.
    pub(crate) fn prepare(&self, request: &mut RestRequest) -> Result<(), AuthError> {
        match self.kind {
            Kind::Form if request.form_params().is_none() => {
                request.form_params_mut()?;
            }
            Kind::Json | Kind::JsonNumber | Kind::JsonText if request.json_members().is_none() => {
                request.json_members_mut()?;
            }
            Kind::Body | Kind::BodyText if request.json_members().is_none() => {
                request.form_params_mut()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Puts `value` into `request`, a parameter in `encoding` or, with `None`, as its carrier is encoded by default.
    pub(crate) fn put(
        &self,
        request: &mut RestRequest,
        value: &[u8],
        encoding: Option<Encoding>,
    ) -> Result<(), AuthError> {
        let encoding = self.encoding.or(encoding);
        match self.kind {
            Kind::Header => {
                request.insert_sensitive_header(self.name.as_ref(), value)?;
                Ok(())
            }
            Kind::Query => self.put_in_query(request, value, encoding),
            Kind::Form => self.put_in_form(request, value, encoding),
            Kind::Params if request.form_params().is_some() => {
                self.check_free(request.params().get(&self.name).is_none())?;
                self.put_in_form(request, value, encoding)
            }
            Kind::Params => self.put_in_query(request, value, encoding),
            Kind::Body | Kind::BodyText if request.json_members().is_none() => {
                self.put_in_form(request, value, encoding)
            }
            _ => self.put_in_json(request, value),
        }
    }

    /// Puts `value` among the fields of a WebSocket message.
    pub(crate) fn put_field(
        &self,
        fields: &mut JsonMembers,
        value: &[u8],
    ) -> Result<(), AuthError> {
        let theirs = self.yields.then(|| fields.get(&self.name).map(Secret::from)).flatten();
        if theirs.is_some() {
            fields.remove(&self.name);
        }
        self.check_free(fields.get(&self.name).is_none())?;
        let value = theirs.as_ref().map_or(value, Secret::expose_bytes);
        let text = self.json_of(value, theirs.is_some())?;
        if self.first {
            fields.prepend_text(&*self.name, &text)?;
        } else {
            fields.push_text(&*self.name, &text)?;
        }
        Ok(())
    }

    /// `value` as the JSON text that stands in an object here.
    fn json_of(&self, value: &[u8], is_theirs: bool) -> Result<String, AuthError> {
        match self.kind {
            _ if is_theirs => Ok(self.text(value)?.to_owned()),
            Kind::JsonNumber => Ok(self.integer(value)?.to_string()),
            Kind::JsonText | Kind::BodyText => Ok(self.text(value)?.to_owned()),
            _ => Ok(serde_json::Value::from(self.text(value)?).to_string()),
        }
    }

    fn put_in_query(
        &self,
        request: &mut RestRequest,
        value: &[u8],
        encoding: Option<Encoding>,
    ) -> Result<(), AuthError> {
        let theirs = self.theirs(request.params());
        if theirs.is_some() {
            request.params_mut()?.remove(&self.name);
        }
        self.check_free(request.params().get(&self.name).is_none())?;
        let value = theirs.map_or_else(|| self.text(value).map(str::to_owned), Ok)?;
        let pair = Pair::encoded_as(encoding.unwrap_or_default(), &*self.name, value);
        if self.first {
            request.params_mut()?.prepend(pair);
        } else {
            request.append_query(pair);
        }
        Ok(())
    }

    fn put_in_form(
        &self,
        request: &mut RestRequest,
        value: &[u8],
        encoding: Option<Encoding>,
    ) -> Result<(), AuthError> {
        let theirs = request.form_params().and_then(|form| self.theirs(form));
        if theirs.is_some() {
            request.form_params_mut()?.remove(&self.name);
        }
        self.check_free(request.form_params().is_none_or(|form| form.get(&self.name).is_none()))?;
        let value = theirs.map_or_else(|| self.text(value).map(str::to_owned), Ok)?;
        let pair = Pair::encoded_as(encoding.unwrap_or(Encoding::Form), &*self.name, value);
        if self.first {
            request.form_params_mut()?.prepend(pair);
        } else {
            request.append_form(pair)?;
        }
        Ok(())
    }

    /// The request's own value, where it has one and this place leaves it that.
    fn theirs(&self, pairs: &Pairs) -> Option<String> {
        self.yields.then(|| pairs.get(&self.name).map(Cow::into_owned)).flatten()
    }

    fn put_in_json(&self, request: &mut RestRequest, value: &[u8]) -> Result<(), AuthError> {
        if self.first || self.yields {
            return self.put_field(request.json_members_mut()?, value);
        }
        let members = request.json_members();
        self.check_free(members.is_none_or(|members| members.get(&self.name).is_none()))?;
        let text = self.json_of(value, false)?;
        let raw = RawValue::from_string(text).map_err(|_| self.unfit("is not JSON"))?;
        request.append_json(&self.name, &raw)?;
        Ok(())
    }

    fn check_free(&self, free: bool) -> Result<(), AuthError> {
        if free {
            return Ok(());
        }
        Err(AuthError::new(
            AuthErrorKind::Request,
            format!("the scheme sets the {}, and the request has one already", self.shown()),
        ))
    }

    fn text<'v>(&self, value: &'v [u8]) -> Result<&'v str, AuthError> {
        std::str::from_utf8(value).map_err(|_| self.unfit("is not UTF-8 text"))
    }

    fn integer(&self, value: &[u8]) -> Result<i64, AuthError> {
        self.text(value)?.parse().map_err(|_| self.unfit("is not an integer"))
    }

    fn unfit(&self, why: &str) -> AuthError {
        AuthError::new(AuthErrorKind::Request, format!("the value for the {} {why}", self.shown()))
    }

    fn what(&self) -> &'static str {
        match self.kind {
            Kind::Header => "header",
            Kind::Query => "query parameter",
            Kind::Form => "form parameter",
            Kind::Params => "parameter",
            Kind::Json | Kind::JsonNumber | Kind::JsonText => "JSON field",
            Kind::Body | Kind::BodyText => "parameter of the body",
        }
    }
}

#[cfg(test)]
mod tests;
