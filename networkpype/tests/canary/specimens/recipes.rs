//! Signatures as data, and presets.

use networkpype::{Preset, PresetError};
use networkpype_core::Secret;
use networkpype_schemes::recipe::{
    CallbackCredentials, Credentials, EnvCredentials, FileCredentials, RecipeAuth, RecipeBuilder,
    RecipeError, RecipeSpec, RotatingCredentials, ValueSpec,
};

use crate::{canary::CANARY, specimen, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    let recipe = recipe();
    let request = recipe.request.clone().expect("requests");
    let websocket = recipe.websocket.clone().expect("WebSockets");
    let headers: Vec<_> =
        request.headers.iter().flatten().map(|(_, value)| value.clone()).collect();
    let conditional = headers.iter().find_map(|value| match value {
        ValueSpec::Conditional(conditional) => Some(conditional.clone()),
        _ => None,
    });
    let full = recipe.credentials.iter().find_map(|own| match own {
        networkpype_schemes::recipe::CredentialSpec::Full(full) => Some(full.clone()),
        _ => None,
    });
    let preset = preset_of(CANARY);
    let mut service = networkpype::Service::default();
    service.base_url = Some("https://api.example.com".to_owned());
    service.limits = preset.limits().cloned();
    let mut all = specimens! {
        debug networkpype::Preset => [preset_of(CANARY)];
        error networkpype::PresetError => preset_errors();
        debug networkpype::Service => [service];
        debug networkpype::LimitsOf => [preset.limits().cloned().expect("limits")];
        debug networkpype::TimeOf => [preset.time().cloned().expect("a time")];
        debug networkpype_schemes::recipe::Conditional => [conditional.expect("one")];
        debug networkpype_schemes::recipe::CredentialSpec => recipe.credentials.clone();
        debug networkpype_schemes::recipe::Credentials => [credentials()];
        debug networkpype_schemes::recipe::EntrySpec => request.after.clone().expect("entries");
        debug networkpype_schemes::recipe::EnvCredentials => [EnvCredentials::new("EXAMPLE_")];
        debug networkpype_schemes::recipe::FileCredentials => [FileCredentials::new("keys.toml")];
        debug networkpype_schemes::recipe::FullCredential => [full.expect("one")];
        debug networkpype_schemes::recipe::LoginSpec => [websocket.login.clone().expect("a login")];
        debug networkpype_schemes::recipe::MatchSpec => [request.rules[0].matches.clone()];
        debug networkpype_schemes::recipe::MessageSpec => [websocket.message.clone().expect("messages")];
        debug networkpype_schemes::recipe::OneOrMany => [request.carry.clone().expect("carriers")];
        debug networkpype_schemes::recipe::ParamsSpec => [request.params.clone().expect("a view")];
        debug networkpype_schemes::recipe::RecipeAuth => [builder().build().expect("complete")];
        debug networkpype_schemes::recipe::RecipeBuilder => [builder()];
        error networkpype_schemes::recipe::RecipeError => recipe_errors();
        debug networkpype_schemes::recipe::RecipeSpec => [recipe.clone()];
        debug networkpype_schemes::recipe::RequestSpec => [request.clone()];
        debug networkpype_schemes::recipe::ResyncSpec => [recipe.resync.clone().expect("codes")];
        debug networkpype_schemes::recipe::RotatingCredentials => [RotatingCredentials::new(credentials())];
        debug networkpype_schemes::recipe::RuleSpec => request.rules.clone();
        debug networkpype_schemes::recipe::ValueSpec => headers.clone();
        debug networkpype_schemes::recipe::VariantSpec => recipe.variants.values().cloned();
        debug networkpype_schemes::recipe::WebSocketSpec => [websocket.clone()];
    };
    all.push(callback());
    all
}

/// Its type has no name that could be written down.
fn callback() -> Specimen {
    let token = CANARY.to_owned();
    let callback = CallbackCredentials::new(move || {
        let credentials = Credentials::new().with("key", token.as_str());
        async move { Ok(credentials) }
    });
    let texts = vec![specimen::debug(&callback)];
    Specimen::new("networkpype_schemes::recipe::CallbackCredentials", "debug", texts)
}

