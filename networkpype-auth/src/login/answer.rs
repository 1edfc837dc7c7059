//! What does a message received after the login mean for it?

use networkpype_core::{LoginRefusal, LoginStep, Recovery, Secret, WebSocketResponse};
use serde_json::value::RawValue;

use super::{Judge, Login};
use crate::{Values, json_match::text_at};

/// How long a refusal's code may be: longer ones are sentences, which may quote what was sent.
const LONGEST_CODE: usize = 32;

impl Login {
    /// What a message received after the login means for it. `values` are those that the login was sent with: what of
    /// them comes back in a refusal is not shown.
    pub fn judge(&self, received: &WebSocketResponse, values: &Values<'_>) -> LoginStep {
        let says = |judge: &Option<Judge>| judge.as_ref().is_some_and(|judge| judge(received));
        if says(&self.accepted) {
            LoginStep::Done
        } else if says(&self.refused) {
            LoginStep::Refused(self.refusal(received, values))
        } else {
            LoginStep::Wait
        }
    }

    fn refusal(&self, received: &WebSocketResponse, values: &Values<'_>) -> LoginRefusal {
        let code = received
            .json::<Box<RawValue>>()
            .ok()
            .and_then(|json| text_at(json.get(), self.code.as_deref().unwrap_or("code")));
        let refusal = match &code {
            Some(code) if self.code.is_some() && is_code(code) && !quotes(code, values) => {
                LoginRefusal::new(format!("code {code}"))
            }
            _ => LoginRefusal::new("the server gave no code"),
        };
        if code.is_some_and(|code| self.resync.iter().any(|wanted| *wanted == code)) {
            return refusal.with_recovery(Recovery::ResyncTime);
        }
        refusal
    }
}

fn is_code(text: &str) -> bool {
    (1..=LONGEST_CODE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Whether `code` holds a credential.
fn quotes(code: &str, values: &Values<'_>) -> bool {
    let named =
        values.keyring.into_iter().flat_map(|keyring| keyring.iter().map(|(_, value)| value));
    let credentials = [values.key, values.passphrase].into_iter().flatten().chain(named);
    credentials.filter_map(Secret::expose_str).any(|credential| {
        !credential.is_empty()
            && code.to_ascii_lowercase().contains(&credential.to_ascii_lowercase())
    })
}
