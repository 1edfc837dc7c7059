//! Logins and renewals that somebody gave up: a caller, or the runtime that they were on.

use std::time::Duration;

use networkpype_auth::token::{
    MemoryTokenStore, ObtainedToken, StoredToken, TokenCache, TokenError, TokenKey, TokenLock,
    TokenStore,
};
use networkpype_core::{Clock as _, Secret, async_trait};
use tokio::{runtime, time::timeout};

use crate::{
    issuer::{Answer, Issuer, Wall, cache, key, pass},
    stores::Unlocked,
};

fn token(refresh: &'static str) -> Answer {
    Answer::Token { life: Some(100), refresh: Some(refresh) }
}

async fn login() -> Result<ObtainedToken, TokenError> {
    Ok(ObtainedToken::new("login").refresh(Some("r1".into())))
}

fn text(secret: Option<&Secret>) -> Option<&str> {
    secret.and_then(Secret::expose_str)
}

async fn stored(store: &MemoryTokenStore) -> StoredToken {
    store.load(&key()).await.expect("loads").expect("a token")
}

#[tokio::test(start_paused = true)]
async fn a_login_whose_caller_gives_up_while_a_renewal_ends_is_not_lost() {
    let store = MemoryTokenStore::new();
    let issuer = Issuer::answers([token("r8"), token("r9")]).slow(Duration::from_secs(5));
    // Within one program that does without a lock of the store's.
    let cache = cache(&issuer).store(Unlocked(store.clone())).build();
    cache.token(&key()).await.expect("a token");
    pass(100).await;
    let renewal = {
        let cache = cache.clone();
        tokio::spawn(async move { cache.token(&key()).await })
    };
    pass(1).await;
    let given_up = timeout(Duration::from_secs(1), cache.replace(&key(), login())).await;
    assert!(given_up.is_err(), "the renewal is under way");
    renewal.await.expect("no panic").expect("what was asked for before");
    let token = cache.token(&key()).await.expect("a token");
    assert_eq!(text(Some(token.access())), Some("login"));
    assert_eq!(text(stored(&store).await.refresh.as_ref()), Some("r1"));
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_login_whose_caller_gives_up_is_saved_although_nobody_asks_for_a_token() {
    let store = MemoryTokenStore::new();
    let cache = cache(&Issuer::default()).store(store.clone()).build();
    let other_process = store.lock(&key()).await.expect("the lock");
    let given_up = timeout(Duration::from_secs(1), cache.replace(&key(), login())).await;
    assert!(given_up.is_err(), "the store is locked");
    drop(other_process);
    pass(1).await;
    assert_eq!(text(stored(&store).await.refresh.as_ref()), Some("r1"));
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_token_while_a_login_is_put_in_place_takes_that_and_asks_nobody() {
    let store = MemoryTokenStore::new();
    let issuer = Issuer::answers([token("r8")]);
    let cache = cache(&issuer).store(store.clone()).build();
    let before = cache.token(&key()).await.expect("a token");
    pass(60).await;
    let other_process = store.lock(&key()).await.expect("the lock");
    let replacing = {
        let cache = cache.clone();
        tokio::spawn(async move { cache.replace(&key(), login()).await })
    };
    pass(1).await;
    let asking = [false, true].map(|is_refused| {
        let (cache, refused) = (cache.clone(), before.generation());
        tokio::spawn(async move {
            match is_refused {
                true => cache.token_after_refusal(&key(), refused).await,
                false => cache.token(&key()).await,
            }
        })
    });
    pass(1).await;
    drop(other_process);
    let login = replacing.await.expect("no panic").expect("a login");
    for caller in asking {
        let token = caller.await.expect("no panic").expect("a token");
        assert_eq!(token.generation(), login.generation());
    }
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn a_login_outside_of_a_runtime_is_an_error_before_anybody_logs_in() {
    let cache = cache(&Issuer::default()).build();
    let login = async { panic!("somebody has logged in for nothing") };
    let answer = futures_util::FutureExt::now_or_never(cache.replace(&key(), login));
    let error = answer.expect("at once").expect_err("no runtime");
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

/// Keeps a token at once, and never comes to say so.
struct NeverSays(MemoryTokenStore);

#[async_trait]
impl TokenStore for NeverSays {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        self.0.load(key).await
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        let is_first = self.0.load(key).await?.is_none();
        self.0.save(key, token).await?;
        match is_first {
            true => std::future::pending().await,
            false => Ok(()),
        }
    }

    async fn remove(&self, key: &TokenKey) -> Result<(), TokenError> {
        self.0.remove(key).await
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        self.0.lock(key).await
    }
}

/// A cache that was saving this token when its runtime ended.
fn cut_short(
    issuer: &Issuer,
    store: &MemoryTokenStore,
    saves: impl AsyncFn(&TokenCache),
) -> TokenCache {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cache = cache(issuer).store(NeverSays(store.clone())).build();
    runtime.block_on(async {
        assert!(timeout(Duration::from_millis(20), saves(&cache)).await.is_err(), "it is saved");
        assert_eq!(text(stored(store).await.refresh.as_ref()), Some("r1"));
    });
    cache
}

async fn logs_in(cache: &TokenCache) {
    let _ = cache.replace(&key(), login()).await;
}

async fn renews(cache: &TokenCache) {
    let _ = cache.token(&key()).await;
}

fn on_another_runtime(work: impl Future<Output = ()>) {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work);
}

#[test]
fn what_was_saved_when_its_runtime_ended_does_not_wipe_what_another_process_has_saved_since() {
    for is_login in [true, false] {
        let store = MemoryTokenStore::new();
        let issuer = Issuer::answers([token("r1")]);
        let cache = match is_login {
            true => cut_short(&issuer, &store, logs_in),
            false => cut_short(&issuer, &store, renews),
        };
        on_another_runtime(async {
            // Another process has used up r1.
            let until = Wall::new().now().saturating_add(Duration::from_secs(3600));
            let newer = StoredToken::new("newer", Some("r2".into())).until(until);
            store.save(&key(), &newer).await.expect("saved");
            let token = cache.token(&key()).await.expect("a token");
            assert_eq!(text(Some(token.access())), Some("newer"), "{is_login}");
            assert_eq!(text(stored(&store).await.refresh.as_ref()), Some("r2"), "{is_login}");
        });
    }
}

#[test]
fn what_was_saved_when_its_runtime_ended_is_used_on_the_next() {
    let store = MemoryTokenStore::new();
    let cache = cut_short(&Issuer::default(), &store, logs_in);
    on_another_runtime(async {
        let token = cache.token(&key()).await.expect("a token");
        assert_eq!(text(Some(token.access())), Some("login"));
    });
}
