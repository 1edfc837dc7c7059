//! How does a program come to a resource owner's token (RFC 5849, section 2)?

use std::{fmt, sync::Arc};

use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Caller, LimitChoice, LimitId, Recovery, Rejection, RestRequest,
    Secret, WebSocketRequest, async_trait,
};

use super::{
    OAuth1, TemporaryCredentials, TokenCredentials,
    answer::{Answer, malformed},
    base_string::Kind,
    parameters::{encode, of_text},
    problem,
    sign::Own,
};
use crate::token_endpoint::{check_endpoint, limited, no_url, not_asked, succeeded};

/// The callback of a program that nobody can be sent back to: the resource owner is shown the verifier and types it in.
pub const OUT_OF_BAND: &str = "oob";

/// The three steps by which a resource owner gives a program a token, once called the three-legged dance.
///
/// ```
/// use networkpype_core::Caller;
/// use networkpype_schemes::oauth1::{AuthorizationFlow, ClientCredentials, OAuth1};
///
/// # async fn authorize(caller: std::sync::Arc<dyn Caller>) -> Result<(), Box<dyn std::error::Error>> {
/// let client = OAuth1::builder(ClientCredentials::hmac_sha1("my-consumer-key", "my-consumer-secret")).build()?;
/// let flow = AuthorizationFlow::builder(client.clone())
///     .caller(caller)
///     .temporary_credential_endpoint("https://photos.example.net/initiate")
///     .authorization_endpoint("https://photos.example.net/authorize")
///     .token_endpoint("https://photos.example.net/token")
///     .build()?;
///
/// let temporary = flow.temporary_credentials("http://printer.example.com/ready").await?;
/// println!("Open {}", flow.authorization_url(&temporary));
/// # let redirected = "";
/// let verifier = temporary.verifier_from(redirected)?;
/// let token = flow.token_credentials(&temporary, verifier).await?;
///
/// let auth = client.with_token(token);
/// # let _ = auth;
/// # Ok(())
/// # }
/// ```
///
/// Requests go through the caller that the builder is given, which cannot authenticate: `ctx.anonymous_caller()` in the
/// factory's `auth_with`, or a manager of its own. They are signed here, anew each time. A redirect in an answer is an error,
/// and nothing of a refusal is shown but a code of the problem reporting extension.
#[derive(Clone)]
pub struct AuthorizationFlow {
    client: OAuth1,
    caller: Arc<dyn Caller>,
    limit: LimitChoice,
    temporary: String,
    authorization: String,
    token: String,
}

/// Says whom to ask, and how. Made by [`AuthorizationFlow::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct AuthorizationFlowBuilder {
    client: OAuth1,
    caller: Option<Arc<dyn Caller>>,
    limit: LimitChoice,
    temporary: Option<String>,
    authorization: Option<String>,
    token: Option<String>,
}

impl AuthorizationFlow {
    /// A flow for this client. A token that it has is not used.
    pub fn builder(client: OAuth1) -> AuthorizationFlowBuilder {
        AuthorizationFlowBuilder {
            client,
            caller: None,
            limit: LimitChoice::default(),
            temporary: None,
            authorization: None,
            token: None,
        }
    }

    /// The first step: asks for temporary credentials (RFC 5849, section 2.1). The resource owner is sent back to `callback`, or
    /// to nowhere with [`OUT_OF_BAND`].
    ///
    /// # Errors
    /// When the server cannot be asked, gives none, or does not confirm the callback: then it speaks the first OAuth 1.0, with
    /// which anybody can put their own grant in the place of another's.
    pub async fn temporary_credentials(
        &self,
        callback: &str,
    ) -> Result<TemporaryCredentials, TokenError> {
        let callback = own("oauth_callback", callback);
        let client = OAuth1 {
            token: None,
            signer: self.client.client.method.signer(None),
            ..self.client.clone()
        };
        let answer = self
            .ask(&client, (&self.temporary, "`temporary_credential_endpoint`"), callback)
            .await?;
        let confirmed = answer.one("oauth_callback_confirmed")?;
        // What holds no credentials is no answer, and says nothing of how callbacks are treated.
        let TokenCredentials { token, secret, .. } = answer.into_credentials()?;
        if confirmed.as_deref() != Some("true") {
            return Err(malformed(
                "the issuer does not say `oauth_callback_confirmed=true`: its logins can be taken over by others",
            ));
        }
        Ok(TemporaryCredentials { token, secret })
    }

    /// The second step: where the resource owner's browser is to be sent (RFC 5849, section 2.2).
    pub fn authorization_url(&self, temporary: &TemporaryCredentials) -> String {
        let mark = if self.authorization.contains('?') { '&' } else { '?' };
        let token = encode(temporary.token.expose_bytes());
        format!("{}{mark}oauth_token={token}", self.authorization)
    }

