//! How does a program come to a resource owner's token (RFC 5849, section 2)?

use std::{fmt, sync::Arc};

use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{
    AuthError, AuthErrorKind, Caller, LimitChoice, LimitId, RestRequest, Secret,
};

use super::{
    OAuth1, TokenCredentials,
    base_string::Kind,
    parameters::{Parameter, decode, encode, of_text},
    problem,
    sign::Own,
};
use crate::token_endpoint::{check_endpoint, limited, no_url, succeeded, unreachable};

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
        let answer = self.ask(&client, &self.temporary, callback).await?;
        if answer.one("oauth_callback_confirmed")?.as_deref() != Some("true") {
            return Err(malformed(
                "the issuer does not say `oauth_callback_confirmed=true`: its logins can be taken over by others",
            ));
        }
        let TokenCredentials { token, secret, .. } = answer.into_credentials()?;
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
        self.ask(&client, &self.token, verifier).await?.into_credentials()
    }

    async fn ask(&self, client: &OAuth1, url: &str, with: Own) -> Result<Answer, TokenError> {
        let signed = client.sign(RestRequest::post(url), Kind::Call, &[with]).map_err(|error| {
            TokenError::new(TokenErrorKind::Refused, "the request for a token cannot be made")
                .with_source(error)
        })?;
        let response = self.caller.call(limited(signed, &self.limit)).await.map_err(unreachable)?;
        let status = response.status();
        if status.is_client_error() && !matches!(status.as_u16(), 408 | 429) {
            // Other statuses say nothing of the grant, whatever their body has.
            if let Some(refusal) = problem::refusal(&response) {
                return Err(refusal);
            }
        }
        succeeded(status)?;
        Ok(Answer(of_text(response.bytes().trim_ascii()).collect()))
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
    /// When the caller or one of the endpoints is missing; when the client has a parameter that the flow sets; when an endpoint is neither `https://` nor on this machine, has a
    /// fragment, or a parameter that the protocol sets.
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
            check_endpoint(&url)?;
            Ok::<_, AuthError>(url)
        };
        let authorization = url(self.authorization, "authorization_endpoint")?;
        let query = authorization.split_once('?').map_or("", |(_, query)| query);
        if of_text(query.as_bytes()).any(|parameter| parameter.name == "oauth_token") {
            return Err(no_url());
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

/// Temporary credentials, once called a request token: what a grant is known by until there is a token.
///
/// A web application keeps both halves in the session of the browser that it sends away, and makes this again of them with
/// [`new`](Self::new).
#[derive(Clone)]
pub struct TemporaryCredentials {
    token: Secret,
    secret: Secret,
}

impl TemporaryCredentials {
    /// Those of a flow that was begun earlier, perhaps by another process.
    pub fn new(token: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { token: token.into().into(), secret: secret.into() }
    }

    /// What identifies them.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// The secret that belongs to it.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The verifier in a redirect (RFC 5849, section 2.2): the whole URL that the browser was sent to, or its target or query.
    ///
    /// # Errors
    /// When it is not the answer to these credentials: another `oauth_token`, or a parameter twice. When it is one and says that
    /// there is no verifier: somebody declined, say.
    pub fn verifier_from(&self, redirected: &str) -> Result<Secret, TokenError> {
        let query = redirected.split_once('?').map_or(redirected, |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let answer = Answer(of_text(query.as_bytes()).collect());
        if let Some(refusal) = answer.one("oauth_problem")?.as_deref().and_then(problem::known) {
            return Err(refusal);
        }
        // As servers answer that do not know the extension.
        if answer.one("denied")?.is_some() {
            let message = "the resource owner declined";
            return Err(TokenError::new(TokenErrorKind::ReauthenticationRequired, message));
        }
        let token = answer.one("oauth_token")?.map(Secret::from);
        if token.is_none_or(|token| token.expose_bytes() != self.token.expose_bytes()) {
            let message = "the redirect answers another login than this one";
            return Err(TokenError::new(TokenErrorKind::Refused, message));
        }
        let verifier = answer.one("oauth_verifier")?.filter(|verifier| !verifier.is_empty());
        verifier.map(Secret::from).ok_or_else(|| malformed("the redirect holds no verifier"))
    }
}

impl fmt::Debug for TemporaryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemporaryCredentials").finish_non_exhaustive()
    }
}

/// What a server says, as a form.
struct Answer(Vec<Parameter>);

impl Answer {
    /// The value of a parameter that may stand there once.
    fn one(&self, name: &str) -> Result<Option<String>, TokenError> {
        let mut values = self.0.iter().filter(|parameter| parameter.name == name);
        let value = values.next();
        if values.next().is_some() {
            return Err(malformed("the answer has a parameter twice"));
        }
        value
            .map(|parameter| String::from_utf8(decode(parameter.value.as_bytes())))
            .transpose()
            .map_err(|_| malformed("the answer is not UTF-8"))
    }

    fn into_credentials(mut self) -> Result<TokenCredentials, TokenError> {
        let token = self.one("oauth_token")?.filter(|token| !token.is_empty());
        let secret = self.one("oauth_token_secret")?;
        let (Some(token), Some(secret)) = (token, secret) else {
            return Err(malformed("the issuer's answer holds no token, or no secret for it"));
        };
        self.0.retain(|parameter| {
            !matches!(parameter.name.as_str(), "oauth_token" | "oauth_token_secret")
        });
        Ok(TokenCredentials { token: token.into(), secret: secret.into(), more: self.0 })
    }
}

fn own(name: &'static str, value: &str) -> Own {
    Own { name: name.into(), value: value.to_owned() }
}

fn malformed(message: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::Malformed, message)
}
