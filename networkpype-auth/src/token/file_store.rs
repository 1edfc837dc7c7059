use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use networkpype_core::{Secret, async_trait};

use super::{
    StoredToken, TOKEN_TIME_LIMIT, TokenError, TokenErrorKind, TokenKey, TokenLock, TokenStore,
    file_lock::{blocking, lock, private},
    written::Written,
};
use crate::{DigestEncoding, HashAlgorithm, buffer::WipedBuffer};

/// Keeps tokens in a file that only its owner may read.
///
/// It is written anew beside itself and then renamed, so that whoever reads it finds the one or the other whole, also after
/// a crash. Files beside it with `.lock` behind their names are locked: one for a moment while the file is written, and one for
/// each key while its token is renewed. Processes that share the file take turns, and who comes second finds the token
/// that the first has saved. The system lets go of the locks of a process that has ended; the files stay.
///
/// On Unix the files have the mode 0600. Elsewhere they have whatever their folder gives them: keep them where nobody else may
/// look. The locks are those of the file system: one that does not know any is no place for a file that several share.
///
/// It needs a tokio runtime with its timer enabled.
#[derive(Clone, Debug)]
pub struct FileTokenStore {
    path: PathBuf,
    lock_timeout: Duration,
}

impl FileTokenStore {
    /// In this file, which need not be there yet. Its folder has to be.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), lock_timeout: LOCK_TIMEOUT }
    }

    /// How long another process may have a lock before waiting for it ends with
    /// [`TokenErrorKind::Store`]. Default: five minutes, in which a renewal there has been answered or given up: it asks its
    /// issuer twice at most, each time for no longer than [`TOKEN_TIME_LIMIT`]. With less, one that takes its rightful time
    /// fails those who wait for it. With more, the other may wait for somebody to log in, or for a source whose
    /// [`time_limit`](super::TokenSource::time_limit) is longer.
    #[must_use]
    pub fn lock_timeout(mut self, longest: Duration) -> Self {
        self.lock_timeout = longest;
        self
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        self.path.with_file_name(name)
    }

    /// Reads the file, changes what stands in it and writes it, while nobody else does.
    async fn change(
        &self,
        change: impl FnOnce(&mut Tokens) -> bool + Send + 'static,
    ) -> Result<(), TokenError> {
        let (path, beside) = (self.path.clone(), self.beside(".new"));
        let locked = lock(self.beside(".lock"), self.lock_timeout).await?;
        blocking(&self.path, move || {
            let mut tokens = read(&path)?;
            if change(&mut tokens) {
                write(&path, &beside, &tokens)?;
            }
            // Not before, also where nobody waits for this any more.
            drop(locked);
            Ok(())
        })
        .await
    }
}

/// Longer than a renewal in another process.
const LOCK_TIMEOUT: Duration = Duration::from_secs(300);

const _: () = assert!(LOCK_TIMEOUT.as_secs() > 2 * TOKEN_TIME_LIMIT.as_secs());

/// By the texts of their keys.
type Tokens = BTreeMap<String, Written>;

#[async_trait]
impl TokenStore for FileTokenStore {
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, TokenError> {
        let path = self.path.clone();
        let mut tokens = blocking(&self.path, move || read(&path)).await?;
        Ok(tokens.remove(&key.to_text()).map(Written::into_token))
    }

    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), TokenError> {
        let written = Written::from_token(token)
            .ok_or_else(|| TokenError::new(TokenErrorKind::Store, "a token is not text"))?;
        let key = key.to_text();
        self.change(move |tokens| {
            tokens.insert(key, written);
            true
        })
        .await
    }

    async fn remove(&self, key: &TokenKey) -> Result<(), TokenError> {
        let key = key.to_text();
        self.change(move |tokens| tokens.remove(&key).is_some()).await
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn TokenLock>, TokenError> {
        // A key is no name of a file: it may be long, and hold any character.
        let hash = HashAlgorithm::Sha256.digest(key.to_text().as_bytes());
        let name: String = hash.to_text(DigestEncoding::Hex).chars().take(16).collect();
        let path = self.beside(&format!(".{name}.lock"));
        Ok(Box::new(lock(path, self.lock_timeout).await?))
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
    let mut text = WipedBuffer::with_capacity(4096);
    serde_json::to_writer_pretty(&mut text, tokens).map_err(io::Error::other)?;
    let text = text.into_secret();
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
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
