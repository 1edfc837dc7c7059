//! Where do an account's credentials come from?

use std::{
    env, fmt, fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use networkpype_core::{AuthError, AuthErrorKind, Secret, async_trait};

/// The credentials of one account by their names. Clones share one copy.
///
/// ```
/// use networkpype_schemes::recipe::Credentials;
///
/// let credentials = Credentials::new().with("key", "my-key").with("secret", "my-secret");
/// assert_eq!(format!("{credentials:?}"), r#"["key", "secret"]"#);
/// ```
#[derive(Clone, Default)]
pub struct Credentials(Arc<Vec<(String, Secret)>>);

impl Credentials {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this one, in place of another of its name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        let name = name.into();
        let all = Arc::make_mut(&mut self.0);
        all.retain(|(own, _)| *own != name);
        all.push((name, value.into()));
        self
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Whether both are one copy, so that what was made from the one is good for the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Gives out credentials. It is asked before each signature, so an account's keys can be rotated without anything being
/// built anew. Keys are parsed again only where it hands out another copy than the last time: what does not change should
/// be a clone.
#[async_trait]
pub trait CredentialProvider: Send + Sync {
    /// The credentials, at least those of these names that it has.
    ///
    /// # Errors
    /// When they cannot be had. Nothing is sent then.
    async fn credentials(&self, names: &[&str]) -> Result<Credentials, AuthError>;

    /// Where it looks for the credential of this name, such as `the environment variable OKX_KEY`: for the error about
    /// one that was not given. Nothing of the credential itself belongs here. Default: not said.
    fn describe(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }
}

/// So that several schemes can share one provider.
#[async_trait]
impl<P: CredentialProvider + ?Sized> CredentialProvider for Arc<P> {
    async fn credentials(&self, names: &[&str]) -> Result<Credentials, AuthError> {
        (**self).credentials(names).await
    }

    fn describe(&self, name: &str) -> Option<String> {
        (**self).describe(name)
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    async fn credentials(&self, _: &[&str]) -> Result<Credentials, AuthError> {
        Ok(self.clone())
    }
}

/// Credentials that a program replaces while they are in use. Clones share one state.
///
/// ```
/// use networkpype_schemes::recipe::{Credentials, RotatingCredentials};
///
/// let credentials = RotatingCredentials::new(Credentials::new().with("key", "old"));
/// credentials.replace(Credentials::new().with("key", "new"));
/// ```
#[derive(Clone, Debug)]
pub struct RotatingCredentials(Arc<RwLock<Credentials>>);

impl RotatingCredentials {
    /// These to begin with.
    pub fn new(credentials: Credentials) -> Self {
        Self(Arc::new(RwLock::new(credentials)))
    }

    /// Has every signature from now on made with these.
    pub fn replace(&self, credentials: Credentials) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = credentials;
    }
}

#[async_trait]
impl CredentialProvider for RotatingCredentials {
    async fn credentials(&self, _: &[&str]) -> Result<Credentials, AuthError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Credentials from environment variables: with the prefix `BINANCE_`, `key` is `BINANCE_KEY` and `partner-id` is
/// `BINANCE_PARTNER_ID`. Each is read once, at the first signature that finds it set; one that is empty is not set.
#[derive(Debug)]
pub struct EnvCredentials {
    prefix: String,
    read: Mutex<Credentials>,
}

impl EnvCredentials {
    /// From variables that begin with `prefix`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), read: Mutex::new(Credentials::new()) }
    }

    fn variable(&self, name: &str) -> String {
        format!("{}{}", self.prefix, name.to_ascii_uppercase().replace('-', "_"))
    }

    /// What was read before, and what `variable` has of the rest. It is the same copy where that is nothing, so that keys
    /// are not parsed again.
    fn read_from(
        &self,
        names: &[&str],
        variable: impl Fn(&str) -> Result<String, env::VarError>,
    ) -> Result<Credentials, AuthError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if read.get(name).is_some() {
                continue;
            }
            match variable(&self.variable(name)) {
                Ok(value) if value.is_empty() => {}
                Ok(value) => *read = read.clone().with(*name, value),
                Err(env::VarError::NotPresent) => {}
                Err(env::VarError::NotUnicode(_)) => {
                    let message = format!("the variable {} is not UTF-8", self.variable(name));
                    return Err(AuthError::new(AuthErrorKind::Credentials, message));
                }
            }
        }
        Ok(read.clone())
    }
}

