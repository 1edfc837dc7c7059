//! Which requests does an issuer take that the library does not know?

use networkpype_auth::token::{ObtainedToken, TokenError};
use networkpype_core::Secret;

use super::{
    assertion::Assertion,
    error::{set_up_wrong, without_person},
    exchange::TokenExchange,
    issuer::{Issuer, text},
    requests::{Endpoint, json},
    response::Answer,
    server::{INTROSPECTION, REVOCATION, missing},
    tokens::{Introspection, TokenTypeHint},
};

impl Issuer {
    /// RFC 7523, section 2.1.
    pub(super) async fn jwt_bearer(
        &self,
        assertion: &Assertion,
    ) -> Result<ObtainedToken, TokenError> {
        let server = self.server().await?;
        let assertion = Some(assertion.clone());
        let endpoint = Endpoint { assertion, ..self.token_endpoint(server) };
        let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        self.own(&endpoint, &[grant]).await
    }

    /// RFC 8693, section 2.1.
    pub(super) async fn exchange(
        &self,
        exchange: &TokenExchange,
    ) -> Result<ObtainedToken, TokenError> {
        let server = self.server().await?;
        let (subject, actor) = exchange.tokens().await?;
        let mut pairs = vec![("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")];
        pairs.extend([("subject_token", text(&subject)?), exchange.subject_type_pair()]);
        if let Some((actor, of_type)) = &actor {
            pairs.extend([("actor_token", text(actor)?), ("actor_token_type", of_type.as_str())]);
        }
        pairs.extend(exchange.requested_type_pair());
        self.own(&self.token_endpoint(server), &pairs).await
    }

    /// RFC 7009. A token that the server does not know is revoked too.
    pub(super) async fn revoke(
        &self,
        token: &Secret,
        hint: TokenTypeHint,
    ) -> Result<(), TokenError> {
        let server = self.server().await?;
        let url = server.revocation.as_deref();
        let url = url.ok_or_else(|| set_up_wrong(missing(REVOCATION)))?;
        let pairs = [("token", text(token)?), ("token_type_hint", hint.as_str())];
        self.endpoint(server, url, REVOCATION).post(&pairs).await.map(drop)
    }

    /// RFC 7662.
    pub(super) async fn introspect(
        &self,
        token: &Secret,
        hint: TokenTypeHint,
    ) -> Result<Introspection, TokenError> {
        let server = self.server().await?;
        let url = server.introspection.as_deref();
        let url = url.ok_or_else(|| set_up_wrong(missing(INTROSPECTION)))?;
        let pairs = [("token", text(token)?), ("token_type_hint", hint.as_str())];
        Introspection::read(&self.endpoint(server, url, INTROSPECTION).post(&pairs).await?)
    }

    /// A request for a token that the library does not know, and that no person has a part in.
    async fn own(
        &self,
        endpoint: &Endpoint,
        pairs: &[(&str, &str)],
    ) -> Result<ObtainedToken, TokenError> {
        let scope = self.scopes.join(" ");
        let scope = (!scope.is_empty()).then_some(("scope", scope.as_str()));
        let more = self.more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<(&str, &str)> = pairs.iter().copied().chain(scope).chain(more).collect();
        let response = endpoint.post(&pairs).await.map_err(without_person)?;
        json::<Answer>(&response)?.into_token(&self.presentation)
    }
}
