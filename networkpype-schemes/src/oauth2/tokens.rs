//! What is known of a token (RFC 7662), and which kind is it (RFC 7009)?

use std::{fmt, time::Duration};

use networkpype_auth::token::TokenError;
use networkpype_core::{RestResponse, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{requests::json, response::seconds_of};

/// Which kind of token is revoked or asked about. A hint: a server that finds none of this kind looks among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenTypeHint {
    /// One that is sent with requests.
    Access,
    /// One that gets the next.
    Refresh,
}

impl TokenTypeHint {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

/// What an authorization server says of a token (RFC 7662, section 2.2). What it does not say, or says in no way that is to be
/// understood, is `None`.
#[derive(Clone)]
#[non_exhaustive]
pub struct Introspection {
    /// Whether it may be used. Of one that may not nothing else is said.
    pub active: bool,
    /// What it permits.
    pub scope: Option<String>,
    /// The client that it was given out to.
    pub client_id: Option<String>,
    /// Whose it is, for people to read.
    pub username: Option<String>,
    /// How it is sent (`token_type`), such as `Bearer` or `DPoP`, in the server's own case.
    pub token_type: Option<String>,
    /// Whose it is (`sub`).
    pub subject: Option<String>,
    /// For whom it is (`aud`).
    pub audience: Vec<String>,
    /// Who has given it out (`iss`).
    pub issuer: Option<String>,
    /// What tells it from all others (`jti`).
    pub token_id: Option<String>,
    /// When it was given out (`iat`).
    pub issued: Option<Timestamp>,
    /// Before when it may not be used (`nbf`).
    pub not_before: Option<Timestamp>,
    /// Until when it may be used (`exp`).
    pub expires: Option<Timestamp>,
    confirmation_thumbprint: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    active: bool,
    scope: Option<Value>,
    client_id: Option<Value>,
    username: Option<Value>,
    token_type: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    iss: Option<Value>,
    jti: Option<Value>,
    iat: Option<Value>,
    nbf: Option<Value>,
    exp: Option<Value>,
    cnf: Option<Value>,
}

impl Introspection {
    /// The key that it is bound to (RFC 9449, section 6.2): the `jkt` of its `cnf`, which is that key's
    /// [thumbprint](networkpype_auth::PublicJwk::thumbprint). `None` where whoever has the token may use it, or the server has
    /// bound it by other means.
    pub fn confirmation_thumbprint(&self) -> Option<&str> {
        self.confirmation_thumbprint.as_deref()
    }

    pub(super) fn read(response: &RestResponse) -> Result<Self, TokenError> {
        let answer: Answer = json(response)?;
        let scope = texts(answer.scope).join(" ");
        Ok(Self {
            active: answer.active,
            scope: (!scope.is_empty()).then_some(scope),
            client_id: text(answer.client_id),
            username: text(answer.username),
            token_type: text(answer.token_type),
            subject: text(answer.sub),
            audience: texts(answer.aud),
            issuer: text(answer.iss),
            token_id: text(answer.jti),
            issued: instant(answer.iat),
            not_before: instant(answer.nbf),
            expires: instant(answer.exp),
            confirmation_thumbprint: answer
                .cnf
                .and_then(|mut cnf| text(cnf.get_mut("jkt").map(Value::take))),
        })
    }
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn instant(value: Option<Value>) -> Option<Timestamp> {
    let since_epoch = seconds_of(&value?)?;
    // Which no token's date comes near; beyond, the conversion to nanoseconds would not fit.
    Some(Timestamp::UNIX_EPOCH.saturating_add(since_epoch.min(Duration::from_secs(9_000_000_000))))
}

fn texts(value: Option<Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("active", &self.active)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
