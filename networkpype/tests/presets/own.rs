//! Presets that a user writes.

use std::{fs, path::PathBuf};

use networkpype::{Auth, Preset, RestRequest, schemes::recipe::Credentials};

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
async fn a_file_extends_a_ready_made_preset_and_says_what_differs() {
    let file = Written::new(
        "mine.toml",
        "
        extends = 'okx'
        service.base-url = 'https://okx.example'
        [request]
        headers.X-Simulated-Trading = '1'
        ",
    );
    let preset = Preset::from_file(&file.0).expect("a preset");
    assert!(preset.name().ends_with("-mine"), "{}", preset.name());
    assert_eq!(preset.base_url(), Some("https://okx.example"));
    assert!(preset.limits().is_none() && preset.time().is_none(), "facts of another service");
    let credentials =
        Credentials::new().with("key", "k").with("secret", "s").with("passphrase", "p");
    let auth = preset.auth().credentials(credentials).build().expect("complete");
    let signed = auth.rest_authenticate(RestRequest::get("https://okx.example/x")).await;
    let signed = signed.expect("signed");
    assert_eq!(signed.headers()["x-simulated-trading"], "1");
    assert_eq!(signed.headers()["ok-access-key"], "k");
}

#[test]
fn errors_name_the_file_the_key_and_the_reason() {
    let limits = "limits = { source = 'https://a', checked = '2026-11-28'";
    for (text, key, reason) in [
        ("[request]\npayload = 1", "`request.payload`", "expected a string"),
        ("[request]\npayloads = ''", "`request.payloads`", "unknown field"),
        ("extends = 'nobody'", "`extends`", "there is no recipe \"nobody\""),
        ("[service]\nlimit = {}", "`service.limit`", "unknown field"),
        ("[service]\nbase-url = 1", "`service.base-url`", "expected a string"),
        ("[service.time]\npath = 1", "`service.time.path`", "expected a string"),
        ("[service.time]\nchecked = '2026-11-28'", "`service.time`", "missing field `source`"),
        ("[service.limits]\nchecked = '2026-11-28'", "`service.limits`", "missing field `source`"),
        ("[service.limits]\nsource = 'https://a'", "`service.limits`", "missing field `checked`"),
        (
            &format!("[service]\n{limits}, config.limit = 1 }}"),
            "`service.limits.config",
            "unknown field",
        ),
        (
            "[service.time]\nsource = 'a page'\nchecked = '2026-11-28'\npath = '/t'\nfield = 't'\nformat = 'ms'",
            "`service.time.source`",
            "the API's own page",
        ),
        (
            "[service.time]\nsource = 'https://a'\nchecked = 'today'\npath = '/t'\nfield = 't'\nformat = 'ms'",
            "`service.time.checked`",
            "a day",
        ),
        (
            "[service.time]\nsource = 'https://a'\nchecked = '2026-13-45'\npath = '/t'\nfield = 't'\nformat = 'ms'",
            "`service.time.checked`",
            "a day",
        ),
        (
            "[service.time]\nsource = 'https://a'\nchecked = '2026-11-28'\npath = '/t'\nfield = 't'\nformat = 'hours'",
            "`service.time.format`",
            "iso-ms",
        ),
        (
            &format!("[service]\n{limits}, config.limits.a = 1 }}"),
            "`service.limits.config.limits.a`",
            "expected",
        ),
    ] {
        let file = Written::new("wrong.toml", text);
        let error = Preset::from_file(&file.0).expect_err(text).to_string();
        assert!(error.starts_with(&format!("{}: ", file.0.display())), "{error}");
        assert!(error.contains(key) && error.contains(reason), "{error}\n{text}");
    }
    let error = Preset::from_file("/nowhere/at/all.toml").expect_err("no file").to_string();
    assert!(error.starts_with("/nowhere/at/all.toml: "), "{error}");
}
