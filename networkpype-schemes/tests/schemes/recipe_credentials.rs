//! Which credentials can be used, and how they are replaced while they are in use.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use networkpype_core::{Auth, AuthError, AuthErrorKind, RestRequest, Secret};
use networkpype_schemes::recipe::{
    CallbackCredentials, CredentialProvider, Credentials, EnvCredentials, FileCredentials,
    RecipeAuth, RecipeError, RecipeSpec, RotatingCredentials,
};

use crate::recipe_setup::sign;

const RECIPE: &str = "
    credentials = ['key', { name = 'secret', encoding = 'base64' }, { name = 'partner', optional = true }]
    [request]
    payload = '{path}'
    headers.K = '{key}'
    headers.S = '{signature}'
    headers.P = { value = '{partner}', when = '{partner}' }
";

fn build(recipe: &str, credentials: Credentials) -> Result<RecipeAuth, RecipeError> {
    let recipe = RecipeSpec::from_toml(recipe).expect("a recipe");
    RecipeAuth::builder(recipe).credentials(credentials).build()
}

fn provided(provider: impl CredentialProvider + 'static) -> RecipeAuth {
    let recipe = RecipeSpec::from_toml(RECIPE).expect("a recipe");
    RecipeAuth::builder(recipe).credential_provider(provider).build().expect("complete")
}

fn pair(key: &str, secret: &str) -> Credentials {
    Credentials::new().with("key", key).with("secret", secret)
}

fn request() -> RestRequest {
    RestRequest::get("https://h/p")
}

/// The key and the signature that a request gets.
async fn signed(auth: &RecipeAuth) -> Result<[String; 2], AuthError> {
    let signed = sign(auth, request()).await?;
    Ok(["k", "s"].map(|name| signed.headers()[name].to_str().expect("ASCII").to_owned()))
}

#[test]
fn credentials_that_cannot_be_used_are_refused_when_the_scheme_is_built() {
    for (credentials, reason) in [
        (Credentials::new(), "`key` is declared by the recipe and was not given"),
        (pair("", "c2VjcmV0"), "`key` is declared by the recipe and was not given"),
        (Credentials::new().with("key", "k"), "`secret` is declared"),
        (pair("k", "hunter2!"), "the credential `secret` cannot be used: the secret is not base64"),
        (pair("hunter2\r\nX-Admin: 1", "c2VjcmV0"), "`key` holds a line end"),
        (pair("hunter2\n", "c2VjcmV0"), "goes into the header \"K\""),
        (pair(" hunter2", "c2VjcmV0"), "`key` begins or ends with a space"),
        (pair("hunter2", "c2VjcmV0").with("partner", "hunter2\0"), "`partner` holds"),
        (
            Credentials::new().with("key", Secret::from(vec![0xff])).with("secret", "c2VjcmV0"),
            "`key` is not UTF-8 text",
        ),
    ] {
        let error = build(RECIPE, credentials).expect_err(reason);
        assert_eq!(error.key(), "credentials");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    build(RECIPE, pair("k", "c2VjcmV0")).expect("the partner may be missing");
}

#[test]
fn each_encoding_and_each_transform_says_what_a_text_stands_for() {
    let recipe = |more: &str| {
        format!("credentials = [{{ name = 'key', {more} }}]\n[request]\nheaders.K = '{{key|hex}}'")
    };
    for (more, text, hex) in [
        ("encoding = 'utf8'", "00ff", Some("30306666")),
        ("encoding = 'hex'", "00ff", Some("00ff")),
        ("encoding = 'hex'", "00f", None),
        ("encoding = 'base64'", "AP8=", Some("00ff")),
        ("encoding = 'base64'", "AP8", Some("00ff")),
        ("encoding = 'base64'", "AP 8", None),
        ("encoding = 'base58'", "1Q", Some("0017")),
        ("encoding = 'base58'", "0OIl", None),
        ("transform = 'upper'", "aB", Some("4142")),
        ("transform = 'lower'", "aB", Some("6162")),
        ("transform = 'base64'", "a", Some("59513d3d")),
        ("transform = 'lower', encoding = 'hex'", "00FF", Some("00ff")),
        ("transform = 'md5-hex', encoding = 'hex'", "", None),
    ] {
        let built = build(&recipe(more), Credentials::new().with("key", text));
        let Some(hex) = hex else {
            assert!(built.is_err(), "{more} {text}");
            continue;
        };
        let auth = built.expect(more);
        let signed = futures_executor(auth.rest_authenticate(request())).expect("signed");
        assert_eq!(signed.headers()["k"], hex, "{more} {text}");
    }
}

fn futures_executor<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}

