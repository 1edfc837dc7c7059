use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use serde::Serialize;

use crate::{
    BaseUrl, BodyStream, Encoding, JsonMembers, LimitId, Origin, Pair, Pairs, StreamedBody,
    WireError,
    show::HeaderNames,
    wire::{Body, Content, Json, Target, to_text},
};

/// A REST request: what to send, whether to sign it, and which limit to charge.
///
/// Setters never fail: a name, value or URL that cannot be sent is remembered and reported by the call, with
/// [`Outcome::NotSent`](crate::Outcome::NotSent). Clones are cheap.
///
/// ```
/// use networkpype_core::RestRequest;
///
/// let request = RestRequest::post("/orders/{account}")
///     .path_param("account", "main/1")
///     .param("symbol", "BTCUSDT")
///     .json_object([("side", "BUY"), ("quantity", "1.50")])
///     .auth_required()
///     .limit("orders");
/// # assert!(request.problem().is_none());
/// ```
///
/// # From open to frozen
///
/// A request is *open* until somebody asks for its bytes: parameters may be inserted, sorted and removed. Asking
/// freezes what was asked for: [`query_string`](Self::query_string) and [`target`](Self::target) the query,
/// [`body_bytes`](Self::body_bytes) the body. From then on that part only grows at its end
/// ([`append_query`](Self::append_query), [`append_form`](Self::append_form), [`append_json`](Self::append_json)),
/// and every byte that was handed out is sent as it was. Headers may be set at any time. Texts that are signed and
/// not sent come from [`Pairs::render`], which freezes nothing.
#[derive(Clone)]
#[must_use = "a request does nothing until a manager calls it"]
pub struct RestRequest {
    method: Method,
    target: Result<Target, WireError>,
    path_params: Vec<(String, String)>,
    headers: HeaderMap,
    body: Body,
    auth: bool,
    limit: LimitChoice,
    weight: Option<u32>,
    error_status_as_data: bool,
    attempt_timeout: Option<Duration>,
    deadline: Option<Duration>,
    extensions: Extensions,
    problem: Option<WireError>,
}

/// Which limit a request is charged to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LimitChoice {
    /// The manager's default limit.
    #[default]
    Default,
    /// This one.
    Named(LimitId),
    /// None at all, said aloud.
    Unlimited,
}

impl RestRequest {
    /// A request with `method` to `url`: absolute, or relative to the manager's base URL.
    ///
    /// Text in `url` is sent as typed. A query in it comes before all parameters; `{name}` in its path is a place
    /// for [`path_param`](Self::path_param).
    pub fn new(method: Method, url: impl AsRef<str>) -> Self {
        Self {
            method,
            target: Target::typed(url.as_ref()),
            path_params: Vec::new(),
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
        }
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
    #[doc(alias = "params")]
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

    /// Fills `{name}` in the path with `value`, encoded as one segment.
    pub fn path_param(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.path_params.push((name.into(), value.to_string()));
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
            self.headers.append(name, value);
        });
        self.note(result)
    }

    /// Adds a parameter to the form body, encoded as `application/x-www-form-urlencoded`.
    pub fn form_param(self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.form_param_as(Encoding::Form, name, value)
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
        self.with_body(Content::Json(Json::from_members(object)), Some("application/json"))
    }

    /// Sends `text` as JSON, exactly as it is.
    pub fn json_text(self, text: impl Into<String>) -> Self {
        self.with_body(Content::Json(Json::from_text(text.into())), Some("application/json"))
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
        self.auth = true;
        self
    }

    /// Charges the request to this limit. Default: the manager's `default_limit`.
    #[doc(alias = "throttler_limit_id")]
    pub fn limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limit = LimitChoice::Named(limit.into());
        self
    }

    /// Charges `weight` instead of the limit's own.
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Charges the request to no limit, although there are some.
    pub fn unlimited(mut self) -> Self {
        self.limit = LimitChoice::Unlimited;
        self
    }

    /// Has `execute_request` decode the body of an error status too, instead of failing. Default: it fails.
    #[doc(alias = "return_err")]
    pub fn error_status_as_data(mut self) -> Self {
        self.error_status_as_data = true;
        self
    }

    /// How long one attempt may take, from capacity to the end of the body. Default: the manager's, 30 s.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// How long the whole call may take, waiting for capacity and every attempt included. Default: the manager's,
    /// which is no limit.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Attaches a value that is never sent, for processors and schemes to find.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    fn with_body(mut self, content: Content, content_type: Option<&'static str>) -> Self {
        self.body = Body::new(content);
        if let Some(content_type) = content_type {
            self.content_type(content_type);
        }
        self
    }

    fn content_type(&mut self, content_type: &'static str) {
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
    }

    /// Keeps the first mistake, which is the one to mend first.
    fn note(mut self, result: Result<(), WireError>) -> Self {
        if let Err(error) = result {
            self.problem.get_or_insert(error);
        }
        self
    }
}

