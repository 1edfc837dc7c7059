use std::{borrow::Cow, fmt};

use networkpype_core::{AuthError, AuthErrorKind, JsonMembers, RestRequest, Secret, Timestamp};

use crate::{HmacAlgorithm, HmacSigner, Keyring};

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
    pub(crate) keyring: Option<&'a Keyring>,
    pub(crate) now: Option<Timestamp>,
    pub(crate) uuid: Option<&'a str>,
    pub(crate) random: Option<&'a [u8; 16]>,
    pub(crate) payload: Option<&'a Secret>,
    pub(crate) members: Option<&'a JsonMembers>,
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

    /// The credentials that have names.
    #[must_use]
    pub fn keyring(mut self, keyring: &'a Keyring) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// The instant of the signature.
    #[must_use]
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// The UUID of the signature, as it is signed and sent.
    #[must_use]
    pub fn uuid(mut self, uuid: &'a str) -> Self {
        self.uuid = Some(uuid);
        self
    }

    /// The random bytes of the signature.
    #[must_use]
    pub fn random(mut self, random: &'a [u8; 16]) -> Self {
        self.random = Some(random);
        self
    }

    /// The text that was signed.
    #[must_use]
    pub fn payload(mut self, payload: &'a Secret) -> Self {
        self.payload = Some(payload);
        self
    }

    /// The JSON members that the request carried, where its body is something else by now.
    #[must_use]
    pub fn members(mut self, members: &'a JsonMembers) -> Self {
        self.members = Some(members);
        self
    }

    pub(crate) fn credential(&self, name: &str) -> Result<&'a Secret, AuthError> {
        self.ring(name)?.declared(name)
    }

    pub(crate) fn hmac(
        &self,
        algorithm: HmacAlgorithm,
        name: &str,
    ) -> Result<Cow<'a, HmacSigner>, AuthError> {
        self.ring(name)?.hmac(algorithm, name)
    }

    fn ring(&self, name: &str) -> Result<&'a Keyring, AuthError> {
        self.keyring.ok_or_else(|| {
            AuthError::new(
                AuthErrorKind::Credentials,
                format!("the credential `{name}` is needed, and there are none"),
            )
        })
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}