#[tokio::test]
async fn credentials_that_are_replaced_sign_the_next_request() {
    let rotating = RotatingCredentials::new(pair("old", "b2xk"));
    let auth = provided(rotating.clone());
    let old = signed(&auth).await.expect("signed");
    rotating.replace(pair("new", "bmV3"));
    let new = signed(&auth).await.expect("signed");
    assert_eq!([old[0].as_str(), new[0].as_str()], ["old", "new"]);
    assert_ne!(old[1], new[1], "the secret is another");
    rotating.replace(pair("old", "b2xk"));
    assert_eq!(signed(&auth).await.expect("signed"), old);
}

#[tokio::test]
async fn credentials_that_turn_bad_while_in_use_send_nothing_and_do_not_print() {
    let rotating = RotatingCredentials::new(pair("old", "b2xk"));
    let auth = provided(rotating.clone());
    for bad in
        [Credentials::new(), pair("hunter2\r\nX-Admin: 1", "b2xk"), pair("hunter2", "hunter2!")]
    {
        rotating.replace(bad);
        let error = signed(&auth).await.expect_err("refused");
        assert_eq!(error.kind(), AuthErrorKind::Credentials, "{error}");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert!(!format!("{error:?} {error} {source:?}").contains("hunter2"), "{error:?}");
    }
    rotating.replace(pair("new", "bmV3"));
    assert_eq!(signed(&auth).await.expect("signed")[0], "new");
}

#[tokio::test]
async fn a_callback_is_asked_before_each_signature_and_its_failure_is_the_requests() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let auth = provided(CallbackCredentials::new(move || {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                2 => Err(AuthError::new(AuthErrorKind::Credentials, "the vault is sealed")),
                _ => Ok(pair(&format!("key-{number}"), "b2xk")),
            }
        }
    }));
    assert_eq!(signed(&auth).await.expect("signed")[0], "key-0");
    assert_eq!(signed(&auth).await.expect("signed")[0], "key-1");
    let error = signed(&auth).await.expect_err("the callback failed");
    assert!(error.to_string().contains("the vault is sealed"));
    assert_eq!(signed(&auth).await.expect("signed")[0], "key-3");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

/// The names of the variables are those that every program that cargo starts has.
#[tokio::test]
async fn variables_of_the_environment_are_named_after_credentials() {
    let recipe = "
        credentials = ['manifest-dir', { name = 'pkg_name', transform = 'upper' }, { name = 'none', optional = true }]
        [request]
        headers.D = '{manifest-dir}'
        headers.N = '{pkg_name}'
        headers.O = '{none|or(-)}'
    ";
    let recipe = RecipeSpec::from_toml(recipe).expect("a recipe");
    let auth = RecipeAuth::builder(recipe)
        .credential_provider(EnvCredentials::new("CARGO_"))
        .build()
        .expect("complete");
    let sent = sign(&auth, request()).await.expect("signed");
    assert_eq!(sent.headers()["d"], env!("CARGO_MANIFEST_DIR"));
    assert_eq!(sent.headers()["n"], "NETWORKPYPE-SCHEMES");
    assert_eq!(sent.headers()["o"], "-");
    let error =
        signed(&provided(EnvCredentials::new("NETWORKPYPE_NONE_"))).await.expect_err("none");
    assert!(error.to_string().contains("`key` is declared by the recipe and was not given"));
    assert!(error.to_string().contains("environment variable NETWORKPYPE_NONE_KEY"), "{error}");
}

