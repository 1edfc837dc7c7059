//! OAuth 2.0 (RFC 6749): tokens that are had by any grant, renewed before they end, and sent with requests.

use std::{fmt, future::Future, sync::Arc};

use networkpype_auth::token::{ObtainedToken, Token, TokenCache, TokenError, TokenKey};
#[doc(no_inline)]
pub use networkpype_auth::{
    JwtAlgorithm, JwtSigner, KeyEncoding, Login, SignatureAlgorithm, SigningKey, fields_are, token,
};
use networkpype_core::Secret;

pub use crate::entropy::Entropy;

mod assertion;
mod auth;
mod authorization;
mod builder;
mod client;
mod code_verifier;
mod device;
mod discovery;
#[cfg(feature = "dpop")]
mod dpop;
mod echo;
mod error;
mod exchange;
mod extensions;
mod form;
mod grant;
mod issuer;
#[cfg(feature = "oauth2-loopback")]
mod loopback;
mod params;
mod presentation;
mod rejection;
mod requests;
mod response;
mod server;
mod tokens;
mod websocket;

pub use assertion::Assertion;
pub use authorization::{AuthorizationCode, AuthorizationRequest};
pub use builder::OAuth2Builder;
pub use client::Client;
pub use code_verifier::CodeVerifier;
pub use device::DevicePrompt;
pub use discovery::Discovery;
#[cfg(feature = "dpop")]
pub use dpop::{DpopClaims, DpopKey};
pub use exchange::{SubjectToken, TokenExchange};
pub use grant::Grant;
#[cfg(feature = "oauth2-loopback")]
pub use loopback::LoopbackRedirect;
pub use server::AuthorizationServer;
pub use tokens::{Introspection, TokenTypeHint};
pub use websocket::token_login;

use grant::GrantSource;
use presentation::Presentation;
use websocket::OnWebSocket;

/// Sends an access token with every authenticated request and WebSocket handshake, and has it renewed in time.
///
/// ```
/// use networkpype_core::Caller;
/// use networkpype_schemes::oauth2::{AuthorizationServer, Client, Grant, OAuth2};
///
/// # fn build(caller: std::sync::Arc<dyn Caller>) -> Result<OAuth2, networkpype_core::AuthError> {
/// let auth = OAuth2::builder()
///     .caller(caller)
///     .server(AuthorizationServer::new("https://auth.example.com/token"))
///     .client(Client::with_secret("my-client", "my-secret"))
///     .grant(Grant::client_credentials())
///     .scope("orders:read orders:write")
///     .build()?;
/// # Ok(auth)
/// # }
/// ```
///
/// # The life of a token
///
/// - The first request asks for a token; those that come meanwhile wait for the same answer.
/// - It is renewed while it still may be used, by its refresh token or by the grant, and saved in the store before anybody
///   gets the new one. See [`TokenCache`].
/// - A request that the API refuses with 401, or with `error="invalid_token"` (RFC 6750, section 3.1), is sent once more with
///   another token. One that was refused with an older token than the present is sent with that, and nothing is renewed.
///   403 and `insufficient_scope` are the caller's: another token of the same scope would be refused too.
/// - While the issuer is in trouble, the token there is goes on being used until its end; the next try waits a while, and as long
///   as the issuer's `Retry-After` says ([`TokenError::retry_after`]). A request for a token is given up after
///   [`TOKEN_TIME_LIMIT`](token::TOKEN_TIME_LIMIT), and earlier where the caller's own timeout is shorter; a login that a
///   person is waited for has its own time.
///
/// # What asks for tokens
///
/// Requests for tokens go through the caller that the builder is given, which shares connections and limits with the
/// manager and cannot authenticate: `ctx.anonymous_caller()` in the factory's `auth_with`. Nothing that is asked there goes
/// through this scheme, and a redirect in an answer is an error. Clones share one state.
#[derive(Clone)]
pub struct OAuth2 {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<GrantSource>,
    cache: TokenCache,
    key: TokenKey,
    presentation: Presentation,
    websocket: OnWebSocket,
}

impl OAuth2 {
    /// Says what to ask, whom, and by what right.
    pub fn builder() -> OAuth2Builder {
        OAuth2Builder::new()
    }

