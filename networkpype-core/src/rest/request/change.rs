//! What managers, processors and schemes change, and how a request is frozen.

use bytes::Bytes;
use http::Extensions;
use serde::Serialize;

use super::{FORM, JSON, RestRequest, Sealed, parse_header};
use crate::{
    BaseUrl, JsonMembers, Pair, Pairs, WireError,
    wire::{Body, Content, Target, to_text},
};

impl RestRequest {
    /// Joins a relative URL to `base`, fills the path parameters, and reports the first mistake made so far.
    ///
    /// Managers do this before anything else; it does nothing the second time.
    ///
    /// # Errors
    /// When a setter was given something that cannot be sent, the URL is relative and there is no `base`, or a path
    /// parameter is missing, unknown or empty.
    pub fn resolve(&mut self, base: Option<&BaseUrl>) -> Result<(), WireError> {
        if let Some(problem) = self.problem() {
            return Err(problem.clone());
        }
        let inner = self.edit();
        if let Ok(target) = &mut inner.target {
            target.fill_path(&inner.path_params)?;
            inner.filled.append(&mut inner.path_params);
            target.resolve(base)?;
        }
        Ok(())
    }

    /// The query's parameters, to insert, sort or remove.
    ///
    /// # Errors
    /// When the query is frozen, or the URL cannot be used.
    pub fn params_mut(&mut self) -> Result<&mut Pairs, WireError> {
        self.edit().target.as_mut().map_err(|error| error.clone())?.params_mut()
    }

    /// The form's parameters, to insert, sort or remove. An empty body becomes a form.
    ///
    /// # Errors
    /// When the body is frozen or something other than a form.
    pub fn form_params_mut(&mut self) -> Result<&mut Pairs, WireError> {
        self.edit().body.form_mut()?;
        self.content_type(FORM);
        self.edit().body.form_mut()
    }

    /// The JSON object's members, to insert, sort or remove. An empty body becomes an object.
    ///
    /// # Errors
    /// When the body is frozen or something other than a JSON object.
    pub fn json_members_mut(&mut self) -> Result<&mut JsonMembers, WireError> {
        self.edit().body.json_mut()?;
        self.content_type(JSON);
        self.edit().body.json_mut()
    }

    /// Sends the `?` of a query also where there are no parameters, as it is where a URL was typed with one.
    pub fn keep_query_mark(&mut self) {
        if let Ok(target) = &mut self.edit().target {
            target.keep_query_mark();
        }
    }

    /// Has the request carry no body.
    ///
    /// # Errors
    /// When the body is frozen.
    pub fn remove_body(&mut self) -> Result<(), WireError> {
        self.edit().body.clear()?;
        self.forget_content_type();
        Ok(())
    }

    /// Has the request carry these bytes instead of the body it has. Say what they are with a `Content-Type` header.
    ///
    /// # Errors
    /// When the body is frozen.
    pub fn replace_body(&mut self, bytes: impl Into<Bytes>) -> Result<(), WireError> {
        self.remove_body()?;
        self.edit().body = Body::new(Content::Bytes(bytes.into()));
        Ok(())
    }

    /// Adds a query parameter at the end, also when the query is frozen.
    pub fn append_query(&mut self, pair: Pair) {
        if let Ok(target) = &mut self.edit().target {
            target.append_query(pair);
        }
    }

    /// Takes a body of bytes for the text of a form, also when it is frozen: it is sent as it was, and can grow. Whether it is
    /// one, its `Content-Type` says. Other bodies, and bytes that are no text, stay what they are.
    pub fn read_body_as_form(&mut self) {
        self.edit().body.bytes_to_form();
    }

    /// Adds a form parameter at the end, also when the body is frozen. An empty body becomes a form.
    ///
    /// # Errors
    /// When the body is something other than a form.
    pub fn append_form(&mut self, pair: Pair) -> Result<(), WireError> {
        self.edit().body.append_form(pair)?;
        self.content_type(FORM);
        Ok(())
    }

    /// Adds a member to the JSON object at its end, also when the body is frozen. An empty body becomes an object.
    ///
    /// # Errors
    /// When the body is something other than a JSON object, or `value` cannot be written as JSON.
    pub fn append_json(&mut self, name: &str, value: &impl Serialize) -> Result<(), WireError> {
        self.edit().body.append_json(name, to_text(name, value)?)?;
        self.content_type(JSON);
        Ok(())
    }

