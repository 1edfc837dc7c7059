//! Where tokens are kept.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use networkpype_core::async_trait;
use tokio::sync::OwnedMutexGuard;

use super::{StoredToken, TokenError, TokenKey};

/// Held while a token is renewed, so that no other process renews it too. Let go when it is dropped.
pub trait TokenLock: Send {}

/// Keeps tokens where they survive the program, or where several share them.
///
/// A refresh token that was rotated is saved here before anything else is done with the new token: a program that dies
/// in between would otherwise have used up the one it knows.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// The token of this key; `None` where there is none. Where there was one, that means that somebody has logged out: the
    /// refresh token that a program remembers is used no more.
    ///
    /// # Errors
    /// When that cannot be found out.
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError>;

    /// Keeps this token in place of the one there is.
    ///
    /// # Errors
    /// When it cannot. The one before is kept then.
    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError>;

    /// Keeps the token of this key no longer. That there is none is no error.
    ///
    /// # Errors
    /// When it cannot. It is kept then.
    async fn remove(&self, key: &TokenKey) -> Result<(), TokenError>;

    /// Waits until nobody else changes the token of this key: renews it, puts another in its place or removes it.
    ///
    /// # Errors
    /// When that cannot be known, or takes too long.
    ///
    /// # Cancellation
    /// Dropping the future has to leave nothing locked.
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

    async fn remove(&self, key: &TokenKey) -> Result<(), TokenError> {
        (**self).remove(key).await
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        (**self).lock(key).await
    }
}

/// Keeps tokens in memory, for as long as the program runs. Clones share one state.
#[derive(Clone, Default)]
pub struct MemoryTokenStore(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    tokens: BTreeMap<TokenKey, StoredToken>,
    /// The locks that somebody has, or waits for.
    locks: BTreeMap<TokenKey, Arc<tokio::sync::Mutex<()>>>,
}

impl MemoryTokenStore {
    /// A store that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct MemoryLock(#[expect(dead_code, reason = "let go when it is dropped")] OwnedMutexGuard<()>);

impl TokenLock for MemoryLock {}

#[async_trait]
impl TokenStore for MemoryTokenStore {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        Ok(self.kept().tokens.get(key).cloned())
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        self.kept().tokens.insert(key.clone(), token.clone());
        Ok(())
    }

    async fn remove(&self, key: &TokenKey) -> Result<(), TokenError> {
        self.kept().tokens.remove(key);
        Ok(())
    }

    /// Several caches may share a store within one program.
    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        let lock = {
            let locks = &mut self.kept().locks;
            locks.retain(|other, lock| other == key || Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(key.clone()).or_default())
        };
        Ok(Box::new(MemoryLock(lock.lock_owned().await)))
    }
}

impl fmt::Debug for MemoryTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryTokenStore").field(&self.kept().tokens.len()).finish()
    }
}
