//! Logouts that fail, while somebody waits for a person to log in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use networkpype_auth::token::{
    MemoryTokenStore, ObtainedToken, StoredToken, TokenCache, TokenError, TokenErrorKind, TokenKey,
    TokenLock, TokenSource, TokenStore,
};
use networkpype_core::{Secret, Ticker as _, Ticks, TokioTicker, async_trait};

use crate::issuer::{Wall, key, pass};

/// Comes after so many seconds. Counts how often they are asked to.
struct Person {
    comes_after: u64,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl TokenSource for Person {
    async fn obtain(&self, _: &TokenKey, _: Option<&Secret>) -> Result<ObtainedToken, TokenError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        pass(self.comes_after).await;
        Ok(ObtainedToken::new("the person's"))
    }

    fn time_limit(&self, _: &TokenKey, _: Option<&Secret>) -> Option<Duration> {
        None
    }
}

/// A store that removes nothing, and takes ten seconds to say so.
struct Keeps(MemoryTokenStore);

#[async_trait]
impl TokenStore for Keeps {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        self.0.load(key).await
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        self.0.save(key, token).await
    }

    async fn remove(&self, _: &TokenKey) -> Result<(), TokenError> {
        pass(10).await;
        Err(TokenError::new(TokenErrorKind::Store, "the disk is full"))
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        self.0.lock(key).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_that_fails_leaves_the_login_that_is_waited_for_as_it_is() {
    // Long after the logouts have failed, and while one does.
    for comes_after in [100, 5] {
        let (store, asked) = (MemoryTokenStore::new(), Arc::default());
        let cache = TokenCache::builder(Person { comes_after, asked: Arc::clone(&asked) })
            .clock(Wall::new())
            .store(Keeps(store.clone()))
            .build();
        let ticker = TokioTicker::new();
        let caller = {
            let cache = cache.clone();
            tokio::spawn(async move { cache.token(&key()).await })
        };
        pass(1).await;
        let logouts = [(), ()].map(|()| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.remove(&key()).await })
        });
        for logout in logouts {
            let error = logout.await.expect("no panic").expect_err("the disk is full");
            assert_eq!(error.kind(), TokenErrorKind::Store);
        }
        let token = caller.await.expect("no panic").expect("the person has come");
        assert_eq!(token.access().expose_str(), Some("the person's"));
        assert_eq!(ticker.now(), Ticks::ZERO + Duration::from_secs(comes_after.max(21)));
        assert_eq!(asked.load(Ordering::SeqCst), 1, "nobody is asked to log in twice");
        assert!(store.load(&key()).await.expect("loads").is_some());
    }
}
