//! How did a signature come about?

use networkpype_core::{
    AuthError, Explanation, ExplanationBuilder, RestRequest, Secret, WebSocketRequest,
};

use super::{Recipe, message};
use crate::{Keyring, Login, Part, Subject, Template, Values};

/// A signed text and the parts that it is made of.
#[derive(Default)]
pub(crate) struct Trace {
    payload: Option<Secret>,
    parts: Vec<Traced>,
}

/// A part of a signed text.
struct Traced {
    name: String,
    end: usize,
    /// Whether it is a credential or made from one.
    is_secret: bool,
    source: Option<Source>,
}

/// What a part was made from.
struct Source {
    through: String,
    text: Secret,
    inner: Vec<Secret>,
}

impl Trace {
    pub(crate) fn take(
        &mut self,
        template: &Template,
        payload: &Secret,
        ends: &[usize],
        subject: &mut Subject<'_>,
        values: &Values<'_>,
    ) {
        self.payload = Some(payload.clone());
        self.parts = template
            .parts()
            .iter()
            .zip(ends)
            .map(|(part, end)| Traced {
                name: part.label(),
                end: *end,
                is_secret: part.is_secret(),
                source: source_of(part, subject, values),
            })
            .collect();
    }

    fn into_builder(self, mut builder: ExplanationBuilder) -> ExplanationBuilder {
        let payload = self.payload.unwrap_or_else(|| Secret::new(""));
        let mut start = 0;
        for Traced { name, end, is_secret, source } in self.parts {
            builder = builder.part(name, &payload.expose_bytes()[start..end], is_secret);
            if let Some(Source { through, text, inner }) = source {
                builder = builder.made_from(through, text, inner);
            }
            start = end;
        }
        builder
    }
}

/// What a filtered part was made from, unless that is a credential.
fn source_of(part: &Part, subject: &mut Subject<'_>, values: &Values<'_>) -> Option<Source> {
    let (of, through) = part.filtered()?;
    if part.is_only_secret() {
        return None;
    }
    let mut inner = Vec::new();
    inner_texts(of, subject, values, &mut inner);
    Some(Source { through, text: of.render(subject, values).ok()?, inner })
}

/// What the filtered parts of `template` were made from, however deep inside they are.
fn inner_texts(
    template: &Template,
    subject: &mut Subject<'_>,
    values: &Values<'_>,
    texts: &mut Vec<Secret>,
) {
    for part in template.parts() {
        if let Some((of, _)) = part.filtered().filter(|_| !part.is_only_secret()) {
            texts.extend(of.render(subject, values));
        }
        for of in part.inner() {
            inner_texts(of, subject, values, texts);
        }
    }
}

/// What is made from credentials alone, such as a password's hash: no less a secret than they are.
fn made_of_secrets(template: &Template, values: &Values<'_>, secrets: &mut Vec<Secret>) {
    for part in template.parts() {
        if part.is_made() && part.is_only_secret() {
            // What cannot be made here is not in the text either.
            secrets.extend(Template::from(part.clone()).render(&mut Subject::Nothing, values));
        }
        for of in part.inner() {
            made_of_secrets(of, values, secrets);
        }
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
        let mut secrets = credentials(values);
        let placed = self.places.iter().map(|place| &place.value);
        for template in placed.chain(&self.body).chain([&self.payload]) {
            made_of_secrets(template, values, &mut secrets);
        }
        builder.build(&secrets)
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
        let (text, ends) = payload.render_with_ends(&mut Subject::Nothing, &values)?;
        trace.take(payload, &text, &ends, &mut Subject::Nothing, &values);
        let builder = trace
            .into_builder(Explanation::builder(scheme.to_owned(), operation))
            .placed("message", "login");
        let mut secrets = credentials(&values);
        made_of_secrets(payload, &values, &mut secrets);
        Ok(builder.build(&secrets))
    }
}
