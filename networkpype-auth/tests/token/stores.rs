//! Where tests keep tokens.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use networkpype_auth::token::{
    MemoryTokenStore, StoredToken, TokenError, TokenErrorKind, TokenKey, TokenLock, TokenStore,
};
use networkpype_core::async_trait;

/// A folder of its own, gone with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("networkpype-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("tokens.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A store that cannot write until it is mended.
pub(crate) struct Broken {
    pub(crate) store: MemoryTokenStore,
    pub(crate) mended: Arc<AtomicBool>,
}

#[async_trait]
impl TokenStore for Broken {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        self.store.load(key).await
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        if self.mended.load(Ordering::SeqCst) {
            return self.store.save(key, token).await;
        }
        Err(TokenError::new(TokenErrorKind::Store, "the disk is full"))
    }

    async fn remove(&self, key: &TokenKey) -> Result<(), TokenError> {
        if self.mended.load(Ordering::SeqCst) {
            return self.store.remove(key).await;
        }
        Err(TokenError::new(TokenErrorKind::Store, "the disk is full"))
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        self.store.lock(key).await
    }
}

/// A store that locks nothing.
pub(crate) struct Unlocked(pub(crate) MemoryTokenStore);

struct NoLock;

impl TokenLock for NoLock {}

#[async_trait]
impl TokenStore for Unlocked {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        self.0.load(key).await
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        self.0.save(key, token).await
    }

    async fn remove(&self, key: &TokenKey) -> Result<(), TokenError> {
        self.0.remove(key).await
    }

    async fn lock(&self, _: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        Ok(Box::new(NoLock))
    }
}
