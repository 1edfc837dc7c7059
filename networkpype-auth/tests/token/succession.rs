//! Who holds a token for longer than a request.

use std::time::Duration;

use networkpype_auth::token::TokenErrorKind;
use networkpype_core::{Ticker, Ticks, TokioTicker};

use crate::issuer::{Answer, Issuer, cache, key, pass};

fn after(secs: u64) -> Ticks {
    Ticks::ZERO + Duration::from_secs(secs)
}

#[tokio::test(start_paused = true)]
async fn the_next_token_comes_once_it_is_time_for_it_and_without_being_asked_for() {
    let issuer = Issuer::of_life(1000);
    let cache = cache(&issuer).build();
    let ticker = TokioTicker::new();
    let mut generation = cache.token(&key()).await.expect("a token").generation();
    for round in 1..4 {
        let next = cache.token_after(&key(), generation).await.expect("the next");
        assert_eq!(issuer.asked(), round + 1, "one request for each");
        assert!(next.generation() > generation);
        generation = next.generation();
    }
    let (first, last) = (after(3 * 940), after(3 * 956));
    assert!((first..last).contains(&ticker.now()), "{:?}", ticker.now());
}

#[tokio::test(start_paused = true)]
async fn one_that_has_been_renewed_already_is_not_waited_for() {
    let issuer = Issuer::of_life(1000);
    let cache = cache(&issuer).build();
    let first = cache.token(&key()).await.expect("a token").generation();
    pass(60).await;
    let second = cache.token_after_refusal(&key(), first).await.expect("another").generation();
    let ticker = TokioTicker::new();
    let next = cache.token_after(&key(), first).await.expect("the second");
    assert_eq!((next.generation(), ticker.now()), (second, Ticks::ZERO));
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn renewals_that_fail_are_tried_until_the_token_ends_and_no_longer() {
    let token = Answer::Token { life: Some(1000), refresh: None };
    let fails = || Answer::Fails(TokenErrorKind::Unavailable);
    let issuer = Issuer::answers([token].into_iter().chain((0..1000).map(|_| fails())));
    let cache = cache(&issuer).build();
    let ticker = TokioTicker::new();
    let generation = cache.token(&key()).await.expect("a token").generation();
    let error = cache.token_after(&key(), generation).await.expect_err("none");
    assert_eq!(error.kind(), TokenErrorKind::Unavailable);
    assert!((after(1000)..after(1001)).contains(&ticker.now()), "{:?}", ticker.now());
    assert!((3..40).contains(&issuer.asked()), "{} tries", issuer.asked());
}

#[tokio::test(start_paused = true)]
async fn waiting_may_be_given_up_and_begun_again() {
    let issuer = Issuer::of_life(1000).slow(Duration::from_secs(5));
    let cache = cache(&issuer).build();
    let generation = cache.token(&key()).await.expect("a token").generation();
    let key = key();
    for _ in 0..500 {
        let waiting = cache.token_after(&key, generation);
        if let Ok(next) = tokio::time::timeout(Duration::from_secs(2), waiting).await {
            assert_eq!(next.expect("the next").generation(), generation + 1);
            assert_eq!(issuer.asked(), 2);
            return;
        }
    }
    panic!("it never came");
}
