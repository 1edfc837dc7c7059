use networkpype_core::{AuthError, AuthErrorKind, JsonMembers, Origin, RestRequest, Secret};

use crate::{
    Endpoint, Entry, Part, Section, Subject, Values, buffer::WipedBuffer,
    canonical::sorted_fields_text,
};

impl Part {
    /// Writes what it stands for at the end of `out`.
    pub(crate) fn write(
        &self,
        subject: &mut Subject<'_>,
        values: &Values<'_>,
        out: &mut WipedBuffer,
    ) -> Result<(), AuthError> {
        let mut put = |bytes: &[u8]| out.push(bytes);
        match self {
            Self::Literal(text) => put(text.as_bytes()),
            Self::Timestamp => put(self.given(values.timestamp)?.as_bytes()),
            Self::Nonce => put(self.given(values.nonce)?.as_bytes()),
            Self::Signature => put(self.given(values.signature)?.as_bytes()),
            Self::Key => put(self.given(values.key).map(Secret::expose_bytes)?),
            Self::Passphrase => put(self.given(values.passphrase).map(Secret::expose_bytes)?),
            Self::Method => put(self.request(subject)?.method().as_str().as_bytes()),
            Self::Host => put(&self.host(subject)?),
            Self::Url => {
                let secure = self.origin(subject)?.is_secure();
                put(if secure { b"https://" } else { b"http://" });
                put(&self.host(subject)?);
                put(self.request(subject)?.target().as_bytes());
            }
            Self::Path => put(self.request(subject)?.path().as_bytes()),
            Self::Query => put(self.request(subject)?.query_string().as_bytes()),
            Self::QueryWithMark => {
                // Cut from the target, so that an empty query that was typed keeps its mark here too.
                let request = self.request(subject)?;
                let target = request.target();
                put(&target.as_bytes()[request.path().len()..]);
            }
            Self::QueryIn(encoding) => {
                put(self.request(subject)?.params().render(*encoding).as_bytes());
            }
            Self::Target => put(self.request(subject)?.target().as_bytes()),
            Self::Header(name) => {
                let value =
                    self.request(subject)?.headers().get(name.as_ref()).ok_or_else(|| {
                        AuthError::new(
                            AuthErrorKind::Request,
                            format!("the header {name} is signed, and the request has none"),
                        )
                    })?;
                put(value.as_bytes());
            }
            Self::Body => put(&self.request(subject)?.body_bytes()?),
            Self::SortedFields => match subject {
                Subject::Fields(fields) => put(sorted_fields_text(fields).as_bytes()),
                _ => return Err(self.missing("a WebSocket message")),
            },
            Self::Credential(name) => put(values.credential(name)?.expose_bytes()),
            Self::Now(format, ahead) => {
                put(format.format_ahead(self.given(values.now)?, *ahead).as_bytes());
            }
            Self::Uuid => put(self.given(values.uuid)?.as_bytes()),
            Self::Random => put(self.given(values.random)?),
            Self::Endpoint => {
                let request = self.request(subject)?;
                match request.extensions().get::<Endpoint>() {
                    Some(endpoint) => put(endpoint.as_str().as_bytes()),
                    None => put(request.path().trim_start_matches('/').as_bytes()),
                }
            }
            Self::Section => {
                if let Some(section) = self.request(subject)?.extensions().get::<Section>() {
                    put(section.as_str().as_bytes());
                }
            }
            Self::Payload => put(self.given(values.payload)?.expose_bytes()),
            Self::Params(view) => put(view.render(self.request(subject)?, values)?.as_bytes()),
            Self::JsonObject => put(json_of(self.request(subject)?, values).as_bytes()),
            Self::JsonMember(name) if matches!(subject, Subject::Fields(_)) => {
                if let Subject::Fields(fields) = subject {
                    put(fields.get(name).unwrap_or("").as_bytes());
                }
            }
            Self::JsonMember(name) => {
                let json = json_of(self.request(subject)?, values);
                let members: Option<JsonMembers> = serde_json::from_str(&json).ok();
                put(members
                    .as_ref()
                    .and_then(|members| members.get(name))
                    .unwrap_or("")
                    .as_bytes());
            }
            Self::JsonMembers => {
                let json = json_of(self.request(subject)?, values);
                let inside = json.trim().strip_prefix('{').and_then(|json| json.strip_suffix('}'));
                put(inside.unwrap_or_default().as_bytes());
            }
            Self::Object(entries) => {
                put(b"{");
                let mut first = true;
                for entry in entries {
                    first &= !write_entry(entry, first, subject, values, out)?;
                }
                out.push(b"}");
            }
            Self::Piped { of, through } => {
                let mut text = of.render(subject, values)?;
                for filter in through {
                    text = filter.apply(text, values)?;
                }
                put(text.expose_bytes());
            }
            Self::Hash { algorithm, encoding, of } => {
                let digest = algorithm.digest(of.render(subject, values)?.expose_bytes());
                match encoding {
                    Some(encoding) => put(Secret::from(digest.to_text(*encoding)).expose_bytes()),
                    None => put(digest.as_bytes()),
                }
            }
        }
        Ok(())
    }

