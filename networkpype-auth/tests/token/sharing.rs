//! One token for everybody.

use std::time::Duration;

use networkpype_auth::token::{TokenErrorKind, TokenKey};

use crate::issuer::{Answer, Issuer, cache, key, pass};

#[tokio::test(start_paused = true)]
async fn t5_a_thousand_callers_with_an_expired_token_make_exactly_one_request() {
    let issuer = Issuer::of_life(100).slow(Duration::from_secs(1));
    let cache = cache(&issuer).build();
    cache.token(&key()).await.expect("a token");
    pass(100).await;
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.token(&key()).await.expect("a token") })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.expect("no panic").access().expose_bytes(), b"me||#2");
    }
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn t6_a_leader_that_gives_up_harms_nobody_and_its_request_is_not_lost() {
    let issuer = Issuer::of_life(100).slow(Duration::from_secs(5));
    let cache = cache(&issuer).build();
    let leader = tokio::spawn({
        let cache = cache.clone();
        async move { cache.token(&key()).await }
    });
    pass(1).await;
    let follower = tokio::spawn({
        let cache = cache.clone();
        async move { cache.token(&key()).await }
    });
    pass(1).await;
    leader.abort();
    assert!(follower.await.expect("no panic").is_ok());
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_waits_for_any_more_still_brings_its_token() {
    let issuer = Issuer::of_life(100).slow(Duration::from_secs(5));
    let cache = cache(&issuer).build();
    let given_up = tokio::time::timeout(Duration::from_secs(1), cache.token(&key())).await;
    assert!(given_up.is_err());
    pass(10).await;
    cache.token(&key()).await.expect("a token");
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn t7_a_failure_is_told_to_all_who_wait_and_the_next_try_waits_a_while() {
    let fails = || Answer::Fails(TokenErrorKind::Unavailable);
    let issuer = Issuer::answers((0..1000).map(|_| fails())).slow(Duration::from_millis(100));
    let cache = cache(&issuer).build();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.token(&key()).await.expect_err("fails").kind() })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.expect("no panic"), TokenErrorKind::Unavailable);
    }
    assert_eq!(issuer.asked(), 1);
    // A minute of callers ten times a second.
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cache.token(&key()).await.expect_err("fails");
    }
    assert!(issuer.asked() < 60, "{}", issuer.asked());
}

#[tokio::test(start_paused = true)]
async fn t14_tokens_of_another_scope_or_audience_are_other_tokens() {
    let issuer = Issuer::of_life(100);
    let cache = cache(&issuer).build();
    let plain = key();
    for (key, expected) in [
        (plain.clone(), "me||#1"),
        (plain.clone().scope("write read"), "me|read write|#2"),
        (plain.clone().scope("read  write read"), "me|read write|#2"),
        (plain.clone().audience("urn:a"), "me||urn:a#3"),
        (TokenKey::new("me|"), "me%7C||#4"),
    ] {
        let token = cache.token(&key).await.expect("a token");
        assert_eq!(token.access().expose_str(), Some(expected), "{key:?}");
    }
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let issuer = Issuer::of_life(100);
    let cache = cache(&issuer).build();
    let error =
        futures_util::future::FutureExt::now_or_never(cache.token(&key())).expect("at once");
    assert_eq!(error.expect_err("no runtime").kind(), TokenErrorKind::Unavailable);
}
