//! Tokens that outlive a program, and programs that share them. Real files, so time is real here.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use networkpype_auth::token::{
    FileTokenStore, MemoryTokenStore, StoredToken, TokenErrorKind, TokenKey, TokenStore as _,
};
use networkpype_core::{Secret, Timestamp};

use crate::{
    issuer::{Answer, Issuer, cache, key, pass},
    stores::{Broken, Folder},
};

#[tokio::test]
async fn tokens_outlive_the_program_and_nobody_else_may_read_them() {
    let folder = Folder::new("outlive");
    let issuer = Issuer::answers([Answer::Token { life: Some(3600), refresh: Some("r1") }]);
    let store = || FileTokenStore::new(folder.file());
    cache(&issuer).store(store()).build().token(&key()).await.expect("a token");
    let again = cache(&issuer).store(store()).build().token(&key()).await.expect("a token");
    assert_eq!(again.access().expose_str(), Some("me||#1"));
    assert_eq!(issuer.asked(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for name in ["tokens.json", "tokens.json.lock"] {
            let mode = fs::metadata(folder.0.join(name)).expect("is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    assert!(!folder.0.join("tokens.json.new").exists());
}

#[tokio::test]
async fn t11_a_crash_while_writing_leaves_the_token_before_whole() {
    let folder = Folder::new("crash");
    let store = FileTokenStore::new(folder.file());
    let old = StoredToken::new("old", Some(Secret::new("r1")));
    store.save(&key(), &old).await.expect("saves");
    // What a crash in the middle of the next writing leaves behind.
    fs::write(folder.0.join("tokens.json.new"), "{\"me||\":{\"access_tok").expect("writes");
    let found = store.load(&key()).await.expect("loads").expect("is there");
    assert_eq!(found.access.expose_bytes(), b"old");
    let other = TokenKey::new("other");
    store.save(&other, &StoredToken::new("new", None)).await.expect("saves over it");
    assert!(store.load(&key()).await.expect("loads").is_some(), "other keys stay");
    assert!(store.load(&other).await.expect("loads").is_some());
}

#[tokio::test]
async fn a_file_says_when_a_token_was_asked_for_and_one_that_does_not_is_read_too() {
    let folder = Folder::new("issued");
    let store = FileTokenStore::new(folder.file());
    let issued = Timestamp::from_secs(1_700_000_000);
    store.save(&key(), &StoredToken::new("t", None).issued(issued)).await.expect("saved");
    assert_eq!(store.load(&key()).await.expect("loads").expect("is there").issued, Some(issued));
    let text = fs::read_to_string(folder.file()).expect("is there");
    assert!(text.contains("\"issued_at_ms\": 1700000000000"), "{text}");
    fs::write(folder.file(), r#"{"me||":{"access_token":"t","expires_at_ms":1}}"#).expect("writes");
    let old = store.load(&key()).await.expect("loads").expect("is there");
    assert_eq!((old.issued, old.until), (None, Some(Timestamp::from_millis(1))));
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_what_to_do() {
    let folder = Folder::new("unusable");
    let file = folder.file();
    for (path, hint) in [
        (file.with_file_name("none").join("tokens.json"), "make its folder"),
        (file.with_file_name("text"), "move it away"),
        (file.with_file_name("text").join("tokens.json"), "folder"),
    ] {
        fs::write(file.with_file_name("text"), "hunter2").expect("a file");
        let store = FileTokenStore::new(&path);
        let error = store.save(&key(), &StoredToken::new("t", None)).await;
        let error = error.expect_err(hint).to_string();
        assert!(error.contains(&*path.to_string_lossy()), "{error}");
        assert!(error.contains(hint) && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_holds_something_else_is_an_error_and_stays_as_it_is() {
    let folder = Folder::new("foreign");
    fs::write(folder.file(), "hunter2").expect("writes");
    let store = FileTokenStore::new(folder.file());
    let error = store.load(&key()).await.expect_err("no tokens");
    assert_eq!(error.kind(), TokenErrorKind::Store);
    assert!(!format!("{error:?}").contains("hunter2"));
    store.save(&key(), &StoredToken::new("a", None)).await.expect_err("no tokens");
    assert_eq!(fs::read_to_string(folder.file()).expect("is there"), "hunter2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_of_two_processes_that_renew_together_one_asks_and_the_other_adopts() {
    let folder = Folder::new("together");
    let issuer = Issuer::answers([
        Answer::Token { life: Some(3600), refresh: Some("r2") },
        Answer::Token { life: Some(3600), refresh: Some("r3") },
    ])
    .slow(Duration::from_millis(50));
    let stale = StoredToken::new("stale", Some(Secret::new("r1")));
    FileTokenStore::new(folder.file()).save(&key(), &stale).await.expect("saves");
    // Each has a store of its own, as two processes have.
    let run = || {
        let cache = cache(&issuer).store(FileTokenStore::new(folder.file())).build();
        tokio::spawn(async move { cache.token(&key()).await.expect("a token") })
    };
    let (one, two) = (run(), run());
    let (one, two) = (one.await.expect("no panic"), two.await.expect("no panic"));
    assert_eq!(one.access().expose_bytes(), two.access().expose_bytes());
    assert_eq!(issuer.refreshes(), [Some("r1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn t11_a_rotated_token_is_not_used_before_it_is_saved_and_not_lost_either() {
    let mended = Arc::new(AtomicBool::new(false));
    let store = MemoryTokenStore::new();
    let broken = Broken { store: store.clone(), mended: Arc::clone(&mended) };
    let issuer = Issuer::answers([Answer::Token { life: Some(3600), refresh: Some("r1") }]);
    let cache = cache(&issuer).store(broken).build();
    for _ in 0..5 {
        let error = cache.token(&key()).await.expect_err("it cannot be saved");
        assert_eq!(error.kind(), TokenErrorKind::Store);
        pass(60).await;
    }
    mended.store(true, Ordering::SeqCst);
    let token = cache.token(&key()).await.expect("a token");
    assert_eq!(token.access().expose_bytes(), b"me||#1");
    assert_eq!(issuer.asked(), 1, "the refresh token was not used twice");
    assert!(store.load(&key()).await.expect("loads").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_before_it_could_be_saved_is_good_for_its_refresh_token_alone() {
    let mended = Arc::new(AtomicBool::new(false));
    let broken = Broken { store: MemoryTokenStore::new(), mended: Arc::clone(&mended) };
    let issuer = Issuer::answers([
        Answer::Token { life: Some(100), refresh: Some("r1") },
        Answer::Token { life: Some(100), refresh: Some("r2") },
    ]);
    let cache = cache(&issuer).store(broken).build();
    cache.token(&key()).await.expect_err("it cannot be saved");
    pass(200).await;
    mended.store(true, Ordering::SeqCst);
    let token = cache.token(&key()).await.expect("a token");
    assert_eq!(token.access().expose_bytes(), b"me||#2");
    assert_eq!(issuer.refreshes(), [None, Some("r1".to_owned())]);
}
