use std::{fmt, sync::Arc, sync::Mutex};

use networkpype_core::AuthError;

use super::{Credentials, Digest, DigestAlgorithm, Entropy, Settings, Shared};
use crate::{entropy::SystemEntropy, password};

/// Says what is accepted of a server. Made by [`Digest::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct DigestBuilder(Settings);

impl DigestBuilder {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self(Settings {
            credentials,
            weakest: DigestAlgorithm::Md5,
            prefers_integrity: false,
            entropy: Arc::new(SystemEntropy),
        })
    }

    /// The weakest hash that is answered with. A server that offers nothing as strong gets no answer, and the error
    /// says what it offers. Default: [`DigestAlgorithm::Md5`], since most servers have no other; say
    /// [`Sha256`](DigestAlgorithm::Sha256) where yours does, so that nobody on the way can have it be MD5.
    pub fn min_algorithm(mut self, weakest: DigestAlgorithm) -> Self {
        self.0.weakest = weakest;
        self
    }

    /// Protects the body too (`auth-int`) where the server offers that beside `auth`. A streamed body is sent with
    /// `auth` all the same: its bytes are not known when it is signed. Default: `auth`, as other clients choose, and
    /// `auth-int` where nothing else is offered.
    pub fn prefer_integrity(mut self) -> Self {
        self.0.prefers_integrity = true;
        self
    }

    /// Where the `cnonce` comes from. Default: the operating system.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.0.entropy = Arc::new(entropy);
        self
    }

    /// The scheme.
    ///
    /// # Errors
    /// When the user name or the password holds a control character or is not UTF-8.
    pub fn build(self) -> Result<Digest, AuthError> {
        if let Credentials::Fixed(user, password) = &self.0.credentials {
            password::text_of(user, password)?;
        }
        Ok(Digest(Arc::new(Shared { settings: self.0, spaces: Mutex::default() })))
    }
}

impl fmt::Debug for DigestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f.debug_struct("DigestBuilder"))
    }
}
