use std::{borrow::Cow, fmt};

use networkpype_core::{Encoding, Secret};

use crate::{DigestEncoding, Filter, HashAlgorithm, ParamsView, Template, TimestampFormat, Values};

/// One piece of a text that is signed or sent.
///
/// Pieces of a request are the bytes that are sent. Where the query and the body appear they are frozen: afterwards
/// the request only grows at its end, so what was signed stays what is sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// This text.
    Literal(Cow<'static, str>),
    /// The timestamp, in the recipe's format.
    Timestamp,
    /// The nonce.
    Nonce,
    /// The API key.
    Key,
    /// The passphrase.
    Passphrase,
    /// The signature. Only in what is placed, not in what is signed.
    Signature,
    /// The request's method, in upper case.
    Method,
    /// The host that is sent: the request's `Host` header where it has one, otherwise the host of its URL, with its port
    /// where that is not the scheme's default.
    Host,
    /// Scheme, [`Host`](Self::Host), path and query. The scheme is `http` or `https` on a WebSocket handshake too, which
    /// is an HTTP request: a handshake that is dialled as `wss://h/ws` has the URL `https://h/ws` here. An API that
    /// signs `wss://…` gets it from a literal, `Host` and `Target`.
    Url,
    /// The path as it is sent, with the base URL's path and without the query.
    Path,
    /// The query as it is sent, without the `?`; nothing where there is none.
    Query,
    /// The query as it is sent, with its `?`; nothing where there is none.
    QueryWithMark,
    /// The query's parameters in this encoding, whatever they are sent in: [`Encoding::AsIs`] for APIs that sign the
    /// decoded query.
    QueryIn(Encoding),
    /// Path, and `?` and query where there is one: the request-target of RFC 9112.
    Target,
    /// The value of this header, the first where there are several. The request must have it already.
    Header(Cow<'static, str>),
    /// The body as it is sent; nothing where there is none.
    Body,
    /// The fields of a WebSocket message's object as `name=value&name=value`, sorted by name and not encoded. Strings
    /// stand without their quotes, everything else as its JSON text.
    SortedFields,
    /// The hash of other parts.
    Hash {
        /// Which hash.
        algorithm: HashAlgorithm,
        /// As text in this encoding or, with `None`, as the hash's own bytes.
        encoding: Option<DigestEncoding>,
        /// What is hashed.
        of: Template,
    },
    /// The credential of this name, from the [`Keyring`](crate::Keyring).
    Credential(Cow<'static, str>),
    /// The instant of the signature, plus this many seconds, in this format: for a second notion of time beside
    /// [`Timestamp`](Self::Timestamp), such as a token's `exp`.
    Now(TimestampFormat, i64),
    /// A random UUID (RFC 9562, version 4), the same everywhere in one signature.
    Uuid,
    /// Sixteen random bytes, the same everywhere in one signature.
    Random,
    /// What the API calls the endpoint: what the request says with [`Endpoint`](crate::Endpoint), or its path without
    /// the slash at its beginning.
    Endpoint,
    /// The section of the API that the request says with [`Section`](crate::Section); nothing where it says none.
    Section,
    /// The text that was signed. Only in what is placed.
    Payload,
    /// Path parameters, query, form and JSON members as one text.
    Params(Box<ParamsView>),
    /// The JSON object of the body, as text; `{}` where there is none.
    JsonObject,
    /// The members of that object, without its braces.
    JsonMembers,
    /// The JSON text of one member of that object; nothing where there is none.
    JsonMember(Cow<'static, str>),
    /// A JSON object made of templates.
    Object(Vec<Entry>),
    /// A text that went through filters.
    Piped {
        /// What goes in.
        of: Template,
        /// The filters, in their order.
        through: Vec<Filter>,
    },
}

/// One member of a [`Part::Object`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its value.
    pub value: Template,
    /// Whether the value is JSON text already, such as a number or a list. Otherwise it is a string.
    pub is_json: bool,
    /// Left out where this renders to nothing.
    pub when: Option<Template>,
}

impl Entry {
    /// A member that is a string.
    pub fn text(name: impl Into<Cow<'static, str>>, value: impl Into<Template>) -> Self {
        Self { name: name.into(), value: value.into(), is_json: false, when: None }
    }

    /// A member that is JSON text.
    pub fn json(name: impl Into<Cow<'static, str>>, value: impl Into<Template>) -> Self {
        Self { name: name.into(), value: value.into(), is_json: true, when: None }
    }

    /// Left out where `template` renders to nothing.
    #[must_use]
    pub fn when(mut self, template: impl Into<Template>) -> Self {
        self.when = Some(template.into());
        self
    }

    /// Its templates.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.value).chain(&self.when)
    }
}

impl Part {
    /// This text.
    pub fn literal(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Literal(text.into())
    }

    /// The value of this header, which the request must have already.
    pub fn header(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Header(name.into())
    }

    /// The bytes of the hash of `parts`.
    pub fn hash(algorithm: HashAlgorithm, parts: impl Into<Template>) -> Self {
        Self::Hash { algorithm, encoding: None, of: parts.into() }
    }

    /// The credential of this name.
    pub fn credential(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Credential(name.into())
    }

    /// `parts` through `filters`, one after the other.
    pub fn piped(parts: impl Into<Template>, filters: impl IntoIterator<Item = Filter>) -> Self {
        Self::Piped { of: parts.into(), through: filters.into_iter().collect() }
    }

    /// The hash of `parts` in lower-case hexadecimal.
    pub fn hash_hex(algorithm: HashAlgorithm, parts: impl Into<Template>) -> Self {
        Self::Hash { algorithm, encoding: Some(DigestEncoding::Hex), of: parts.into() }
    }

    /// Whether it is a piece of a REST request or handshake.
    pub(crate) fn needs_request(&self) -> bool {
        use Part::{Body, Endpoint, Header, Host, JsonObject, Method, Params, Path, Query};
        use Part::{QueryIn, QueryWithMark, Section, Target, Url};
        matches!(
            self,
            Method | Host | Url | Path | Target | Body | Endpoint | Section | Query | QueryWithMark
        ) || matches!(self, QueryIn(_) | Header(_) | Params(_) | JsonObject | Self::JsonMembers)
    }

    /// Whether placing something in a request or message may change it.
    pub(crate) fn may_change(&self) -> bool {
        use Part::{Body, Header, JsonObject, Params, Query, QueryIn, QueryWithMark, Target, Url};
        match self {
            Query | QueryWithMark | QueryIn(_) | Target | Url | Body | Header(_) => true,
            Self::SortedFields | Params(_) | JsonObject => true,
            Self::JsonMembers | Self::JsonMember(_) => true,
            // Made of the text that was signed, which is made of the request.
            Self::Payload => true,
            _ => false,
        }
    }

    /// Its name, for errors and `Debug`, without what it holds.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Literal(_) => "Literal",
            Self::Timestamp => "Timestamp",
            Self::Nonce => "Nonce",
            Self::Key => "Key",
            Self::Passphrase => "Passphrase",
            Self::Signature => "Signature",
            Self::Method => "Method",
            Self::Host => "Host",
            Self::Url => "Url",
            Self::Path => "Path",
            Self::Query => "Query",
            Self::QueryWithMark => "QueryWithMark",
            Self::QueryIn(_) => "QueryIn",
            Self::Target => "Target",
            Self::Header(_) => "Header",
            Self::Body => "Body",
            Self::SortedFields => "SortedFields",
            Self::Hash { .. } => "Hash",
            Self::Credential(_) => "Credential",
            Self::Now(..) => "Now",
            Self::Uuid => "Uuid",
            Self::Random => "Random",
            Self::Endpoint => "Endpoint",
            Self::Section => "Section",
            Self::Payload => "Payload",
            Self::Params(_) => "Params",
            Self::JsonObject => "JsonObject",
            Self::JsonMembers => "JsonMembers",
            Self::JsonMember(_) => "JsonMember",
            Self::Object(_) => "Object",
            Self::Piped { .. } => "Piped",
        }
    }

    /// What it is called in a template and an explanation.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Literal(_) => "text".to_owned(),
            Self::Params(_) => "params".to_owned(),
            Self::Credential(name) => name.to_string(),
            Self::Header(name) => format!("header({name})"),
            Self::JsonMember(name) => format!("member({name})"),
            Self::JsonObject => "json".to_owned(),
            Self::JsonMembers => "members".to_owned(),
            Self::SortedFields => "fields".to_owned(),
            Self::QueryWithMark => "query with its `?`".to_owned(),
            Self::QueryIn(_) => "query decoded".to_owned(),
            Self::Object(_) => "JSON object".to_owned(),
            Self::Piped { of, through } => {
                let parts: Vec<_> = of.parts().iter().map(Self::label).collect();
                let filters: Vec<_> = through.iter().map(Filter::name).collect();
                format!("{}|{}", parts.join("+"), filters.join("|"))
            }
            Self::Hash { algorithm, of, .. } => {
                let parts: Vec<_> = of.parts().iter().map(Self::label).collect();
                format!("{}|{}", parts.join("+"), algorithm.as_str())
            }
            _ => self.name().to_ascii_lowercase(),
        }
    }

    /// What it stands for, where that is one of the values as it is.
    pub(crate) fn known<'v>(&'v self, values: &Values<'v>) -> Option<&'v [u8]> {
        match self {
            Self::Literal(text) => Some(text.as_bytes()),
            Self::Timestamp => values.timestamp.map(str::as_bytes),
            Self::Nonce => values.nonce.map(str::as_bytes),
            Self::Signature => values.signature.map(str::as_bytes),
            Self::Key => values.key.map(Secret::expose_bytes),
            Self::Passphrase => values.passphrase.map(Secret::expose_bytes),
            Self::Credential(name) => values.credential(name).ok().map(Secret::expose_bytes),
            _ => None,
        }
    }

    /// Whether it is made of other parts.
    pub(crate) fn is_made(&self) -> bool {
        matches!(self, Self::Hash { .. } | Self::Piped { .. } | Self::Object(_) | Self::Params(_))
    }

    /// What of it is made of other parts.
    pub(crate) fn inner(&self) -> Vec<&Template> {
        match self {
            Self::Hash { of, .. } | Self::Piped { of, .. } => vec![of],
            Self::Object(entries) => entries.iter().flat_map(Entry::templates).collect(),
            Self::Params(view) => view.with.iter().map(|(_, value)| value).collect(),
            _ => Vec::new(),
        }
    }

    /// What goes through filters or a hash, and the names of those.
    pub(crate) fn filtered(&self) -> Option<(&Template, String)> {
        match self {
            Self::Piped { of, through } => {
                let filters: Vec<_> = through.iter().map(Filter::name).collect();
                Some((of, filters.join("|")))
            }
            Self::Hash { algorithm, of, .. } => Some((of, algorithm.as_str().to_owned())),
            _ => None,
        }
    }

    /// Whether it is made of credentials and what tells nothing beside them.
    pub(crate) fn is_only_secret(&self) -> bool {
        let is_known = |part: &Self| match part {
            Self::Key | Self::Passphrase | Self::Credential(_) | Self::Literal(_) => true,
            Self::Hash { of, .. } | Self::Piped { of, .. } => of
                .parts()
                .iter()
                .all(|part| matches!(part, Self::Literal(_)) || part.is_only_secret()),
            _ => false,
        };
        self.is_secret() && is_known(self)
    }

    /// Whether it is, or is a hash or an encoding of, a credential: explanations do not show it.
    pub(crate) fn is_secret(&self) -> bool {
        match self {
            Self::Key | Self::Passphrase | Self::Credential(_) => true,
            _ => self.inner().iter().any(|inner| inner.parts().iter().any(Self::is_secret)),
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A literal may be a token that never changes.
            Self::Literal(text) => write!(f, "Literal(<{} bytes>)", text.len()),
            Self::QueryIn(encoding) => f.debug_tuple("QueryIn").field(encoding).finish(),
            Self::Header(name) => f.debug_tuple("Header").field(name).finish(),
            Self::Hash { algorithm, encoding, of } => f
                .debug_struct("Hash")
                .field("algorithm", algorithm)
                .field("encoding", encoding)
                .field("of", of)
                .finish(),
            Self::Credential(name) => f.debug_tuple("Credential").field(name).finish(),
            Self::Now(format, ahead) => f.debug_tuple("Now").field(format).field(ahead).finish(),
            Self::Params(view) => f.debug_tuple("Params").field(view).finish(),
            Self::Object(entries) => f.debug_tuple("Object").field(entries).finish(),
            Self::Piped { of, through } => {
                f.debug_struct("Piped").field("of", of).field("through", through).finish()
            }
            _ => f.write_str(self.name()),
        }
    }
}
