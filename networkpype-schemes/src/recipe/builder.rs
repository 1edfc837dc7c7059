use std::{fmt, sync::Arc, sync::Mutex};

use networkpype_auth::{Keyring, Nonce, Operation};
use networkpype_core::{AuthError, Clock, SystemClock};

use crate::entropy::{Entropy, SystemEntropy};

use super::{
    auth::{Ready, RecipeAuth},
    compile::compile,
    credentials::{CredentialProvider, Credentials},
    error::RecipeError,
    nonce::Nonces,
    spec::RecipeSpec,
};

/// Says with what a recipe signs. Made by [`RecipeAuth::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct RecipeBuilder {
    recipe: RecipeSpec,
    variant: Option<String>,
    credentials: Option<Credentials>,
    provider: Option<Arc<dyn CredentialProvider>>,
    clock: Arc<dyn Clock>,
    nonces: Nonces,
    entropy: Arc<dyn Entropy>,
    custom: Option<Operation>,
}

impl RecipeBuilder {
    pub(super) fn new(recipe: RecipeSpec) -> Self {
        Self {
            recipe,
            variant: None,
            credentials: None,
            provider: None,
            clock: Arc::new(SystemClock),
            nonces: Nonces::default(),
            entropy: Arc::new(SystemEntropy),
            custom: None,
        }
    }

    /// The names of the other ways to sign that the recipe knows.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.recipe.variants.keys().map(String::as_str)
    }

    /// Signs in another of the ways that the recipe knows, such as with an RSA key. Default: the way that it says first.
    pub fn variant(mut self, name: impl Into<String>) -> Self {
        self.variant = Some(name.into());
        self
    }

    /// These credentials. Whether they can be used is found out by [`build`](Self::build).
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Credentials from elsewhere, which are asked for before each signature and may change. Takes the place of
    /// [`credentials`](Self::credentials).
    pub fn credential_provider(mut self, provider: impl CredentialProvider + 'static) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// The clock that timestamps and nonces come from. Give it the one that is synchronized with the server. Default:
    /// the machine's own.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The nonces, to be shared with whatever else uses this key. Default: some of its own.
    pub fn nonce(mut self, nonce: &Nonce) -> Self {
        self.nonces = Nonces::shared(nonce);
        self
    }

    /// Where random bytes come from. Default: the operating system.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// What signs where the recipe's `algorithm` is `custom`. It is given the payload and the credentials, and returns the
    /// signature's bytes, which `digest` turns into text.
    pub fn sign_with(
        mut self,
        sign: impl Fn(&[u8], &Keyring) -> Result<Vec<u8>, AuthError> + Send + Sync + 'static,
    ) -> Self {
        self.custom = Some(Operation::Custom(Arc::new(sign)));
        self
    }

    /// The scheme.
    ///
    /// # Errors
    /// When the recipe contradicts itself or lacks something, it has no such variant, or the credentials are not those
    /// that it declares. The error names the key in the recipe.
    pub fn build(self) -> Result<RecipeAuth, RecipeError> {
        let name = self.recipe.name.clone();
        let named = |error: RecipeError| match &name {
            Some(name) => error.in_file(name.clone()),
            None => error,
        };
        let recipe = match &self.variant {
            None => self.recipe,
            Some(variant) => {
                let change = self.recipe.variants.get(variant).ok_or_else(|| {
                    let known: Vec<_> = self.recipe.variants.keys().cloned().collect();
                    named(RecipeError::new(
                        "variants",
                        format!("there is no variant {variant:?}; there are: {}", known.join(", ")),
                    ))
                })?;
                self.recipe.with_variant(change)
            }
        };
        let compiled = compile(&recipe, self.custom.as_ref()).map_err(named)?;
        let ready = match &self.provider {
            Some(_) => None,
            // Credentials that were given do not change, and are not asked for. Where none were, only a recipe that needs
            // none can sign.
            None => {
                let credentials = self.credentials.unwrap_or_default();
                let ready = Ready::new(&compiled, &credentials, None)
                    .map_err(|error| named(RecipeError::new("credentials", shown(&error))))?;
                Some((credentials, Arc::new(ready)))
            }
        };
        Ok(RecipeAuth {
            compiled,
            provider: self.provider,
            clock: self.clock,
            nonces: self.nonces,
            entropy: self.entropy,
            ready: Mutex::new(ready),
        })
    }
}

/// An error with its cause, which says what to do.
fn shown(error: &AuthError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl fmt::Debug for RecipeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecipeBuilder")
            .field("recipe", &self.recipe.name)
            .field("variant", &self.variant)
            .finish_non_exhaustive()
    }
}
