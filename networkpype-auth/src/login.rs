use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use networkpype_core::{
    AuthError, AuthErrorKind, JsonMembers, LimitId, LoginStep, Timestamp, WebSocketRequest,
    WebSocketResponse,
};

use crate::{
    MessageText, Part, Subject, Template, TimestampFormat, Values, canonical::json_plain_text,
    recipe::check::mistake,
};

/// How long a refusal's code may be: longer ones are sentences, which may quote what was sent.
const LONGEST_CODE: usize = 32;

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
        Self {
            text: MessageText::parse(message).map_err(|error| error.to_string()),
            payload: Template::default(),
            format: TimestampFormat::default(),
            ahead: Duration::ZERO,
            accepted: None,
            refused: None,
            code: None,
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

    /// The field of a refusal that becomes part of the error. Only a short code is taken over: a sentence may quote
    /// what was sent.
    pub fn refusal_code(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(field.into());
        self
    }

    /// Charges the login message to this limit. Default: the manager's `default_limit`.
    pub fn limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limit = Limit::Named(limit.into());
        self
    }

    /// Charges the login message to no limit, although there are some.
    pub fn unlimited(mut self) -> Self {
        self.limit = Limit::Unlimited;
        self
    }

    /// Whether `part` is signed or sent.
    pub fn uses(&self, part: &Part) -> bool {
        self.payload.uses(part) || self.text.as_ref().is_ok_and(|text| text.uses(part))
    }

    /// The mistake in it, if there is one.
    ///
    /// # Errors
    /// When the message is not usable, nothing tells acceptance, a signature is made and not sent or sent and not
    /// made, something is signed that the server cannot know, or a part belongs to requests or messages.
    pub fn check(&self) -> Result<(), AuthError> {
        let text = self.text()?;
        if self.accepted.is_none() {
            return mistake("nothing tells when a login is accepted: say it with `accepted_when`");
        }
        if self.payload.any(&|part| {
            part.needs_request() || matches!(part, Part::SortedFields | Part::Signature)
        }) {
            return mistake(
                "a login signs no request: write its method and path with `Part::literal`",
            );
        }
        if self.payload.is_empty() == text.uses(&Part::Signature) {
            return mistake(
                "a login signs what `sign` says and sends it as `{signature}`: one of both is missing",
            );
        }
        for (part, how) in [
            (
                Part::Timestamp,
                "the timestamp of the login is signed and not sent: add `{timestamp}`",
            ),
            (Part::Nonce, "the nonce of the login is signed and not sent: add `{nonce}`"),
        ] {
            if self.payload.uses(&part) && !text.uses(&part) {
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

    /// What a message received after the login means for it.
    pub fn judge(&self, received: &WebSocketResponse) -> LoginStep {
        let says = |judge: &Option<Judge>| judge.as_ref().is_some_and(|judge| judge(received));
        if says(&self.accepted) {
            LoginStep::Done
        } else if says(&self.refused) {
            LoginStep::Refused(self.refusal(received))
        } else {
            LoginStep::Wait
        }
    }

    fn text(&self) -> Result<&MessageText, AuthError> {
        self.text
            .as_ref()
            .map_err(|error| AuthError::new(AuthErrorKind::Configuration, error.clone()))
    }

    fn refusal(&self, received: &WebSocketResponse) -> Cow<'static, str> {
        let object: JsonMembers = received.json().unwrap_or_default();
        let code = self.code.as_deref().and_then(|field| object.get(field)).map(json_plain_text);
        match code {
            Some(code) if is_code(&code) => format!("code {code}").into(),
            _ => "the server gave no code".into(),
        }
    }
}

fn is_code(text: &str) -> bool {
    (1..=LONGEST_CODE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
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
mod tests {
    use super::*;
    use crate::fields_are;

    fn login() -> Login {
        Login::new(r#"{"op":"login","t":"{timestamp}","s":"{signature}"}"#)
            .sign([Part::Timestamp, Part::literal("GET/verify")])
            .accepted_when(fields_are([("event", "login")]))
            .refused_when(fields_are([("event", "error")]))
            .refusal_code("code")
    }

    #[test]
    fn the_message_holds_the_signature_of_what_it_says() {
        let message = login().message(Values::new().timestamp("17"), |payload| {
            assert_eq!(payload, b"17GET/verify");
            Ok("5/+=".to_owned())
        });
        let bytes = message.expect("signed").bytes().expect("bytes");
        assert_eq!(bytes, r#"{"op":"login","t":"17","s":"5/+="}"#);
    }

    #[test]
    fn answers_are_told_from_other_messages() {
        for (text, expected) in [
            (r#"{"event":"login","code":"0"}"#, "Done"),
            (r#"{"event":"error","code":"60009","msg":"x"}"#, "Refused(\"code 60009\")"),
            (r#"{"event":"error","code":60009}"#, "Refused(\"code 60009\")"),
            (
                r#"{"event":"error","code":"no key hunter2"}"#,
                "Refused(\"the server gave no code\")",
            ),
            (r#"{"event":"error"}"#, "Refused(\"the server gave no code\")"),
            (r#"{"event":"info"}"#, "Wait"),
            ("pong", "Wait"),
            ("[]", "Wait"),
        ] {
            let step = login().judge(&WebSocketResponse::from_text(text));
            assert_eq!(format!("{step:?}"), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_found_before_a_connection_is() {
        let accepted = fields_are([("event", "login")]);
        assert!(login().check().is_ok());
        for (login, reason) in [
            (Login::new("{"), "not JSON"),
            (Login::new("{}"), "accepted_when"),
            (login().sign([Part::Timestamp, Part::Method]), "signs no request"),
            (login().sign(Part::SortedFields), "signs no request"),
            (login().sign(Vec::new()), "one of both is missing"),
            (Login::new("{}").sign(Part::Key).accepted_when(accepted), "one of both is missing"),
            (login().sign(Part::Nonce), "`{nonce}`"),
        ] {
            let error = login.check().expect_err(reason).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn the_message_is_charged_where_the_login_says() {
        let limit = |login: Login| {
            let values = Values::new().timestamp("1");
            let message = login.message(values, |_| Ok("s".to_owned())).expect("signed");
            format!("{:?}", message.limit_choice())
        };
        assert_eq!(limit(login()), "Default");
        assert_eq!(limit(login().unlimited()), "Unlimited");
        assert!(limit(login().limit("messages")).contains("messages"));
    }
}
