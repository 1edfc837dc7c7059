use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use networkpype_core::{
    AuthError, AuthErrorKind, LimitId, Timestamp, WebSocketRequest, WebSocketResponse,
};

use crate::{
    Keyring, MessageText, Part, Subject, Template, TimestampFormat, Values, recipe::check::mistake,
};

mod answer;

type Judge = Arc<dyn Fn(&WebSocketResponse) -> bool + Send + Sync>;

/// A login by message: the message that is sent after each connect, what its signature is over, and how to recognise
/// the server's answer. Messages that are neither acceptance nor refusal are waited over.
///
/// ```
/// use networkpype_auth::{Login, Part, TimestampFormat, fields_are};
///
/// let okx = Login::new(
///     r#"{"op":"login","args":[{"apiKey":"{key}","passphrase":"{passphrase}","timestamp":"{timestamp}","sign":"{signature}"}]}"#,
/// )
/// .timestamp(TimestampFormat::Seconds)
/// .sign([Part::Timestamp, Part::literal("GET/users/self/verify")])
/// .accepted_when(fields_are([("event", "login"), ("code", "0")]))
/// .refused_when(fields_are([("event", "error")]))
/// .refusal_code("code");
/// # assert!(okx.check().is_ok());
/// ```
#[derive(Clone)]
#[must_use = "a login does nothing until a scheme is given it"]
pub struct Login {
    text: Result<MessageText, String>,
    payload: Template,
    format: TimestampFormat,
    ahead: Duration,
    accepted: Option<Judge>,
    refused: Option<Judge>,
    code: Option<Cow<'static, str>>,
    resync: Vec<Cow<'static, str>>,
    holds_payload: bool,
    limit: Limit,
}

#[derive(Clone, Debug)]
enum Limit {
    Default,
    Named(LimitId),
    Unlimited,
}

impl Login {
    /// A login with this message; see [`MessageText`] for what may stand in braces. A mistake in it is reported by
    /// [`check`](Self::check).
    pub fn new(message: &str) -> Self {
        Self::with_text(MessageText::parse(message))
    }

    /// A login with a message in which these names in braces stand for these parts, and no others do; see
    /// [`MessageText::parse_names`]. A mistake in it is reported by [`check`](Self::check).
    pub fn with_names(message: &str, names: &[(&str, Part)]) -> Self {
        Self::with_text(MessageText::parse_names(message, names))
    }

    /// A login with a message whose names were read as those of a [`Template`]. A mistake in it is reported by
    /// [`check`](Self::check).
    pub fn from_template(message: &Template) -> Self {
        Self::with_text(MessageText::from_template(message))
    }

    fn with_text(text: Result<MessageText, AuthError>) -> Self {
        Self {
            text: text.map_err(|error| error.to_string()),
            payload: Template::default(),
            format: TimestampFormat::default(),
            ahead: Duration::ZERO,
            accepted: None,
            refused: None,
            code: None,
            resync: Vec::new(),
            holds_payload: false,
            limit: Limit::Default,
        }
    }

    /// What is signed, in this order. An API that signs a made-up request such as `GET/users/self/verify` has it as a
    /// literal here. Without this nothing is signed, and the message must not hold a signature.
    pub fn sign(mut self, payload: impl Into<Template>) -> Self {
        self.payload = payload.into();
        self
    }

    /// How the timestamp is written. Default: milliseconds.
    pub fn timestamp(mut self, format: TimestampFormat) -> Self {
        self.format = format;
        self
    }

    /// Stamps with an instant that much ahead of the clock: for APIs that ask until when a login is valid.
    /// Default: now.
    pub fn expires_in(mut self, ahead: Duration) -> Self {
        self.ahead = ahead;
        self
    }

    /// Recognises the message by which the server accepts the login. It is asked before
    /// [`refused_when`](Self::refused_when), and has to be given.
    pub fn accepted_when(
        mut self,
        accepted: impl Fn(&WebSocketResponse) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.accepted = Some(Arc::new(accepted));
        self
    }

    /// Recognises the message by which the server refuses the login. Without this a refusal shows as a login that is
    /// never answered, or as a connection that the server closes.
    pub fn refused_when(
        mut self,
        refused: impl Fn(&WebSocketResponse) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.refused = Some(Arc::new(refused));
        self
    }

    /// The field of a refusal that becomes part of the error: its name or, with a `/` before it, a JSON pointer such as
    /// `/error/code`. Only a short code is taken over, and none that holds the key or the passphrase: a sentence may
    /// quote what was sent. Default: no code becomes part of the error.
    pub fn refusal_code(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(field.into());
        self
    }