    /// A token that may be used now: to have it before the first request, or for what is no request of ours.
    ///
    /// # Errors
    /// When there is none and none can be had.
    pub async fn token(&self) -> Result<Token, TokenError> {
        self.shared.cache.token(&self.shared.key).await
    }

    /// Begins a login in a browser. The authorization server sends the browser to `redirect_uri` afterwards, which has to be
    /// registered there; hand the URL that arrives there to [`AuthorizationRequest::code_from`], and the code to
    /// [`login_with`](Self::login_with). On the machine of the person who logs in, `LoopbackRedirect` does the waiting.
    ///
    /// # Errors
    /// When the authorization server has no such endpoint, or cannot be discovered.
    pub async fn authorization_request(
        &self,
        redirect_uri: &str,
    ) -> Result<AuthorizationRequest, TokenError> {
        self.shared.source.issuer.authorization_request(redirect_uri).await
    }

    /// Exchanges the code of a login for tokens, and keeps them.
    ///
    /// # Errors
    /// When the issuer gives none out for it. When the store cannot keep them: then they are not used, and whoever needs a
    /// token next tries to keep them once more.
    pub async fn login_with(&self, code: AuthorizationCode) -> Result<(), TokenError> {
        self.keep(self.shared.source.issuer.code(&code)).await
    }

    /// Gets tokens by the grant anew, whatever there is: after
    /// [`ReauthenticationRequired`](token::TokenErrorKind::ReauthenticationRequired), or to change the person. For the grants of a
    /// browser or another device somebody has to log in.
    ///
    /// # Errors
    /// When the issuer gives none out, or the store cannot keep them.
    pub async fn login(&self) -> Result<(), TokenError> {
        self.keep(self.shared.source.grant()).await
    }

    /// Gives the tokens back (RFC 7009), refresh token first, and forgets them. They are forgotten also where the server
    /// cannot be told, or has no such endpoint.
    ///
    /// An access token that the API checks by its signature alone cannot be taken back (`unsupported_token_type`; section
    /// 2.2.1). It is forgotten, which is all that can be done, and that is no error: it may be used until its end by whoever
    /// else has it.
    ///
    /// A renewal that is under way ends first, and what it has brought is given back. A login that somebody is waited for is
    /// given up.
    ///
    /// # Errors
    /// When the server does not take one of them back; the other is given back all the same, and of two refusals the first is
    /// told. When the store cannot be used: then nothing is forgotten or given up.
    pub async fn logout(&self) -> Result<(), TokenError> {
        let Shared { source, cache, key, .. } = &*self.shared;
        let Some(stored) = cache.remove(key).await? else {
            return Ok(());
        };
        // Each for itself: the access token may be taken back where the refresh token is not, and nobody knows it any more.
        let refresh = match &stored.refresh {
            Some(refresh) => source.issuer.revoke(refresh, TokenTypeHint::Refresh).await,
            None => Ok(()),
        };
        let access = match source.issuer.revoke(&stored.access, TokenTypeHint::Access).await {
            // One that servers check by its signature alone ends by itself, and no other comes after it.
            Err(error) if error.kind() == token::TokenErrorKind::UnsupportedTokenType => Ok(()),
            taken_back => taken_back,
        };
        refresh.and(access)
    }

    /// Gives one token back (RFC 7009).
    ///
    /// # Errors
    /// When the server does not take it back, or has no such endpoint.
    pub async fn revoke(&self, token: &Secret, hint: TokenTypeHint) -> Result<(), TokenError> {
        self.shared.source.issuer.revoke(token, hint).await
    }

    /// Asks what the authorization server knows of a token (RFC 7662).
    ///
    /// # Errors
    /// When it does not say, or has no such endpoint.
    pub async fn introspect(
        &self,
        token: &Secret,
        hint: TokenTypeHint,
    ) -> Result<Introspection, TokenError> {
        self.shared.source.issuer.introspect(token, hint).await
    }

    async fn keep(
        &self,
        login: impl Future<Output = Result<ObtainedToken, TokenError>> + Send,
    ) -> Result<(), TokenError> {
        self.shared.cache.replace(&self.shared.key, login).await.map(drop)
    }
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2").field("grant", &self.shared.source.grant).finish_non_exhaustive()
    }
}
