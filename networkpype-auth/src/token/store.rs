//! Where tokens are kept.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use networkpype_core::async_trait;

use super::{StoredToken, TokenError, TokenKey};

/// Held while a token is renewed, so that no other process renews it too. Let go when it is dropped.
pub trait TokenLock: Send {}

/// Keeps tokens where they survive the program, or where several share them.
///
/// A refresh token that was rotated is saved here before anything else is done with the new token: a program that dies
/// in between would otherwise have used up the one it knows.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// The token of this key; `None` where there is none.
    ///
    /// # Errors
    /// When that cannot be found out.
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError>;

    /// Keeps this token in place of the one there is.
    ///
    /// # Errors
    /// When it cannot. The one before is kept then.
    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError>;

    /// Waits until nobody else renews the token of this key.
    ///
    /// # Errors
    /// When that cannot be known.
    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError>;
}

#[async_trait]
impl<S: TokenStore + ?Sized> TokenStore for Arc<S> {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        (**self).load(key).await
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        (**self).save(key, token).await
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        (**self).lock(key).await
    }
}

/// Keeps tokens in memory, for as long as the program runs. Clones share one state.
#[derive(Clone, Default)]
pub struct MemoryTokenStore(Arc<Mutex<BTreeMap<TokenKey, StoredToken>>>);

impl MemoryTokenStore {
    /// A store that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, BTreeMap<TokenKey, StoredToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One program renews each token once anyway.
struct NoLock;

impl TokenLock for NoLock {}

#[async_trait]
impl TokenStore for MemoryTokenStore {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        Ok(self.tokens().get(key).cloned())
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        self.tokens().insert(key.clone(), token.clone());
        Ok(())
    }

    async fn lock(&self, _: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        Ok(Box::new(NoLock))
    }
}

impl fmt::Debug for MemoryTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryTokenStore").field(&self.tokens().len()).finish()
    }
}
