//! Tokens that are refused: by servers, and refresh tokens by their issuer.

use std::time::Duration;

use networkpype_auth::token::{
    MemoryTokenStore, StoredToken, Token, TokenError, TokenErrorKind, TokenKey, TokenStore,
};
use networkpype_core::{Clock as _, Secret, Ticker, Ticks, TokioTicker};

use crate::issuer::{Answer, Issuer, Wall, cache, key, pass};

#[tokio::test(start_paused = true)]
async fn t9_a_storm_of_refusals_makes_one_request() {
    let issuer = Issuer::of_life(3600).slow(Duration::from_secs(1));
    let cache = cache(&issuer).build();
    let first = cache.token(&key()).await.expect("a token");
    pass(60).await;
    let callers: Vec<_> = (0..500)
        .map(|_| {
            let (cache, refused) = (cache.clone(), first.generation());
            tokio::spawn(async move {
                cache.token_after_refusal(&key(), refused).await.expect("a token").generation()
            })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.expect("no panic") > first.generation());
    }
    // Those who were refused with the first token, and say so late: they are given the second at once.
    for late in [0, 60] {
        pass(late).await;
        let ticker = TokioTicker::new();
        cache.token_after_refusal(&key(), first.generation()).await.expect("a token");
        assert_eq!(ticker.now(), Ticks::ZERO);
    }
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn t13_a_token_that_is_refused_right_after_it_was_had_is_tried_again_before_it_is_renewed() {
    let issuer = Issuer::of_life(3600);
    let cache = cache(&issuer).build();
    let fresh = cache.token(&key()).await.expect("a token");
    let ticker = TokioTicker::new();
    let again = cache.token_after_refusal(&key(), fresh.generation()).await.expect("a token");
    assert_eq!(again.generation(), fresh.generation());
    assert!(ticker.now() <= Ticks::ZERO + Duration::from_secs(5));
    pass(10).await;
    cache.token_after_refusal(&key(), fresh.generation()).await.expect("a token");
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn t13_a_young_token_that_is_refused_twice_is_renewed_once_for_all_who_say_so() {
    let issuer = Issuer::of_life(3600).slow(Duration::from_millis(500));
    let cache = cache(&issuer).build();
    let fresh = cache.token(&key()).await.expect("a token").generation();
    let refuse = |refused| {
        let callers = (0..100).map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.token_after_refusal(&key(), refused).await })
        });
        futures_util::future::join_all(callers.collect::<Vec<_>>())
    };
    let generations = |answers: Vec<Result<Result<Token, TokenError>, _>>| -> Vec<u64> {
        let token = |answer: Result<Result<Token, TokenError>, tokio::task::JoinError>| {
            answer.expect("no panic").expect("a token").generation()
        };
        answers.into_iter().map(token).collect()
    };
    let ticker = TokioTicker::new();
    assert_eq!(generations(refuse(fresh).await), [fresh; 100], "it is given the time to arrive");
    assert!(ticker.now() <= Ticks::ZERO + Duration::from_millis(1_001));
    let next = generations(refuse(fresh).await);
    assert_eq!(next, [fresh + 1; 100]);
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_every_token_has_none_asked_for_oftener_than_every_five_seconds() {
    let issuer = Issuer::of_life(3600);
    let cache = cache(&issuer).build();
    let ticker = TokioTicker::new();
    let mut calls = 0;
    while ticker.now() < Ticks::ZERO + Duration::from_secs(60) {
        let mut generation = cache.token(&key()).await.expect("a token").generation();
        // As a call does: the same once more, and another once.
        for _ in 0..2 {
            let next = cache.token_after_refusal(&key(), generation).await.expect("a token");
            generation = next.generation();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        calls += 1;
    }
    assert!(calls > 100, "{calls}: most are not made to wait");
    assert!(issuer.asked() <= 1 + 60 / 5 + 1, "{} for {calls} calls", issuer.asked());
}

/// What is had after the stored token was refused at once, which had been given out that many seconds before; and how
/// often the issuer was asked.
async fn after_refusal_of_a_stored_token(issued: Option<u64>) -> (String, usize) {
    let wall = Wall::new();
    let now = wall.now();
    let mut stored = StoredToken::new("stored", Some(Secret::new("r1")))
        .until(now.saturating_add(Duration::from_secs(3600)));
    stored.issued = issued.map(|secs| now.saturating_sub(Duration::from_secs(secs)));
    let store = MemoryTokenStore::new();
    store.save(&key(), &stored).await.expect("saved");
    let issuer = Issuer::of_life(3600);
    let cache = cache(&issuer).clock(wall).store(store).build();
    let first = cache.token(&key()).await.expect("the stored one");
    assert_eq!(first.access().expose_str(), Some("stored"));
    let next = cache.token_after_refusal(&key(), first.generation()).await.expect("a token");
    (next.access().expose_str().expect("text").to_owned(), issuer.asked())
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_of_long_ago_or_of_an_unknown_time_is_renewed_as_soon_as_it_is_refused() {
    for issued in [None, Some(24 * 3600), Some(6)] {
        let (next, asked) = after_refusal_of_a_stored_token(issued).await;
        assert_eq!((next.as_str(), asked), ("me||#1", 1), "{issued:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_another_process_has_had_moments_ago_is_tried_again_before_it_is_renewed() {
    let (next, asked) = after_refusal_of_a_stored_token(Some(2)).await;
    assert_eq!((next.as_str(), asked), ("stored", 0));
}

fn token(refresh: &'static str) -> Answer {
    Answer::Token { life: Some(100), refresh: Some(refresh) }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_used_and_the_old_one_kept_where_there_is_no_new() {
    let kept = Answer::Token { life: Some(100), refresh: None };
    let issuer = Issuer::answers([token("r1"), token("r2"), kept, token("r3")]);
    let cache = cache(&issuer).build();
    for _ in 0..4 {
        cache.token(&key()).await.expect("a token");
        pass(100).await;
    }
    let used = [None, Some("r1"), Some("r2"), Some("r2")];
    assert_eq!(issuer.refreshes(), used.map(|text| text.map(str::to_owned)));
}

#[tokio::test(start_paused = true)]
async fn t10_an_invalid_grant_looks_into_the_store_once_before_it_gives_up() {
    let invalid = || Answer::Fails(TokenErrorKind::InvalidGrant);
    let store = MemoryTokenStore::new();
    let issuer = Issuer::answers([token("r1"), invalid(), token("r9"), invalid(), token("r11")]);
    let other = Other { store: store.clone(), next: "r8" };
    let cache = cache(&issuer).store(other).build();
    cache.token(&key()).await.expect("a token");
    pass(100).await;
    cache.token(&key()).await.expect("what another process had saved");
    pass(100).await;
    let error = cache.token(&key()).await.expect_err("used up");
    assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
    let used = [None, Some("r1"), Some("r8"), Some("r9")];
    assert_eq!(issuer.refreshes(), used.map(|text| text.map(str::to_owned)));
    // It stays so without asking again, and what is stored is not wiped.
    pass(100).await;
    let error = cache.token(&key()).await.expect_err("used up");
    assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
    assert_eq!(issuer.asked(), 4);
    let stored = store.load(&key()).await.expect("loads").expect("is kept");
    assert_eq!(
        stored.refresh.and_then(|r| r.expose_str().map(str::to_owned)).as_deref(),
        Some("r9")
    );
    // A new login does away with that.
    let login = StoredToken::new("login", Some(Secret::new("r10")));
    store.save(&key(), &login).await.expect("saves");
    pass(100).await;
    cache.token(&key()).await.expect("a token");
    assert_eq!(issuer.refreshes().last().cloned().flatten().as_deref(), Some("r10"));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_panics_makes_an_error_and_no_endless_loop() {
    let cache = cache(&Issuer::default()).build();
    let error = cache.token(&key()).await.expect_err("it has no answers");
    assert_eq!(error.kind(), TokenErrorKind::Unavailable);
}

/// A store into which another process saves another refresh token just when it is looked into for the second time.
struct Other {
    store: MemoryTokenStore,
    next: &'static str,
}

#[networkpype_core::async_trait]
impl TokenStore for Other {
    async fn load(
        &self,
        key: &TokenKey,
    ) -> Result<Option<StoredToken>, networkpype_auth::token::TokenError> {
        let stored = self.store.load(key).await?;
        let is = |token: &StoredToken, text: &str| {
            token.refresh.as_ref().and_then(Secret::expose_str) == Some(text)
        };
        if stored.as_ref().is_some_and(|token| is(token, "r1")) {
            let other = StoredToken::new("other", Some(Secret::new(self.next)));
            self.store.save(key, &other).await?;
        }
        Ok(stored)
    }

    async fn save(
        &self,
        key: &TokenKey,
        token: &StoredToken,
    ) -> Result<(), networkpype_auth::token::TokenError> {
        self.store.save(key, token).await
    }

    async fn remove(&self, key: &TokenKey) -> Result<(), networkpype_auth::token::TokenError> {
        self.store.remove(key).await
    }

    async fn lock(
        &self,
        key: &TokenKey,
    ) -> Result<Box<dyn networkpype_auth::token::TokenLock>, networkpype_auth::token::TokenError>
    {
        self.store.lock(key).await
    }
}
