//! What is known about the APIs of exchanges, ready-made: how they sign, and where a page says so their limits and time.

use std::{error::Error as StdError, fmt, path::Path};

use networkpype_schemes::recipe::{RecipeAuth, RecipeBuilder, RecipeError, RecipeSpec};
use serde::Deserialize;

mod files;
mod service;

use files::FILES;
pub use service::{LimitsOf, Service, TimeOf};

/// An API: its recipe, and what else is known about it.
///
/// ```
/// use networkpype::{Preset, schemes::recipe::Credentials};
///
/// let okx = Preset::named("okx").expect("a preset");
/// let auth = okx
///     .auth()
///     .credentials(
///         Credentials::new().with("key", "my-key").with("secret", "my-secret").with("passphrase", "mine"),
///     )
///     .build()?;
/// assert_eq!(okx.base_url(), Some("https://www.okx.com"));
/// # Ok::<(), networkpype::schemes::recipe::RecipeError>(())
/// ```
///
/// A program that makes a signed call, with an account's credentials from the environment:
///
/// ```no_run
/// use networkpype::{Preset, RestConnection, RestManager, RestRequest, schemes::recipe::EnvCredentials};
/// use serde_json::Value;
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     let okx = Preset::named("okx").ok_or("there is no such preset")?;
///     // From OKX_KEY, OKX_SECRET and OKX_PASSPHRASE.
///     let auth = okx.auth().credential_provider(EnvCredentials::new("OKX_")).build()?;
///     let rest = RestManager::builder()
///         .connection(RestConnection::new()?)
///         .base_url(okx.base_url().ok_or("the preset has no base URL")?)
///         .auth(auth)
///         .build()?;
///
///     let balance = RestRequest::get("/api/v5/account/balance").param("ccy", "BTC").auth_required();
///     let answer: Value = rest.execute_request(balance).await?;
///     println!("{answer}");
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Preset {
    name: String,
    recipe: RecipeSpec,
    service: Service,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    service: Service,
}

impl Preset {
    /// The ready-made preset of this name, in lower case as [`names`](Self::names) lists it; `None` where there is none.
    pub fn named(name: &str) -> Option<Self> {
        // That every file can be read is tested.
        Self::read(text_of(name)?, name).ok()
    }

    /// The names of all ready-made presets, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// Reads a preset from TOML. Its recipe may extend a ready-made one; what that preset knows about its own service
    /// does not become this one's.
    ///
    /// ```
    /// use networkpype::Preset;
    ///
    /// let own = Preset::from_toml(
    ///     r#"
    ///     credentials = ["key"]
    ///
    ///     [request]
    ///     headers.X-KEY = "{key}"
    ///
    ///     [service]
    ///     base-url = "https://api.example.com"
    ///
    ///     [service.limits]
    ///     source = "https://docs.example.com/rate-limits"
    ///     checked = "2026-11-28"
    ///     config.limits.requests = { limit = 10, interval = "1s" }
    ///
    ///     [service.time]
    ///     source = "https://docs.example.com/time"
    ///     checked = "2026-11-28"
    ///     path = "/time"
    ///     field = "serverTime"
    ///     format = "ms"
    ///     "#,
    /// )?;
    /// assert_eq!(own.base_url(), Some("https://api.example.com"));
    /// assert_eq!(own.limits().map(|limits| limits.config.limits.len()), Some(1));
    /// assert_eq!(own.time().map(|time| time.path.as_str()), Some("/time"));
    /// # Ok::<(), networkpype::PresetError>(())
    /// ```
    ///
    /// # Errors
    /// When it is not TOML, a key is not known, or it extends what there is not.
    pub fn from_toml(text: &str) -> Result<Self, PresetError> {
        Self::read(text, "preset")
    }

    /// Reads a preset from a TOML file, as [`from_toml`](Self::from_toml) does.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), and when the file cannot be read. The error names the file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, PresetError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| PresetError { file: file.clone(), reason: error.to_string() })?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Self::read(&text, &stem.unwrap_or_default()).map_err(|error| PresetError { file, ..error })
    }

    fn read(text: &str, name: &str) -> Result<Self, PresetError> {
        let fail = |reason: String| PresetError { file: name.to_owned(), reason };
        let recipe = RecipeSpec::from_toml(text).map_err(|error| fail(error.to_string()))?;
        let deserializer =
            toml::Deserializer::parse(text).map_err(|error| fail(error.message().to_owned()))?;
        let file: File = serde_path_to_error::deserialize(deserializer)
            .map_err(|error| fail(format!("`{}`: {}", error.path(), error.inner().message())))?;
        file.service.check().map_err(fail)?;
        let find = |base: &str| RecipeSpec::from_toml(text_of(base)?).ok();
        let mut recipe = recipe.resolve(&find).map_err(|error| fail(error.to_string()))?;
        let name = recipe.name.get_or_insert_with(|| name.to_owned()).clone();
        Ok(Self { name, recipe, service: file.service })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the API signs, as data.
    pub fn recipe(&self) -> &RecipeSpec {
        &self.recipe
    }

    /// A scheme that signs so. Give it credentials.
    pub fn auth(&self) -> RecipeBuilder {
        RecipeAuth::builder(self.recipe.clone())
    }

    /// The base URL of the REST API, where all of it has one.
    pub fn base_url(&self) -> Option<&str> {
        self.service.base_url.as_deref()
    }

    /// The limits that the API's own page states; `None` where nobody has looked them up.
    pub fn limits(&self) -> Option<&LimitsOf> {
        self.service.limits.as_ref()
    }

    /// Where the API tells its time; `None` where nobody has looked it up.
    pub fn time(&self) -> Option<&TimeOf> {
        self.service.time.as_ref()
    }
}

/// The text of the ready-made preset of this name.
fn text_of(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(own, _)| *own == name).map(|(_, text)| *text)
}

/// Why a text is no preset: in which file or preset, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetError {
    file: String,
    reason: String,
}

impl fmt::Display for PresetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.reason)
    }
}

impl StdError for PresetError {}

impl From<RecipeError> for PresetError {
    fn from(error: RecipeError) -> Self {
        let (file, reason) = (error.file().unwrap_or("recipe"), error.to_string());
        // The error names its file itself.
        let own = reason.strip_prefix(file).and_then(|reason| reason.strip_prefix(": "));
        Self { reason: own.unwrap_or(&reason).to_owned(), file: file.to_owned() }
    }
}
