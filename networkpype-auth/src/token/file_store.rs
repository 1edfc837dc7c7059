use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use networkpype_core::{Secret, async_trait};
use tokio::task::spawn_blocking;

use super::{
    StoredToken, TokenError, TokenErrorKind, TokenKey, TokenLock, TokenStore, value::Written,
};

/// Keeps tokens in a file that only its owner may read.
///
/// It is written anew beside itself and then renamed, so that whoever reads it finds the one or the other whole, also after
/// a crash. A second file beside it, with `.lock` behind its name, is locked while a token is renewed: processes that share
/// the file take turns, and who comes second finds the token that the first has saved.
///
/// On Unix the file has the mode 0600. Elsewhere it has whatever its folder gives it: keep it where nobody else may look.
#[derive(Clone, Debug)]
pub struct FileTokenStore {
    path: PathBuf,
}

impl FileTokenStore {
    /// In this file, which need not be there yet. Its folder has to be.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        self.path.with_file_name(name)
    }
}

struct FileLock(File);

impl TokenLock for FileLock {}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file unlocks it too; a failure leaves nothing to do.
        let _ = self.0.unlock();
    }
}

type Tokens = BTreeMap<String, Written>;

#[async_trait]
impl TokenStore for FileTokenStore {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        let path = self.path.clone();
        let mut tokens = blocking(move || read(&path)).await?;
        Ok(tokens.remove(&key.to_text()).map(Written::into_token))
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        let written = Written::from_token(token)
            .ok_or_else(|| TokenError::new(TokenErrorKind::Store, "a token is not text"))?;
        let (path, beside, key) = (self.path.clone(), self.beside(".new"), key.to_text());
        blocking(move || {
            let mut tokens = read(&path)?;
            tokens.insert(key, written);
            write(&path, &beside, &tokens)
        })
        .await
    }

    async fn lock(&self, _: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        let path = self.beside(".lock");
        let locked = blocking(move || {
            let file =
                private(OpenOptions::new().create(true).truncate(false)).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        });
        Ok(Box::new(FileLock(locked.await?)))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, TokenError> {
    let failed = |source: io::Error| {
        TokenError::new(TokenErrorKind::Store, "the file of tokens cannot be used")
            .with_source(source)
    };
    match spawn_blocking(work).await {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(TokenError::new(TokenErrorKind::Store, "the runtime is shutting down")),
    }
}

fn read(path: &Path) -> io::Result<Tokens> {
    let text = match fs::read(path) {
        Ok(text) => Secret::from(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tokens::new()),
        Err(error) => return Err(error),
    };
    // The parser's own error quotes what it read.
    serde_json::from_slice(text.expose_bytes())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it does not hold tokens"))
}

fn write(path: &Path, beside: &Path, tokens: &Tokens) -> io::Result<()> {
    let text = Secret::from(serde_json::to_vec_pretty(tokens).map_err(io::Error::other)?);
    // One that a crash has left may belong to somebody else, and have another mode.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().create_new(true)).write(true).open(beside)?;
    file.write_all(text.expose_bytes())?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    // Without this the rename itself may be lost when the power fails.
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
