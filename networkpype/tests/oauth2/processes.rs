//! Processes that share a file of tokens. They are this test binary, started again for one test.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use networkpype::{
    RestManager,
    schemes::oauth2::{
        AuthorizationServer, Client, Grant, OAuth2,
        token::{FileTokenStore, TokenErrorKind},
    },
};

use crate::issuer::Issuer;

/// Where the started process finds its issuer, and the file.
const ISSUER: &str = "NETWORKPYPE_TEST_ISSUER";
const FILE: &str = "NETWORKPYPE_TEST_FILE";

fn scheme(issuer: &str, file: &Path) -> OAuth2 {
    OAuth2::builder()
        .caller(RestManager::builder().build().expect("a manager"))
        .server(AuthorizationServer::new(format!("{issuer}/token")))
        .client(Client::public("native"))
        .grant(Grant::refresh_token("r0"))
        .store(FileTokenStore::new(file))
        .build()
        .expect("a scheme")
}

/// No test by itself: what the processes of the tests below do.
#[tokio::test]
async fn a_started_process_asks_for_a_token_when_it_is_told_to() {
    let (Ok(issuer), Ok(file)) = (env::var(ISSUER), env::var(FILE)) else { return };
    let auth = scheme(&issuer, Path::new(&file));
    println!("\nready");
    std::io::stdin().read_line(&mut String::new()).expect("told");
    match auth.token().await {
        Ok(token) => println!("\ntoken {}", token.access().expose_str().expect("text")),
        Err(error) => println!("\nerror {error:?}"),
    }
}

struct Process {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Process {
    fn start(issuer: &Issuer, file: &Path) -> Self {
        let name = "processes::a_started_process_asks_for_a_token_when_it_is_told_to";
        let mut child = Command::new(env::current_exe().expect("this binary"))
            .args(["--exact", name, "--nocapture"])
            .env(ISSUER, issuer.url())
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines: Box::new(out.lines().map_while(Result::ok)) }
    }

    /// What stands behind this word in the next line that begins with it.
    fn says(&mut self, word: &str) -> String {
        let mut before = Vec::new();
        for line in &mut self.lines {
            match line.strip_prefix(word) {
                Some(said) => return said.trim().to_owned(),
                None => before.push(line),
            }
        }
        panic!("no {word}: {before:?}");
    }

    fn tell(&mut self) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(b"go\n").expect("told");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn file(name: &str) -> PathBuf {
    let name = format!("oauth2-{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder.join("tokens.json")
}

/// The tokens that so many processes get at the same time.
async fn together(issuer: &Issuer, file: &Path, processes: usize) -> Vec<String> {
    let (issuer, file) = (issuer.clone(), file.to_owned());
    let work = move || {
        let mut processes: Vec<_> =
            (0..processes).map(|_| Process::start(&issuer, &file)).collect();
        for process in &mut processes {
            process.says("ready");
        }
        for process in &mut processes {
            process.tell();
        }
        processes.iter_mut().map(|process| process.says("token")).collect()
    };
    tokio::task::spawn_blocking(work).await.expect("no panic")
}

/// Has all tokens in the file end in the past.
fn let_end(file: &Path) {
    let text = fs::read(file).expect("a file");
    let mut tokens: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    for token in tokens.as_object_mut().expect("tokens").values_mut() {
        token["expires_at_ms"] = 1000.into();
    }
    fs::write(file, tokens.to_string()).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_of_processes_that_refresh_together_one_asks_and_the_others_adopt_its_token() {
    let (issuer, file) = (Issuer::start().await, file("together"));
    assert_eq!(together(&issuer, &file, 3).await, ["a1"; 3]);
    let_end(&file);
    assert_eq!(together(&issuer, &file, 3).await, ["a2"; 3]);
    let refreshes = ["r0", "r1"].map(|refresh| {
        format!("grant_type=refresh_token&refresh_token={refresh}&client_id=native")
    });
    assert_eq!(issuer.asked(), refreshes);
    assert_eq!(issuer.reused(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_a_process_whose_refresh_token_was_used_up_elsewhere_leaves_newer_tokens_alone() {
    let (issuer, file) = (Issuer::start().await, file("newer"));
    let stale = scheme(&issuer.url(), &file);
    assert_eq!(together(&issuer, &file, 1).await, ["a1"]);
    // This one knows `r0` alone, and finds the newer one.
    let token = stale.token().await.expect("a token");
    assert_eq!(token.access().expose_str(), Some("a1"));
    assert_eq!((issuer.asked().len(), issuer.reused()), (1, 0));
    // One with a file of its own cannot, and is told to log in again; the other's tokens stay good.
    let apart = scheme(&issuer.url(), &self::file("apart"));
    let error = apart.token().await.expect_err("used up");
    assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
    let_end(&file);
    assert_eq!(together(&issuer, &file, 1).await, ["a2"]);
}
