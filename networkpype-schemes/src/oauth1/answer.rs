//! What does a server say where a token is asked for, or in a redirect?

use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::Secret;

use super::{
    TokenCredentials,
    parameters::{Parameter, decode, of_text},
};

/// What a server says, as a form.
pub(super) struct Answer(Vec<Parameter>);

impl Answer {
    pub(super) fn read(text: &[u8]) -> Self {
        Self(of_text(text.trim_ascii()).collect())
    }

    /// The value of a parameter that may stand there once.
    pub(super) fn one(&self, name: &str) -> Result<Option<String>, TokenError> {
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

    /// Whether a parameter stands there with this value, whatever else it has.
    pub(super) fn has(&self, name: &str, value: &Secret) -> bool {
        let mut values = self.0.iter().filter(|parameter| parameter.name == name);
        values.any(|parameter| decode(parameter.value.as_bytes()) == value.expose_bytes())
    }

    pub(super) fn into_credentials(mut self) -> Result<TokenCredentials, TokenError> {
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

pub(super) fn malformed(message: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::Malformed, message)
}