/// What processors, schemes and transports read.
impl RestRequest {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Scheme, host and port; `None` until a relative URL was joined to the base URL.
    pub fn origin(&self) -> Option<&Origin> {
        self.target.as_ref().ok()?.origin()
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.as_ref().map_or("", Target::path)
    }

    /// The query's parameters, those typed in the URL first.
    pub fn params(&self) -> &Pairs {
        static NONE: Pairs = Pairs::new();
        self.target.as_ref().map_or(&NONE, Target::params)
    }

    /// The form body's parameters, where the body is a form.
    pub fn form_params(&self) -> Option<&Pairs> {
        match self.body.content() {
            Content::Form(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The members of a JSON object body, where the body is one.
    pub fn json_members(&self) -> Option<JsonMembers> {
        match self.body.content() {
            Content::Json(json) => json.members(),
            _ => None,
        }
    }

    /// All headers set so far.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether it is to be authenticated.
    pub fn is_auth_required(&self) -> bool {
        self.auth
    }

    /// The limit it is charged to.
    pub fn limit_choice(&self) -> &LimitChoice {
        &self.limit
    }

    /// What it weighs, where that differs from the limit's own weight.
    pub fn limit_weight(&self) -> Option<u32> {
        self.weight
    }

    /// Whether an error status is data to its caller.
    pub fn takes_error_status_as_data(&self) -> bool {
        self.error_status_as_data
    }

    /// Its own attempt timeout and deadline.
    pub fn timeouts(&self) -> (Option<Duration>, Option<Duration>) {
        (self.attempt_timeout, self.deadline)
    }

    /// Values attached to it that are never sent.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The streamed body, where there is one.
    pub fn streamed_body(&self) -> Option<&StreamedBody> {
        match self.body.content() {
            Content::Streamed(body) => Some(body),
            _ => None,
        }
    }

    /// The first mistake made while building it.
    pub fn problem(&self) -> Option<&WireError> {
        self.problem.as_ref().or(self.target.as_ref().err())
    }
}

/// What managers, processors and schemes change.
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
        if let Ok(target) = &mut self.target {
            target.fill_path(&std::mem::take(&mut self.path_params))?;
            target.resolve(base)?;
        }
        Ok(())
    }

    /// The query's parameters, to insert, sort or remove.
    ///
    /// # Errors
    /// When the query is frozen, or the URL cannot be used.
    pub fn params_mut(&mut self) -> Result<&mut Pairs, WireError> {
        self.target.as_mut().map_err(|error| error.clone())?.params_mut()
    }

    /// The form's parameters, to insert, sort or remove. An empty body becomes a form.
    ///
    /// # Errors
    /// When the body is frozen or something other than a form.
    pub fn form_params_mut(&mut self) -> Result<&mut Pairs, WireError> {
        self.body.form_mut()?;
        self.content_type("application/x-www-form-urlencoded");
        self.body.form_mut()
    }

    /// The JSON object's members, to insert, sort or remove. An empty body becomes an object.
    ///
    /// # Errors
    /// When the body is frozen or something other than a JSON object.
    pub fn json_members_mut(&mut self) -> Result<&mut JsonMembers, WireError> {
        self.body.json_mut()?;
        self.content_type("application/json");
        self.body.json_mut()
    }

    /// Adds a query parameter at the end, also when the query is frozen.
    pub fn append_query(&mut self, pair: Pair) {
        if let Ok(target) = &mut self.target {
            target.append_query(pair);
        }
    }

    /// Adds a form parameter at the end, also when the body is frozen. An empty body becomes a form.
    ///
    /// # Errors
    /// When the body is something other than a form.
    pub fn append_form(&mut self, pair: Pair) -> Result<(), WireError> {
        self.body.append_form(pair)?;
        self.content_type("application/x-www-form-urlencoded");
        Ok(())
    }

    /// Adds a member to the JSON object at its end, also when the body is frozen. An empty body becomes an object.
    ///
    /// # Errors
    /// When the body is something other than a JSON object, or `value` cannot be written as JSON.
    pub fn append_json(&mut self, name: &str, value: &impl Serialize) -> Result<(), WireError> {
        self.body.append_json(name, to_text(name, value)?)?;
        self.content_type("application/json");
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
        self.headers.insert(name, value);
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
        self.headers.insert(name, value);
        Ok(())
    }

    /// Values attached to it that are never sent, to change.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Freezes the query and gives its text without the `?`: `""` where there is none.
    pub fn query_string(&mut self) -> &str {
        self.target.as_mut().map_or("", Target::query_string)
    }

    /// Freezes the query and gives the request-target of RFC 9112: the path, and `?` and query where there is one.
    pub fn target(&mut self) -> String {
        self.target.as_mut().map_or_else(|_| String::new(), Target::path_and_query)
    }

    /// Freezes the body and gives its bytes, empty where there is none.
    ///
    /// # Errors
    /// When the body is streamed.
    pub fn body_bytes(&mut self) -> Result<Bytes, WireError> {
        self.body.bytes().cloned()
    }

    /// Freezes whatever is still open and checks that every byte may be sent.
    ///
    /// # Errors
    /// When a setter was given something that cannot be sent, the URL was not joined to a base, or path or query
    /// hold a byte that no request-target may contain.
    pub fn freeze(&mut self) -> Result<(), WireError> {
        if let Some(problem) = self.problem() {
            return Err(problem.clone());
        }
        if let Ok(target) = &mut self.target {
            if target.origin().is_none() {
                return Err(WireError::url(
                    "it is relative, and there is no base URL to join it to",
                ));
            }
            target.check()?;
        }
        if self.streamed_body().is_none() {
            self.body.bytes()?;
        }
        Ok(())
    }
}

fn parse_header(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), WireError> {
    let name = HeaderName::try_from(name).map_err(|_| {
        WireError::header("name", "HTTP allows letters, digits and a few marks only")
    })?;
    if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
        return Err(WireError::header(&name, "it follows from the body and cannot be set"));
    }
    let value = HeaderValue::from_bytes(value)
        .map_err(|_| WireError::header(&name, "its value holds a control character"))?;
    Ok((name, value))
}

