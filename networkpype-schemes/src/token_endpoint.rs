//! How is an endpoint that gives out tokens asked, and what does its status say? Of OAuth 1.0a and 2.0 alike.

use std::error::Error as StdError;

use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{
    AuthError, AuthErrorKind, Error, LimitChoice, Outcome, RestRequest, RestResponse, Timestamp,
    retry_after,
};

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

/// What is wrong with how the scheme was set up, where it shows only once a token is asked for.
pub(crate) fn set_up_wrong(error: impl StdError + Send + Sync + 'static) -> TokenError {
    TokenError::new(TokenErrorKind::Refused, "the request for a token cannot be made")
        .with_source(error)
}

/// What could not be put together will not be better later; whom nobody reached may be there then.
pub(crate) fn not_asked(error: Error) -> TokenError {
    if error.is_auth() && error.outcome() == Outcome::NotSent {
        set_up_wrong(error)
    } else {
        unreachable(error)
    }
}

/// Whether this is the status of an answer. `asked` names the endpoint in errors.
pub(crate) fn succeeded(
    response: &RestResponse,
    asked: &str,
    now: Timestamp,
) -> Result<(), TokenError> {
    let status = response.status().as_u16();
    let failed = |kind, what: &str| {
        Err(TokenError::new(kind, format!("the issuer {what} ({asked}: status {status})")))
    };
    match status {
        200..=299 => Ok(()),
        300..=399 => failed(
            TokenErrorKind::Refused,
            "answers with a redirect, and what a token is asked for with is sent nowhere else",
        ),
        408 | 429 | 500..=599 => failed(TokenErrorKind::Unavailable, "is in trouble"),
        _ => failed(TokenErrorKind::Refused, "refuses and does not say why"),
    }
    .map_err(|error| with_retry_after(error, response, now))
}

/// The error with how long the server asks to be left alone.
pub(crate) fn with_retry_after(
    error: TokenError,
    response: &RestResponse,
    now: Timestamp,
) -> TokenError {
    match retry_after(response.headers(), now) {
        Some(wait) if error.kind() == TokenErrorKind::Unavailable => error.with_retry_after(wait),
        _ => error,
    }
}

/// Secrets and codes go to endpoints: over TLS, or not off this machine. `name` names the endpoint in errors.
pub(crate) fn check_endpoint(url: &str, name: &str) -> Result<(), AuthError> {
    let request = RestRequest::get(url);
    let (None, Some(origin)) = (request.problem(), request.origin()) else {
        return Err(no_url(name));
    };
    if !origin.is_secure() && !origin.is_loopback() {
        return Err(AuthError::new(
            AuthErrorKind::Configuration,
            format!(
                "the {name} of the authorization server is not `https://`, and not on this machine"
            ),
        ));
    }
    let is_web = url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    if is_web && !url.contains('#') { Ok(()) } else { Err(no_url(name)) }
}

pub(crate) fn no_url(name: &str) -> AuthError {
    let message = format!(
        "the {name} of the authorization server is no URL that can be asked: write it as `https://host/path`"
    );
    AuthError::new(AuthErrorKind::Configuration, message)
}
