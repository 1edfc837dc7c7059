//! Logins and logouts, while a token is renewed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use networkpype_auth::token::{
    MemoryTokenStore, ObtainedToken, StoredToken, Token, TokenCache, TokenError, TokenErrorKind,
    TokenKey, TokenSource, TokenStore as _,
};
use networkpype_core::{Secret, async_trait};
use tokio::task::JoinHandle;

use crate::{
    issuer::{Answer, Issuer, Wall, cache, key, pass},
    stores::{Broken, Unlocked},
};

fn token(refresh: &'static str) -> Answer {
    Answer::Token { life: Some(100), refresh: Some(refresh) }
}

fn ask(cache: &TokenCache) -> JoinHandle<Result<Token, TokenError>> {
    let cache = cache.clone();
    tokio::spawn(async move { cache.token(&key()).await })
}

fn refresh(stored: &StoredToken) -> Option<&str> {
    stored.refresh.as_ref().and_then(Secret::expose_str)
}

/// A cache whose token has ended and is being renewed: with its refresh token, for five seconds.
async fn renewing(store: &MemoryTokenStore) -> (Issuer, TokenCache) {
    let issuer =
        Issuer::answers([token("r1"), token("r2"), token("r3")]).slow(Duration::from_secs(5));
    // Within one program that does without a lock of the store's.
    let cache = cache(&issuer).store(Unlocked(store.clone())).build();
    cache.token(&key()).await.expect("a token");
    pass(100).await;
    (issuer, cache)
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_began_before_a_logout_does_not_put_the_token_back() {
    let store = MemoryTokenStore::new();
    let (issuer, cache) = renewing(&store).await;
    let caller = ask(&cache);
    pass(1).await;
    let removed = cache.remove(&key()).await.expect("removed").expect("a token");
    assert_eq!(refresh(&removed), Some("r2"), "the newest is the one to be taken back");
    assert!(store.load(&key()).await.expect("loads").is_none());
    caller.await.expect("no panic").expect("who asked before the logout has a token");
    assert!(store.load(&key()).await.expect("loads").is_none());
    cache.token(&key()).await.expect("a new login");
    assert_eq!(issuer.refreshes(), [None, Some("r1".to_owned()), None]);
    assert!(cache.remove(&key()).await.expect("removed").is_some());
    assert!(cache.remove(&key()).await.expect("removed").is_none(), "there is none");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_began_before_a_login_does_not_take_its_place() {
    let store = MemoryTokenStore::new();
    let (issuer, cache) = renewing(&store).await;
    let caller = ask(&cache);
    pass(1).await;
    let login = async { Ok(ObtainedToken::new("other").refresh(Some("other".into()))) };
    let other = cache.replace(&key(), login).await.expect("a login");
    let before = caller.await.expect("no panic").expect("a token");
    assert!(before.generation() < other.generation());
    let token = cache.token(&key()).await.expect("a token");
    assert_eq!(token.generation(), other.generation());
    let stored = store.load(&key()).await.expect("loads").expect("a token");
    assert_eq!(refresh(&stored), Some("other"));
    assert_eq!(issuer.asked(), 2);
}

async fn within_a_minute<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("within a minute")
}

#[tokio::test(start_paused = true)]
async fn a_logout_in_another_process_is_one_here_once_the_token_has_ended() {
    let store = MemoryTokenStore::new();
    let issuer = Issuer::answers([token("r1"), token("r2")]);
    let cache = cache(&issuer).store(store.clone()).build();
    cache.token(&key()).await.expect("a token");
    store.remove(&key()).await.expect("removed by another process");
    pass(100).await;
    cache.token(&key()).await.expect("a token by the grant");
    assert_eq!(issuer.refreshes(), [None, None], "the refresh token is that of a former login");
}

/// Waits for a person who never comes.
struct Person;

#[async_trait]
impl TokenSource for Person {
    async fn obtain(&self, _: &TokenKey, _: Option<&Secret>) -> Result<ObtainedToken, TokenError> {
        std::future::pending().await
    }

    fn time_limit(&self, _: &TokenKey, _: Option<&Secret>) -> Option<Duration> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_person_gets_the_token_of_a_login_by_other_means() {
    let cache = TokenCache::builder(Person).clock(Wall::new()).build();
    let callers = [ask(&cache), ask(&cache)];
    pass(60).await;
    let login = async { Ok(ObtainedToken::new("other")) };
    within_a_minute(cache.replace(&key(), login)).await.expect("a login");
    for caller in callers {
        let token = caller.await.expect("no panic").expect("a token");
        assert_eq!(token.access().expose_bytes(), b"other");
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_ends_the_wait_for_a_person_and_is_no_failure_of_the_next_login() {
    let cache = TokenCache::builder(Person).clock(Wall::new()).build();
    let caller = ask(&cache);
    pass(60).await;
    assert!(within_a_minute(cache.remove(&key())).await.expect("removed").is_none());
    let error = caller.await.expect("no panic").expect_err("nobody came");
    assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
    let again = ask(&cache);
    pass(1).await;
    assert!(!again.is_finished(), "a person is waited for anew");
    again.abort();
}

fn broken(store: &MemoryTokenStore) -> (Broken, Arc<AtomicBool>) {
    let mended = Arc::new(AtomicBool::new(false));
    (Broken { store: store.clone(), mended: Arc::clone(&mended) }, mended)
}

#[tokio::test(start_paused = true)]
async fn a_logout_whose_store_cannot_be_written_changes_nothing() {
    let (store, issuer) = (MemoryTokenStore::new(), Issuer::of_life(3600));
    let (broken, mended) = broken(&store);
    let cache = cache(&issuer).store(broken).build();
    mended.store(true, Ordering::SeqCst);
    let token = cache.token(&key()).await.expect("a token");
    mended.store(false, Ordering::SeqCst);
    cache.remove(&key()).await.expect_err("the disk is full");
    let same = cache.token(&key()).await.expect("a token");
    assert_eq!(same.generation(), token.generation());
    assert!(store.load(&key()).await.expect("loads").is_some());
}

#[tokio::test(start_paused = true)]
async fn t11_a_login_that_could_not_be_saved_is_not_used_before_it_is_and_not_lost() {
    let store = MemoryTokenStore::new();
    let (broken, mended) = broken(&store);
    let cache = cache(&Issuer::default()).store(broken).build();
    let login = async { Ok(ObtainedToken::new("login")) };
    let error = cache.replace(&key(), login).await.expect_err("the disk is full");
    assert_eq!(error.kind(), TokenErrorKind::Store);
    cache.token(&key()).await.expect_err("the disk is full");
    mended.store(true, Ordering::SeqCst);
    pass(60).await;
    let token = cache.token(&key()).await.expect("a token");
    assert_eq!(token.access().expose_bytes(), b"login");
}

#[tokio::test(start_paused = true)]
async fn t11_a_login_whose_caller_gives_up_while_it_is_to_be_saved_is_not_lost() {
    let store = MemoryTokenStore::new();
    let cache = cache(&Issuer::default()).store(store.clone()).build();
    let other_process = store.lock(&key()).await.expect("the lock");
    let login = async { Ok(ObtainedToken::new("login")) };
    let login = tokio::time::timeout(Duration::from_secs(1), cache.replace(&key(), login)).await;
    assert!(login.is_err(), "the store is locked");
    drop(other_process);
    let token = cache.token(&key()).await.expect("a token");
    assert_eq!(token.access().expose_bytes(), b"login");
}

#[tokio::test(start_paused = true)]
async fn t11_a_token_that_could_not_be_saved_is_given_out_by_a_logout() {
    let (broken, mended) = broken(&MemoryTokenStore::new());
    let cache = cache(&Issuer::answers([token("r1")])).store(broken).build();
    cache.token(&key()).await.expect_err("the disk is full");
    mended.store(true, Ordering::SeqCst);
    let removed = cache.remove(&key()).await.expect("removed").expect("a token");
    assert_eq!(refresh(&removed), Some("r1"));
}

#[tokio::test(start_paused = true)]
async fn t10_a_token_that_could_not_be_saved_does_not_wipe_what_another_process_has_saved_since() {
    let store = MemoryTokenStore::new();
    let (broken, mended) = broken(&store);
    let issuer = Issuer::answers([token("r1"), token("r9")]);
    let cache = cache(&issuer).store(broken).build();
    cache.token(&key()).await.expect_err("the disk is full");
    let newer = StoredToken::new("newer", Some("r8".into()));
    store.save(&key(), &newer).await.expect("saved by another process");
    mended.store(true, Ordering::SeqCst);
    pass(60).await;
    let token = cache.token(&key()).await.expect("a token");
    assert_eq!(token.access().expose_bytes(), b"me||#2");
    assert_eq!(issuer.refreshes(), [None, Some("r8".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn t10_a_token_that_could_not_be_saved_does_not_undo_a_logout_in_another_process() {
    let store = MemoryTokenStore::new();
    let old = StoredToken::new("old", Some("r1".into()));
    store.save(&key(), &old).await.expect("saved");
    let (broken, mended) = broken(&store);
    let issuer = Issuer::answers([token("r2"), token("r9")]);
    let cache = cache(&issuer).store(broken).build();
    cache.token(&key()).await.expect_err("the disk is full");
    store.remove(&key()).await.expect("removed by another process");
    mended.store(true, Ordering::SeqCst);
    pass(60).await;
    cache.token(&key()).await.expect("a token by the grant");
    assert_eq!(issuer.refreshes(), [Some("r1".to_owned()), None]);
}

#[tokio::test(start_paused = true)]
async fn two_caches_with_one_store_in_memory_use_a_refresh_token_once() {
    let store = MemoryTokenStore::new();
    let stale = StoredToken::new("stale", Some("r1".into()));
    store.save(&key(), &stale).await.expect("saved");
    let issuer = Issuer::answers([token("r2"), token("r3")]).slow(Duration::from_secs(5));
    let caches = [(), ()].map(|()| cache(&issuer).store(store.clone()).build());
    for caller in caches.map(|cache| ask(&cache)) {
        caller.await.expect("no panic").expect("a token");
    }
    assert_eq!(issuer.refreshes(), [Some("r1".to_owned())]);
}