#[async_trait]
impl CredentialProvider for EnvCredentials {
    async fn credentials(&self, names: &[&str]) -> Result<Credentials, AuthError> {
        self.read_from(names, |variable| env::var(variable))
    }

    fn describe(&self, name: &str) -> Option<String> {
        Some(format!("the environment variable {}", self.variable(name)))
    }
}

/// Credentials from a TOML file of names and texts, which is read before each signature: neither its time of modification nor
/// its length would tell a key that replaces another within the clock's resolution. Keys are parsed again only when its text
/// has changed. Replace the file as a whole, by renaming another: one that is half written is an error until it is written.
#[derive(Debug)]
pub struct FileCredentials {
    path: PathBuf,
    read: Mutex<Option<(Secret, Credentials)>>,
}

impl FileCredentials {
    /// From this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read: Mutex::new(None) }
    }

    fn fail(&self, why: &str) -> AuthError {
        let message = format!("the credentials in {} {why}", self.path.display());
        AuthError::new(AuthErrorKind::Credentials, message)
    }
}

#[async_trait]
impl CredentialProvider for FileCredentials {
    async fn credentials(&self, _: &[&str]) -> Result<Credentials, AuthError> {
        // A file of this size is read faster than a thread for it is found.
        let unread = |error: std::io::Error| self.fail("cannot be read").with_source(error);
        let text = Secret::from(fs::read_to_string(&self.path).map_err(unread)?);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((same, credentials)) = &*read
            && same.expose_bytes() == text.expose_bytes()
        {
            return Ok(credentials.clone());
        }
        // The parser's own error quotes the line.
        let table: std::collections::BTreeMap<String, String> =
            toml::from_str(text.expose_str().unwrap_or_default())
                .map_err(|_| self.fail("are not lines of `name = \"text\"`"))?;
        let credentials =
            table.into_iter().fold(Credentials::new(), |all, (name, value)| all.with(name, value));
        *read = Some((text, credentials.clone()));
        Ok(credentials)
    }

    fn describe(&self, _: &str) -> Option<String> {
        Some(format!("the file {}", self.path.display()))
    }
}

/// Credentials from a program's own code, such as a client of a vault.
pub struct CallbackCredentials<F>(F);

impl<F, R> CallbackCredentials<F>
where
    F: Fn() -> R + Send + Sync,
    R: Future<Output = Result<Credentials, AuthError>> + Send,
{
    /// Asks `callback` before each signature. It should hand out clones of what it has until that changes.
    pub fn new(callback: F) -> Self {
        Self(callback)
    }
}

#[async_trait]
impl<F, R> CredentialProvider for CallbackCredentials<F>
where
    F: Fn() -> R + Send + Sync,
    R: Future<Output = Result<Credentials, AuthError>> + Send,
{
    async fn credentials(&self, _: &[&str]) -> Result<Credentials, AuthError> {
        (self.0)().await
    }
}

impl<F> fmt::Debug for CallbackCredentials<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackCredentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_set_later_is_found_and_one_that_was_found_is_kept() {
        let provider = EnvCredentials::new("X_");
        let read = |set: &'static [(&str, &str)]| {
            let credentials = provider.read_from(&["key", "secret"], |variable| {
                let found = set.iter().find(|(name, _)| *name == variable);
                found.map(|(_, value)| (*value).to_owned()).ok_or(env::VarError::NotPresent)
            });
            credentials.expect("UTF-8")
        };
        let text = |credentials: &Credentials, name: &str| {
            credentials.get(name).and_then(Secret::expose_str).map(str::to_owned)
        };
        let first = read(&[("X_KEY", "k"), ("X_SECRET", "")]);
        assert_eq!((text(&first, "key").as_deref(), text(&first, "secret")), (Some("k"), None));
        assert!(read(&[]).is_same(&first), "nothing was found that is new");
        let second = read(&[("X_KEY", "other"), ("X_SECRET", "s")]);
        let found = (text(&second, "key"), text(&second, "secret"));
        assert_eq!(found, (Some("k".to_owned()), Some("s".to_owned())));
        assert!(read(&[]).is_same(&second));
    }
}
