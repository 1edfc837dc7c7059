//! Tokens that the API refuses, and refresh tokens that the issuer does.

use std::{sync::Arc, time::Duration};

use networkpype_auth::token::{
    MemoryTokenStore, StoredToken, TokenError, TokenErrorKind, TokenKey, TokenLock, TokenStore,
};
use networkpype_core::{Auth as _, Recovery, Rejection, RestRequest, async_trait};
use networkpype_schemes::oauth2::{Client, Grant};

use crate::oauth2_issuer::{
    API_URL, Issuer, authorization, printed, refusal, says, scheme, sent, token, token_and_refresh,
};

#[tokio::test(start_paused = true)]
async fn t5_a_thousand_callers_ask_for_one_token() {
    let issuer = Issuer::answers([token("t")]).slow(Duration::from_secs(1));
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let auth = auth.clone();
            tokio::spawn(async move { authorization(&auth).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.expect("no panic"), "Bearer t");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn t6_who_gives_up_ends_no_request_for_a_token() {
    let issuer = Issuer::answers([token_and_refresh("t", "r")]).slow(Duration::from_secs(2));
    let auth = scheme(&issuer, Grant::password("me", "p")).build().expect("a scheme");
    let leader = auth.rest_authenticate(RestRequest::get(API_URL));
    assert!(tokio::time::timeout(Duration::from_secs(1), leader).await.is_err());
    assert_eq!(authorization(&auth).await, "Bearer t");
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn t9_a_storm_of_refusals_makes_one_request() {
    let issuer = Issuer::answers([token("one"), token("two")]).slow(Duration::from_secs(1));
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let signed = sent(&auth).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let refused = Arc::new(refusal(401, Some(r#"Bearer error="invalid_token""#)));
    let callers: Vec<_> = (0..300)
        .map(|_| {
            let (auth, signed, refused) = (auth.clone(), signed.clone(), Arc::clone(&refused));
            tokio::spawn(async move { auth.on_rejected(&Rejection::new(&signed, &refused)).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.expect("no panic").expect("a token"), Recovery::Refreshed);
    }
    // Who was refused with the first token and says so late gets the second, and asks nobody.
    let late = auth.on_rejected(&Rejection::new(&signed, &refused)).await;
    assert_eq!(late.expect("a token"), Recovery::Refreshed);
    assert_eq!(authorization(&auth).await, "Bearer two");
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn t13_a_fresh_token_that_is_refused_is_sent_again_before_another_is_asked_for() {
    let issuer = Issuer::answers([token("one"), token("two")]);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let refused = refusal(401, None);
    let mut tried = Vec::new();
    for (recovery, next, asked) in [
        (Recovery::SignAgain, "Bearer one", 1),
        (Recovery::Refreshed, "Bearer two", 2),
        (Recovery::GiveUp, "Bearer two", 2),
    ] {
        let signed = sent(&auth).await;
        let rejection = Rejection::new(&signed, &refused).after(&tried);
        assert_eq!(auth.on_rejected(&rejection).await.expect("a token"), recovery);
        assert_eq!((authorization(&auth).await.as_str(), issuer.asked()), (next, asked));
        tried.push(recovery);
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_token_would_not_mend_is_given_up() {
    let issuer = Issuer::answers([token("one")]);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    let signed = sent(&auth).await;
    let foreign = RestRequest::get(API_URL);
    for (request, status, challenge) in [
        (&signed, 403, None),
        (&signed, 400, None),
        (&signed, 403, Some(r#"Bearer error="insufficient_scope""#)),
        (&signed, 401, Some(r#"Bearer error="insufficient_scope""#)),
        // Signed by something else.
        (&foreign, 401, None),
    ] {
        let refused = refusal(status, challenge);
        let recovery = auth.on_rejected(&Rejection::new(request, &refused)).await;
        assert_eq!(recovery.expect("decided"), Recovery::GiveUp, "{status} {challenge:?}");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn t10_a_refresh_token_that_is_used_up_wants_a_new_login() {
    let answers = [
        token_and_refresh("one", "r1"),
        says(400, r#"{"error":"invalid_grant"}"#),
        token_and_refresh("two", "r2"),
    ];
    let issuer = Issuer::answers(answers);
    let auth = scheme(&issuer, Grant::refresh_token("r0")).build().expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer one");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    for _ in 0..3 {
        let error = auth.token().await.expect_err("used up");
        assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(issuer.asked(), 2, "a used-up refresh token is not tried again");
    auth.login().await.expect("a login");
    assert_eq!(authorization(&auth).await, "Bearer two");
}

/// Another process saves the next token between this one's first look and its second.
#[derive(Clone)]
struct Rotated {
    inner: MemoryTokenStore,
    next: Arc<std::sync::Mutex<Option<StoredToken>>>,
}

#[async_trait]
impl TokenStore for Rotated {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        let found = self.inner.load(key).await?;
        let next = found.is_some().then(|| self.next.lock().expect("lock").take()).flatten();
        if let Some(next) = next {
            self.inner.save(key, &next).await?;
        }
        Ok(found)
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        self.inner.save(key, token).await
    }

    async fn remove(&self, key: &TokenKey) -> Result<(), TokenError> {
        self.inner.remove(key).await
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        self.inner.lock(key).await
    }
}

#[tokio::test(start_paused = true)]
async fn t10_the_store_is_read_once_more_where_another_process_was_faster() {
    let answers = [
        token_and_refresh("one", "r1"),
        says(400, r#"{"error":"invalid_grant"}"#),
        token_and_refresh("three", "r3"),
    ];
    let issuer = Issuer::answers(answers);
    let next = StoredToken::new("two", Some("r2".into()));
    let store = Rotated { inner: MemoryTokenStore::new(), next: Arc::default() };
    let auth = scheme(&issuer, Grant::refresh_token("r0"))
        .client(Client::public("c"))
        .store(store.clone())
        .build()
        .expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer one");
    *store.next.lock().expect("lock") = Some(next);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(authorization(&auth).await, "Bearer three");
    let used = [1, 2].map(|number| issuer.form(number, "refresh_token").expect("a token"));
    assert_eq!(used, ["r1", "r2"]);
}

#[tokio::test(start_paused = true)]
async fn t14_tokens_of_another_scope_client_audience_or_person_are_not_used() {
    let store = MemoryTokenStore::new();
    let issuer = Issuer::answers((0..20).map(|number| token(&format!("t{number}"))));
    let base = || scheme(&issuer, Grant::client_credentials()).store(store.clone());
    let mut tokens = Vec::new();
    for builder in [
        base().scope("a"),
        base().scope("a b"),
        base().scope("a").audience("x"),
        base().scope("a").resource("urn:x"),
        base().scope("a").account("me"),
        base().scope("a").client(Client::with_secret("other", "s")),
        base().scope("a").grant(Grant::password("me", "p")),
        base().scope("a").grant(Grant::password("you", "p")),
    ] {
        tokens.push(authorization(&builder.build().expect("a scheme")).await);
    }
    assert_eq!(issuer.asked(), tokens.len(), "{tokens:?}");
    // The same again, in another process: the order of scopes does not matter.
    let same = base().scope("b a").build().expect("a scheme");
    assert_eq!(authorization(&same).await, "Bearer t1");
    assert_eq!(issuer.asked(), tokens.len());
}

#[tokio::test(start_paused = true)]
async fn without_a_login_nothing_is_asked_for() {
    let issuer = Issuer::answers([]);
    let auth = scheme(&issuer, Grant::stored_login()).build().expect("a scheme");
    let error = auth.rest_authenticate(RestRequest::get(API_URL)).await.expect_err("nobody");
    assert!(error.to_string().contains("login"), "{error}");
    assert!(printed(&error).contains("nobody has logged in"), "{error:?}");
}