    /// The third step: asks for the token (RFC 5849, section 2.3). `verifier` comes from
    /// [`verifier_from`](TemporaryCredentials::verifier_from), or from the person who typed it in.
    ///
    /// # Errors
    /// When the server cannot be asked, or gives none.
    pub async fn token_credentials(
        &self,
        temporary: &TemporaryCredentials,
        verifier: impl Into<Secret>,
    ) -> Result<TokenCredentials, TokenError> {
        let verifier = verifier.into();
        let verifier = verifier
            .expose_str()
            .ok_or_else(|| TokenError::new(TokenErrorKind::Refused, "the verifier is no text"))?;
        let client = self.client.with_token(TokenCredentials {
            token: temporary.token.clone(),
            secret: temporary.secret.clone(),
            more: Vec::new(),
        });
        let verifier = own("oauth_verifier", verifier);
        self.ask(&client, (&self.token, "`token_endpoint`"), verifier).await?.into_credentials()
    }

    async fn ask(
        &self,
        client: &OAuth1,
        (url, name): (&str, &str),
        with: Own,
    ) -> Result<Answer, TokenError> {
        let request = limited(RestRequest::post(url), &self.limit);
        let step = Arc::new(Step { client: client.clone(), with });
        let response = self.caller.call_signed(request, step).await.map_err(not_asked)?;
        let status = response.status();
        if status.is_client_error() && !matches!(status.as_u16(), 408 | 429) {
            // Other statuses say nothing of the grant, whatever their body has.
            if let Some(refusal) = problem::refusal(&response) {
                return Err(refusal);
            }
            if matches!(status.as_u16(), 400 | 401 | 403) {
                let message = format!(
                    "the server refuses and does not say why (status {}): look at the client's key and secret, its callback, \
                     the verifier, and the clock",
                    status.as_u16()
                );
                return Err(TokenError::new(TokenErrorKind::Refused, message));
            }
        }
        succeeded(&response, name, client.settings.clock.now())?;
        Ok(Answer::read(response.bytes()))
    }
}

/// Signs the request of one step, after the wait for capacity.
struct Step {
    client: OAuth1,
    with: Own,
}

#[async_trait]
impl Auth for Step {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        self.client.sign(request, Kind::Call, std::slice::from_ref(&self.with))
    }

    async fn ws_authenticate(
        &self,
        message: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        self.client.ws_authenticate(message).await
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        self.client.on_rejected(rejection).await
    }
}

impl fmt::Debug for AuthorizationFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationFlow")
            .field("client", &self.client)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl AuthorizationFlowBuilder {
    /// What sends the requests.
    pub fn caller(mut self, caller: impl Caller + 'static) -> Self {
        self.caller = Some(Arc::new(caller));
        self
    }

    /// Where temporary credentials are asked for, once called the request token URL.
    pub fn temporary_credential_endpoint(mut self, url: impl Into<String>) -> Self {
        self.temporary = Some(url.into());
        self
    }

    /// Where the resource owner's browser is sent. A query that it has stays.
    pub fn authorization_endpoint(mut self, url: impl Into<String>) -> Self {
        self.authorization = Some(url.into());
        self
    }

    /// Where the token is asked for, once called the access token URL.
    pub fn token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.token = Some(url.into());
        self
    }

    /// Charges the requests to this limit. Default: the caller's own.
    pub fn limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limit = LimitChoice::Named(limit.into());
        self
    }

    /// Charges the requests to no limit, although there are some.
    pub fn unlimited(mut self) -> Self {
        self.limit = LimitChoice::Unlimited;
        self
    }

    /// The flow.
    ///
    /// # Errors
    /// When the caller or one of the endpoints is missing; when the client has a parameter that the flow sets; when an
    /// endpoint is neither `https://` nor on this machine, has a fragment, or has a parameter that the flow sets.
    pub fn build(self) -> Result<AuthorizationFlow, AuthError> {
        let missing = |what: &str| {
            AuthError::new(AuthErrorKind::Configuration, format!("the flow has no `{what}`"))
        };
        let more = &self.client.settings.more;
        if more.iter().any(|own| matches!(&*own.name, "oauth_callback" | "oauth_verifier")) {
            return Err(AuthError::new(
                AuthErrorKind::Configuration,
                "the client has a callback or a verifier of its own, which the flow sets",
            ));
        }
        let url = |url: Option<String>, name: &str| {
            let url = url.ok_or_else(|| missing(name))?;
            check_endpoint(&url, &format!("`{name}`"))?;
            Ok::<_, AuthError>(url)
        };
        let authorization = url(self.authorization, "authorization_endpoint")?;
        let query = authorization.split_once('?').map_or("", |(_, query)| query);
        if of_text(query.as_bytes()).any(|parameter| parameter.name == "oauth_token") {
            return Err(no_url("`authorization_endpoint`"));
        }
        Ok(AuthorizationFlow {
            client: self.client,
            caller: self.caller.ok_or_else(|| missing("caller"))?,
            limit: self.limit,
            temporary: url(self.temporary, "temporary_credential_endpoint")?,
            authorization,
            token: url(self.token, "token_endpoint")?,
        })
    }
}

impl fmt::Debug for AuthorizationFlowBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationFlowBuilder")
            .field("client", &self.client)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

fn own(name: &'static str, value: &str) -> Own {
    Own { name: name.into(), value: value.to_owned() }
}
