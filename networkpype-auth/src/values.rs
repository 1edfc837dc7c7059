use std::fmt;

use networkpype_core::{JsonMembers, RestRequest, Secret};

/// What a template is rendered against.
#[non_exhaustive]
pub enum Subject<'a> {
    /// A REST request or a WebSocket handshake. Rendering its query or body freezes it.
    Request(&'a mut RestRequest),
    /// The JSON object of a WebSocket message.
    Fields(&'a JsonMembers),
    /// Nothing but values: a login message, or the value of a header.
    Nothing,
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => f.debug_tuple("Request").field(request).finish(),
            Self::Fields(fields) => f.debug_tuple("Fields").field(fields).finish(),
            Self::Nothing => f.write_str("Nothing"),
        }
    }
}

/// What one signature is made with, beside what is signed: credentials, an instant and a nonce; and, once there is
/// one, the signature itself.
///
/// ```
/// use networkpype_auth::{Part, Subject, Template, Values};
/// use networkpype_core::Secret;
///
/// let key = Secret::new("my-key");
/// let template = Template::from([Part::Timestamp, Part::literal("GET"), Part::Key]);
/// let text = template.render(&mut Subject::Nothing, &Values::new().key(&key).timestamp("1700000000"))?;
/// assert_eq!(text.expose_bytes(), b"1700000000GETmy-key");
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Values<'a> {
    pub(crate) key: Option<&'a Secret>,
    pub(crate) passphrase: Option<&'a Secret>,
    pub(crate) timestamp: Option<&'a str>,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) signature: Option<&'a str>,
}

impl<'a> Values<'a> {
    /// No values. Rendering a part that needs one fails.
    pub fn new() -> Self {
        Self::default()
    }

    /// The API key: the public half of the credentials.
    #[must_use]
    pub fn key(mut self, key: &'a Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// The passphrase, where an API has one.
    #[must_use]
    pub fn passphrase(mut self, passphrase: &'a Secret) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// The timestamp, as it is signed and sent.
    #[must_use]
    pub fn timestamp(mut self, timestamp: &'a str) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// The nonce, as it is signed and sent.
    #[must_use]
    pub fn nonce(mut self, nonce: &'a str) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// The signature, as it is sent.
    #[must_use]
    pub fn signature(mut self, signature: &'a str) -> Self {
        self.signature = Some(signature);
        self
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}
