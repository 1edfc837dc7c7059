use std::{borrow::Cow, fmt};

use networkpype_core::Encoding;

use crate::{DigestEncoding, HashAlgorithm, Template};

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

    /// The hash of `parts` in lower-case hexadecimal.
    pub fn hash_hex(algorithm: HashAlgorithm, parts: impl Into<Template>) -> Self {
        Self::Hash { algorithm, encoding: Some(DigestEncoding::Hex), of: parts.into() }
    }

    /// Whether it is a piece of a REST request or handshake.
    pub(crate) fn needs_request(&self) -> bool {
        match self {
            Self::Method | Self::Host | Self::Url | Self::Path | Self::Target | Self::Body => true,
            Self::Query | Self::QueryWithMark | Self::QueryIn(_) | Self::Header(_) => true,
            Self::Literal(_) | Self::Timestamp | Self::Nonce | Self::Key | Self::Passphrase => {
                false
            }
            Self::Signature | Self::SortedFields | Self::Hash { .. } => false,
        }
    }

    /// Whether placing something in a request or message may change it.
    pub(crate) fn may_change(&self) -> bool {
        match self {
            Self::Query | Self::QueryWithMark | Self::QueryIn(_) | Self::Target | Self::Url => true,
            Self::Body | Self::Header(_) | Self::SortedFields => true,
            Self::Literal(_) | Self::Timestamp | Self::Nonce | Self::Key | Self::Passphrase => {
                false
            }
            Self::Signature | Self::Method | Self::Host | Self::Path | Self::Hash { .. } => false,
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
            _ => f.write_str(self.name()),
        }
    }
}
