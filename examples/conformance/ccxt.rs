//! What the REST and the WebSocket cases have in common: credentials, an instant, and what is random.

use std::{fs, path::Path};

use networkpype::{
    AuthError, ManualClock, Timestamp,
    schemes::recipe::{Credentials, Entropy, RecipeAuth, RecipeBuilder},
};
use serde_json::Value;

use crate::{options::Options, text_of};

/// Keys that credentials name with `@`.
pub(crate) struct Keys(Value);

impl Keys {
    /// Those in `keys.json` beside the file; none where there is none.
    pub(crate) fn beside(file: &Path) -> Result<Self, String> {
        let path = file.with_file_name("keys.json");
        let text = fs::read_to_string(path).unwrap_or_else(|_| "{}".to_owned());
        serde_json::from_str(&text).map(Self).map_err(|error| format!("keys.json: {error}"))
    }

    /// What a credential stands for, where it stands for something.
    pub(crate) fn value_or<'v>(&'v self, text: &'v str) -> Option<&'v str> {
        self.value(text).ok()
    }

    fn value<'v>(&'v self, text: &'v str) -> Result<&'v str, String> {
        match text.strip_prefix('@') {
            None => Ok(text),
            Some(name) => self.0[name].as_str().ok_or_else(|| format!("keys.json has no {name}")),
        }
    }
}

/// The scheme with which a case is signed.
pub(crate) fn scheme(case: &Value, options: &Options, keys: &Keys) -> Result<RecipeAuth, String> {
    let mut builder = options.scheme(text_of(&case["exchange"]))?;
    if let Some(variant) = variant(case, &builder) {
        builder = builder.variant(variant);
    }
    let now = case["clock_ms"].as_i64().ok_or("`clock_ms` is missing, or no whole number")?;
    let clock = ManualClock::new(Timestamp::from_millis(now));
    builder
        .credentials(credentials(case, keys)?)
        .clock(clock)
        .entropy(Fixed)
        .build()
        .map_err(|error| format!("recipe: {error}"))
}

/// The variant that a case names: in a field, or as a word of what it is called.
fn variant(case: &Value, builder: &RecipeBuilder) -> Option<String> {
    if let Some(variant) = case["variant"].as_str() {
        return Some(variant.to_owned());
    }
    let mut words = text_of(&case["case"]).split(' ');
    words.find(|word| builder.variants().any(|known| known == *word)).map(str::to_owned)
}

/// The credentials of a case under the names that recipes give them, and its options under theirs.
fn credentials(case: &Value, keys: &Keys) -> Result<Credentials, String> {
    let mut credentials = Credentials::new();
    for (name, value) in case["credentials"].as_object().into_iter().flatten() {
        let name = match name.as_str() {
            "apiKey" => "key".to_owned(),
            "password" => "passphrase".to_owned(),
            "accountId" => "account".to_owned(),
            name => kebab(name),
        };
        credentials = credentials.with(name, keys.value(text_of(value))?);
    }
    flatten("", &case["options"], &mut |name, value| {
        credentials = std::mem::take(&mut credentials).with(name, value);
    });
    Ok(credentials)
}

fn flatten(name: &str, value: &Value, found: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => found(name, text),
        Value::Object(members) => {
            for (member, value) in members {
                let member = kebab(member);
                let name = if name.is_empty() { member } else { format!("{name}-{member}") };
                flatten(&name, value, found);
            }
        }
        _ => {}
    }
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

/// The bytes that the vectors were made with.
struct Fixed;

impl Entropy for Fixed {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        Ok(std::array::from_fn(|index| index as u8))
    }

    fn uuid(&self) -> Result<[u8; 16], AuthError> {
        // 11111111-2222-4333-8444-555555555555
        Ok([
            0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x43, 0x33, 0x84, 0x44, 0x55, 0x55, 0x55, 0x55,
            0x55, 0x55,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::kebab;

    #[test]
    fn names_are_written_as_recipes_write_them() {
        for (name, expected) in
            [("apiMemo", "api-memo"), ("AccountId", "account-id"), ("uid", "uid"), ("", "")]
        {
            assert_eq!(kebab(name), expected);
        }
    }
}
