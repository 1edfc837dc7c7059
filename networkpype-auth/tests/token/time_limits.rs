//! Issuers that do not answer, and those that ask to be left alone.

use std::time::Duration;

use networkpype_auth::token::{
    Lifetime, ObtainedToken, TOKEN_TIME_LIMIT, TokenCache, TokenError, TokenErrorKind, TokenKey,
    TokenSource,
};
use networkpype_core::{Secret, Ticker as _, Ticks, TokioTicker, async_trait};

use crate::issuer::{Answer, Issuer, Wall, cache, key, pass};

/// Answers after ten minutes.
struct Late {
    limit: Option<Duration>,
}

#[async_trait]
impl TokenSource for Late {
    async fn obtain(&self, _: &TokenKey, _: Option<&Secret>) -> Result<ObtainedToken, TokenError> {
        pass(600).await;
        Ok(ObtainedToken::new("late").lifetime(Lifetime::of(Duration::from_secs(3600))))
    }

    fn time_limit(&self, _: &TokenKey, _: Option<&Secret>) -> Option<Duration> {
        self.limit
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_never_answers_blocks_nobody_for_ever() {
    let ticker = TokioTicker::new();
    let cache =
        TokenCache::builder(Late { limit: Some(TOKEN_TIME_LIMIT) }).clock(Wall::new()).build();
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.token(&key()).await.expect_err("no answer") })
        })
        .collect();
    for caller in callers {
        let error = caller.await.expect("no panic");
        assert_eq!(error.kind(), TokenErrorKind::Unavailable);
        assert!(error.to_string().contains("120s"), "{error}");
    }
    assert_eq!(ticker.now(), Ticks::ZERO + TOKEN_TIME_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_when_the_time_is_up_is_taken() {
    let token = Answer::Token { life: Some(3600), refresh: Some("r1") };
    let issuer = Issuer::answers([token]).slow(TOKEN_TIME_LIMIT);
    let cache = cache(&issuer).build();
    cache.token(&key()).await.expect("a token");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_a_person_is_waited_for_has_its_time() {
    let cache = TokenCache::builder(Late { limit: None }).clock(Wall::new()).build();
    let token = cache.token(&key()).await.expect("a token");
    assert_eq!(token.access().expose_bytes(), b"late");
}

#[tokio::test(start_paused = true)]
async fn t7_an_issuer_that_asks_to_be_left_alone_is_asked_no_sooner() {
    let life = Answer::Token { life: Some(3600), refresh: None };
    let issuer = Issuer::answers([Answer::Busy(90), life]);
    let cache = cache(&issuer).build();
    for _ in 0..89 {
        let error = cache.token(&key()).await.expect_err("busy");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(90)));
        pass(1).await;
    }
    assert_eq!(issuer.asked(), 1);
    pass(2).await;
    cache.token(&key()).await.expect("a token");
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn t7_an_issuer_that_asks_to_be_left_alone_is_so_where_a_token_still_lives_too() {
    let life = || Answer::Token { life: Some(1000), refresh: None };
    let issuer = Issuer::answers([life(), Answer::Busy(30), life()]);
    let cache = cache(&issuer).build();
    cache.token(&key()).await.expect("a token");
    pass(960).await;
    for _ in 0..29 {
        let token = cache.token(&key()).await.expect("the old one");
        assert_eq!(token.access().expose_bytes(), b"me||#1");
        pass(1).await;
    }
    assert_eq!(issuer.asked(), 2);
    // It has not ended, so one more is given the old one and has it renewed.
    pass(2).await;
    cache.token(&key()).await.expect("the old one");
    pass(1).await;
    let token = cache.token(&key()).await.expect("the new one");
    assert_eq!(token.access().expose_bytes(), b"me||#3");
}
