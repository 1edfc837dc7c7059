//! How is an endpoint that gives out tokens asked, and what does its status say? Of OAuth 1.0a and 2.0 alike.

use http::StatusCode;
use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{AuthError, AuthErrorKind, Error, LimitChoice, RestRequest};

/// The request, charged to this limit. That no redirect is followed is the caller's promise.
pub(crate) fn limited(request: RestRequest, limit: &LimitChoice) -> RestRequest {
    match limit {
        LimitChoice::Named(limit) => request.limit(limit.clone()),
        LimitChoice::Unlimited => request.unlimited(),
        _ => request,
    }
}

/// No whole answer.
pub(crate) fn unreachable(error: Error) -> TokenError {
    let message = "the issuer cannot be asked for a token";
    TokenError::new(TokenErrorKind::Unavailable, message).with_source(error)
}

/// Whether this is the status of an answer.
pub(crate) fn succeeded(status: StatusCode) -> Result<(), TokenError> {
    let failed = |kind, what: &str| {
        Err(TokenError::new(kind, format!("the issuer {what} (status {})", status.as_u16())))
    };
    match status.as_u16() {
        200..=299 => Ok(()),
        300..=399 => failed(
            TokenErrorKind::Refused,
            "answers with a redirect, and what a token is asked for with is sent nowhere else",
        ),
        408 | 429 | 500..=599 => failed(TokenErrorKind::Unavailable, "is in trouble"),
        _ => failed(TokenErrorKind::Refused, "refuses and does not say why"),
    }
}

/// Secrets and codes go to endpoints: over TLS, or not off this machine.
pub(crate) fn check_endpoint(url: &str) -> Result<(), AuthError> {
    let request = RestRequest::get(url);
    let (None, Some(origin)) = (request.problem(), request.origin()) else {
        return Err(no_url());
    };
    if !origin.is_secure() && !origin.is_loopback() {
        return Err(AuthError::new(
            AuthErrorKind::Configuration,
            "an endpoint of the authorization server is not `https://`, and not on this machine",
        ));
    }
    let is_web = url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    if is_web && !url.contains('#') { Ok(()) } else { Err(no_url()) }
}

pub(crate) fn no_url() -> AuthError {
    let message = "an endpoint of the authorization server is no URL that can be asked";
    AuthError::new(AuthErrorKind::Configuration, message)
}
