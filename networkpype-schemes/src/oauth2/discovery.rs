//! How does an authorization server describe itself (RFC 8414; OpenID Connect Discovery 1.0)?

use std::fmt;

use http::StatusCode;
use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{
    AuthError, Caller, Clock, LimitChoice, LimitId, RestRequest, RestResponse, SystemClock,
};
use serde::Deserialize;

use super::{
    error::{malformed, set_up_wrong},
    requests::{limited, succeeded, unreachable},
    server::{AuthorizationServer, check_endpoint},
};

/// Asks an authorization server for its endpoints.
///
/// ```no_run
/// use networkpype_core::Caller;
/// use networkpype_schemes::oauth2::{AuthorizationServer, Discovery};
///
/// # async fn discover(caller: &dyn Caller) -> Result<AuthorizationServer, networkpype_auth::token::TokenError> {
/// let server = Discovery::new("https://auth.example.com").fetch(caller).await?;
/// # Ok(server)
/// # }
/// ```
///
/// A scheme does it by itself, once, when it needs its first token: `OAuth2::builder().discover(Discovery::new(..))`.
#[derive(Clone)]
#[must_use = "a discovery does nothing until it is fetched, or a scheme is given it"]
pub struct Discovery {
    pub(super) issuer: String,
    suffix: &'static str,
    inserted: bool,
    pub(super) limit: LimitChoice,
}

impl Discovery {
    /// Of the server that names itself so, as RFC 8414 says: `/.well-known/oauth-authorization-server` stands between the
    /// host and the issuer's path.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            suffix: "/.well-known/oauth-authorization-server",
            inserted: true,
            limit: LimitChoice::Default,
        }
    }

    /// Of the server that names itself so, as OpenID Connect says: `/.well-known/openid-configuration` stands behind the
    /// issuer.
    pub fn openid(issuer: impl Into<String>) -> Self {
        let suffix = "/.well-known/openid-configuration";
        Self { suffix, inserted: false, ..Self::new(issuer) }
    }

    /// Charges the request to this limit. Default: the caller's own.
    pub fn limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limit = LimitChoice::Named(limit.into());
        self
    }

    /// Charges the request to no limit, although there are some.
    pub fn unlimited(mut self) -> Self {
        self.limit = LimitChoice::Unlimited;
        self
    }

    /// The URL of the description.
    pub fn url(&self) -> String {
        let issuer = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        let path = issuer
            .find("://")
            .and_then(|scheme| issuer[scheme + 3..].find('/').map(|path| scheme + 3 + path));
        match path {
            Some(at) if self.inserted => {
                let (origin, path) = issuer.split_at(at);
                format!("{origin}{}{path}", self.suffix)
            }
            _ => format!("{issuer}{}", self.suffix),
        }
    }

    pub(super) fn check(&self) -> Result<(), AuthError> {
        check_endpoint(&self.url(), "issuer")
    }

    /// Asks for it.
    ///
    /// # Errors
    /// When the issuer is not `https://` nor on this machine, it cannot be reached, or its answer is none, names another
    /// issuer, or lacks a token endpoint that may be told secrets.
    pub async fn fetch(
        &self,
        caller: &(impl Caller + ?Sized),
    ) -> Result<AuthorizationServer, TokenError> {
        self.fetch_for(caller, &SystemClock, false).await
    }

    /// The same, with the endpoints for clients that prove themselves by their certificate (RFC 8705, section 5).
    pub(super) async fn fetch_for(
        &self,
        caller: &(impl Caller + ?Sized),
        clock: &dyn Clock,
        with_certificate: bool,
    ) -> Result<AuthorizationServer, TokenError> {
        self.check().map_err(set_up_wrong)?;
        let request = RestRequest::get(self.url()).header("accept", "application/json");
        let response = caller.call(limited(request, &self.limit)).await.map_err(unreachable)?;
        if response.status() == StatusCode::NOT_FOUND {
            let message = format!(
                "the issuer has no description of itself at `{}` (status 404): servers have it there, or where the other of \
                 `Discovery::new` and `Discovery::openid` looks",
                public(&self.url())
            );
            return Err(TokenError::new(TokenErrorKind::Refused, message));
        }
        succeeded(&response, "its description of itself", clock.now())?;
        self.read(&response, with_certificate)
    }

    fn read(
        &self,
        response: &RestResponse,
        with_certificate: bool,
    ) -> Result<AuthorizationServer, TokenError> {
        let description: Description = serde_json::from_slice(response.bytes())
            .map_err(|_| malformed("the authorization server's description of itself is none"))?;
        // Another one would be asked with what was meant for this one (RFC 8414, section 3.3).
        if description.issuer != self.issuer {
            let (asked, found) = (public(&self.issuer), public(&description.issuer));
            let hint = match self.issuer.trim_end_matches('/')
                == description.issuer.trim_end_matches('/')
            {
                true => "; they differ in the slash at their end: give it as the server writes it",
                false => "",
            };
            let message = format!(
                "the authorization server's description is of another issuer: `{asked}` was asked for, and it is that of \
                 `{found}`{hint}"
            );
            return Err(TokenError::new(TokenErrorKind::Malformed, message));
        }
        let mut endpoints = description.endpoints;
        if let Some(aliases) = description.mtls_endpoint_aliases.filter(|_| with_certificate) {
            endpoints = Endpoints {
                authorization_endpoint: endpoints.authorization_endpoint,
                token_endpoint: aliases.token_endpoint.or(endpoints.token_endpoint),
                device_authorization_endpoint: aliases
                    .device_authorization_endpoint
                    .or(endpoints.device_authorization_endpoint),
                revocation_endpoint: aliases.revocation_endpoint.or(endpoints.revocation_endpoint),
                introspection_endpoint: aliases
                    .introspection_endpoint
                    .or(endpoints.introspection_endpoint),
            };
        }
        let token = endpoints
            .token_endpoint
            .ok_or_else(|| malformed("the authorization server names no token endpoint"))?;
        let server = AuthorizationServer {
            token,
            issuer: Some(description.issuer),
            authorization: endpoints.authorization_endpoint,
            device: endpoints.device_authorization_endpoint,
            revocation: endpoints.revocation_endpoint,
            introspection: endpoints.introspection_endpoint,
            names_itself: description.authorization_response_iss_parameter_supported == Some(true),
        };
        server.check().map_err(|error| {
            let message = "the authorization server's description cannot be used";
            TokenError::new(TokenErrorKind::Malformed, message).with_source(error)
        })?;
        Ok(server)
    }
}

