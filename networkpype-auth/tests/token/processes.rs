//! Processes that are killed. They are this test binary, started again for one test.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use networkpype_auth::token::{
    FileTokenStore, ObtainedToken, StoredToken, TokenCache, TokenError, TokenKey, TokenSource,
    TokenStore as _,
};
use networkpype_core::{Secret, async_trait};

use crate::{issuer::key, stores::Folder};

/// Where a started process finds the file.
const FILE: &str = "NETWORKPYPE_TEST_FILE";

fn start(name: &str, folder: &Folder) -> Child {
    Command::new(env::current_exe().expect("this binary"))
        .args(["--exact", name, "--nocapture"])
        .env(FILE, folder.file())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started")
}

#[allow(clippy::print_stdout, reason = "the process that has started this one reads it")]
fn say(word: &str) {
    println!("\n{word}");
}

/// Kills the process once it has said so.
fn kill_when_it_says(child: &mut Child, word: &str) {
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let said = out.lines().map_while(Result::ok).any(|line| line == word);
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(said, "it ended before");
}

fn store_of(folder: &Folder) -> FileTokenStore {
    FileTokenStore::new(folder.file()).lock_timeout(Duration::from_secs(10))
}

/// No test by itself: saves tokens without end.
#[tokio::test]
async fn a_started_process_saves_tokens() {
    let Ok(file) = env::var(FILE) else { return };
    let store = FileTokenStore::new(file);
    for number in 0_u64.. {
        // Long, so that a file that is not whole is a likely sight.
        let token = format!("{number}-{}", "x".repeat(1_000_000));
        store.save(&key(), &StoredToken::new(token, None)).await.expect("saved");
        if number == 3 {
            say("saving");
        }
    }
}

#[tokio::test]
async fn t11_a_process_that_is_killed_while_it_saves_leaves_a_whole_file_and_no_lock() {
    let folder = Folder::new("killed");
    for _ in 0..5 {
        let mut child = start("processes::a_started_process_saves_tokens", &folder);
        kill_when_it_says(&mut child, "saving");
        let store = store_of(&folder);
        assert!(store.load(&key()).await.expect("a whole file").is_some());
        let other = TokenKey::new("other");
        store.save(&other, &StoredToken::new("t", None)).await.expect("nobody has the lock");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.file()).expect("is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

/// Has rotated the refresh token, and does not come to give out the next.
struct Rotates;

#[async_trait]
impl TokenSource for Rotates {
    async fn obtain(
        &self,
        _: &TokenKey,
        refresh: Option<&Secret>,
    ) -> Result<ObtainedToken, TokenError> {
        assert_eq!(refresh.and_then(Secret::expose_str), Some("r1"));
        say("rotated");
        std::future::pending().await
    }
}

/// No test by itself: renews a token for ever.
#[tokio::test]
async fn a_started_process_renews_a_token() {
    let Ok(file) = env::var(FILE) else { return };
    let cache = TokenCache::builder(Rotates).store(FileTokenStore::new(file)).build();
    let _ = cache.token(&key()).await;
}

#[tokio::test]
async fn t11_a_process_that_is_killed_before_it_saves_leaves_the_token_before_and_no_lock() {
    let folder = Folder::new("rotated");
    let store = store_of(&folder);
    store.save(&key(), &StoredToken::new("old", Some("r1".into()))).await.expect("saved");
    let mut child = start("processes::a_started_process_renews_a_token", &folder);
    kill_when_it_says(&mut child, "rotated");
    let _lock = store.lock(&key()).await.expect("nobody has it");
    let token = store.load(&key()).await.expect("loads").expect("a token");
    assert_eq!(token.access.expose_bytes(), b"old");
}
