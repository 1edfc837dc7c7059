use std::{fmt, sync::Arc, sync::Mutex};

use networkpype_core::AuthError;

use super::{
    Credentials, Digest, DigestAlgorithm, Entropy, Settings, Shared,
    offer::{Demands, Protection},
};
use crate::{entropy::SystemEntropy, password};

/// Says what is accepted of a server. Made by [`Digest::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct DigestBuilder(Settings);

impl DigestBuilder {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self(Settings {
            credentials,
            demands: Demands { weakest: DigestAlgorithm::Md5, protection: Protection::Any },
            prefers_integrity: false,
            ignores_rspauth: false,
            entropy: Arc::new(SystemEntropy),
        })
    }

    /// The weakest hash that is answered with. A server that offers nothing as strong gets no answer, and the error
    /// says what it offers. Default: [`DigestAlgorithm::Md5`], since most servers have no other; say
    /// [`Sha256`](DigestAlgorithm::Sha256) where yours does, so that nobody on the way can have it be MD5.
    pub fn min_algorithm(mut self, weakest: DigestAlgorithm) -> Self {
        self.0.demands.weakest = weakest;
        self
    }

    /// Protects the body too (`auth-int`) where the server offers that beside `auth`. A streamed body is sent with
    /// `auth` all the same: its bytes are not known when it is signed. Default: `auth`, as other clients choose, and
    /// `auth-int` where nothing else is offered. Whoever can change what the server sends can have it be `auth`:
    /// [`require_integrity`](Self::require_integrity) prevents that.
    pub fn prefer_integrity(mut self) -> Self {
        self.0.prefers_integrity = true;
        self
    }

    /// Answers `auth-int` alone, so that nobody on the way can change a body. A server that does not offer it gets no
    /// answer, and the error says what it offers; a streamed body is an error. Default: what the server offers.
    pub fn require_integrity(mut self) -> Self {
        self.0.demands.protection = Protection::Integrity;
        self
    }

    /// Never answers a challenge without `qop`, in the manner of RFC 2069: such an answer has neither a count nor a
    /// cnonce, so that it can be sent again by others, and whoever chose the nonce can look its password up in tables
    /// made ahead (RFC 7616, section 5.9). A server that offers nothing else gets no answer, and the error says what it
    /// offers. Default: such challenges are answered, since old servers have no others.
    pub fn require_qop(mut self) -> Self {
        self.0.demands.protection = self.0.demands.protection.max(Protection::Qop);
        self
    }

    /// Believes responses whose proof that the server knows the password (`rspauth`) is wrong. For servers that are
    /// known to compute it wrongly: with this, one that was put in the server's place, or a response that was changed
    /// on the way, is no longer found out by a wrong proof. Default: a wrong proof is an error.
    pub fn danger_ignore_rspauth(mut self) -> Self {
        self.0.ignores_rspauth = true;
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
