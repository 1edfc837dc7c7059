//! What a caller may say about a request for its signature, without sending it.

use std::borrow::Cow;

/// The name that an API has for an endpoint, where that is not its path: an RPC's method, say. Attached with
/// [`RestRequest::extension`](networkpype_core::RestRequest::extension).
///
/// ```
/// use networkpype_auth::Endpoint;
/// use networkpype_core::RestRequest;
///
/// let request = RestRequest::post("https://indodax.com/tapi").extension(Endpoint::new("getInfo"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Cow<'static, str>);

/// The section of an API that a request goes to, where one scheme signs sections differently and neither host nor path
/// tell which it is. Attached with [`RestRequest::extension`](networkpype_core::RestRequest::extension).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section(Cow<'static, str>);

impl Endpoint {
    /// An endpoint of this name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Section {
    /// A section of this name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