/// As much of an issuer's name or URL as anybody may see: no credentials, no query, and not without end.
fn public(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    let shown = [scheme, separator, host, path].concat();
    shown.chars().filter(|it| !it.is_control()).take(LONGEST_SHOWN).collect()
}

/// More of a name nobody reads.
const LONGEST_SHOWN: usize = 200;

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Description {
    issuer: String,
    #[serde(flatten)]
    endpoints: Endpoints,
    mtls_endpoint_aliases: Option<Endpoints>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

#[derive(Deserialize)]
struct Endpoints {
    token_endpoint: Option<String>,
    authorization_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_of_an_issuer_with_a_path_is_elsewhere_by_either_standard() {
        for (issuer, oauth, openid) in [
            (
                "https://h.example",
                "https://h.example/.well-known/oauth-authorization-server",
                "https://h.example/.well-known/openid-configuration",
            ),
            (
                "https://h.example/",
                "https://h.example/.well-known/oauth-authorization-server",
                "https://h.example/.well-known/openid-configuration",
            ),
            (
                "https://h.example/realms/one",
                "https://h.example/.well-known/oauth-authorization-server/realms/one",
                "https://h.example/realms/one/.well-known/openid-configuration",
            ),
            (
                "https://h.example:8443/one/",
                "https://h.example:8443/.well-known/oauth-authorization-server/one",
                "https://h.example:8443/one/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(Discovery::new(issuer).url(), oauth);
            assert_eq!(Discovery::openid(issuer).url(), openid);
        }
    }
}
