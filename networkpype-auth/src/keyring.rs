//! Credentials by name, and the keys that are made from them once.

use std::{borrow::Cow, fmt};

use networkpype_core::{AuthError, AuthErrorKind, Secret};

use crate::{Filter, HmacAlgorithm, HmacSigner, Part, Template};

/// The credentials of one account by their names, such as `key`, `secret` and `passphrase`, and the states of HMACs under
/// them, which are made once.
#[derive(Clone, Default)]
pub struct Keyring {
    credentials: Vec<(Cow<'static, str>, Secret)>,
    hmacs: Vec<(Cow<'static, str>, HmacSigner)>,
}

impl Keyring {
    /// No credentials.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this credential.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Secret>) -> Self {
        self.credentials.push((name.into(), value.into()));
        self
    }

    /// The credential of this name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.credentials.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.credentials.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Makes the state of an HMAC under a credential ready, so that signing needs not.
    ///
    /// # Errors
    /// When there is no such credential.
    pub fn prepare(&mut self, algorithm: HmacAlgorithm, name: &str) -> Result<(), AuthError> {
        if self.ready(algorithm, name).is_none() {
            let signer = HmacSigner::new(algorithm, self.need(name)?);
            self.hmacs.push((name.to_owned().into(), signer));
        }
        Ok(())
    }

    /// Makes ready what rendering `template` needs.
    ///
    /// # Errors
    /// When it lacks a credential.
    pub fn prepare_for(&mut self, template: &Template) -> Result<(), AuthError> {
        let mut wanted = Vec::new();
        template.visit(&mut |part| match part {
            Part::Credential(name) => wanted.push((name.clone(), None)),
            Part::Piped { through, .. } => {
                wanted.extend(through.iter().filter_map(|filter| match filter {
                    Filter::Hmac { algorithm, credential } => {
                        Some((credential.clone(), Some(*algorithm)))
                    }
                    _ => None,
                }))
            }
            _ => {}
        });
        for (name, algorithm) in wanted {
            match (self.declared(&name)?.is_empty(), algorithm) {
                // One that an account may be without is empty, and so is what is made from it.
                (true, _) | (false, None) => {}
                (false, Some(algorithm)) => self.prepare(algorithm, &name)?,
            }
        }
        Ok(())
    }

    /// The credential of this name, which may be empty.
    pub(crate) fn declared(&self, name: &str) -> Result<&Secret, AuthError> {
        self.get(name).ok_or_else(|| lacking(name))
    }

    /// The signer under this credential.
    pub(crate) fn hmac(
        &self,
        algorithm: HmacAlgorithm,
        name: &str,
    ) -> Result<Cow<'_, HmacSigner>, AuthError> {
        match self.ready(algorithm, name) {
            Some(signer) => Ok(Cow::Borrowed(signer)),
            None => Ok(Cow::Owned(HmacSigner::new(algorithm, self.need(name)?))),
        }
    }

    fn ready(&self, algorithm: HmacAlgorithm, name: &str) -> Option<&HmacSigner> {
        let mut signers = self.hmacs.iter();
        signers.find(|(own, signer)| own == name && signer.algorithm() == algorithm).map(|(_, s)| s)
    }

    /// The credential of this name.
    ///
    /// # Errors
    /// When there is none, or it is empty.
    pub fn need(&self, name: &str) -> Result<&Secret, AuthError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| lacking(name))
    }
}

fn lacking(name: &str) -> AuthError {
    AuthError::new(
        AuthErrorKind::Credentials,
        format!("the credential `{name}` is needed and was not given"),
    )
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.credentials.iter().map(|(name, _)| name)).finish()
    }
}