fn credentials() -> Credentials {
    Credentials::new().with("key", CANARY).with("secret", CANARY)
}

fn builder() -> RecipeBuilder {
    let token = CANARY.to_owned();
    RecipeAuth::builder(recipe())
        .credentials(credentials())
        .sign_with(move |_, _| Ok(token.clone().into_bytes()))
}

/// What is written into a recipe for good may be a token.
fn text() -> String {
    r#"
        name = "example"
        credentials = ["key", { name = "secret", transform = "upper" }]
        constants = { token = "CANARY" }
        [request]
        payload = "CANARY{token}{params}"
        headers.X-Key = "CANARY {key}"
        headers.X-More = { value = "CANARY", when = "CANARY" }
        headers.X-Sign = "{signature}"
        carry = "query"
        params = { equals = "CANARY", separator = "CANARY", with = [["token", "CANARY"]] }
        after = [["token", "CANARY"], { name = "more", json = '"CANARY"', when = "CANARY", in = "json" }]
        empty-body = "CANARY"
        [[request.rules]]
        match.path = "/public/**"
        then.constants.token = "CANARY"
        [websocket.login]
        message = '{"token":"CANARY","key":"{key}"}'
        accepted = { code = "CANARY" }
        [websocket.message]
        payload = "CANARY"
        fields = [["token", "CANARY"], ["sign", "{signature}"]]
        [resync]
        codes = ["-1021"]
        [variants.other]
        constants = { token = "CANARY" }
        request.body = "CANARY"
    "#
    .replace("CANARY", CANARY)
}

fn recipe() -> RecipeSpec {
    RecipeSpec::from_toml(&text()).expect("a recipe")
}

fn preset_of(token: &str) -> Preset {
    let service = r#"
        [service]
        base-url = "https://api.example.com"
        limits = { source = "https://example.com/limits", checked = "2026-11-28", config.limits.a = { limit = 5, interval = "1s" } }
        time = { source = "https://example.com/time", checked = "2026-11-28", path = "/t", field = "t", format = "ms" }
    "#;
    let text = format!("credentials = ['key']\n[request]\nheaders.A = '{token}'\n{service}");
    Preset::from_toml(&text).expect("a preset")
}

/// Mistakes beside a text or a credential that must not be shown.
fn recipe_errors() -> Vec<RecipeError> {
    let mistaken = |wrong: &str, right: &str| text().replacen(wrong, right, 1);
    let mut errors: Vec<_> = [
        mistaken("carry = \"query\"", "carry = \"nowhere\""),
        mistaken("{params}\"", "{params}{nothing}\""),
        mistaken("headers.X-Key = \"", "headers.X-Key = \"\\n"),
        mistaken("\"upper\"", "\"nothing\""),
        mistaken("then.constants", "then.constant"),
        mistaken("{\"token\"", "{{\"token\""),
        mistaken("[request]", "[request"),
    ]
    .iter()
    .filter_map(|text| {
        RecipeSpec::from_toml(text).and_then(|recipe| RecipeAuth::builder(recipe).build()).err()
    })
    .collect();
    assert_eq!(errors.len(), 7, "{errors:?}");
    for bad in [format!("{CANARY}\n"), format!(" {CANARY}")] {
        let bad = Credentials::new().with("key", bad).with("secret", CANARY);
        errors.extend(RecipeAuth::builder(recipe()).credentials(bad).build().err());
    }
    let binary = Secret::from([CANARY.as_bytes(), b"\xff"].concat());
    let binary = Credentials::new().with("key", binary).with("secret", CANARY);
    errors.extend(RecipeAuth::builder(recipe()).credentials(binary).build().err());
    assert_eq!(errors.len(), 10, "{errors:?}");
    errors
}

fn preset_errors() -> Vec<PresetError> {
    let mut errors: Vec<_> = ["extends = 'nobody'", "[service]\nlimit = 1", "[request]\nx = 1"]
        .iter()
        .filter_map(|text| Preset::from_toml(&format!("constants.a = '{CANARY}'\n{text}")).err())
        .collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    errors.extend(recipe_errors().into_iter().map(PresetError::from));
    errors
}
