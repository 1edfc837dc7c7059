//! A login in a browser: where is it sent, and is what comes back the answer (RFC 6749, 4.1; RFC 7636; RFC 9207)?

use std::fmt;

use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{AuthError, Secret};
use oauth2::{CsrfToken, RedirectUrl, url::form_urlencoded};

use super::{
    client::Client,
    code_verifier::{CodeVerifier, random_text},
    echo::is_like,
    error::{is_known, malformed, refused, unusable},
    server::AuthorizationServer,
};
use crate::entropy::Entropy;

/// A login that was begun: the URL to open in a browser, and what the redirect that comes back is checked with.
///
/// Made by [`OAuth2::authorization_request`](super::OAuth2::authorization_request). A web application keeps
/// [`state`](Self::state) and [`verifier`](Self::verifier) in the session of the browser that it sends away, and makes this
/// again of them with [`resume`](Self::resume).
#[derive(Clone)]
pub struct AuthorizationRequest {
    url: String,
    redirect: Redirect,
}

/// What a redirect is checked with.
#[derive(Clone)]
struct Redirect {
    uri: String,
    state: Secret,
    verifier: Secret,
    issuer: Option<String>,
    names_itself: bool,
}

/// A code that came back from a login, with all that it takes to exchange it. It can be used once.
pub struct AuthorizationCode {
    pub(super) code: Secret,
    pub(super) verifier: Secret,
    pub(super) redirect_uri: String,
}

impl AuthorizationRequest {
    /// Begins a login. Proof keys are of the method S256, always.
    pub(super) fn new(
        server: &AuthorizationServer,
        client: &Client,
        redirect_uri: &str,
        scopes: &[String],
        more: &[(String, String)],
        entropy: &dyn Entropy,
    ) -> Result<Self, AuthError> {
        let state = random_text(entropy)?;
        let verifier = CodeVerifier::generate_with(entropy)?;
        let redirect = Redirect {
            uri: redirect_uri.to_owned(),
            state,
            verifier: verifier.secret().clone(),
            issuer: server.issuer.clone(),
            names_itself: server.names_itself,
        };
        let state = redirect.state.expose_str().unwrap_or_default().to_owned();
        let uri = RedirectUrl::new(redirect_uri.to_owned())
            .map_err(|_| unusable("the redirect URI is no URL"))?;
        let asked = oauth2::basic::BasicClient::new(oauth2::ClientId::new(client.id().to_owned()))
            .set_auth_uri(server.authorization_url()?)
            .set_redirect_uri(uri);
        let request = asked
            .authorize_url(|| CsrfToken::new(state))
            .set_pkce_challenge(verifier.pkce())
            .add_scopes(scopes.iter().map(|scope| oauth2::Scope::new(scope.clone())));
        let request = more.iter().fold(request, |request, (name, value)| {
            request.add_extra_param(name.clone(), value.clone())
        });
        Ok(Self { url: request.url().0.to_string(), redirect })
    }

    /// A login that was begun earlier, perhaps by another process: `redirect_uri`, `state` and `verifier` are those of then.
    /// `iss` in the redirect is compared with the issuer of this server.
    pub fn resume(
        server: &AuthorizationServer,
        redirect_uri: impl Into<String>,
        state: impl Into<Secret>,
        verifier: impl Into<Secret>,
    ) -> Self {
        let redirect = Redirect {
            uri: redirect_uri.into(),
            state: state.into(),
            verifier: verifier.into(),
            issuer: server.issuer.clone(),
            names_itself: server.names_itself,
        };
        Self { url: String::new(), redirect }
    }

    /// What to open in a browser. Empty for a login that was resumed. It holds no secret that matters after the login, yet
    /// who can read it before may interfere: it is for the person's own browser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What has to come back unchanged, so that nobody else's login is taken for this one.
    pub fn state(&self) -> &Secret {
        &self.redirect.state
    }

    /// What proves to the token endpoint that the code is exchanged by who asked for it (RFC 7636).
    pub fn verifier(&self) -> &Secret {
        &self.redirect.verifier
    }

    /// The code in a redirect: the whole URL that the browser was sent to, or its target or query.
    ///
    /// # Errors
    /// When it is not the answer to this login: another `state`, another `iss`, a parameter twice. When it is one and says
    /// that there is no code: somebody declined, say.
    pub fn code_from(&self, redirected: &str) -> Result<AuthorizationCode, TokenError> {
        let query = redirected.split_once('?').map_or(redirected, |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let one = |name: &str| -> Result<Option<&str>, TokenError> {
            let mut values = pairs.iter().filter(|(other, _)| other == name);
            let value = values.next().map(|(_, value)| value.as_str());
            match values.next() {
                None => Ok(value),
                Some(_) => Err(malformed("the redirect has a parameter twice")),
            }
        };
        let state = one("state")?.unwrap_or_default();
        if !same(state.as_bytes(), self.redirect.state.expose_bytes()) {
            return Err(TokenError::new(TokenErrorKind::Refused, OTHER_LOGIN));
        }
        match (one("iss")?, &self.redirect.issuer) {
            (Some(named), Some(issuer)) if named != issuer => {
                return Err(TokenError::new(TokenErrorKind::Refused, OTHER_ISSUER));
            }
            (None, _) if self.redirect.names_itself => {
                return Err(TokenError::new(TokenErrorKind::Refused, OTHER_ISSUER));
            }
            _ => {}
        }
        if let Some(error) = one("error")? {
            let told = [&self.redirect.state, &self.redirect.verifier];
            let is_told = !is_known(error) && told.into_iter().any(|secret| is_like(error, secret));
            return Err(refused(if is_told { "" } else { error }));
        }
        match one("code")?.filter(|code| !code.is_empty()) {
            None => Err(malformed("the redirect holds no code")),
            Some(code) => Ok(AuthorizationCode {
                code: code.into(),
                verifier: self.redirect.verifier.clone(),
                redirect_uri: self.redirect.uri.clone(),
            }),
        }
    }

    /// Whether this is a redirect of this login, by its `state`.
    #[cfg(feature = "oauth2-loopback")]
    pub(super) fn is_answered_by(&self, query: &str) -> bool {
        form_urlencoded::parse(query.as_bytes()).any(|(name, value)| {
            name == "state" && same(value.as_bytes(), self.redirect.state.expose_bytes())
        })
    }
}

const OTHER_LOGIN: &str = "the redirect does not belong to this login: its `state` is another";
const OTHER_ISSUER: &str = "the redirect is not from the authorization server that was asked: its `iss` is another, or \
                            missing";

/// Compares in a time that says nothing of where the two differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest").finish_non_exhaustive()
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Bytes that count up from a number.
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn bytes(&self) -> Result<[u8; 16], AuthError> {
            let from = self.0.fetch_add(1, Ordering::Relaxed);
            Ok([from; 16])
        }
    }

    #[test]
    fn state_and_verifier_are_drawn_apart_and_long_enough() {
        let entropy = Counting(AtomicU8::new(1));
        let state = random_text(&entropy).expect("bytes");
        let verifier = CodeVerifier::generate_with(&entropy).expect("bytes");
        let drawn = [&state, verifier.secret()].map(Secret::expose_bytes);
        assert_ne!(drawn[0], drawn[1]);
        assert_eq!(drawn.map(<[u8]>::len), [43, 43]);
    }

    #[test]
    fn only_equal_texts_are_the_same() {
        for (one, other, expected) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "b", false),
            ("a", "", false),
            ("a", "ab", false),
        ] {
            assert_eq!(same(one.as_bytes(), other.as_bytes()), expected, "{one} {other}");
        }
    }
}
