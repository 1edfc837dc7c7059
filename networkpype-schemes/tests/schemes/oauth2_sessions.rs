//! Logins and logouts of a scheme that has tokens already.

use std::time::Duration;

use networkpype_auth::token::{MemoryTokenStore, TokenErrorKind};
use networkpype_schemes::oauth2::Grant;

use crate::oauth2_issuer::{
    Issuer, authorization, form_value, says, scheme, token, token_and_refresh,
};

#[tokio::test(start_paused = true)]
async fn a_logout_gives_back_both_tokens_and_forgets_them() {
    let answers = [token_and_refresh("t", "r"), says(200, ""), says(200, ""), token("u")];
    let issuer = Issuer::answers(answers);
    let auth = scheme(&issuer, Grant::password("me", "p")).build().expect("a scheme");
    assert_eq!(authorization(&auth).await, "Bearer t");
    auth.logout().await.expect("a logout");
    assert_eq!(issuer.body(1), "token=r&token_type_hint=refresh_token");
    assert_eq!(issuer.body(2), "token=t&token_type_hint=access_token");
    auth.logout().await.expect("nothing to give back");
    assert_eq!(authorization(&auth).await, "Bearer u");
    assert_eq!(issuer.form(3, "grant_type").as_deref(), Some("password"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_servers_check_alone_is_forgotten_and_need_not_be_taken_back() {
    let unsupported = || says(400, r#"{"error":"unsupported_token_type"}"#);
    let issuer = Issuer::answers([token_and_refresh("t", "r"), says(200, ""), unsupported()]);
    let auth = scheme(&issuer, Grant::password("me", "p")).build().expect("a scheme");
    authorization(&auth).await;
    auth.logout().await.expect("a logout");

    let issuer = Issuer::answers([token("t"), unsupported(), token("u")]);
    let auth = scheme(&issuer, Grant::client_credentials()).build().expect("a scheme");
    authorization(&auth).await;
    auth.logout().await.expect("a logout");
    assert_eq!(issuer.asked(), 2);
    assert_eq!(authorization(&auth).await, "Bearer u");
}

#[tokio::test(start_paused = true)]
async fn a_logout_gives_the_access_token_back_also_where_the_refresh_token_is_not_taken() {
    let refused = |code| says(400, &format!(r#"{{"error":"{code}"}}"#));
    for access in [says(200, ""), refused("invalid_client")] {
        let answers = [token_and_refresh("t", "r"), refused("unsupported_token_type"), access];
        let issuer = Issuer::answers(answers);
        let auth = scheme(&issuer, Grant::password("me", "p")).build().expect("a scheme");
        authorization(&auth).await;
        let error = auth.logout().await.expect_err("the refresh token is still good");
        assert_eq!(error.kind(), TokenErrorKind::UnsupportedTokenType, "the first is told");
        assert_eq!(issuer.body(2), "token=t&token_type_hint=access_token");
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_leaves_nothing_in_the_store() {
    let store = MemoryTokenStore::new();
    let issuer = Issuer::answers([token_and_refresh("t", "r"), says(200, ""), says(500, "")]);
    let auth = scheme(&issuer, Grant::password("me", "p")).store(store.clone()).build();
    let auth = auth.expect("a scheme");
    authorization(&auth).await;
    assert_eq!(format!("{store:?}"), "MemoryTokenStore(1)");
    auth.logout().await.expect_err("the server is in trouble");
    assert_eq!(format!("{store:?}"), "MemoryTokenStore(0)", "it is forgotten all the same");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_began_before_a_logout_ends_with_its_token_given_back() {
    let answers = [
        token_and_refresh("one", "r1"),
        token_and_refresh("two", "r2"),
        says(200, ""),
        says(200, ""),
    ];
    let issuer = Issuer::answers(answers).slow(Duration::from_secs(5));
    let store = MemoryTokenStore::new();
    let auth = scheme(&issuer, Grant::refresh_token("r0")).store(store.clone()).build();
    let auth = auth.expect("a scheme");
    authorization(&auth).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let caller = tokio::spawn({
        let auth = auth.clone();
        async move { auth.token().await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    auth.logout().await.expect("a logout");
    caller.await.expect("no panic").expect("asked before the logout");
    let given_back = [2, 3].map(|number| form_value(&issuer.body(number), "token"));
    assert_eq!(given_back, ["r2", "two"].map(|it| Some(it.to_owned())));
    assert_eq!(format!("{store:?}"), "MemoryTokenStore(0)");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_began_before_a_login_does_not_take_its_place() {
    let answers = [
        token_and_refresh("one", "r1"),
        token_and_refresh("two", "r2"),
        token_and_refresh("other", "o1"),
        token("next"),
    ];
    let issuer = Issuer::answers(answers).slow(Duration::from_secs(5));
    let auth = scheme(&issuer, Grant::password("me", "p")).build().expect("a scheme");
    authorization(&auth).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let renewal = auth.token();
    let login = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        auth.login().await
    };
    let (renewed, logged_in) = tokio::join!(renewal, login);
    renewed.expect("a token");
    logged_in.expect("a login");
    assert_eq!(authorization(&auth).await, "Bearer other");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(authorization(&auth).await, "Bearer next");
    assert_eq!(issuer.form(3, "refresh_token").as_deref(), Some("o1"));
}

#[tokio::test(start_paused = true)]
async fn schemes_that_share_a_store_use_a_refresh_token_once() {
    let issuer = Issuer::answers([token_and_refresh("one", "r1")]).slow(Duration::from_secs(5));
    let store = MemoryTokenStore::new();
    let schemes = [(), ()].map(|()| {
        let builder = scheme(&issuer, Grant::refresh_token("r0")).store(store.clone());
        builder.build().expect("a scheme")
    });
    let (one, two) = tokio::join!(authorization(&schemes[0]), authorization(&schemes[1]));
    assert_eq!((one.as_str(), two.as_str()), ("Bearer one", "Bearer one"));
    assert_eq!(issuer.asked(), 1);
}
