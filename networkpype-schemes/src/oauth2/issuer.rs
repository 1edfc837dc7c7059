//! Which requests does an issuer take? One method for each grant; the library builds those it knows.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use networkpype_auth::token::{ObtainedToken, TokenError};
use networkpype_core::{Caller, Clock, LimitChoice, Secret, Ticker};
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ErrorResponse, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use tokio::sync::OnceCell;

use super::{
    authorization::{AuthorizationCode, AuthorizationRequest},
    client::Client,
    device::{Begun, DevicePrompt},
    discovery::Discovery,
    error::{at_border, malformed, set_up_wrong, unusable, without_person},
    presentation::Presentation,
    requests::{Bridge, Endpoint},
    response::Answer,
    server::{AuthorizationServer, DEVICE, TOKEN},
};
use crate::entropy::Entropy;

/// The library's client: its requests know their endpoint, and answers are read our way.
type Library = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    oauth2::StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// How much a device waits longer at most where its issuer cannot be reached.
const BACKOFF: Duration = Duration::from_secs(60);

/// Where the server's endpoints come from.
pub(super) enum Whereabouts {
    Known(AuthorizationServer),
    Discovered(Discovery, OnceCell<AuthorizationServer>),
}

/// Asks an authorization server, in the name of one client, for what it was set up to ask.
pub(super) struct Issuer {
    pub(super) caller: Arc<dyn Caller>,
    pub(super) whereabouts: Whereabouts,
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ticker: Arc<dyn Ticker>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) limit: LimitChoice,
    pub(super) scopes: Vec<String>,
    /// `audience`, `resource` and what the program adds.
    pub(super) more: Vec<(String, String)>,
    pub(super) presentation: Presentation,
}

/// Gives a request of the library all further parameters.
macro_rules! with_more {
    ($request:expr, $more:expr) => {
        $more.iter().fold($request, |request, (name, value)| {
            request.add_extra_param(name.clone(), value.clone())
        })
    };
}

impl Issuer {
    /// RFC 6749, section 4.4.
    pub(super) async fn client_credentials(&self) -> Result<ObtainedToken, TokenError> {
        let server = self.server().await?;
        let library = self.library(server)?;
        let bridge = Bridge::once(self.token_endpoint(server));
        let request = library.exchange_client_credentials().add_scopes(self.words());
        let answer = with_more!(request, self.more).request_async(&bridge).await;
        self.token(answer).map_err(without_person)
    }

    /// RFC 6749, section 4.3.
    pub(super) async fn password(
        &self,
        user: &str,
        password: &Secret,
    ) -> Result<ObtainedToken, TokenError> {
        let server = self.server().await?;
        let library = self.library(server)?;
        let bridge = Bridge::once(self.token_endpoint(server));
        let user = oauth2::ResourceOwnerUsername::new(user.to_owned());
        let password = oauth2::ResourceOwnerPassword::new(text(password)?.to_owned());
        let request = library.exchange_password(&user, &password).add_scopes(self.words());
        self.token(with_more!(request, self.more).request_async(&bridge).await)
    }

    /// RFC 6749, section 6. The scope is the one that was granted, which not saying it means.
    pub(super) async fn refresh(&self, token: &Secret) -> Result<ObtainedToken, TokenError> {
        let server = self.server().await?;
        let library = self.library(server)?;
        let bridge = Bridge::once(self.token_endpoint(server));
        let token = oauth2::RefreshToken::new(text(token)?.to_owned());
        let request = library.exchange_refresh_token(&token);
        self.token(with_more!(request, self.more).request_async(&bridge).await)
    }

    /// Where a person is to log in, and what the answer is checked with.
    pub(super) async fn authorization_request(
        &self,
        redirect_uri: &str,
    ) -> Result<AuthorizationRequest, TokenError> {
        let server = self.server().await?;
        let entropy = &*self.entropy;
        // The code is of use only to who has the key, then (RFC 9449, section 10).
        let bound = self.presentation.thumbprint().map(|jkt| ("dpop_jkt".to_owned(), jkt));
        let more: Vec<_> = self.more.iter().cloned().chain(bound).collect();
        AuthorizationRequest::new(server, &self.client, redirect_uri, &self.scopes, &more, entropy)
            .map_err(set_up_wrong)
    }

    /// RFC 6749, section 4.1.3, with the proof of RFC 7636.
    pub(super) async fn code(&self, code: &AuthorizationCode) -> Result<ObtainedToken, TokenError> {
        let server = self.server().await?;
        let redirect = RedirectUrl::new(code.redirect_uri.clone())
            .map_err(|_| set_up_wrong(unusable("the redirect URI is no URL")))?;
        let library = self.library(server)?.set_redirect_uri(redirect);
        let bridge = Bridge::once(self.token_endpoint(server));
        let verifier = PkceCodeVerifier::new(text(&code.verifier)?.to_owned());
        let code = oauth2::AuthorizationCode::new(text(&code.code)?.to_owned());
        let request = library.exchange_code(code).set_pkce_verifier(verifier);
        self.token(with_more!(request, self.more).request_async(&bridge).await)
    }