    fn request<'r>(&self, subject: &'r mut Subject<'_>) -> Result<&'r mut RestRequest, AuthError> {
        match subject {
            Subject::Request(request) => Ok(request),
            _ => Err(self.missing("a request")),
        }
    }

    /// What the `Host` header will say: transports set it only where the request has none.
    fn host(&self, subject: &mut Subject<'_>) -> Result<Vec<u8>, AuthError> {
        if let Some(host) = self.request(subject)?.headers().get(http::header::HOST) {
            return Ok(host.as_bytes().to_vec());
        }
        Ok(self.origin(subject)?.authority().into_bytes())
    }

    fn origin<'r>(&self, subject: &'r mut Subject<'_>) -> Result<&'r Origin, AuthError> {
        self.request(subject)?.origin().ok_or_else(|| self.missing("an absolute URL"))
    }

    fn given<T>(&self, value: Option<T>) -> Result<T, AuthError> {
        value.ok_or_else(|| self.missing("a value for it"))
    }

    fn missing(&self, what: &str) -> AuthError {
        AuthError::new(
            AuthErrorKind::Other,
            format!("the part {} needs {what}, and there is none", self.name()),
        )
    }
}

/// The JSON object that the request carries or, where its body is something else by now, carried.
fn json_of(request: &RestRequest, values: &Values<'_>) -> String {
    match (request.json_members(), values.members) {
        (Some(members), _) => members.to_wire(),
        (None, Some(members)) => members.to_wire(),
        (None, None) => "{}".to_owned(),
    }
}

/// Writes a member of an object, and says whether it did.
fn write_entry(
    entry: &Entry,
    first: bool,
    subject: &mut Subject<'_>,
    values: &Values<'_>,
    out: &mut WipedBuffer,
) -> Result<bool, AuthError> {
    if let Some(when) = &entry.when
        && when.render(subject, values)?.is_empty()
    {
        return Ok(false);
    }
    let unfit = |why: &str| {
        AuthError::new(AuthErrorKind::Request, format!("the member `{}` {why}", entry.name))
    };
    let value = entry.value.render(subject, values)?;
    if !first {
        out.push(b",");
    }
    let quoted = |out: &mut WipedBuffer, text: &str| {
        serde_json::to_writer(out, text).map_err(|_| unfit("cannot be written as JSON"))
    };
    quoted(out, &entry.name)?;
    out.push(b":");
    if !entry.is_json {
        quoted(out, value.expose_str().ok_or_else(|| unfit("is not UTF-8 text"))?)?;
    } else if serde_json::from_slice::<&serde_json::value::RawValue>(value.expose_bytes()).is_ok() {
        out.push(value.expose_bytes());
    } else {
        return Err(unfit("is not JSON once its values stand in it"));
    }
    Ok(true)
}
