//! By what right is a token asked for?

use std::{fmt, sync::Arc, time::Duration};

use networkpype_auth::token::{
    ObtainedToken, TOKEN_TIME_LIMIT, TokenError, TokenErrorKind, TokenKey, TokenSource,
};
use networkpype_core::{AuthError, Secret, async_trait};

use super::{
    assertion::Assertion,
    client::Client,
    device::DevicePrompt,
    error::{unusable, without_refresh},
    exchange::TokenExchange,
    issuer::Issuer,
    server::AuthorizationServer,
};

/// By what right a token is asked for: the grant of RFC 6749, section 1.3, or of a standard beside it.
///
/// | Who is it that the API sees? | Grant |
/// |---|---|
/// | the program itself | [`client_credentials`](Self::client_credentials), [`jwt_bearer`](Self::jwt_bearer) |
/// | a person, who logs in with a browser on this machine | `browser`, with the feature `oauth2-loopback` |
/// | a person, who logs in on another device | [`device`](Self::device) |
/// | a person, who has logged in elsewhere, earlier or on a web page | [`stored_login`](Self::stored_login), [`refresh_token`](Self::refresh_token) |
/// | whose token the program was given | [`token_exchange`](Self::token_exchange) |
#[derive(Clone)]
#[must_use = "a grant does nothing until a scheme is given it"]
pub struct Grant(pub(super) Kind);

type Show = Arc<dyn Fn(&DevicePrompt) + Send + Sync>;

#[derive(Clone)]
pub(super) enum Kind {
    ClientCredentials,
    Password {
        user: String,
        password: Secret,
    },
    RefreshToken(Secret),
    StoredLogin,
    Device(Show),
    #[cfg(feature = "oauth2-loopback")]
    Browser(super::loopback::Browser),
    JwtBearer(Box<Assertion>),
    Exchange(TokenExchange),
}

impl Grant {
    /// The client's own (RFC 6749, section 4.4).
    pub fn client_credentials() -> Self {
        Self(Kind::ClientCredentials)
    }

    /// That of a person, whose password the program knows (RFC 6749, section 4.3). **Legacy**: RFC 9700, section 2.4 forbids
    /// it, since it shows the password to the program and leaves no room for a second factor. For servers that have nothing
    /// else.
    pub fn password(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self(Kind::Password { user: user.into(), password: password.into() })
    }

    /// That of a person who has logged in elsewhere, from where this refresh token is (RFC 6749, section 6). It is used for
    /// the first token; where the store has one, that is used in its place.
    pub fn refresh_token(token: impl Into<Secret>) -> Self {
        Self(Kind::RefreshToken(token.into()))
    }

    /// That of a person who has logged in earlier: by [`OAuth2::login_with`](super::OAuth2::login_with), or in another
    /// program that uses the same store.
    pub fn stored_login() -> Self {
        Self(Kind::StoredLogin)
    }

    /// That of a person, who logs in on another device (RFC 8628). `show` is called when somebody has to, and has to return
    /// at once; then the token is waited for until the code expires.
    ///
    /// A request waits for it no longer than its own timeout allows, so ask for a [`token`](super::OAuth2::token) before the
    /// first one.
    pub fn device(show: impl Fn(&DevicePrompt) + Send + Sync + 'static) -> Self {
        Self(Kind::Device(Arc::new(show)))
    }

    /// That of whom a token names that the program signs itself (RFC 7523, section 2.1).
    pub fn jwt_bearer(assertion: Assertion) -> Self {
        Self(Kind::JwtBearer(Box::new(assertion)))
    }

    /// That of whose token the program was given (RFC 8693).
    pub fn token_exchange(exchange: TokenExchange) -> Self {
        Self(Kind::Exchange(exchange))
    }

    /// Whose tokens these are, as a key of a store tells apart. However a person logs in, it is the same person's.
    pub(super) fn owner(&self) -> String {
        match &self.0 {
            Kind::ClientCredentials => "client".to_owned(),
            Kind::JwtBearer(assertion) => format!("jwt:{}", assertion.subject_or_issuer()),
            Kind::Password { user, .. } => format!("user:{user}"),
            Kind::Exchange(_) => "exchange".to_owned(),
            _ => "user".to_owned(),
        }
    }