    /// RFC 8628: shows what to do, and waits until it is done. The interval is the issuer's, five seconds where it says none;
    /// `slow_down` makes it five seconds longer for good, an issuer that cannot be reached doubles it, and one that asks to be
    /// left alone is.
    pub(super) async fn device(
        &self,
        show: &(dyn Fn(&DevicePrompt) + Send + Sync),
    ) -> Result<ObtainedToken, TokenError> {
        let server = self.server().await?;
        let url = server.device_endpoint().map_err(set_up_wrong)?;
        let library = self
            .library(server)?
            .set_device_authorization_url(server.device_url().map_err(set_up_wrong)?);
        let begun = self.begin_device(server, url).await?;
        show(&begun.prompt);
        let bridge = Bridge::polling(self.token_endpoint(server));
        let (ticker, started) = (Arc::clone(&self.ticker), self.ticker.now());
        let elapsed = move || ticker.now().saturating_since(started);
        let request = library
            .exchange_device_access_token(&begun.details)
            .set_time_fn(move || (SystemTime::UNIX_EPOCH + elapsed()).into())
            .set_max_backoff_interval(begun.interval + BACKOFF);
        let request = with_more!(request, self.more);
        // The library asks at once, when nobody can have typed anything yet.
        sleep(Arc::clone(&self.ticker), begun.interval).await;
        let ticker = Arc::clone(&self.ticker);
        let left_alone = bridge.left_alone();
        let sleep =
            move |interval: Duration| sleep(Arc::clone(&ticker), interval.max(left_alone()));
        let left = begun.prompt.expires_in().saturating_sub(begun.interval);
        let answer = request.request_async(&bridge, sleep, Some(left)).await;
        if let Some(error) = bridge.take_final_error() {
            return Err(error);
        }
        self.token(answer)
    }

    async fn begin_device(
        &self,
        server: &AuthorizationServer,
        url: &str,
    ) -> Result<Begun, TokenError> {
        let scope = self.scopes.join(" ");
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        if !scope.is_empty() {
            pairs.push(("scope", &scope));
        }
        pairs.extend(self.more.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        // Not by the library, which takes numbers in one way only.
        Begun::read(&self.endpoint(server, url, DEVICE).post(&pairs).await?)
    }

    pub(super) async fn server(&self) -> Result<&AuthorizationServer, TokenError> {
        match &self.whereabouts {
            Whereabouts::Known(server) => Ok(server),
            Whereabouts::Discovered(discovery, server) => {
                let with_certificate = self.client.has_certificate();
                let server = server
                    .get_or_try_init(|| {
                        discovery.fetch_for(&self.caller, &*self.clock, with_certificate)
                    })
                    .await?;
                Ok(server)
            }
        }
    }

    pub(super) fn endpoint(
        &self,
        server: &AuthorizationServer,
        url: &str,
        name: &'static str,
    ) -> Endpoint {
        Endpoint {
            caller: Arc::clone(&self.caller),
            client: self.client.clone(),
            issuer: server.issuer.clone(),
            url: url.to_owned(),
            name,
            limit: self.limit.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            // Proofs are for tokens: at the other endpoints there is nothing to bind (RFC 9449, section 5).
            presentation: None,
            assertion: None,
        }
    }

    pub(super) fn token_endpoint(&self, server: &AuthorizationServer) -> Endpoint {
        let presentation = Some(self.presentation.clone());
        Endpoint { presentation, ..self.endpoint(server, &server.token, TOKEN) }
    }

    /// The library's client. It is told no secret: it builds forms, and the client's proof is added to them afterwards.
    fn library(&self, server: &AuthorizationServer) -> Result<Library, TokenError> {
        let library = oauth2::Client::new(ClientId::new(self.client.id().to_owned()))
            .set_token_uri(server.token_url().map_err(set_up_wrong)?);
        Ok(if self.client.is_in_header() {
            // Which keeps the id out of the form; the header that it makes of this is not sent.
            library
                .set_auth_type(AuthType::BasicAuth)
                .set_client_secret(ClientSecret::new(String::new()))
        } else {
            library.set_auth_type(AuthType::RequestBody)
        })
    }

    fn token<T: ErrorResponse + WithCode + 'static>(
        &self,
        answer: Result<Answer, RequestTokenError<TokenError, T>>,
    ) -> Result<ObtainedToken, TokenError> {
        answer.map_err(|error| at_border(error, WithCode::code))?.into_token(&self.presentation)
    }

    fn words(&self) -> impl Iterator<Item = Scope> {
        self.scopes.iter().map(|scope| Scope::new(scope.clone()))
    }
}

async fn sleep(ticker: Arc<dyn Ticker>, length: Duration) {
    ticker.sleep_until(ticker.now() + length).await;
}

/// The code of a refusal as the library has read it.
trait WithCode {
    fn code(&self) -> String;
}

impl<T: oauth2::ErrorResponseType + AsRef<str>> WithCode for oauth2::StandardErrorResponse<T> {
    fn code(&self) -> String {
        self.error().as_ref().to_owned()
    }
}

pub(super) fn text(secret: &Secret) -> Result<&str, TokenError> {
    secret.expose_str().ok_or_else(|| malformed("a token or a password is not UTF-8 text"))
}
