//! From and to the requests of the `http` crate.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

use super::RestRequest;
use crate::{
    Origin, WireError,
    wire::{Body, Content},
};

impl From<http::Request<Bytes>> for RestRequest {
    fn from(request: http::Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let mut request = Self::new(parts.method, parts.uri.to_string());
        let converted = request.edit();
        converted.headers = parts.headers;
        converted.headers.remove(CONTENT_LENGTH);
        converted.headers.remove(TRANSFER_ENCODING);
        converted.extensions = parts.extensions;
        if !body.is_empty() {
            converted.body = Body::new(Content::Bytes(body));
        }
        request
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
        let parts = Arc::unwrap_or_clone(request.0);
        *converted.method_mut() = parts.method;
        *converted.uri_mut() = uri;
        *converted.headers_mut() = parts.headers;
        *converted.extensions_mut() = parts.extensions;
        Ok(converted)
    }
}
