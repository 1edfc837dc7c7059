use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};

use crate::{
    LimitId, WireError,
    show::HeaderNames,
    wire::{Body, Content, Target},
};

mod build;
mod change;
mod convert;
mod read;
#[cfg(test)]
mod tests;

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
/// not sent come from [`Pairs::render`](crate::Pairs::render), which freezes nothing.
///
/// A scheme whose signature covers all of it *seals* it ([`seal_target`](Self::seal_target),
/// [`seal_body`](Self::seal_body)): what anybody adds behind that is a mistake, and the request is not sent.
#[doc(alias = "RESTRequest")]
#[derive(Clone)]
#[must_use = "a request does nothing until a manager calls it"]
pub struct RestRequest(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    method: Method,
    target: Result<Target, WireError>,
    path_params: Vec<(String, String)>,
    filled: Vec<(String, String)>,
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
    sealed: Sealed,
}

/// What has to be sent as it was, to the last byte.
#[derive(Clone, Default)]
struct Sealed {
    target: Option<String>,
    body: Option<Bytes>,
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

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl Inner {
    /// Whether nothing is left that freezing would change.
    fn is_frozen(&self) -> bool {
        let body =
            self.body.frozen().is_some() || matches!(self.body.content(), Content::Streamed(_));
        let target = self.target.as_ref().is_ok_and(|target| target.frozen().is_some());
        body && target && self.path_params.is_empty()
    }
}

impl RestRequest {
    /// The request to change: a copy of its own where a clone still shares it.
    fn edit(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// Says what the body is, where nobody has said so yet.
    fn content_type(&mut self, content_type: &'static str) {
        self.edit().headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
    }

    /// Takes back what a kind of body that is gone had said about itself.
    fn forget_content_type(&mut self) {
        let headers = &self.0.headers;
        if headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| [FORM, JSON].iter().any(|own| value == own))
        {
            self.edit().headers.remove(CONTENT_TYPE);
        }
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
            .field("method", &self.0.method)
            .field("target", &self.0.target)
            .field("headers", &HeaderNames(&self.0.headers))
            .field("body", &self.0.body)
            .field("auth_required", &self.0.auth)
            .field("limit", &self.0.limit)
            .field("weight", &self.0.weight)
            .finish_non_exhaustive()
    }
}
