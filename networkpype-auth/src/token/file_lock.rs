//! A file that one program at a time has.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use networkpype_core::{Ticker as _, TokioTicker};
use tokio::task::spawn_blocking;

use super::{TokenError, TokenErrorKind, TokenLock};

/// How long to wait before the second try, and at most before any other.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

pub(super) struct FileLock(File);

impl TokenLock for FileLock {}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file unlocks it too; a failure leaves nothing to do.
        let _ = self.0.unlock();
    }
}

/// Waits until nobody else has this file, no longer than `longest`. Not on a thread that blocks: such a wait could be
/// neither given up nor shut down.
pub(super) async fn lock(path: PathBuf, longest: Duration) -> Result<FileLock, TokenError> {
    let ticker = TokioTicker::new();
    let deadline = ticker.now() + longest;
    let mut pause = PAUSES.0;
    loop {
        // Opened anew each time: somebody may have cleaned up.
        if let Some(file) = blocking(&path, {
            let path = path.clone();
            move || try_lock(path)
        })
        .await?
        {
            return Ok(file);
        }
        if ticker.now() >= deadline {
            return Err(TokenError::new(
                TokenErrorKind::Store,
                format!(
                    "another program has held the lock on the tokens, `{}`, for {longest:?}: it may wait for somebody to log \
                     in, or hang; try again when it is done, or give the store a longer `lock_timeout`",
                    path.display()
                ),
            ));
        }
        ticker.sleep_until((ticker.now() + pause).min(deadline)).await;
        pause = (pause * 3 / 2).min(PAUSES.1);
    }
}

fn try_lock(path: PathBuf) -> io::Result<Option<FileLock>> {
    let file = private(OpenOptions::new().create(true).truncate(false)).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(FileLock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Does what the file system may take a moment for, with the file of this name or beside it.
pub(super) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, TokenError> {
    let failed = |source: io::Error| {
        let hint = match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                "make its folder, which has to be there"
            }
            io::ErrorKind::PermissionDenied => {
                "give this user the right to write it and its folder"
            }
            io::ErrorKind::InvalidData => "move it away, and log in again where a person has to",
            _ => "see that it is a file, and that it and its folder can be written",
        };
        let message = format!("the file of tokens `{}` cannot be used: {hint}", path.display());
        TokenError::new(TokenErrorKind::Store, message).with_source(source)
    };
    match spawn_blocking(work).await {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(TokenError::new(TokenErrorKind::Store, "the runtime is shutting down")),
    }
}

/// Has a file that is made belong to its owner alone.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
