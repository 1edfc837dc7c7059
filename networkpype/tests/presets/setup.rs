//! Credentials of the right kind for each preset.

use std::{collections::BTreeMap, sync::LazyLock};

use networkpype::{
    Preset,
    schemes::recipe::{CredentialSpec, Credentials, RecipeSpec, RequestSpec},
};

static KEYS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../vectors/ccxt/keys.json")).expect("keys")
});

/// The secret that the recipe signs with, as text: a secret of sixteen letters, or a private key.
pub(crate) fn secret(algorithm: &str, key_encoding: &str, encoding: &str) -> String {
    let name = match (algorithm, key_encoding) {
        ("ed25519" | "jwt-eddsa", "seed-base64") => "ed25519_seed_base64",
        ("ed25519" | "jwt-eddsa", "seed-base58") => "ed25519_seed_base58",
        ("ed25519" | "jwt-eddsa", _) => "ed25519_pkcs8_pem",
        ("jwt-es256", _) => "p256_sec1_pem",
        (rsa, _) if rsa.starts_with("rsa") => "rsa2048_pkcs8_pem",
        _ => {
            return match encoding {
                "base64" => "bXktc2VjcmV0LW9mLTE2".to_owned(),
                "hex" => "6d792d736563726574".to_owned(),
                _ => "my-secret-of-16-x".to_owned(),
            };
        }
    };
    KEYS[name].clone()
}

/// How a recipe signs: what a variant says, else what the recipe says.
fn said<'r>(
    recipe: &'r RecipeSpec,
    variant: Option<&str>,
    field: impl Fn(&'r RequestSpec) -> Option<&'r str>,
) -> Option<&'r str> {
    let variant = variant.and_then(|name| recipe.variants[name].request.as_ref());
    variant.and_then(&field).or_else(|| recipe.request.as_ref().and_then(&field))
}

/// A text for each credential that the preset declares.
pub(crate) fn credentials(preset: &Preset, variant: Option<&str>) -> Credentials {
    let recipe = preset.recipe();
    let algorithm = said(recipe, variant, |own| own.algorithm.as_deref()).unwrap_or_default();
    let key_encoding = said(recipe, variant, |own| own.key_encoding.as_deref()).unwrap_or("pem");
    let declared = variant.map(|name| &recipe.variants[name].credentials);
    let declared = declared.filter(|own| !own.is_empty()).unwrap_or(&recipe.credentials);
    declared.iter().fold(Credentials::new(), |all, own| {
        let encoding = match own {
            CredentialSpec::Full(full) => full.encoding.as_deref().unwrap_or("utf8"),
            _ => "utf8",
        };
        match own.name() {
            name @ "secret" => all.with(name, secret(algorithm, key_encoding, encoding)),
            name => all.with(name, format!("my-{name}")),
        }
    })
}

/// Each preset with each way to sign that it knows.
pub(crate) fn ways() -> Vec<(Preset, Option<String>)> {
    let mut ways = Vec::new();
    for name in Preset::names() {
        let preset = Preset::named(name).unwrap_or_else(|| panic!("{name} cannot be read"));
        let variants: Vec<_> = preset.recipe().variants.keys().cloned().collect();
        ways.push((preset.clone(), None));
        ways.extend(variants.into_iter().map(|variant| (preset.clone(), Some(variant))));
    }
    ways
}