#[tokio::test]
async fn two_schemes_share_one_provider_of_variables() {
    let shared: Arc<dyn CredentialProvider> = Arc::new(EnvCredentials::new("CARGO_"));
    let scheme = |name: &str| {
        let recipe = format!("credentials = ['{name}']\n[request]\nheaders.N = '{{{name}}}'");
        let recipe = RecipeSpec::from_toml(&recipe).expect("a recipe");
        RecipeAuth::builder(recipe).credential_provider(Arc::clone(&shared)).build()
    };
    for (name, value) in
        [("pkg_name", env!("CARGO_PKG_NAME")), ("manifest-dir", env!("CARGO_MANIFEST_DIR"))]
    {
        let sent = sign(&scheme(name).expect("complete"), request()).await.expect("signed");
        assert_eq!(sent.headers()["n"], value);
    }
}

#[tokio::test]
async fn a_credential_that_a_file_lacks_is_an_error_that_names_the_file() {
    let file = Written::new("lacking.toml", "key = 'k'\n");
    let error = signed(&provided(FileCredentials::new(&file.0))).await.expect_err("no secret");
    assert!(error.to_string().contains("`secret` is declared"), "{error}");
    assert!(error.to_string().contains("lacking.toml"), "{error}");
}

#[test]
fn a_scheme_without_the_credentials_that_it_needs_is_not_built() {
    let built = |recipe: &str| {
        RecipeAuth::builder(RecipeSpec::from_toml(recipe).expect("a recipe")).build()
    };
    let error = built(RECIPE).expect_err("no key");
    let given = build(RECIPE, Credentials::new()).expect_err("no key");
    assert_eq!(error, given);
    assert!(built("[request]\nheaders.A = 'b'").is_ok(), "it needs none");
    let optional = "credentials = [{ name = 'key', optional = true }]\n[request]\nheaders.K = { value = '{key}', when = '{key}' }";
    assert!(built(optional).is_ok(), "it can do without");
}

/// A file that is removed at the end.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("networkpype-{}-{name}", std::process::id()));
        fs::write(&path, text).expect("a file");
        Self(path)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[tokio::test]
async fn a_file_that_is_written_again_is_read_again_even_if_neither_length_nor_time_tell() {
    let text = |key: &str| format!("key = '{key}'\nsecret = 'b2xk'\n");
    let file = Written::new("rotated.toml", &text("key-1"));
    let auth = provided(FileCredentials::new(&file.0));
    let time = fs::metadata(&file.0).and_then(|meta| meta.modified()).expect("a time");
    for number in 1..20 {
        let key = format!("key-{}", number % 10);
        fs::write(&file.0, text(&key)).expect("written");
        let opened = fs::File::options().append(true).open(&file.0).expect("opened");
        opened.set_modified(time).expect("the time that it had");
        assert_eq!(signed(&auth).await.expect("signed")[0], key);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_an_error_that_names_it_and_quotes_nothing_of_it() {
    let file = Written::new("broken.toml", "key = 'hunter2'\nsecret = 'hunter2\n");
    let auth = provided(FileCredentials::new(&file.0));
    let error = signed(&auth).await.expect_err("half written");
    assert!(error.to_string().contains("broken.toml are not lines of"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    fs::write(&file.0, "key = 'k'\nsecret = 'b2xk'\n").expect("written");
    assert_eq!(signed(&auth).await.expect("signed")[0], "k");
    let missing = provided(FileCredentials::new("/nowhere/at/all.toml"));
    let error = signed(&missing).await.expect_err("missing");
    assert!(error.to_string().contains("/nowhere/at/all.toml cannot be read"), "{error}");
}

#[test]
fn a_credential_takes_the_place_of_another_of_its_name() {
    let credentials = Credentials::new().with("key", "old").with("secret", "s").with("key", "new");
    assert_eq!(credentials.get("key").and_then(|key| key.expose_str()), Some("new"));
    assert_eq!(credentials.names().count(), 2);
}
