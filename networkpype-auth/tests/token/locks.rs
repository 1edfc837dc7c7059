//! Programs that wait for each other. Real files, so time is real here where nothing else is said.

use std::{sync::mpsc, time::Duration};

use networkpype_auth::token::{
    FileTokenStore, StoredToken, TOKEN_TIME_LIMIT, TokenErrorKind, TokenKey, TokenStore as _,
};

use crate::{
    issuer::{Answer, Issuer, cache, key, pass},
    stores::Folder,
};

/// A store of its own for each program.
fn store(folder: &Folder) -> FileTokenStore {
    FileTokenStore::new(folder.file())
}

#[tokio::test]
async fn a_lock_that_another_program_keeps_ends_the_wait_and_says_what_to_do() {
    let folder = Folder::new("kept");
    let _kept = store(&folder).lock(&key()).await.expect("the lock");
    let impatient = store(&folder).lock_timeout(Duration::from_millis(40));
    let error = impatient.lock(&key()).await.err().expect("it is kept");
    assert_eq!(error.kind(), TokenErrorKind::Store);
    assert!(error.to_string().contains("`lock_timeout`"), "{error}");
    assert!(error.to_string().contains("40ms"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_takes_its_rightful_time_fails_no_other_program() {
    let folder = Folder::new("rightful");
    store(&folder)
        .save(&key(), &StoredToken::new("stale", Some("r1".into())))
        .await
        .expect("saved");
    // The answer to a refresh token that is used up comes late, and so does that to the one which was saved meanwhile.
    let slow = TOKEN_TIME_LIMIT - Duration::from_secs(1);
    let issuer = Issuer::answers([
        Answer::Fails(TokenErrorKind::InvalidGrant),
        Answer::Token { life: Some(3600), refresh: Some("r3") },
    ])
    .slow(slow);
    let caches = [(), ()].map(|()| cache(&issuer).store(store(&folder)).build());
    let callers = caches.map(|cache| tokio::spawn(async move { cache.token(&key()).await }));
    pass(10).await;
    // Somebody who takes no turns.
    store(&folder)
        .save(&key(), &StoredToken::new("stale", Some("r2".into())))
        .await
        .expect("saved");
    for caller in callers {
        let token = caller.await.expect("no panic").expect("a token");
        assert_eq!(token.access().expose_str(), Some("me||#2"));
    }
    assert_eq!(issuer.refreshes(), ["r1", "r2"].map(|used| Some(used.to_owned())));
}

#[tokio::test]
async fn a_lock_is_had_once_the_other_lets_go_of_it() {
    let folder = Folder::new("passed-on");
    let first = store(&folder).lock(&key()).await.expect("the lock");
    let second = tokio::spawn({
        let store = store(&folder);
        async move { store.lock(&key()).await.map(drop) }
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    drop(first);
    second.await.expect("no panic").expect("the lock");
}

#[tokio::test]
async fn a_wait_for_a_lock_that_was_given_up_takes_none() {
    let folder = Folder::new("given-up");
    let first = store(&folder).lock(&key()).await.expect("the lock");
    let (second, third) = (store(&folder), store(&folder));
    let waiting = tokio::time::timeout(Duration::from_millis(20), second.lock(&key())).await;
    assert!(waiting.is_err(), "it is not free");
    drop(first);
    third.lock(&key()).await.expect("nobody has it");
}

#[test]
fn a_runtime_that_shuts_down_waits_for_no_lock_of_others() {
    let folder = Folder::new("shutdown");
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().expect("a runtime")
    };
    let others = runtime();
    let _kept = others.block_on(store(&folder).lock(&key())).expect("the lock");
    let (ours, store) = (runtime(), store(&folder));
    ours.block_on(async {
        let _ = tokio::time::timeout(Duration::from_millis(20), store.lock(&key())).await;
    });
    ours.spawn(async move { store.lock(&key()).await.map(drop) });
    let (over, is_over) = mpsc::channel();
    std::thread::spawn(move || {
        drop(ours);
        let _ = over.send(());
    });
    is_over.recv_timeout(Duration::from_secs(20)).expect("it has shut down");
}

#[tokio::test]
async fn while_one_waits_for_a_person_tokens_of_others_are_renewed() {
    let folder = Folder::new("others");
    let _login = store(&folder).lock(&key()).await.expect("the lock");
    let other = TokenKey::new("other");
    let impatient = store(&folder).lock_timeout(Duration::from_millis(200));
    let _renewal = impatient.lock(&other).await.expect("another lock");
    impatient.save(&other, &StoredToken::new("t", None)).await.expect("saved");
    assert!(impatient.load(&other).await.expect("loads").is_some());
}

#[tokio::test]
async fn what_is_removed_leaves_nothing_in_the_file_and_others_stay() {
    let folder = Folder::new("removed");
    let (store, other) = (store(&folder), TokenKey::new("other"));
    store.remove(&key()).await.expect("there is none");
    assert!(!folder.file().exists(), "nothing is written for nothing");
    for key in [&key(), &other] {
        store.save(key, &StoredToken::new("t", None)).await.expect("saved");
    }
    store.remove(&key()).await.expect("removed");
    let file = std::fs::read_to_string(folder.file()).expect("a file");
    assert!(!file.contains("\"me||\"") && file.contains("\"other||\""), "{file}");
}