impl fmt::Debug for RestRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &HeaderNames(&self.headers))
            .field("body", &self.body)
            .field("auth_required", &self.auth)
            .field("limit", &self.limit)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

impl From<http::Request<Bytes>> for RestRequest {
    fn from(request: http::Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let mut converted = Self::new(parts.method, parts.uri.to_string());
        converted.headers = parts.headers;
        converted.headers.remove(CONTENT_LENGTH);
        converted.headers.remove(TRANSFER_ENCODING);
        converted.extensions = parts.extensions;
        if !body.is_empty() {
            converted.body = Body::new(Content::Bytes(body));
        }
        converted
    }
}

impl TryFrom<RestRequest> for http::Request<Bytes> {
    type Error = WireError;

    /// Freezes the request. What HTTP does not know, such as limits and timeouts, is left behind.
    fn try_from(mut request: RestRequest) -> Result<Self, WireError> {
        request.freeze()?;
        let origin = request.origin().map(Origin::to_string).unwrap_or_default();
        let uri = format!("{origin}{}", request.target())
            .parse::<http::Uri>()
            .map_err(|_| WireError::content("url", "the `http` crate cannot hold it"))?;
        let mut converted = http::Request::new(request.body_bytes()?);
        *converted.method_mut() = request.method;
        *converted.uri_mut() = uri;
        *converted.headers_mut() = request.headers;
        *converted.extensions_mut() = request.extensions;
        Ok(converted)
    }
}

#[cfg(test)]
mod tests;