    /// The mistake in it, if there is one. `server` is given where it is known already.
    pub(super) fn check(
        &self,
        client: &Client,
        server: Option<&AuthorizationServer>,
    ) -> Result<(), AuthError> {
        match &self.0 {
            Kind::JwtBearer(assertion) => {
                assertion.check(server)?;
                if !client.is_named() && !assertion.has_issuer() {
                    return Err(unusable(
                        "an assertion names who signs it: give it `issuer`, or the client an id",
                    ));
                }
                Ok(())
            }
            _ if !client.is_named() => {
                Err(unusable("the client has no id, which this grant needs"))
            }
            // RFC 6749, section 4.4.
            Kind::ClientCredentials if client.is_public() => Err(unusable(
                "a client that proves nothing has no credentials for a token of its own: take one with a secret, a key or a \
                 certificate in place of `Client::public`",
            )),
            Kind::Device(_) => server.map_or(Ok(()), |it| it.device_endpoint().map(drop)),
            #[cfg(feature = "oauth2-loopback")]
            Kind::Browser(_) => server.map_or(Ok(()), |it| it.authorization_url().map(drop)),
            Kind::Password { password, .. } if password.expose_str().is_none() => {
                Err(unusable("the password is not UTF-8 text"))
            }
            Kind::RefreshToken(token) if token.is_empty() => {
                Err(unusable("the refresh token is empty"))
            }
            _ => Ok(()),
        }
    }
}

/// Gets tokens by one grant, and the next by the refresh tokens that come with them.
pub(super) struct GrantSource {
    pub(super) issuer: Arc<Issuer>,
    pub(super) grant: Grant,
}

impl GrantSource {
    /// A token by the grant itself, as if there were none.
    pub(super) async fn grant(&self) -> Result<ObtainedToken, TokenError> {
        use TokenErrorKind::{ReauthenticationRequired, Refused};
        let issuer = &self.issuer;
        let (obtained, without) = match &self.grant.0 {
            Kind::ClientCredentials => (issuer.client_credentials().await, Refused),
            Kind::JwtBearer(assertion) => (issuer.jwt_bearer(assertion).await, Refused),
            Kind::Exchange(exchange) => (issuer.exchange(exchange).await, Refused),
            Kind::Password { user, password } => {
                (issuer.password(user, password).await, ReauthenticationRequired)
            }
            // This one may be used up by another program that has stored the next.
            Kind::RefreshToken(token) => return issuer.refresh(token).await,
            Kind::Device(show) => (issuer.device(&**show).await, ReauthenticationRequired),
            #[cfg(feature = "oauth2-loopback")]
            Kind::Browser(browser) => (browser.login(issuer).await, ReauthenticationRequired),
            Kind::StoredLogin => {
                let message = match issuer.presentation.thumbprint() {
                    None => "nobody has logged in yet: the store holds no refresh token",
                    Some(_) => {
                        "nobody has logged in yet with this DPoP key: the store holds no refresh token that is bound to it"
                    }
                };
                return Err(TokenError::new(ReauthenticationRequired, message));
            }
        };
        obtained.map_err(|error| without_refresh(error, without))
    }
}

#[async_trait]
impl TokenSource for GrantSource {
    async fn obtain(
        &self,
        _: &TokenKey,
        refresh: Option<&Secret>,
    ) -> Result<ObtainedToken, TokenError> {
        let Some(refresh) = refresh else {
            return self.grant().await;
        };
        match &self.grant.0 {
            // The grant is as good, and a refresh token has no business there (RFC 6749, section 4.4.3).
            Kind::ClientCredentials | Kind::JwtBearer(_) | Kind::Exchange(_) => self.grant().await,
            Kind::Password { .. } => match self.issuer.refresh(refresh).await {
                // Nobody has to be asked for the password again.
                Err(error) if error.kind() == TokenErrorKind::InvalidGrant => self.grant().await,
                obtained => obtained,
            },
            _ => self.issuer.refresh(refresh).await,
        }
    }

    fn time_limit(&self, _: &TokenKey, refresh: Option<&Secret>) -> Option<Duration> {
        match &self.grant.0 {
            // These wait for a person, for as long as a code or the wait for a redirect lasts.
            Kind::Device(_) if refresh.is_none() => None,
            #[cfg(feature = "oauth2-loopback")]
            Kind::Browser(_) if refresh.is_none() => None,
            _ => Some(TOKEN_TIME_LIMIT),
        }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.0 {
            Kind::ClientCredentials => "client_credentials",
            Kind::Password { .. } => "password",
            Kind::RefreshToken(_) => "refresh_token",
            Kind::StoredLogin => "stored_login",
            Kind::Device(_) => "device",
            #[cfg(feature = "oauth2-loopback")]
            Kind::Browser(_) => "browser",
            Kind::JwtBearer(_) => "jwt_bearer",
            Kind::Exchange(_) => "token_exchange",
        };
        f.debug_tuple("Grant").field(&name).finish()
    }
}
