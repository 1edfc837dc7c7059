//! What callers say about a request. Setters never fail.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method};
use serde::Serialize;

use super::{Inner, JSON, LimitChoice, RestRequest, Sealed, parse_header};
use crate::{
    BodyStream, Encoding, JsonMembers, LimitId, Pair, StreamedBody, WireError,
    wire::{Body, Content, Json, Target},
};

impl RestRequest {
    /// A request with `method` to `url`: absolute, or relative to the manager's base URL.
    ///
    /// Text in `url` is sent as typed. A query in it comes before all parameters; `{name}` in its path is a place
    /// for [`path_param`](Self::path_param).
    pub fn new(method: Method, url: impl AsRef<str>) -> Self {
        Self(Arc::new(Inner {
            method,
            target: Target::typed(url.as_ref()),
            path_params: Vec::new(),
            filled: Vec::new(),
            headers: HeaderMap::new(),
            body: Body::default(),
            auth: false,
            limit: LimitChoice::Default,
            weight: None,
            error_status_as_data: false,
            attempt_timeout: None,
            deadline: None,
            extensions: Extensions::new(),
            problem: None,
            sealed: Sealed::default(),
        }))
    }

    /// A GET request.
    pub fn get(url: impl AsRef<str>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A POST request.
    pub fn post(url: impl AsRef<str>) -> Self {
        Self::new(Method::POST, url)
    }

    /// A PUT request.
    pub fn put(url: impl AsRef<str>) -> Self {
        Self::new(Method::PUT, url)
    }

    /// A PATCH request.
    pub fn patch(url: impl AsRef<str>) -> Self {
        Self::new(Method::PATCH, url)
    }

    /// A DELETE request.
    pub fn delete(url: impl AsRef<str>) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// A HEAD request.
    pub fn head(url: impl AsRef<str>) -> Self {
        Self::new(Method::HEAD, url)
    }

    /// Adds a query parameter, percent-encoded as RFC 3986 says. Names may repeat.
    pub fn param(self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.param_as(Encoding::Rfc3986, name, value)
    }

    /// Adds a query parameter in `encoding`.
    pub fn param_as(
        mut self,
        encoding: Encoding,
        name: impl Into<String>,
        value: impl fmt::Display,
    ) -> Self {
        self.append_query(Pair::encoded_as(encoding, name, value.to_string()));
        self
    }

    /// Adds query parameters, percent-encoded as RFC 3986 says.
    pub fn with_params<N: Into<String>, V: fmt::Display>(
        self,
        params: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        params.into_iter().fold(self, |request, (name, value)| request.param(name, value))
    }

    /// Fills `{name}` in the path with `value`, encoded as one segment.
    pub fn path_param(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.edit().path_params.push((name.into(), value.to_string()));
        self
    }

    /// Sets a header, in place of any of the same name.
    ///
    /// `Content-Length` and `Transfer-Encoding` follow from the body and are refused here.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let result = self.insert_header(name, value);
        self.note(result)
    }

    /// Adds a header beside those of the same name.
    pub fn append_header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let result = parse_header(name.as_ref(), value.as_ref()).map(|(name, value)| {
            self.edit().headers.append(name, value);
        });
        self.note(result)
    }

    /// Adds a parameter to the form body, encoded as `application/x-www-form-urlencoded`.
    pub fn form_param(self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.form_param_as(Encoding::Form, name, value)
    }

    /// Adds parameters to the form body, encoded as `application/x-www-form-urlencoded`.
    pub fn with_form_params<N: Into<String>, V: fmt::Display>(
        self,
        params: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        params.into_iter().fold(self, |request, (name, value)| request.form_param(name, value))
    }

    /// Adds a parameter to the form body in `encoding`.
    pub fn form_param_as(
        mut self,
        encoding: Encoding,
        name: impl Into<String>,
        value: impl fmt::Display,
    ) -> Self {
        let result = self.append_form(Pair::encoded_as(encoding, name, value.to_string()));
        self.note(result)
    }

    /// Sends `value` as JSON, serialized once, compactly, in the order of its `Serialize` implementation.
    ///
    /// The `json!` macro sorts an object's keys before they get here; where an API signs or checks their order, use
    /// a struct, [`json_object`](Self::json_object) or [`json_text`](Self::json_text).
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_string(value) {
            Ok(text) => self.json_text(text),
            Err(_) => {
                self.note(Err(WireError::content("json", "the value cannot be written as JSON")))
            }
        }
    }

    /// Sends a JSON object with these members in this order.
    pub fn json_object<N: Into<String>, V: Serialize>(
        self,
        members: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut object = JsonMembers::default();
        for (name, value) in members {
            if let Err(error) = object.push(name, &value) {
                return self.note(Err(error));
            }
        }
        self.with_body(Content::Json(Json::from_members(object)), Some(JSON))
    }

    /// Sends `text` as JSON, exactly as it is.
    pub fn json_text(self, text: impl Into<String>) -> Self {
        self.with_body(Content::Json(Json::from_text(text.into())), Some(JSON))
    }

    /// Sends these bytes; say what they are with a `Content-Type` header.
    pub fn body(self, bytes: impl Into<Bytes>) -> Self {
        self.with_body(Content::Bytes(bytes.into()), None)
    }

    /// Sends a body that `make` produces anew for each attempt: `length` bytes, or in chunks where that is `None`.
    /// Schemes that sign the body refuse it.
    pub fn body_stream(
        self,
        length: Option<u64>,
        make: impl Fn() -> BodyStream + Send + Sync + 'static,
    ) -> Self {
        self.with_body(Content::Streamed(StreamedBody::new(length, make)), None)
    }

    /// Has the request authenticated. A manager without an `Auth` refuses it rather than send it unsigned.
    #[doc(alias = "is_auth_required")]
    pub fn auth_required(mut self) -> Self {
        self.edit().auth = true;
        self
    }

    /// Charges the request to this limit. Default: the manager's `default_limit`.
    #[doc(alias = "throttler_limit_id")]
    pub fn limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.edit().limit = LimitChoice::Named(limit.into());
        self
    }

    /// Charges `weight` instead of the limit's own.
    pub fn weight(mut self, weight: u32) -> Self {
        self.edit().weight = Some(weight);
        self
    }

    /// Charges the request to no limit, although there are some.
    pub fn unlimited(mut self) -> Self {
        self.edit().limit = LimitChoice::Unlimited;
        self
    }

    /// Has `execute_request` decode the body of an error status too, instead of failing. Default: it fails.
    #[doc(alias = "return_err")]
    pub fn error_status_as_data(mut self) -> Self {
        self.edit().error_status_as_data = true;
        self
    }

    /// How long one attempt may take, from capacity to the end of the body. Default: the manager's, 30 s.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.edit().attempt_timeout = Some(timeout);
        self
    }

    /// How long the whole call may take, waiting for capacity and every attempt included. Default: the manager's,
    /// which is no limit.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.edit().deadline = Some(deadline);
        self
    }

    /// Attaches a value that is never sent, for processors and schemes to find.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.edit().extensions.insert(value);
        self
    }

    fn with_body(mut self, content: Content, content_type: Option<&'static str>) -> Self {
        if self.0.body.is_frozen() {
            return self.note(Err(WireError::frozen("body")));
        }
        self.forget_content_type();
        self.edit().body = Body::new(content);
        if let Some(content_type) = content_type {
            self.content_type(content_type);
        }
        self
    }

    /// Keeps the first mistake, which is the one to mend first.
    fn note(mut self, result: Result<(), WireError>) -> Self {
        if let Err(error) = result {
            self.edit().problem.get_or_insert(error);
        }
        self
    }
}
