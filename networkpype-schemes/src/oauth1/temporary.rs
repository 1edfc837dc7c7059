//! Is a redirect the answer to the grant that was begun (RFC 5849, section 2.2)?

use std::fmt;

use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::Secret;

use super::{
    answer::{Answer, malformed},
    problem,
};

/// Temporary credentials, once called a request token: what a grant is known by until there is a token.
///
/// A web application keeps both halves in the session of the browser that it sends away, and makes this again of them with
/// [`new`](Self::new).
#[derive(Clone)]
pub struct TemporaryCredentials {
    pub(super) token: Secret,
    pub(super) secret: Secret,
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
        let answer = Answer::read(query.as_bytes());
        // Whose answer it is comes first: what another one says, anybody may have written.
        let token = answer.one("oauth_token")?.map(Secret::from);
        let is_ours = token.as_ref().map(|token| token.expose_bytes() == self.token.expose_bytes());
        if is_ours == Some(false) {
            return Err(another());
        }
        if let Some(refusal) = answer.one("oauth_problem")?.as_deref().and_then(problem::known) {
            return Err(refusal);
        }
        // As servers answer that do not know the extension. A callback may have such a parameter of its own.
        if answer.has("denied", &self.token) {
            let message = "the resource owner declined";
            return Err(TokenError::new(TokenErrorKind::ReauthenticationRequired, message));
        }
        if is_ours.is_none() {
            return Err(another());
        }
        let verifier = answer.one("oauth_verifier")?.filter(|verifier| !verifier.is_empty());
        verifier.map(Secret::from).ok_or_else(|| malformed("the redirect holds no verifier"))
    }
}

fn another() -> TokenError {
    let message = "the redirect answers another login than this one";
    TokenError::new(TokenErrorKind::Refused, message)
}

impl fmt::Debug for TemporaryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemporaryCredentials").finish_non_exhaustive()
    }
}