    /// Sets a header, in place of any of the same name.
    ///
    /// # Errors
    /// When HTTP does not allow the name or the value, or the header follows from the body.
    pub fn insert_header(
        &mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), WireError> {
        let (name, value) = parse_header(name.as_ref(), value.as_ref())?;
        self.edit().headers.insert(name, value);
        Ok(())
    }

    /// Sets a header that holds a credential: marked sensitive, so that libraries on the way do not print it.
    ///
    /// # Errors
    /// As [`insert_header`](Self::insert_header).
    pub fn insert_sensitive_header(
        &mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), WireError> {
        let (name, mut value) = parse_header(name.as_ref(), value.as_ref())?;
        value.set_sensitive(true);
        self.edit().headers.insert(name, value);
        Ok(())
    }

    /// Marks every header that `unsigned` has not as sensitive, so that libraries on the way do not print it. Managers
    /// do this with what a scheme hands back.
    pub fn mark_added_headers_sensitive(&mut self, unsigned: &Self) {
        for (name, value) in &mut self.edit().headers {
            if !unsigned.headers().get_all(name).iter().any(|old| old == value) {
                value.set_sensitive(true);
            }
        }
    }

    /// Values attached to it that are never sent, to change.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.edit().extensions
    }

    /// Freezes the query and gives its text without the `?`: `""` where there is none.
    pub fn query_string(&mut self) -> &str {
        self.edit().target.as_mut().map_or("", Target::query_string)
    }

    /// Freezes the query and gives the request-target of RFC 9112: the path, and `?` and query where there is one.
    pub fn target(&mut self) -> String {
        if let Some(target) = self.0.target.as_ref().ok().and_then(Target::frozen) {
            return target;
        }
        self.edit().target.as_mut().map_or_else(|_| String::new(), Target::path_and_query)
    }

    /// Freezes the body and gives its bytes, empty where there is none.
    ///
    /// # Errors
    /// When the body is streamed.
    pub fn body_bytes(&mut self) -> Result<Bytes, WireError> {
        if let Some(bytes) = self.0.body.frozen() {
            return Ok(bytes.clone());
        }
        self.edit().body.bytes().cloned()
    }

    /// Freezes path and query, and has nothing more be added to them: for signatures that cover all of them. What is added
    /// all the same is found by [`freeze`](Self::freeze).
    pub fn seal_target(&mut self) {
        let target = self.target();
        self.edit().sealed.target = Some(target);
    }

    /// The same for the body.
    ///
    /// # Errors
    /// When the body is streamed.
    pub fn seal_body(&mut self) -> Result<(), WireError> {
        let body = self.body_bytes()?;
        self.edit().sealed.body = Some(body);
        Ok(())
    }

    /// Freezes whatever is still open and checks that every byte may be sent.
    ///
    /// # Errors
    /// When a setter was given something that cannot be sent, the URL was not joined to a base, path or query
    /// hold a byte that no request-target may contain, or something was added to what a scheme has sealed.
    pub fn freeze(&mut self) -> Result<(), WireError> {
        self.check_sealed()?;
        if let Some(problem) = self.problem() {
            return Err(problem.clone());
        }
        if self.0.is_frozen() {
            // A scheme that asked for the bytes froze them unchecked.
            return self.0.target.as_ref().map_or(Ok(()), Target::check_frozen);
        }
        let inner = self.edit();
        if let Ok(target) = &mut inner.target {
            target.fill_path(&inner.path_params)?;
            inner.filled.append(&mut inner.path_params);
            if target.origin().is_none() {
                return Err(WireError::url(
                    "it is relative, and there is no base URL to join it to",
                ));
            }
            target.check()?;
        }
        if self.streamed_body().is_none() {
            self.edit().body.bytes()?;
        }
        Ok(())
    }

    fn check_sealed(&mut self) -> Result<(), WireError> {
        let Sealed { target, body } = self.0.sealed.clone();
        if target.is_some_and(|target| target != self.target()) {
            return Err(WireError::sealed("query"));
        }
        match body {
            Some(body) if self.body_bytes()? != body => Err(WireError::sealed("body")),
            _ => Ok(()),
        }
    }
}