    /// Has a login that is refused with this code tried once more on a new connection, after the server's time was
    /// learnt anew: [`Recovery::ResyncTime`](networkpype_core::Recovery::ResyncTime). The code is in the field of
    /// [`refusal_code`](Self::refusal_code), or in `code` where none was said. Default: never.
    pub fn resync_on_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.resync.push(code.into());
        self
    }

    /// Charges the login message to this limit. Default: the WebSocket manager's `login_limit`, or its `default_limit`
    /// where it has none.
    pub fn limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limit = Limit::Named(limit.into());
        self
    }

    /// Charges the login message to no limit, although there are some.
    pub fn unlimited(mut self) -> Self {
        self.limit = Limit::Unlimited;
        self
    }

    /// Says that the signature holds what was signed, as a token does: then a timestamp in it is sent.
    pub fn signature_holds_payload(mut self) -> Self {
        self.holds_payload = true;
        self
    }

    /// What is signed.
    pub fn payload(&self) -> &Template {
        &self.payload
    }

    /// Makes ready what signing needs of `keyring`.
    ///
    /// # Errors
    /// When it lacks a credential.
    pub fn prepare(&self, keyring: &mut Keyring) -> Result<(), AuthError> {
        keyring.prepare_for(&self.payload)?;
        let parts = self.text.iter().flat_map(MessageText::parts).cloned().collect::<Template>();
        keyring.prepare_for(&parts)?;
        parts.check_credentials(keyring, "login message", false)
    }

    /// Whether `part` is signed or sent.
    pub fn uses(&self, part: &Part) -> bool {
        self.payload.uses(part) || self.text.as_ref().is_ok_and(|text| text.uses(part))
    }

    /// Whether `wanted` holds for a part that is signed or sent.
    pub fn any(&self, wanted: &dyn Fn(&Part) -> bool) -> bool {
        self.payload.any(wanted) || self.text.iter().flat_map(MessageText::parts).any(wanted)
    }

    /// The mistake in it, if there is one.
    ///
    /// # Errors
    /// When the message is not usable, nothing tells acceptance, or refusal where a code of it leads to a resync, a
    /// signature is made and not sent or sent and not made, something is signed that the server cannot know, a timestamp
    /// stands outside of quotes that is not a number, or a part belongs to requests or messages.
    pub fn check(&self) -> Result<(), AuthError> {
        let text = self.text()?;
        text.parts().cloned().collect::<Template>().check_text()?;
        if self.accepted.is_none() {
            return mistake(
                "nothing tells when a login is accepted: say it with `accepted` in a recipe, or `accepted_when` in Rust",
            );
        }
        if self.payload.any(&|part| {
            part.needs_request()
                || matches!(part, Part::SortedFields | Part::JsonMember(_) | Part::Signature)
        }) {
            return mistake(
                "a login signs no request: write its method and path as text, which is `Part::literal` in Rust",
            );
        }
        let is_filtered = |part: &Part| {
            *part != Part::Signature && Template::from(part.clone()).uses(&Part::Signature)
        };
        if text.parts().any(is_filtered) {
            return mistake(
                "the message of a login sends the signature as it is: write `{signature}` without filters, and say how it \
                 becomes text with `digest`",
            );
        }
        if self.payload.is_empty() == text.uses(&Part::Signature) {
            return mistake(
                "a login signs what `payload` says in a recipe, or `sign` in Rust, and sends it as `{signature}`: one of both \
                 is missing",
            );
        }
        if text.uses_as_number(&Part::Timestamp) && !self.format.is_number() {
            return mistake("the timestamp of the login is no number: write `\"{timestamp}\"`");
        }
        if !self.resync.is_empty() && self.refused.is_none() {
            return mistake(
                "nothing tells when a login is refused: say it with `refused` in a recipe, or `refused_when` in Rust",
            );
        }
        for (part, how) in [
            (
                Part::Timestamp,
                "the timestamp of the login is signed and not sent: add `{timestamp}`",
            ),
            (Part::Nonce, "the nonce of the login is signed and not sent: add `{nonce}`"),
        ] {
            if self.payload.uses(&part) && !text.uses(&part) && !self.holds_payload {
                return mistake(how);
            }
        }
        Ok(())
    }

    /// The timestamp of a login that is sent at `now`.
    pub fn stamp(&self, now: Timestamp) -> String {
        self.format.format(now.saturating_add(self.ahead))
    }

    /// The login message, signed with `sign`, which is given the payload and returns the signature as text.
    ///
    /// # Errors
    /// When [`check`](Self::check) fails for its text, a value is missing or not UTF-8, or `sign` fails.
    pub fn message(
        &self,
        values: Values<'_>,
        sign: impl FnOnce(&[u8]) -> Result<String, AuthError>,
    ) -> Result<WebSocketRequest, AuthError> {
        let text = self.text()?;
        let message = if self.payload.is_empty() {
            text.message(&values)?
        } else {
            let payload = self.payload.render(&mut Subject::Nothing, &values)?;
            text.message(&values.signature(&sign(payload.expose_bytes())?))?
        };
        Ok(match &self.limit {
            Limit::Default => message,
            Limit::Named(limit) => message.limit(limit.clone()),
            Limit::Unlimited => message.unlimited(),
        })
    }

    fn text(&self) -> Result<&MessageText, AuthError> {
        self.text
            .as_ref()
            .map_err(|error| AuthError::new(AuthErrorKind::Configuration, error.clone()))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("text", &self.text)
            .field("payload", &self.payload)
            .field("format", &self.format)
            .field("ahead", &self.ahead)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
