//! How did a signature come about?

use networkpype_core::{
    AuthError, Explanation, ExplanationBuilder, RestRequest, Secret, WebSocketRequest,
};

use super::{Recipe, message};
use crate::{Keyring, Login, Template, Values};

/// A signed text and the parts that it is made of.
#[derive(Default)]
pub(crate) struct Trace {
    payload: Option<Secret>,
    /// The name of each part, where it ends, and whether it is a credential or made from one.
    parts: Vec<(String, usize, bool)>,
}

impl Trace {
    pub(crate) fn take(&mut self, template: &Template, payload: &Secret, ends: &[usize]) {
        self.payload = Some(payload.clone());
        self.parts = template
            .parts()
            .iter()
            .zip(ends)
            .map(|(part, end)| (part.label(), *end, part.is_secret()))
            .collect();
    }

    fn into_builder(self, mut builder: ExplanationBuilder) -> ExplanationBuilder {
        let payload = self.payload.unwrap_or_else(|| Secret::new(""));
        let mut start = 0;
        for (name, end, is_secret) in self.parts {
            builder = builder.part(name, &payload.expose_bytes()[start..end], is_secret);
            start = end;
        }
        builder
    }
}

/// Everything in a keyring, for an explanation to leave out.
fn credentials(values: &Values<'_>) -> Vec<Secret> {
    let named = values.keyring.into_iter().flat_map(Keyring::iter).map(|(_, value)| value);
    named.chain(values.key).chain(values.passphrase).cloned().collect()
}

/// Stands for the signature, which an explanation has no need of.
fn no_signature(_: &[u8]) -> Result<String, AuthError> {
    Ok("signature".to_owned())
}

impl Recipe {
    /// How `request` is signed with `values`: the same steps as in [`sign_request`](Self::sign_request), but for the
    /// signature itself. `scheme` and `operation` are what the explanation calls them.
    ///
    /// # Errors
    /// As [`sign_request`](Self::sign_request).
    pub fn explain_request(
        &self,
        request: RestRequest,
        values: Values<'_>,
        scheme: &str,
        operation: String,
    ) -> Result<Explanation, AuthError> {
        let mut trace = Trace::default();
        let _ = self.sign_traced(request, values, no_signature, Some(&mut trace))?;
        Ok(self.explained(trace, &values, scheme, operation))
    }

    /// The same of a WebSocket message.
    ///
    /// # Errors
    /// As [`sign_message`](Self::sign_message).
    pub fn explain_message(
        &self,
        message: WebSocketRequest,
        values: Values<'_>,
        scheme: &str,
        operation: String,
    ) -> Result<Explanation, AuthError> {
        let mut trace = Trace::default();
        let _ = message::sign(self, message, values, no_signature, Some(&mut trace))?;
        Ok(self.explained(trace, &values, scheme, operation))
    }

    fn explained(
        &self,
        trace: Trace,
        values: &Values<'_>,
        scheme: &str,
        operation: String,
    ) -> Explanation {
        let mut builder = trace.into_builder(Explanation::builder(scheme.to_owned(), operation));
        for place in &self.places {
            builder = builder.placed(place.at.shown(), place.value.label());
        }
        if let Some(body) = &self.body {
            builder = builder.placed("body", body.label());
        }
        builder.build(&credentials(values))
    }
}

impl Login {
    /// How the login is signed with `values`, but for the signature itself.
    ///
    /// # Errors
    /// As [`message`](Self::message).
    pub fn explain(
        &self,
        values: Values<'_>,
        scheme: &str,
        operation: String,
    ) -> Result<Explanation, AuthError> {
        let mut trace = Trace::default();
        let payload = self.payload();
        let (text, ends) = payload.render_with_ends(&mut crate::Subject::Nothing, &values)?;
        trace.take(payload, &text, &ends);
        let builder = trace
            .into_builder(Explanation::builder(scheme.to_owned(), operation))
            .placed("message", "login");
        Ok(builder.build(&credentials(&values)))
    }
}
