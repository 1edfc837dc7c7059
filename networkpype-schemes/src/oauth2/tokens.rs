//! What is known of a token (RFC 7662), and which kind is it (RFC 7009)?

use std::fmt;

use networkpype_auth::token::TokenError;
use networkpype_core::{RestResponse, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::requests::json;

/// Which kind of token is revoked or asked about. A hint: a server that finds none of this kind looks among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenHint {
    /// One that is sent with requests.
    Access,
    /// One that gets the next.
    Refresh,
}

impl TokenHint {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

/// What an authorization server says of a token.
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
    /// Whose it is.
    pub subject: Option<String>,
    /// For whom it is.
    pub audience: Vec<String>,
    /// Until when it may be used.
    pub expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    active: bool,
    scope: Option<Value>,
    client_id: Option<String>,
    username: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    exp: Option<Value>,
}

impl Introspection {
    pub(super) fn read(response: &RestResponse) -> Result<Self, TokenError> {
        let answer: Answer = json(response)?;
        let scope = texts(answer.scope).join(" ");
        Ok(Self {
            active: answer.active,
            scope: (!scope.is_empty()).then_some(scope),
            client_id: answer.client_id,
            username: answer.username,
            subject: answer.sub,
            audience: texts(answer.aud),
            expires: answer.exp.and_then(|exp| exp.as_f64()).map(|exp| {
                // Which no token's date comes near; beyond, the conversion to nanoseconds would not fit.
                Timestamp::from_secs((exp as i64).clamp(0, 9_000_000_000))
            }),
        })
    }
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
