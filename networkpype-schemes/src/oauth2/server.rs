//! Where are an authorization server's endpoints, and how does it name itself?

use std::fmt;

use networkpype_core::AuthError;
use oauth2::{AuthUrl, DeviceAuthorizationUrl, TokenUrl};

use super::error::unusable;
use crate::token_endpoint::{self, no_url};

/// What errors call the endpoints: as the methods here do, and RFC 8414.
pub(super) const TOKEN: &str = "`token_endpoint`";
pub(super) const AUTHORIZATION: &str = "`authorization_endpoint`";
pub(super) const DEVICE: &str = "`device_authorization_endpoint`";
pub(super) const REVOCATION: &str = "`revocation_endpoint`";
pub(super) const INTROSPECTION: &str = "`introspection_endpoint`";

/// An authorization server: its endpoints, and how it names itself.
///
/// All of them have to be `https://`, or on this machine: they are told secrets.
///
/// ```
/// use networkpype_schemes::oauth2::AuthorizationServer;
///
/// let server = AuthorizationServer::new("https://auth.example.com/token")
///     .issuer("https://auth.example.com")
///     .authorization_endpoint("https://auth.example.com/authorize");
/// # let _ = server;
/// ```
///
/// A server that describes itself needs none of this: see [`Discovery`](super::Discovery).
#[derive(Clone)]
#[must_use = "a server does nothing until a scheme is given it"]
pub struct AuthorizationServer {
    pub(super) token: String,
    pub(super) issuer: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) device: Option<String>,
    pub(super) revocation: Option<String>,
    pub(super) introspection: Option<String>,
    pub(super) names_itself: bool,
}

impl AuthorizationServer {
    /// A server with this token endpoint, which every grant needs.
    pub fn new(token_endpoint: impl Into<String>) -> Self {
        Self {
            token: token_endpoint.into(),
            issuer: None,
            authorization: None,
            device: None,
            revocation: None,
            introspection: None,
            names_itself: false,
        }
    }

    /// How it names itself (RFC 8414, section 2): the audience of signed assertions, and what `iss` in a redirect is compared
    /// with.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Where people log in.
    pub fn authorization_endpoint(mut self, url: impl Into<String>) -> Self {
        self.authorization = Some(url.into());
        self
    }

    /// Where a device asks for a code (RFC 8628).
    pub fn device_authorization_endpoint(mut self, url: impl Into<String>) -> Self {
        self.device = Some(url.into());
        self
    }

    /// Where tokens are given back (RFC 7009).
    pub fn revocation_endpoint(mut self, url: impl Into<String>) -> Self {
        self.revocation = Some(url.into());
        self
    }

    /// Where to ask about tokens (RFC 7662).
    pub fn introspection_endpoint(mut self, url: impl Into<String>) -> Self {
        self.introspection = Some(url.into());
        self
    }

    /// Says that it names itself in every redirect (RFC 9207): one without `iss` is refused then. Default: one without is
    /// taken, one with another `iss` never is.
    pub fn names_itself_in_redirects(mut self) -> Self {
        self.names_itself = true;
        self
    }

    /// The mistake in it, if there is one.
    pub(super) fn check(&self) -> Result<(), AuthError> {
        check_endpoint(&self.token, TOKEN)?;
        for (url, name) in [
            (&self.authorization, AUTHORIZATION),
            (&self.device, DEVICE),
            (&self.revocation, REVOCATION),
            (&self.introspection, INTROSPECTION),
        ] {
            url.iter().try_for_each(|url| check_endpoint(url, name))?;
        }
        if self.names_itself && self.issuer.is_none() {
            return Err(unusable(
                "a server that names itself in redirects has an issuer: give it with `AuthorizationServer::issuer`",
            ));
        }
        Ok(())
    }

    pub(super) fn token_url(&self) -> Result<TokenUrl, AuthError> {
        TokenUrl::new(self.token.clone()).map_err(|_| no_url(TOKEN))
    }

    pub(super) fn authorization_url(&self) -> Result<AuthUrl, AuthError> {
        let url = self.authorization.clone().ok_or_else(|| missing(AUTHORIZATION))?;
        AuthUrl::new(url).map_err(|_| no_url(AUTHORIZATION))
    }

    pub(super) fn device_url(&self) -> Result<DeviceAuthorizationUrl, AuthError> {
        DeviceAuthorizationUrl::new(self.device_endpoint()?.to_owned()).map_err(|_| no_url(DEVICE))
    }

    pub(super) fn device_endpoint(&self) -> Result<&str, AuthError> {
        self.device.as_deref().ok_or_else(|| missing(DEVICE))
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer").finish_non_exhaustive()
    }
}

/// What the server needs for what is asked, and nobody has said.
pub(super) fn missing(name: &str) -> AuthError {
    unusable(format!("the authorization server has no {name}"))
}

/// Secrets and codes go to endpoints: over TLS, or not off this machine.
pub(super) fn check_endpoint(url: &str, name: &str) -> Result<(), AuthError> {
    token_endpoint::check_endpoint(url, name)?;
    TokenUrl::new(url.to_owned()).map(drop).map_err(|_| no_url(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_asked_over_tls_or_on_this_machine() {
        for (url, taken) in [
            ("https://auth.example.com/token", true),
            ("https://auth.example.com/token?tenant=1", true),
            ("http://127.0.0.1:9/token", true),
            ("http://localhost/token", true),
            ("http://[::1]:9/token", true),
            ("http://auth.example.com/token", false),
            ("http://localhost.example.com/token", false),
            ("wss://auth.example.com/token", false),
            ("/token", false),
            ("https://user:pass@auth.example.com/token", false),
            ("https://auth.example.com/token#a", false),
            ("", false),
        ] {
            assert_eq!(check_endpoint(url, TOKEN).is_ok(), taken, "{url}");
        }
    }
}
