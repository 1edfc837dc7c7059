//! Before a token ends.

use std::time::Duration;

use networkpype_auth::token::{TokenCache, TokenErrorKind};

use networkpype_core::{Ticker, Ticks, TokioTicker};

use crate::issuer::{Answer, Issuer, Wall, cache, key, pass};

async fn access(cache: &TokenCache) -> String {
    let token = cache.token(&key()).await.expect("a token");
    token.access().expose_str().expect("text").to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_old_token_is_given_out_while_the_next_is_had_in_the_background() {
    let issuer = Issuer::of_life(1000).slow(Duration::from_secs(2));
    let cache = cache(&issuer).build();
    assert_eq!(access(&cache).await, "me||#1");
    pass(930).await;
    assert_eq!(access(&cache).await, "me||#1");
    assert_eq!(issuer.asked(), 1, "it is too early");
    pass(60).await;
    let ticker = TokioTicker::new();
    assert_eq!(access(&cache).await, "me||#1");
    assert_eq!(ticker.now(), Ticks::ZERO, "nobody waits for the next one");
    pass(3).await;
    assert_eq!(access(&cache).await, "me||#2");
}

#[tokio::test(start_paused = true)]
async fn t7_an_early_renewal_that_fails_keeps_the_token_that_is_good() {
    let mut answers = vec![Answer::Token { life: Some(1000), refresh: None }];
    answers.extend((0..100).map(|_| Answer::Fails(TokenErrorKind::Unavailable)));
    let issuer = Issuer::answers(answers);
    let cache = cache(&issuer).build();
    access(&cache).await;
    pass(960).await;
    for _ in 0..30 {
        assert_eq!(access(&cache).await, "me||#1");
        pass(1).await;
    }
    assert!((2..30).contains(&issuer.asked()), "{} tries", issuer.asked());
    pass(10).await;
    let error = cache.token(&key()).await.expect_err("it has ended");
    assert_eq!(error.kind(), TokenErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn t8_a_life_that_is_absent_or_zero_makes_no_storm() {
    for (life, lives) in [(None, 600), (Some(0), 10)] {
        let issuer = Issuer::answers((0..100).map(|_| Answer::Token { life, refresh: None }));
        let cache = cache(&issuer).build();
        for _ in 0..100 {
            access(&cache).await;
        }
        assert_eq!(issuer.asked(), 1);
        pass(lives).await;
        assert_eq!(access(&cache).await, "me||#2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_life_counts_from_the_instant_at_which_the_token_was_asked_for() {
    let issuer = Issuer::of_life(100).slow(Duration::from_secs(40));
    let cache = cache(&issuer).renew_before_end(Duration::ZERO).build();
    assert_eq!(access(&cache).await, "me||#1");
    pass(59).await;
    assert_eq!(access(&cache).await, "me||#1");
    pass(1).await;
    assert_eq!(access(&cache).await, "me||#2");
}

#[tokio::test(start_paused = true)]
async fn a_step_of_the_wall_clock_has_the_token_renewed_and_nobody_wait() {
    let issuer = Issuer::of_life(3600);
    let wall = Wall::new();
    let cache = TokenCache::builder(issuer.clone()).clock(wall.clone()).build();
    access(&cache).await;
    pass(10).await;
    access(&cache).await;
    assert_eq!(issuer.asked(), 1);
    wall.step(2);
    assert_eq!(access(&cache).await, "me||#1");
    pass(1).await;
    assert_eq!(access(&cache).await, "me||#2");
    wall.step(-7200);
    access(&cache).await;
    pass(1).await;
    assert_eq!(access(&cache).await, "me||#3");
}
