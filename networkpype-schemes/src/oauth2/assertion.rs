//! JSON Web Tokens that say who asks, or for whom (RFC 7521, RFC 7523).

use std::{borrow::Cow, fmt, time::Duration};

use networkpype_auth::JwtSigner;
use networkpype_core::{AuthError, AuthErrorKind, Secret, Timestamp};
use serde_json::{Value, value::RawValue};

use super::{error::unusable, server::AuthorizationServer};
use crate::entropy::{Entropy, uuid_text};

/// What a JSON Web Token says of whom it is for, where a program is allowed to ask for tokens by signing one: a service
/// account, say (RFC 7523, section 2.1).
///
/// Each request has a token of its own, with a `jti` of its own. It is issued ten seconds before now, so that an issuer whose
/// clock is behind takes it too, and lives two minutes.
///
/// ```
/// use networkpype_schemes::oauth2::{Assertion, Grant, JwtAlgorithm, JwtSigner};
///
/// let signer = JwtSigner::with_secret(JwtAlgorithm::Hs256, &"a secret of at least thirty-two bytes".into())?;
/// let grant = Grant::jwt_bearer(
///     Assertion::new(signer)
///         .key_id("key-1")
///         .issuer("robot@example.com")
///         .subject("user@example.com")
///         .claim("scope", "mail.read"),
/// );
/// # let _ = grant;
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone)]
#[must_use = "an assertion does nothing until a grant or a client is given it"]
pub struct Assertion {
    signer: JwtSigner,
    key_id: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
    audience: Audience,
    /// Names, and values as JSON.
    claims: Vec<(Cow<'static, str>, String)>,
    life: Duration,
    backdated: Duration,
}

/// Whom the token is for.
#[derive(Clone)]
enum Audience {
    /// The issuer, as the authorization server names itself.
    Issuer,
    /// The URL that the request goes to.
    Endpoint,
    /// This text.
    Text(String),
}

/// Whom a token may be for.
#[derive(Clone, Copy)]
pub(super) struct Audiences<'a> {
    pub(super) issuer: Option<&'a str>,
    pub(super) endpoint: &'a str,
}

impl Assertion {
    /// Tokens signed so.
    pub fn new(signer: JwtSigner) -> Self {
        Self {
            signer,
            key_id: None,
            issuer: None,
            subject: None,
            audience: Audience::Issuer,
            claims: Vec::new(),
            life: Duration::from_secs(120),
            backdated: Duration::from_secs(10),
        }
    }

    /// The header's `kid`: which of the registered keys it is. Default: none.
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.key_id = Some(id.into());
        self
    }

    /// The claim `iss`. Default: the client's id.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The claim `sub`. Default: the same as `iss`.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The claim `aud`. Default: the authorization server's issuer, as one text. An audience that another server may have
    /// chosen, such as the URL of an endpoint, would let that server use the token in the client's name.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Audience::Text(audience.into());
        self
    }

    /// Has `aud` be the URL that the request goes to, for servers that do not take their issuer.
    pub fn audience_is_endpoint(mut self) -> Self {
        self.audience = Audience::Endpoint;
        self
    }

    /// A claim that is a text.
    pub fn claim(self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.claim_json(name, Value::String(value.into()).to_string())
    }

    /// A claim that is JSON: a number, a list, an object. That it is none is found when a token is asked for.
    pub fn claim_json(
        mut self,
        name: impl Into<Cow<'static, str>>,
        json: impl Into<String>,
    ) -> Self {
        self.claims.push((name.into(), json.into()));
        self
    }

    /// How long a token lives, from now. Default: two minutes.
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// How long before now a token says that it was issued. Default: ten seconds.
    pub fn backdate(mut self, by: Duration) -> Self {
        self.backdated = by;
        self
    }

    pub(super) fn has_issuer(&self) -> bool {
        self.issuer.is_some()
    }

    /// In whose name a token is asked for, as far as that is said.
    pub(super) fn subject_or_issuer(&self) -> &str {
        self.subject.as_deref().or(self.issuer.as_deref()).unwrap_or_default()
    }

    /// The mistake in it, if there is one. `server` is given where it is known already.
    pub(super) fn check(&self, server: Option<&AuthorizationServer>) -> Result<(), AuthError> {
        const OWN: [&str; 6] = ["iss", "sub", "aud", "iat", "exp", "jti"];
        for (index, (name, json)) in self.claims.iter().enumerate() {
            let before = self.claims[..index].iter().any(|(other, _)| other == name);
            if before || OWN.contains(&name.as_ref()) {
                return Err(unusable("an assertion has a claim twice, or one that is set anyway"));
            }
            if serde_json::from_str::<&RawValue>(json).is_err() {
                return Err(unusable("a claim of an assertion is not JSON"));
            }
        }
        if self.life.as_secs() == 0 {
            return Err(unusable(
                "an assertion that lives less than a second has expired when it arrives: raise `expires_in`",
            ));
        }
        let has_issuer = server.is_none_or(|server| server.issuer.is_some());
        match self.audience {
            Audience::Issuer if !has_issuer => Err(no_issuer()),
            _ => Ok(()),
        }
    }

    /// The token of `client` at `now`.
    pub(super) fn sign(
        &self,
        client: &str,
        audiences: Audiences<'_>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Secret, AuthError> {
        let audience = match &self.audience {
            Audience::Issuer => audiences.issuer.ok_or_else(no_issuer)?,
            Audience::Endpoint => audiences.endpoint,
            Audience::Text(text) => text,
        };
        let header =
            self.signer.algorithm().header(self.key_id.iter().map(|id| ("kid", id.as_str())))?;
        let issuer = self.issuer.as_deref().unwrap_or(client);
        let text = |text: &str| Value::from(text).to_string();
        let seconds = |at: Timestamp| at.as_secs().to_string();
        let own = [
            ("iss", text(issuer)),
            ("sub", text(self.subject.as_deref().unwrap_or(issuer))),
            ("aud", text(audience)),
            ("jti", text(&uuid_text(entropy.uuid()?))),
            ("iat", seconds(now.saturating_sub(self.backdated))),
            ("exp", seconds(now.saturating_add(self.life))),
        ];
        let own = own.into_iter().map(|(name, json)| (Cow::from(name), json));
        let members: Vec<String> = own
            .chain(self.claims.iter().cloned())
            .map(|(name, json)| format!("{}:{json}", text(&name)))
            .collect();
        let claims = format!("{{{}}}", members.join(","));
        self.signer.sign(&header, &claims).map(Secret::from)
    }
}

/// Without knowing the issuer its token could be one that another server asked for.
fn no_issuer() -> AuthError {
    AuthError::new(
        AuthErrorKind::Configuration,
        "an assertion names the authorization server by its issuer, which is not known: give it with \
         `AuthorizationServer::issuer`, or say whom it is for with `audience` or `audience_is_endpoint`",
    )
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("signer", &self.signer).finish_non_exhaustive()
    }
}
